// Routes that wait: paused by an operator with a reason, and let go on.

import { api } from './api.js';
import { ask, h, say } from './dom.js';
import { time } from './format.js';
import { watch } from './watch.js';

const REASON_LENGTH = 64;

// Somebody was faster; what is on the record are their words.
const pausedAlready = (told) =>
  `It is paused already, since ${time(told.paused_us)} by ${told.paused_by}${told.why ? `: ${told.why}` : ''}.`;

// A dialog with a reason; `verb` is what the button says. It stays open until the broker has done it.
async function tell (title, words, verb, path, route) {
  await ask(title, (done) => {
    const reason = h('input', { id: 'route-reason', required: true, maxlength: REASON_LENGTH, autocomplete: 'off' });
    const fault = h('p', { class: 'fault', role: 'alert' }), go = h('button', { class: 'button main', type: 'submit' },
      verb);
    go.addEventListener('click', async (event) => {
      event.preventDefault();
      if (!reason.reportValidity()) return;
      try {
        const told = await api.post(path, { route: route.name, reason: reason.value.trim() });
        watch.soon(0);
        if (told.paused_by) say(fault, pausedAlready(told));
        else done(told);
      } catch (problem) {
        say(fault, problem.message);
      }
    });
    return [h('p', null, words), h('label', { for: 'route-reason' }, 'Reason'), reason, fault,
      h('p', { class: 'actions' }, h('button', { class: 'button', type: 'button', onclick: () => done(null) },
        'Leave it'), go)];
  });
}

export const pause = (route) =>
  tell(`Pause ${route.name}?`, 'Its events are kept and wait, in their order, until somebody lets it go on.',
  'Pause it',
  'routes/pause', route);

export const resume = (route) => tell(`Let ${route.name} go on?`, 'The events that wait in it go to agents at once.',
  'Let it go on', 'routes/resume', route);
