/*  source -- a text from anywhere, made safe to parse
    OWNS    nothing: appends to the caller's buffer
    THREAD  any
    FAILS   never
    COST    linear

    Valid UTF-8 with \n as line ends. A mark (U+FDD0, no character of any text) keeps the parser from taking
    "[1]: https://..." for a definition, which it would swallow: here it is text. A paragraph of thousands of
    lines is cut by an empty line, because the parser's time for one grows with its square.  */

#ifndef HOST_TEXT_SOURCE_H
#define HOST_TEXT_SOURCE_H

#include "base/buf.h"

#define SOURCE_MARK "\xef\xb7\x90"

enum { SOURCE_MARK_BYTES = 3 };

void source_clean (plv_buf_t *out, plv_view_t text);
/*  With marks.  */
void source_prepare (plv_buf_t *out, plv_view_t text);

/*  Without marks again.  */
void source_unmark (plv_buf_t *out, plv_view_t text);

/*  Are there so many bare URLs that looking for them would take the parser too long?  */
bool source_is_dense (plv_view_t text);

#endif
