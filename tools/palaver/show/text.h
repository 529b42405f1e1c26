/*  text -- times, widths and foreign texts as a terminal can show them
    OWNS    nothing
    THREAD  any, once text_begin was called
    FAILS   never
    COST    one pass

    What people and platforms wrote may hold anything, also what moves a cursor or rings a bell.  */

#ifndef PALAVER_TEXT_H
#define PALAVER_TEXT_H

#include "base/buf.h"

#include <wchar.h>

enum { TEXT_TIME_BYTES = 40 };

/*  Chooses the character set; call once, at the start.  */
void text_begin (void);

/*  RFC 3339 in UTC, to the second or to the microsecond; "" for 0.  */
void text_time (int64_t us, bool exact, char ret_text[TEXT_TIME_BYTES]);

/*  Columns that valid UTF-8 without control characters takes.  */
size_t text_width (plv_view_t text);

/*  Whether a terminal is shown the character of `bytes` bytes at `at`, whose code it gives, too: not what controls it,
    nor what turns the direction of writing or cannot be seen, by which a text says another thing than it seems to.  */
bool text_is_shown (const uint8_t *at, size_t bytes, wchar_t *ret_code);

/*  Appends one line: control characters become a blank, what is not UTF-8 a question mark, and behind `columns`
    there are three dots. `columns` 0: no bound.  */
void text_put_line (plv_buf_t *out, plv_view_t text, size_t columns);

/*  Appends all lines, each behind `indent` blanks but the first; other control characters become a blank.  */
void text_put_lines (plv_buf_t *out, plv_view_t text, size_t indent);

/*  Appends one line, which stands at column `indent`, in as many as it takes: they end between words at `columns` where
    they can, and each but the first has `indent` blanks before it.  */
void text_put_folded (plv_buf_t *out, plv_view_t text, size_t indent, size_t columns);

void text_put (plv_buf_t *out, const char *text);

/*  How long, in the two largest units: "42 s", "3 min 7 s", "2 d 5 h".  */
void text_put_span (plv_buf_t *out, int64_t seconds);
/*  How much, in the unit that suits: "90 B", "1.2 MiB".  */
void text_put_bytes (plv_buf_t *out, int64_t bytes);

/*  What makes a plural of a regular noun: "s", or "" behind 1.  */
const char *text_s (uint64_t count);

void text_putf (plv_buf_t *out, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

#endif
