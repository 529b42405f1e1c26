/*  problem -- what can be wrong, as problem.def lists it
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    a table look-up  */

#ifndef WEB_PROBLEM_H
#define WEB_PROBLEM_H

#include "web/text.h"

typedef enum {
#define PROBLEM(name, status, slug, kind, code, title, meaning) PROBLEM_##name,
#include "web/problem.def"
#undef PROBLEM
    PROBLEM_COUNT_
} problem_t;

uint32_t problem_status (problem_t problem);

/*  The body of an RFC 9457 problem, without the closing brace.  */
void problem_begin (text_t *out, problem_t problem, pal_text_t detail);

/*  The same in the shape that clients of OpenAI know; whole.  */
void problem_openai (text_t *out, problem_t problem, pal_text_t detail);

/*  What GET /problems/SLUG shows; false: there is no such problem.  */
bool problem_explain (text_t *out, pal_text_t slug);

#endif
