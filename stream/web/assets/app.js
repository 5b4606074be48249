import { Shares, Throughput } from './chart.js';
import { byId, el, setText } from './format.js';
import * as graph from './graph.js';
import * as limit from './limit.js';
import * as state from './state.js';
import * as tables from './tables.js';

const every = 1000;
let chosen = decodeURIComponent(location.hash.slice(1));
let last = null;
const chart = new Throughput(byId('throughput'));
const shares = new Shares(byId('shares'));

// theme is what the system prefers until the button says otherwise.
function theme(v) { document.documentElement.dataset.theme = v; }
const dark = matchMedia('(prefers-color-scheme: dark)');
theme(localStorage.getItem('theme') || (dark.matches ? 'dark' : 'light'));
dark.addEventListener('change', () => { if (!localStorage.getItem('theme')) { theme(dark.matches ? 'dark' : 'light'); render(); } });
byId('theme').addEventListener('click', () => {
  const v = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
  localStorage.setItem('theme', v);
  theme(v);
  render();
});

// choice makes a row of buttons of which one is pressed.
function choice(id, get, set) {
  const buttons = [...byId(id).querySelectorAll('button')];
  const press = () => buttons.forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.v === String(get()))));
  buttons.forEach((b) => b.addEventListener('click', () => { set(b.dataset.v); press(); render(); }));
  press();
}
choice('scale', () => chart.scale, (v) => { chart.scale = v; localStorage.setItem('scale', v); });
choice('span', () => chart.span, (v) => { chart.span = Number(v); });
limit.begin();
state.begin();

function jobs(status) {
  const names = status.jobs.map((j) => j.name);
  if (!names.includes(chosen)) chosen = names[0] || '';
  if (names.length < 2) return;
  byId('jobs').replaceChildren(...names.map((n) => {
    const b = el('button', n);
    b.setAttribute('aria-pressed', String(n === chosen));
    b.addEventListener('click', () => { chosen = n; location.hash = encodeURIComponent(n); render(); });
    return b;
  }));
}

function render() {
  if (!last) return;
  const { status, lines, states } = last;
  document.querySelector('main').hidden = false;
  document.title = status.title;
  setText(byId('title'), status.title);
  jobs(status);
  const job = status.jobs.find((j) => j.name === chosen);
  if (!job) return;
  const at = Date.parse(status.at);
  tables.headline(job, at);
  tables.progress(job);
  tables.splits(job);
  tables.ledger(job);
  tables.tasks(job);
  tables.sinks(job);
  tables.care(job, at);
  tables.counters(job);
  limit.show(job);
  state.show(job, states);
  byId('graph-panel').hidden = !job.graph;
  if (job.graph) graph.draw(byId('graph'), job);
  setText(byId('plan'), job.plan || '');
  chart.show(lines, chosen);
  shares.show(lines.find((l) => l.name === chosen), chart.lines.length ? chart.from() : 0);
}

async function get(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function poll() {
  if (!document.hidden || !last) {
    try {
      const [status, lines, states] = await Promise.all([get('api/status'), get('api/history'), get('api/state')]);
      last = { status, lines, states };
      render();
      byId('lost').hidden = true;
      setText(byId('connection'), 'updated ' + new Date().toLocaleTimeString('en-GB'));
    } catch (e) {
      byId('lost').hidden = false;
      setText(byId('lost'), 'The job’s process has ended or cannot be reached; these are its last numbers. (' + e.message.trim() + ')');
    }
  }
  setTimeout(poll, every);
}
poll();
document.addEventListener('visibilitychange', () => { if (!document.hidden) render(); });
