/*  html -- a report as one page that needs nothing else: no script, no font, no picture, nothing from anywhere
    OWNS    its file, which has its name when html_end has ended it well: see new_file
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    rows go to the disk as they come: memory does not grow with the page

    What people and agents wrote is text and nothing else: every byte that means something to a browser is escaped,
    and the page forbids itself scripts all the same.  */

#ifndef PALAVER_HTML_H
#define PALAVER_HTML_H

#include "palaver/new_file.h"

typedef struct {
    new_file_t target; /* without a file: there is no page */
} html_t;

ending_t html_begin (html_t *self, const char *path, const char *title);

/*  A part of a row: markup of ours, or a text of somebody else's.  */
void html_put (html_t *self, const char *markup);
void html_text (html_t *self, plv_view_t text);
void html_number (html_t *self, int64_t number);

ending_t html_end (html_t *self);

/*  Appends the text, escaped.  */
void html_escape (plv_buf_t *out, plv_view_t text);

#endif
