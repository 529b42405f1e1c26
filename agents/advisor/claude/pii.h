/*  pii -- what points at a person is taken out of texts, and put back
    OWNS    what it has taken out, freed by pii_free
    THREAD  that of its owner
    FAILS   when memory runs out: the output's `failed` is set. Beyond PII_ITEMS_MAX things, further ones become
            "<HIDDEN>" and do not come back: nothing leaves
    COST    one pass over the text, and a few tries at each digit and word

    Taken out are e-mail addresses, card numbers (12 to 19 digits that pass Luhn's check), IBANs (mod 97), US social
    security numbers (not 000, 666, 9xx, 00 or 0000) and phone numbers. Each becomes <EMAIL_1>, <CARD_1>, <IBAN_1>,
    <SSN_1> or <PHONE_1>; the same thing becomes the same word. A text that holds such a word already has it hidden
    too, so that pii_show gives back what pii_hide was given, byte for byte.  */

#ifndef ADVISOR_CLAUDE_PII_H
#define ADVISOR_CLAUDE_PII_H

#include "base/buf.h"

enum { PII_ITEMS_MAX = 64, PII_WORD_BYTES_MAX = 16 };

typedef enum { PII_EMAIL, PII_CARD, PII_IBAN, PII_SSN, PII_PHONE, PII_KIND_COUNT_ } pii_kind_t;

typedef struct {
    struct {
        pii_kind_t kind;
        unsigned number; /* 1, 2, ... within its kind */
        size_t at;       /* in `texts` */
        size_t size;
    } items[PII_ITEMS_MAX];
    size_t count;
    unsigned numbers[PII_KIND_COUNT_];
    plv_buf_t texts;
} pii_t;

void pii_free (pii_t *self);

/*  Appends the text without what is personal.  */
void pii_hide (pii_t *self, plv_view_t text, plv_buf_t *out);

/*  Appends the text with it. Words that stand for nothing stay as they are.  */
void pii_show (const pii_t *self, plv_view_t text, plv_buf_t *out);

/*  How many bytes at the end of a growing text may be the beginning of such a word: wait with them.  */
size_t pii_open_end (plv_view_t text);

/*  The kind and size of what begins at `at`; false when nothing does. For tests.  */
bool pii_match (plv_view_t text, size_t at, pii_kind_t *ret_kind, size_t *ret_size);

#endif
