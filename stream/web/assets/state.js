import { byId, el, setText } from './format.js';

let name = '';
let known = '';

// show offers the operators of the job whose state can be asked for.
export function show(job, states) {
  const of = states.find((s) => s.job === job.name);
  byId('state').hidden = !of || !of.operators.length;
  name = job.name;
  const operators = of ? of.operators : [];
  const now = JSON.stringify([name, operators.map((o) => o.operator)]);
  if (now === known) return;
  known = now;
  byId('state-operator').replaceChildren(...operators.map((o) => {
    const option = el('option', o.operator);
    option.value = o.operator;
    return option;
  }));
  setText(byId('state-found'), '');
  setText(byId('state-error'), '');
}

async function look(operator, key) {
  const error = byId('state-error');
  const found = byId('state-found');
  try {
    const answer = await fetch('api/state/' + encodeURIComponent(operator) + '?' + new URLSearchParams({ key, job: name }));
    const text = await answer.text();
    setText(error, answer.ok ? '' : text);
    setText(found, answer.ok ? JSON.stringify(JSON.parse(text), null, 2) : '');
  } catch (e) {
    setText(error, String(e));
    setText(found, '');
  }
}

// begin wires the form.
export function begin() {
  byId('state-form').addEventListener('submit', (e) => {
    e.preventDefault();
    look(byId('state-operator').value, byId('state-key').value);
  });
}
