import { short } from './format.js';

const svg = (tag, attributes, text) => {
  const e = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, v] of Object.entries(attributes)) e.setAttribute(name, v);
  if (text !== undefined) e.textContent = text;
  return e;
};

const box = { w: 186, h: 52 };
const gap = { x: 46, y: 22, frame: 12 };

// place gives each operator a column, one after its last input, and a row, so that those of a stage stand together.
function place(operators) {
  const byName = new Map(operators.map((o) => [o.Name, { ...o, column: 0, row: 0 }]));
  const nodes = [...byName.values()];
  const column = (o, depth) => (depth > nodes.length ? 0 : Math.max(0, ...(o.Inputs || []).map((e) => 1 + column(byName.get(e.From), depth + 1))));
  nodes.forEach((o) => { o.column = column(o, 0); });
  let base = 0;
  for (const stage of new Set(nodes.map((o) => o.Stage))) {
    const next = new Map();
    let most = base;
    const members = nodes.filter((o) => o.Stage === stage).sort((a, b) => a.column - b.column);
    for (const o of members) {
      const inside = (o.Inputs || []).map((e) => byName.get(e.From)).filter((p) => p.Stage === stage);
      o.row = Math.max(next.get(o.column) ?? base, inside.length ? Math.min(...inside.map((p) => p.row)) : base);
      next.set(o.column, o.row + 1);
      most = Math.max(most, o.row + 1);
    }
    base = most;
  }
  return { nodes, byName };
}

const clip = (text, most) => (text.length > most ? text.slice(0, most - 1) + '…' : text);

// draw draws the job's graph with the rate of each operator that counts.
export function draw(into, job) {
  const { nodes, byName } = place(job.graph);
  const rates = new Map();
  for (const c of job.counters || []) {
    if (c.name === 'records_in' || c.name === 'rows_written') rates.set(c.of, short(c.perSecond) + (c.name === 'records_in' ? ' records/s' : ' rows/s'));
  }
  const stages = [...new Set(nodes.map((o) => o.Stage))];
  const x = (o) => gap.frame + 4 + o.column * (box.w + gap.x);
  const y = (o) => 28 + o.row * (box.h + gap.y) + stages.indexOf(o.Stage) * 26;
  const width = Math.max(...nodes.map(x)) + box.w + gap.frame + 6;
  const height = Math.max(...nodes.map(y)) + box.h + gap.frame + 6;
  const root = svg('svg', { width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': 'the graph of the job' });
  for (const stage of stages) {
    const members = nodes.filter((o) => o.Stage === stage);
    const left = Math.min(...members.map(x)) - gap.frame, up = Math.min(...members.map(y)) - gap.frame;
    root.append(svg('rect', { class: 'frame', x: left, y: up, width: Math.max(...members.map(x)) + box.w + gap.frame - left, height: Math.max(...members.map(y)) + box.h + gap.frame - up, rx: 10 }));
    const n = members[0].Tasks;
    root.append(svg('text', { class: 'stage', x: left + 4, y: up - 4 }, (n === 0 ? 'one task per split' : n === 1 ? '1 task' : n + ' tasks')));
  }
  for (const o of nodes) {
    for (const e of o.Inputs || []) {
      const from = byName.get(e.From);
      const [x1, y1, x2, y2] = [x(from) + box.w, y(from) + box.h / 2, x(o), y(o) + box.h / 2];
      const bend = Math.max(18, (x2 - x1) / 2);
      root.append(svg('path', { class: 'edge' + (e.Ship === 'forward' ? '' : ' exchange'), d: `M${x1},${y1} C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2 - 7},${y2}` }));
      root.append(svg('path', { class: 'tip', d: `M${x2 - 8},${y2 - 4} L${x2 - 1},${y2} L${x2 - 8},${y2 + 4} Z` }));
      if (e.Ship !== 'forward') root.append(svg('text', { class: 'detail', x: (x1 + x2) / 2, y: (y1 + y2) / 2 - 6, 'text-anchor': 'middle' }, e.Ship));
    }
  }
  for (const o of nodes) {
    const g = svg('g', {});
    g.append(svg('title', {}, o.Kind + ' ' + o.Name + (o.Detail ? ': ' + o.Detail : '')));
    g.append(svg('rect', { class: 'box ' + (o.Kind === 'source' || o.Kind === 'sink' ? o.Kind : ''), x: x(o), y: y(o), width: box.w, height: box.h, rx: 7 }));
    g.append(svg('text', { class: 'name', x: x(o) + 9, y: y(o) + 18 }, clip(o.Name, 25)));
    g.append(svg('text', { class: 'detail', x: x(o) + 9, y: y(o) + 32 }, clip(o.Kind + (o.Detail ? ': ' + o.Detail : ''), 30)));
    g.append(svg('text', { class: 'detail', x: x(o) + 9, y: y(o) + 45 }, rates.get(o.Name) || ''));
    root.append(g);
  }
  into.replaceChildren(root);
}
