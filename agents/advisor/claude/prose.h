/*  prose -- the value of one text member of a JSON object, while the object still streams in
    OWNS    nothing: a plain value
    THREAD  that of its owner
    FAILS   what is no JSON object gives no text; broken escapes are left out
    COST    one pass over the characters

    The model's answer is an object, and people want to read its `answer` as it comes.  */

#ifndef ADVISOR_CLAUDE_PROSE_H
#define ADVISOR_CLAUDE_PROSE_H

#include "base/buf.h"

enum { PROSE_KEY_BYTES = 32 };

typedef struct {
    const char *wanted; /* the member's name */
    char key[PROSE_KEY_BYTES];
    size_t key_size;
    unsigned depth; /* of objects and arrays */
    bool dead;      /* it is no object, or the text is complete */
    bool in_text;   /* inside of quotes */
    bool is_value;  /* behind the colon of a member of the outermost object */
    bool emits;     /* inside of the wanted text */
    unsigned
        escape; /* 0: none; 1: behind a backslash; 2 to 5: so many hexadecimal digits are read, less 2 */
    unsigned code; /* those digits */
    unsigned high; /* the first half of a surrogate pair, or 0 */
} prose_t;

/*  `out` gets what `bytes` adds to the wanted text.  */
void prose_feed (prose_t *self, plv_view_t bytes, plv_buf_t *out);

#endif
