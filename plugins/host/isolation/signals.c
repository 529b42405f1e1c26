#include "host/isolation/signals.h"

void signals_add (signals_t *self, int number)
{
    if (self->count == SIGNALS_MAX || sigaction (number, NULL, &self->actions[self->count]) < 0)
        return;
    self->numbers[self->count++] = number;
}

void signals_restore (const signals_t *self)
{
    sigset_t ours;
    sigemptyset (&ours);
    for (size_t at = 0; at < self->count; at++) {
        sigaction (self->numbers[at], &self->actions[at], NULL);
        sigaddset (&ours, self->numbers[at]);
    }
    sigprocmask (SIG_UNBLOCK, &ours, NULL);
}
