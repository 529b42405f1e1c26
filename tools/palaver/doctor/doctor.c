#include "palaver/doctor/doctor.h"

#include "base/alloc.h"
#include "wire/mp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static const column_t columns[] = {
    {.title = "CHECK", .key = "check"},
    {.title = "RESULT", .key = "result"},
    {.title = "FOUND", .key = "found"},
    {.title = "WHAT TO DO", .key = "advice", .below = true},
};

static const char *const results[] = {"ok", "skipped", "warning", "problem"};

void doctor_say (doctor_t *self, finding_t finding, const char *advice, const char *format, ...)
{
    char found[PLV_FAIL_TEXT_BYTES];
    plv_buf_t map = {0};
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (found, sizeof found, format, arguments);
    va_end (arguments);
    plv_mp_put_map (&map, 4);
    plv_mp_pair_text (&map, "check", self->check);
    plv_mp_pair_text (&map, "result", results[finding]);
    plv_mp_pair_text (&map, "found", found);
    plv_mp_pair_text (&map, "advice", advice);
    plv_buf_check (&map);
    table_add (&self->table, plv_buf_view (&map));
    plv_buf_free (&map);
    self->count[finding]++;
}

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
