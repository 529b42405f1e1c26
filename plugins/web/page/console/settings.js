// How a replay goes: to which route, with which text, how fast, and what of unknown outcome.

import { api } from './api.js';
import { h } from './dom.js';

const STARS = '********';

function routeField (plan, routes) {
  const names = [...new Set(routes.flatMap((route) => [route.name, route.service]))];
  const select = h('select', { id: 'plan-to' }, h('option', { value: '' }, 'where each belongs'),
    names.map((name) => h('option', { value: name }, name)));
  select.value = plan.to;
  return { node: h('div', { class: 'field' }, h('label', { for: 'plan-to' }, 'To the route or service'), select),
    read: () => { plan.to = select.value; } };
}

function rateField (plan) {
  const input = h('input', { id: 'plan-rate', type: 'number', min: 1, max: 100000, inputmode: 'numeric',
    value: plan.rate || '' });
  return { node: h('div', { class: 'field' }, h('label', { for: 'plan-rate' }, 'At most, letters a second'), input),
    read: () => { plan.rate = Math.max(0, Math.floor(Number(input.value) || 0)); } };
}

function duplicatesField (plan) {
  const box = h('input', { id: 'plan-duplicates', type: 'checkbox', checked: plan.duplicates });
  return { node: h('div', { class: 'field-box' }, box,
    h('label', { for: 'plan-duplicates' }, 'Also what the platform may have already: somebody may read it twice')),
    read: () => { plan.duplicates = box.checked; } };
}

// Another text is for one message: an event with an id of its own takes the letter's place.
async function textField (plan) {
  const [one] = plan.letters;
  if (plan.letters.length !== 1 || one.type !== 'chat.message') return null;
  const said = (await api.get(`dead/${one.number}`)).items[0].body.message_text ?? '';
  const masked = said.includes(STARS), shown = said.replace(/\r\n?/g, '\n'); // as a box has it
  const box = h('textarea', { id: 'plan-text', rows: 3, maxlength: 100000 });
  box.value = plan.text || (masked ? '' : said);
  const note = masked
    ? 'Something in it looks like a secret and is not shown: what you write here replaces the whole text. '
      + 'Empty: it goes as it is.'
    : 'Changed, it goes as a corrected copy in the letter’s place; the ledger says so.';
  return { node: h('div', { class: 'field wide' }, h('label', { for: 'plan-text' }, 'The message'), box,
    h('p', { class: 'soft' }, note)),
    read: () => { plan.text = box.value.trim() && box.value !== shown ? box.value : ''; } };
}

export async function settings (plan, routes, changed) {
  const fields = [await textField(plan), routeField(plan, routes), rateField(plan),
    duplicatesField(plan)].filter(Boolean);
  const set = h('fieldset', { class: 'fields' }, h('legend', { class: 'unseen' }, 'How'),
    fields.map((field) => field.node));
  const node = h('section', { class: 'panel' }, h('h2', null, 'How'), set);
  node.addEventListener('change', () => {
    for (const field of fields) field.read();
    changed();
  });
  return { node, lock: (on) => { set.disabled = on; } };
}
