/*  context -- what is known of a message while it is being understood
    OWNS    nothing: a plain value of understand's
    THREAD  that of the catalogue
    FAILS   never
    COST    -  */

#ifndef ADVISOR_CONTEXT_H
#define ADVISOR_CONTEXT_H

#include "advisor/understand/quantity.h"
#include "advisor/understand/understand.h"

typedef struct {
    catalogue_t *catalogue;
    words_t words;
    marks_t marks;
    quantities_t found;
    reading_t *reading;
    bool anchored;   /* something speaks of investing surely */
    bool risk_named; /* in words that are about nothing else */
    bool in_session; /* the session was about investing before */
    bool grew;       /* the last answer was what will be there one day */
    bool foretells;  /* a phrase asks for the future and nothing else */
    int negative;    /* weights of what speaks of something else */
    unsigned kinds;  /* bit per mark_kind_t that occurs */
    int compare;     /* the strongest COMPARE value */
    topic_set_t topics;
    topic_set_t refused;
} context_t;

bool context_has (const context_t *self, mark_kind_t kind);
bool context_has_word (const context_t *self, const char *text);

/*  Is the message one or two words, beside those of courtesy?  */
bool context_is_fragment (const context_t *self);

#endif
