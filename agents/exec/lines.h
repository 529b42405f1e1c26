/*  lines -- jobs as lines of JSON, and what programs say as lines of JSON: version 1
    OWNS    a said_t owns its JSON, freed by said_free
    THREAD  any
    FAILS   said_parse with ERR_SYNTAX and a text that says what is wrong with the line
    COST    one walk

    The README of this folder describes both directions for the people who write such programs.  */

#ifndef EXEC_LINES_H
#define EXEC_LINES_H

#include "sdk/agent.h"

#include <jansson.h>

enum { LINES_VERSION = 1 };

typedef enum {
#define SAY(name, text, fields, meaning) SAY_##name,
#include "exec/say.def"
    SAY_COUNT_,
} say_t;

typedef struct {
    say_t what;
    json_t *root; /* the whole object */
} said_t;

plv_err_t said_parse (plv_view_t line, said_t *ret_said, plv_fail_t *ret_fail);
void said_free (said_t *self);

/*  The field, or the standard when it is missing or of another type; a number is at most 2^53, whatever its sign.  */
const char *said_text (const said_t *self, const char *field, const char *standard);
int64_t said_number (const said_t *self, const char *field, int64_t standard);
bool said_truth (const said_t *self, const char *field, bool standard);

/*  The body of a chat.response: all fields but type, id and state.  */
plv_err_t said_body (const said_t *self, plv_buf_t *body, plv_fail_t *ret_fail);

/*  Lines for the program, with their newline.  */
void lines_hello (plv_buf_t *out, const char *name, const char *const *services, size_t count);
void lines_job (plv_buf_t *out, const plv_job_t *job);
void lines_cancel (plv_buf_t *out, const char *reason);
void lines_saved (plv_buf_t *out, const char *step);

#endif
