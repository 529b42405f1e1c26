/*  events -- past traffic, page by page
    OWNS    nothing
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    a question a page  */

#ifndef PALAVER_EVENTS_H
#define PALAVER_EVENTS_H

#include "palaver/ask/ask.h"

/*  What is asked for, in the words of events.list; 0 and NULL ask for everything.  */
typedef struct {
    const char *platform, *session, *user, *type, *outcome;
    int64_t since_us, until_us;
    bool whole;                /* with bodies and answers */
    const plv_buf_t *sessions; /* an encoded array of texts */
} events_wanted_t;

/*  As the options of the call say.  */
events_wanted_t events_wanted_of (const call_t *call);

/*  Called with each event, and with each page as a whole; the first returns false to stop.  */
typedef struct {
    bool (*event) (void *arg, plv_view_t event);
    void (*page) (void *arg, plv_view_t page); /* NULL: not wanted */
    void *arg;
} events_each_t;

/*  Goes over the events behind the number `after`, in the order of their acceptance; `limit` at most.  */
ending_t events_walk (asker_t *asker, const events_wanted_t *wanted, uint64_t after, uint64_t limit,
                      const events_each_t *each);

bool events_read_number (const char *text, uint64_t *ret_number);

#endif
