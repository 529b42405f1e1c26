/*  words -- a message as lower-case words
    OWNS    nothing but its own fixed space, by value
    THREAD  any
    FAILS   never; what is behind the WORDS_MAX-th word is left out (`cut`)
    COST    one pass over the text

    A word is a run of letters or a number; "10k" is two words, "don't" is "dont", "$", "€", "£" and "%"
    are words of their own. Everything else divides.  */

#ifndef ADVISOR_WORDS_H
#define ADVISOR_WORDS_H

#include "base/view.h"

enum { WORDS_MAX = 256, WORD_BYTES_MAX = 31 };

typedef struct {
    char text[WORD_BYTES_MAX + 1]; /* lower case; longer words are cut */
    uint8_t size;
    bool upper;  /* all capitals, as a ticker is written; one letter does not count */
    bool number; /* `value` holds it; "10,000", "10.000" and "1.5" are one number each */
    bool stop;   /* a full stop, question mark or line break stands before it */
    bool comma;  /* a comma, colon, semicolon or bracket stands before it */
    bool joined; /* nothing stands between it and the word before */
    bool slash;  /* a slash stands right before it: "500/month", "80/20" */
    bool colon;  /* a colon stands right before it: "70:30" */
    bool dash;   /* a dash stands before it: "100-200" */
    bool minus;  /* a minus sign stands right before it, behind a space or a sign */
    double value;
} word_t;

typedef struct {
    word_t items[WORDS_MAX];
    size_t count;
    bool cut;
    bool shout; /* most words are in capitals: capitals mean nothing here */
    bool asks;  /* there is a question mark */
} words_t;

void words_read (words_t *self, plv_view_t text);

/*  Is the word at `index` this one? False behind the end.  */
bool words_at (const words_t *self, size_t index, const char *text);

/*  The same of one of these, which blanks divide.  */
bool words_at_any (const words_t *self, size_t index, const char *list);

#endif
