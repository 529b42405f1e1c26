#include "palaver/doctor/doctor.h"

#include <stdlib.h>

static const column_t columns[] = {
    {.title = "CHECK", .key = "check"},
    {.title = "RESULT", .key = "result"},
    {.title = "FOUND", .key = "found"},
    {.title = "WHAT TO DO", .key = "advice", .below = true},
};

void doctor_run (doctor_t *self, call_t *call)
{
    static const struct {
        const char *name;
        void (*check) (doctor_t *doctor);
    } checks[] = {
#define CHECK(function, name, meaning) {name, check_##function},
#include "palaver/doctor/checks.def"
    };
    *self = (doctor_t){.call = call};
    self->table = table_new (&call->out, columns, sizeof columns / sizeof *columns);
    doctor_meet (self);
    for (size_t at = 0; at < sizeof checks / sizeof *checks; at++) {
        self->check = checks[at].name;
        checks[at].check (self);
    }
    table_flush (&self->table);
}

void doctor_free (doctor_t *self)
{
    if (self->answers)
        asker_close (&self->asker);
    plv_conf_destroy (&self->conf);
    plv_buf_free (&self->status);
    table_free (&self->table);
    free (self->conf_file);
    free (self->data);
}
