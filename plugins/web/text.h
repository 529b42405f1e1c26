/*  text -- a growing text, for JSON that is put together from parts
    OWNS    its memory
    THREAD  the host's loop
    FAILS   when memory runs out: `failed` stays set and later additions are ignored
    COST    amortised O(1) a byte  */

#ifndef WEB_TEXT_H
#define WEB_TEXT_H

#include "sdk/adapter.h"

typedef struct {
    char *data;
    size_t size;
    size_t capacity;
    bool failed;
} text_t;

void text_free (text_t *self);
void text_add (text_t *self, const char *text);
void text_add_view (text_t *self, pal_text_t text);
/*  Quoted, as JSON: a byte that is not part of a character of UTF-8 becomes U+FFFD.  */
void text_add_quoted (text_t *self, pal_text_t text);
/*  At most 200 characters come of it.  */
void text_addf (text_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

/*  Ids show up in logs, addresses and JSON: UTF-8 without control characters, 1 to `most` bytes.  */
bool text_is_id (pal_text_t text, size_t most);

/*  The beginning of it, of at most `most` bytes and whole characters.  */
pal_text_t text_prefix (pal_text_t text, size_t most);

/*  What percent signs stand for; in a form a plus is a blank. False: it does not fit into `bytes`.  */
bool text_decode (pal_text_t text, bool is_form, char *bytes, size_t size, pal_text_t *ret_text);

/*  The next word of a list in the configuration, which is moved on: blanks or commas are between words. False:
    there is none left.  */
bool text_next_word (pal_text_t *list, pal_text_t *ret_word);

static inline pal_text_t text_view (const text_t *self)
{
    return (pal_text_t){self->data, self->size};
}

#endif
