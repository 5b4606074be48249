/* global uPlot */
import { byId, el, short } from './format.js';

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const height = 320;
const low = 120;
const seconds = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 2 * 86400, 7 * 86400, 28 * 86400];

// clock labels a time axis.
function clock(u, ticks, axis, space, step) {
  return ticks.map((t) => {
    const d = new Date(1000 * t);
    const text = d.toLocaleTimeString('en-GB', step < 60 ? {} : { hour: '2-digit', minute: '2-digit' });
    return step >= 86400 ? d.toLocaleDateString() : text;
  });
}

const axis = () => ({ stroke: css('--quiet'), grid: { stroke: css('--grid'), width: 1 }, ticks: { stroke: css('--grid'), width: 1 }, font: '12px system-ui, sans-serif' });

// Throughput is the chart: events per second of each job, and the live rate, over wall-clock time.
export class Throughput {
  constructor(into) {
    this.into = into;
    this.scale = localStorage.getItem('scale') || 'auto';
    this.span = 0;
    this.lines = [];
    new ResizeObserver(() => this.plot && this.plot.setSize({ width: into.clientWidth, height })).observe(into);
  }

  // show draws the lines that /api/history gave; first is the name of the job that is looked at.
  show(lines, first) {
    this.lines = lines.filter((l) => l.name === first);
    if (!this.lines.length) return;
    const from = this.from(lines);
    this.lines.push(...lines.filter((l) => l.name !== first && l.t[l.t.length - 1] > from));
    this.draw();
  }

  draw() {
    if (!this.lines.length || !this.into.clientWidth) return;
    const from = this.from();
    const tables = this.lines.map((l) => cut([l.t, l.events], from));
    const live = this.lines.map((l) => cut([l.t, l.live, l.lag], from)).reduce((a, b) => (known(b) > known(a) ? b : a)).slice(0, 2);
    if (known(live) > 1) tables.push(live);
    const data = uPlot.join(tables);
    const log = this.logarithmic(tables.slice(0, this.lines.length), live[1]);
    const key = JSON.stringify([this.lines.map((l) => l.name), tables.length, log, css('--ink')]);
    this.marks = this.lines[0].marks || [];
    this.floor = log ? 10 ** Math.floor(Math.log10(Math.max(1, Math.min(median(live[1]) / 3 || Infinity, top(tables) / 1000)))) : 0;
    if (log) data.slice(1).forEach((column) => column.forEach((v, i) => { if (v !== null && v !== undefined && v < this.floor) column[i] = this.floor; }));
    if (this.plot && this.key === key) {
      this.plot.setData(data);
      return;
    }
    this.key = key;
    this.plot?.destroy();
    this.plot = new uPlot(this.options(log, tables.length), data, this.into);
    this.legend();
  }

  // from is the beginning of the time shown: that of the job that is looked at, with a little before it where others have it.
  from(lines = this.lines) {
    const { t, begin: first } = this.lines[0];
    const before = lines.some((l) => l.begin < first) ? (t[t.length - 1] - first) / 15 : 0;
    const begin = first - before;
    return this.span ? Math.max(begin, t[t.length - 1] - this.span) : begin;
  }

  logarithmic(tables, live) {
    if (this.scale !== 'auto') return this.scale === 'log';
    const steady = median(live);
    return steady > 0 && top(tables) > 20 * steady;
  }

  colour(i) { return css(i === 0 ? '--accent' : '--other' + (1 + (i - 1) % 3)); }

  options(log, n) {
    const series = [{}];
    this.lines.forEach((l, i) => series.push({ label: l.name, stroke: this.colour(i), width: i ? 1.5 : 2, fill: i ? undefined : css('--wash'), spanGaps: true, points: { show: false } }));
    if (n > this.lines.length) series.push({ label: 'live rate', stroke: css('--live'), width: 1.5, dash: [6, 4], spanGaps: true, points: { show: false } });
    return {
      width: this.into.clientWidth, height, series, legend: { show: false }, cursor: { y: false, points: { size: 6 } },
      scales: { x: { time: true, range: (u, min, max) => [this.from(), max] }, y: log ? { distr: 3, range: (u, min, max) => [this.floor, Math.max(max, 10) * 1.6] } : { range: (u, min, max) => [0, Math.max(max, 1) * 1.12] } },
      axes: [{ ...axis(), values: clock, incrs: seconds, space: 74, size: 32 }, { ...axis(), size: 64, label: 'events per second' + (log ? ', logarithmic' : ''), labelSize: 22, labelFont: '12px system-ui, sans-serif', values: (u, ticks) => ticks.map((v) => (v === null || log && !/^[125]0*$/.test(String(v)) ? '' : short(v, 999.5))) }],
      plugins: [{ hooks: { draw: [(u) => this.drawMarks(u)], setCursor: [(u) => this.hover(u)] } }],
    };
  }

