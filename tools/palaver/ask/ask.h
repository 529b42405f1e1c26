/*  ask -- questions to a running broker, or about data that is only looked at: the commands of commands.def
    OWNS    its connection, and with --data the broker that looks, gone after asker_close
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    one round trip a question  */

#ifndef PALAVER_ASK_H
#define PALAVER_ASK_H

#include "palaver/ask/call.h"
#include "palaver/ask/link.h"
#include "palaver/ask/own_broker.h"
#include "palaver/ask/where.h"
#include "palaver/show/table.h"

typedef struct {
    where_t where;
    own_broker_t own; /* of --data */
    link_t link;
    uint64_t request;
    int64_t timeout_us;
    /*  Called now and then while an answer is waited for, unless NULL; false: it is waited for no longer.  */
    bool (*wait) (void *wait_arg);
    void *wait_arg;
    void (*failing) (void *wait_arg); /* called before words about a failure, unless NULL */
    /*  Called with each part of an answer that comes in parts, but the last; views are good for the call.  */
    void (*part) (void *part_arg, plv_view_t body);
    void *part_arg;
    bool quiet;       /* what the broker refuses is not said */
    plv_err_t failed; /* why the last question without an answer has none; ERR_OK: each had one */
    plv_buf_t answer;
} asker_t;

/*  `timeout_s`: for each answer, unless --timeout is given.  */
ending_t asker_open (asker_t *self, const call_t *call, int64_t timeout_s);
/*  The same where --timeout is about something else. `data`: of --data, if that is given; else a running broker.  */
ending_t asker_open_for (asker_t *self, const call_t *call, int64_t timeout_s, bool data);
void asker_close (asker_t *self);

/*  A new connection to the same place, when the old one is lost. It says nothing: who calls tries again.  */
plv_err_t asker_reopen (asker_t *self, int64_t deadline_us, plv_fail_t *ret_fail);

/*  `arguments`: an encoded map, NULL: none. `ret_body` (may be NULL) is good until the next question; it
    is there too when the broker refuses, which ends with END_NOTHING when it knows no such thing, else with
    END_PARTLY. That is without a word what `wait` has given up, too.  */
ending_t ask (asker_t *self, const char *command, const plv_buf_t *arguments, plv_view_t *ret_body);

/*  A question that is only sent, under a new number, on a new connection when the old one was left alone for long. None
    may be under way.  */
plv_err_t ask_anew (asker_t *self, const char *command, const plv_buf_t *arguments,
                    plv_fail_t *ret_fail);

/*  What belongs to it, under its number. ask_part gives the parts of an answer that comes for as long as it likes;
    ERR_TIMEOUT: none until then.  */
plv_err_t ask_post (asker_t *self, const char *command, const plv_buf_t *arguments,
                    plv_fail_t *ret_fail);
plv_err_t ask_part (asker_t *self, int64_t deadline_us, plv_frame_t *ret_frame,
                    plv_fail_t *ret_fail);

/*  The answer to a question that was posted, as ask gives it: so the broker works on it meanwhile.  */
ending_t ask_result (asker_t *self, plv_view_t *ret_body);

/*  Says why the broker refuses, unless `quiet`; how a call ends for it.  */
ending_t ask_refused (const asker_t *self, plv_view_t status, plv_view_t body);

/*  For `wait` where nothing is lost by it: an interrupt ends the wait.  */
bool ask_until_interrupt (void *arg);

/*  Lets time go by while the connection is kept alive; ends early behind an interrupt. False: the broker is gone.  */
bool ask_rest (asker_t *self, int64_t us);

/*  The number under `key`; 0: there is none.  */
uint64_t ask_number (plv_view_t map, const char *key);

/*  Says what failed; how a call ends for it.  */
ending_t ask_failed (const plv_fail_t *fail);

/*  The same of a connection on which the broker has answered before: it is the right one.  */
ending_t ask_lost (asker_t *self, const plv_fail_t *fail);

/*  Where the page behind `body` begins, into the arguments that ask for it; false: it was the last one.  */
bool ask_next_page (plv_view_t body, plv_buf_t *arguments);

/*  The items of all pages of a question without other arguments, encoded one behind the other, and how many.  */
ending_t ask_gather (asker_t *self, const char *command, plv_buf_t *ret_items, uint32_t *ret_count);

/*  Asks a question without arguments and writes each of its `items` into the table. `things`: what they are, in the
    plural.  */
ending_t ask_items (call_t *call, const char *command, const column_t *columns, size_t count,
                    const char *things);

#endif
