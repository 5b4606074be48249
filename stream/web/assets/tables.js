import { byId, bytes, el, percent, setText, short, span, table, time, whole } from './format.js';

const states = { running: 'good', finished: 'good', waiting: 'warn', stopped: 'warn', failed: 'bad' };

function card(value, name, note) {
  const c = el('div.card', el('b', value), el('span', name));
  if (note) c.append(el('span', note));
  return c;
}

export function headline(job, at) {
  const state = el('span.state.' + states[job.state], job.state);
  const first = el('div.card', el('b', state), el('span', job.error || (job.started ? 'for ' + span((Date.parse(job.at) - Date.parse(job.started)) / 1000) : '')));
  if (job.problem) first.append(el('span.bad', job.problem));
  const behind = job.eventTime ? span(Math.max(0, (at - Date.parse(job.eventTime)) / 1000)) + ' behind now' : '';
  byId('headline').replaceChildren(
    first,
    card(short(job.eventsPerSecond), 'events/s', 'mean ' + short(job.meanPerSecond) + ', ' + bytes(job.bytesPerSecond) + '/s'),
    card(job.livePerSecond >= 0 ? short(job.livePerSecond) : '–', 'live rate, events/s', job.livePerSecond > 0 ? 'now ' + short(job.eventsPerSecond / job.livePerSecond) + ' times it' : 'the log does not grow'),
    card(short(job.rowsPerSecond), 'sink rows/s', whole(job.rows) + ' in all'),
    card(short(job.events), 'events read', job.bytes ? bytes(job.bytes) : ''),
    card(job.lag >= 0 ? short(job.lag) : '–', 'still to read', job.caughtUp ? 'caught up' : ''),
    card(job.eventTime ? time(job.eventTime).slice(11) : job.state === 'finished' ? 'end' : '–', 'event time, UTC', [job.eventTime ? time(job.eventTime).slice(0, 10) : job.state === 'finished' ? 'all input was read' : 'not begun', behind].filter(Boolean).join(', ')),
  );
}

export function progress(job) {
  const known = job.done >= 0;
  byId('way').hidden = !known;
  byId('done').style.width = known ? 100 * job.done + '%' : '0';
  setText(byId('percent'), known ? percent(job.done) + (job.bounded ? '' : ' of the log') : '');
  setText(byId('positions'), job.total ? whole(job.read) + ' of ' + whole(job.total) + ' positions' : '');
  const words = job.state !== 'running' ? job.state : job.caughtUp && !job.bounded ? 'caught up, follows the log' : job.remaining >= 0 ? span(job.remaining) + ' left' : 'time left is not known yet';
  setText(byId('remaining'), words);
}

function mini(share) {
  const i = el('i');
  i.style.width = 100 * share + '%';
  return el('span.mini', i);
}

export function splits(job) {
  const rows = (job.splits || []).map((s) => {
    const kind = { reading: 'good', limited: 'warn', paused: 'warn', idle: 'warn', 'at the end': '', finished: '' }[s.state];
    const row = [
      s.id,
      s.end >= 0 ? el('span', whole(s.position), mini(s.end > s.start ? (s.position - s.start) / (s.end - s.start) : 1)) : whole(s.position),
      s.end >= 0 ? whole(s.end) : '–', s.lag >= 0 ? whole(s.lag) : '–', short(s.perSecond), s.eventTime ? time(s.eventTime) : '–',
      el('span' + (kind ? '.' + kind : ''), s.state + (s.holds && !job.bounded ? ', holds time' : '')), s.why,
    ];
    if (s.holds && s.state !== 'finished') row.kind = 'holds';
    return row;
  });
  table(byId('splits'), [['split', 'text'], ['position'], ['end'], ['lag'], ['/s'], ['event time'], ['state', 'text'], ['why', 'wrap.text']], rows);
}

export function ledger(job) {
  const classes = ['in', 'copied', 'used', 'late', 'filtered', 'dead_lettered', 'skipped', 'quarantined', 'expired'];
  const lines = job.ledger || [];
  const shown = classes.filter((c) => c === 'in' || c === 'used' || lines.some((l) => l.counts[c]));
  table(byId('ledger'), [['split', 'text'], ...shown.map((c) => [c.replace('_', ' ')]), ['lost']],
    lines.map((l) => [l.split, ...shown.map((c) => whole(l.counts[c])), l.difference ? el('span.bad', whole(l.difference)) : '0']));
}

export function tasks(job) {
  byId('tasks').replaceChildren(...(job.tasks || []).map((t) => {
    const parts = ['busy', 'blocked', 'paused', 'idle'].map((a) => {
      const i = el('i.' + a);
      i.style.width = 100 * t[a] + '%';
      i.title = a + ' ' + percent(t[a]);
      return i;
    });
    const most = ['busy', 'blocked', 'paused', 'idle'].reduce((a, b) => (t[b] > t[a] ? b : a));
    const name = el('span', t.operator + ' / ' + t.subtask);
    name.title = 'most of the time ' + most;
    return el('div.task', name, el('div.shares', parts), el('b', Math.round(100 * t.busy) + ' %'));
  }));
}

export function sinks(job) {
  table(byId('sinks'), [['sink', 'text'], ['rows'], ['rows/s'], ['writes'], ['failed'], ['ms a write']],
    (job.sinks || []).map((s) => [s.operator, whole(s.rows), short(s.perSecond), whole(s.writes), s.failures ? el('span.bad', whole(s.failures)) : '0', s.latency >= 0 ? short(s.latency) : '–']));
}

export function care(job, at) {
  const t = job.totals;
  const seen = (n, kind) => (n ? el('span.' + kind, whole(n)) : '0');
  const c = job.checkpoint;
  const rows = [
    ['late', seen(t.late, 'warn')], ['quarantined', seen(t.quarantined, 'warn')], ['undecodable', seen(t.undecodable, 'bad')], ['results taken back', whole(t.retractions)],
    ['retries of servers', seen(t.retries, 'warn')], ['restarts', seen(t.restarts, 'bad')],
    ['checkpoints', whole(c.number) + (c.number ? ', the last ' + span((at - Date.parse(c.at)) / 1000) + ' ago, ' + bytes(c.bytes / c.number) + ' each' : '')],
    ['alive', job.alive], ['ready', job.ready],
  ];
  byId('care').replaceChildren(...rows.flatMap(([name, value]) => [el('dt', name), el('dd', value)]));
}

export function counters(job) {
  table(byId('counters'), [['counter', 'text'], ['of', 'text'], ['value'], ['/s']], (job.counters || []).map((c) => [c.name, c.of || '', whole(c.value), short(c.perSecond)]));
}