  // drawMarks draws a hairline and a word for what happened to the job.
  drawMarks(u) {
    const c = u.ctx;
    const k = devicePixelRatio;
    c.save();
    c.font = 11 * k + 'px system-ui, sans-serif';
    c.textAlign = 'left';
    c.textBaseline = 'alphabetic';
    c.fillStyle = c.strokeStyle = css('--quiet');
    c.setLineDash([3 * k, 3 * k]);
    let free = -Infinity;
    for (const m of this.marks) {
      const x = u.valToPos(m.t / 1000, 'x', true);
      if (x < u.bbox.left - 1 || x > u.bbox.left + u.bbox.width + 1) continue;
      c.beginPath();
      c.moveTo(x, u.bbox.top);
      c.lineTo(x, u.bbox.top + u.bbox.height);
      c.stroke();
      const text = m.mark === 'changed' ? m.note : m.mark;
      const wide = c.measureText(text).width;
      const at = Math.min(x + 4 * k, u.bbox.left + u.bbox.width - wide);
      if (at > free) {
        c.fillText(text, at, u.bbox.top + 11 * k);
        free = at + wide + 8 * k;
      }
    }
    c.restore();
  }

  hover(u) {
    let box = byId('hover');
    const i = u.cursor.idx;
    if (i === null || i === undefined || u.cursor.left < 0) {
      if (box) box.remove();
      return;
    }
    if (!box) {
      box = el('div');
      box.id = 'hover';
      u.over.append(box);
    }
    const near = (column) => { for (let d = 0; d < 8; d++) for (const j of [i - d, i + d]) if (column[j] !== null && column[j] !== undefined) return column[j]; return null; };
    const rows = u.series.slice(1).map((s, n) => [s.label, near(u.data[n + 1])]).filter(([, v]) => v !== null);
    box.replaceChildren(el('div.quiet', new Date(1000 * u.data[0][i]).toLocaleTimeString('en-GB')), ...rows.map(([name, v]) => el('div', name + ': ' + short(v) + ' events/s')));
    const left = u.cursor.left > u.over.clientWidth / 2 ? u.cursor.left - box.offsetWidth - 12 : u.cursor.left + 12;
    box.style.left = left + 'px';
    box.style.top = '20px';
  }

  legend() {
    const entry = (name, colour, dashed) => {
      const i = el('i' + (dashed ? '.dashed' : ''));
      i.style.borderTopColor = colour;
      return el('span', i, name);
    };
    const items = this.lines.map((l, i) => entry(l.name, this.colour(i)));
    if (this.plot.series.length > this.lines.length + 1) items.push(entry('live rate (growth of the log)', css('--live'), true));
    byId('legend').replaceChildren(...items);
  }
}

// Shares is what the tasks did over time, as areas on top of each other.
export class Shares {
  constructor(into) {
    this.into = into;
    new ResizeObserver(() => this.plot && this.plot.setSize({ width: into.clientWidth, height: low })).observe(into);
  }

  show(line, from) {
    const kinds = ['busy', 'blocked', 'paused', 'idle'];
    this.into.parentElement.hidden = !line || !line.busy.some((v) => v !== null);
    if (this.into.parentElement.hidden || !this.into.clientWidth) return;
    let sum = line.t.map(() => 0);
    const columns = kinds.map((k) => (sum = sum.map((v, i) => (line[k][i] === null || v === null ? null : v + line[k][i]))));
    const data = cut([line.t, ...columns.reverse()], from);
    this.from = from;
    const key = css('--ink');
    if (this.plot && this.key === key) {
      this.plot.setData(data);
      return;
    }
    this.key = key;
    this.plot?.destroy();
    this.plot = new uPlot({
      width: this.into.clientWidth, height: low, legend: { show: false }, cursor: { show: false },
      series: [{}, ...kinds.slice().reverse().map((k) => ({ stroke: css('--' + k), fill: css('--' + k), width: 0.5, points: { show: false } }))],
      scales: { x: { time: true, range: (u, min, max) => [this.from, max] }, y: { range: [0, 1] } },
      axes: [{ ...axis(), values: clock, incrs: seconds, space: 74, size: 32 }, { ...axis(), size: 86, values: (u, ticks) => ticks.map((v) => 100 * v + ' %') }],
    }, data, this.into);
  }
}

// known is how well a line knows the live rate: near the log's end it is right, behind it as old as what was fetched.
const known = ([, live, lag]) => live.reduce((n, v, i) => n + (v > 0 ? (lag && lag[i] !== null && lag[i] <= 10 * v ? 1000 : 1) : 0), 0);
const top = (tables) => Math.max(0, ...tables.map((t) => t[1].reduce((a, v) => Math.max(a, v || 0), 0)));

function median(column) {
  const values = column.filter((v) => v > 0).sort((a, b) => a - b);
  return values.length ? values[values.length >> 1] : 0;
}

// cut drops what lies before a time.
function cut(columns, from) {
  const i = columns[0].findIndex((t) => t >= from);
  return columns.map((c) => (i < 0 ? [] : c.slice(i)));
}
