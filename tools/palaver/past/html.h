/*  html -- a report as one page that needs nothing else: no script, no font, no picture, nothing from anywhere
    OWNS    its file, closed by html_end
    THREAD  main
    FAILS   html_begin with words; html_end says whether everything was written
    COST    rows go to the disk as they come: memory does not grow with the page

    What people and agents wrote is text and nothing else: every byte that means something to a browser is escaped,
    and the page forbids itself scripts all the same.  */

#ifndef PALAVER_HTML_H
#define PALAVER_HTML_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    FILE *file;
    const char *path;
    int failed; /* errno of the first write that failed; 0: none has */
} html_t;

/*  A new file that only its owner may read.  */
plv_err_t html_begin (html_t *self, const char *path, const char *title, plv_fail_t *ret_fail);

/*  A part of a row: markup of ours, or a text of somebody else's.  */
void html_put (html_t *self, const char *markup);
void html_text (html_t *self, plv_view_t text);
void html_number (html_t *self, int64_t number);

/*  False: it could not be written as a whole, `failed` says why, and it is gone again.  */
bool html_end (html_t *self);

/*  Appends the text, escaped.  */
void html_escape (plv_buf_t *out, plv_view_t text);

#endif
