/*  flavour -- how a platform writes what Markdown says
    OWNS    nothing: a const table, made of flavour.def
    THREAD  any
    FAILS   a flavour that is not known is plain text
    COST    none  */

#ifndef HOST_TEXT_FLAVOUR_H
#define HOST_TEXT_FLAVOUR_H

#include "base/buf.h"
#include "host/text/layout.h"
#include "sdk/adapter.h"

typedef enum {
    ESCAPE_NOTHING,
    ESCAPE_MARKDOWN, /* backslashes */
    ESCAPE_TELEGRAM, /* & < > */
    ESCAPE_PAGE,     /* & < > " ' */
    ESCAPE_SLACK,    /* & < >, and a zero-width space behind what would begin markup */
    ESCAPE_SIGNS,    /* that space alone */
} flavour_escape_t;

typedef enum { STYLE_STRONG, STYLE_EM, STYLE_STRIKE, STYLE_CODE, STYLE_COUNT } flavour_style_t;

typedef struct {
    pal_markdown_t id;
    flavour_escape_t escape;
    const char *open[STYLE_COUNT];
    const char *close[STYLE_COUNT];
    const char *quote;
    const char *bullet;
    const char *rule;
    bool counted;
} flavour_t;

const flavour_t *flavour_of (pal_markdown_t id);

/*  Writes text[from, to). What stands before and behind it is looked at; `line_start`: nothing but prefixes
    stands before it in its line.  */
void flavour_escape (const flavour_t *self, plv_buf_t *out, plv_view_t text, size_t from, size_t to,
                     layout_form_t form, bool line_start);

/*  An address for an attribute or for parentheses: what is not safe there is percent-encoded.  */
void flavour_address (const flavour_t *self, plv_buf_t *out, plv_view_t address);

/*  May it be a link? Only http, https and mailto.  */
bool flavour_is_safe (plv_view_t address);

#endif
