import { byId, setText, short } from './format.js';

let name = '';

// show shows the job's rate limit, if it has one.
export function show(job) {
  byId('limit').hidden = !job.limit;
  name = job.name;
  if (!job.limit) return;
  const l = job.limit;
  const wanted = [l.events ? short(l.events) + ' events/s' : '', l.bytes ? short(l.bytes / 1e6) + ' MB/s' : ''].filter(Boolean).join(' and ') || 'no limit';
  const now = l.adaptive && l.present && l.present !== l.events ? 'now ' + short(l.present) + ' events/s' : '';
  const why = l.adaptive ? l.why + (l.latency ? ' (' + short(l.latency) + ' ms a write)' : '') : '';
  setText(byId('limit-now'), 'Set: ' + wanted + (l.adaptive ? '. Adaptive: ' + [now, why].filter(Boolean).join(', ') : ''));
}

async function set(events, bytes) {
  const error = byId('limit-error');
  if (!(events >= 0 && bytes >= 0)) {
    setText(error, 'A rate is a number, 0 or above; leave it empty for no limit.');
    return;
  }
  try {
    const answer = await fetch('api/limit', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ job: name, events, bytes }) });
    setText(error, answer.ok ? '' : await answer.text());
  } catch (e) {
    setText(error, String(e));
  }
}

// begin wires the form.
export function begin() {
  const number = (id) => Number(byId(id).value.replace(/[,\s]/g, '') || 0);
  byId('limit-form').addEventListener('submit', (e) => {
    e.preventDefault();
    set(number('limit-events'), 1e6 * number('limit-bytes'));
  });
  byId('limit-off').addEventListener('click', () => {
    byId('limit-events').value = byId('limit-bytes').value = '';
    set(0, 0);
  });
}
