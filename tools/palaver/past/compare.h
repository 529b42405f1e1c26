/*  compare -- old answers beside new ones: rows as they come, and what changed in all
    OWNS    its table and its page, ended by compare_end
    THREAD  main
    FAILS   when the page cannot be made or written: says so on stderr, and returns how the call ends
    COST    a row at a time is in memory  */

#ifndef PALAVER_COMPARE_H
#define PALAVER_COMPARE_H

#include "palaver/past/html.h"
#include "palaver/show/table.h"

typedef struct {
    uint64_t compared, same, changed, fresh, failed, slower, unsure; /* the last: about the state */
} compare_counts_t;

typedef struct {
    const out_t *out;
    const char *service;
    table_t table;
    html_t html;
    compare_counts_t counts;
} compare_t;

/*  `path`: of the page, NULL: none.  */
ending_t compare_begin (compare_t *self, const out_t *out, const char *service, const char *path);

/*  One event, as events.list gives it whole; what `try` said of it, or `failed`, why it was not tried; which state it
    was given with: see past_state.  */
void compare_add (compare_t *self, plv_view_t event, plv_view_t trial, plv_view_t failed,
                  const char *state);

/*  The rows so far are shown.  */
void compare_flush (compare_t *self);

/*  What changed in all; `whole`: nothing is missing.  */
ending_t compare_end (compare_t *self, bool whole);

#endif
