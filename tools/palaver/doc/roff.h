/*  roff -- the markup of man pages
    OWNS    nothing: appends to the caller's buffer
    THREAD  any
    FAILS   never
    COST    one pass  */

#ifndef PALAVER_ROFF_H
#define PALAVER_ROFF_H

#include "base/buf.h"

/*  Text that means itself, also where roff would see a command.  */
void roff_put (plv_buf_t *out, const char *text);

/*  The same, and the line ends: how a section begins.  */
void roff_line (plv_buf_t *out, const char *text);

/*  A title: .TH.  */
void roff_title (plv_buf_t *out, const char *name, int section, const char *summary);
void roff_section (plv_buf_t *out, const char *title);

/*  A paragraph that is not the first of its section.  */
void roff_paragraph (plv_buf_t *out, const char *text);

/*  A term in bold, and what it means.  */
void roff_term (plv_buf_t *out, const char *term, const char *meaning);

#endif
