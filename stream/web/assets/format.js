// Numbers and times as people read them, and the few functions that make elements. Text from the server is only ever set as text.

// short is a number in three digits; thousands get a letter from so many on.
export function short(v, from = 9999.5) {
  const digits = (x) => (x < 9.995 ? x.toFixed(2).replace(/\.?0+$/, '') : x < 99.95 ? x.toFixed(1).replace(/\.0$/, '') : x.toFixed(0));
  for (const [least, unit, name] of [[999.5e9, 1e12, 'T'], [999.5e6, 1e9, 'G'], [999.5e3, 1e6, 'M'], [from, 1e3, 'k']]) {
    if (v >= least) return digits(v / unit) + ' ' + name;
  }
  return v >= 100 ? whole(v) : digits(v);
}

export const whole = (v) => Math.round(v).toLocaleString('en-US');

export function bytes(v) {
  for (const [unit, name] of [[1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB']]) {
    if (v >= unit) return (v / unit).toFixed(v >= 100 * unit ? 0 : 1) + ' ' + name;
  }
  return Math.round(v) + ' B';
}

export function span(seconds) {
  if (seconds < 1) return '< 1 s';
  if (seconds < 90) return Math.round(seconds) + ' s';
  if (seconds < 90 * 60) return Math.floor(seconds / 60) + ' min ' + Math.round(seconds % 60) + ' s';
  if (seconds < 36 * 3600) return Math.floor(seconds / 3600) + ' h ' + Math.round((seconds % 3600) / 60) + ' min';
  return (seconds < 864000 ? (seconds / 86400).toFixed(1) : whole(seconds / 86400)) + ' days';
}

export const time = (iso) => (iso ? new Date(iso).toISOString().replace('T', ' ').slice(0, 19) : '–');

export const percent = (share) => (100 * share).toFixed(share > 0.1 && share < 0.9995 ? 1 : share >= 0.9995 ? 0 : 2) + ' %';

export const byId = (id) => document.getElementById(id);

// el makes an element of a tag with classes ("td.text.good") and its content: text, elements or lists of them.
export function el(tag, ...content) {
  const [name, ...classes] = tag.split('.');
  const e = document.createElement(name);
  if (classes.length) e.className = classes.join(' ');
  e.append(...content.flat());
  return e;
}

// table fills a table. Columns are [title, class]; a row is a list of cells, each text or an element, and may have a class.
export function table(into, columns, rows) {
  const head = el('tr', columns.map(([title, kind]) => el('th' + (kind ? '.' + kind : ''), title)));
  const body = rows.map((row) => {
    const tr = el('tr', row.map((cell, i) => el('td' + (columns[i][1] ? '.' + columns[i][1] : ''), cell)));
    if (row.kind) tr.className = row.kind;
    return tr;
  });
  into.replaceChildren(el('thead', head), el('tbody', body));
}

// setText changes an element's text where it differs.
export function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}
