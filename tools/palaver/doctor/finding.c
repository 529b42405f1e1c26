/*  One finding: a row of the table.  */

#include "palaver/doctor/doctor.h"
#include "wire/mp.h"

#include <stdarg.h>
#include <stdio.h>

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
