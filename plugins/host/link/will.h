/*  will -- what a host could not tell the broker before it ended, and its successor tells in its name
    OWNS    the files left-* in the adapter's directory; while one is carried out, a line to the broker
    THREAD  that of its uv loop
    FAILS   will_write with ERR_IO; a will that cannot be read is removed, with a line in the log
    COST    will_write: a file of about 100 bytes a reply that is not settled

    A broker that died has on record what it gave to whom, and nothing of how that ended. The next one hears
    it from the process that had it in hand; when that has ended meanwhile, from its will: which replies it
    had, and their outcomes. Every other reply that the broker believes to be there never came. Without a
    will (kill -9) the outcome is unknown, and stays so.  */

#ifndef HOST_WILL_H
#define HOST_WILL_H

#include "base/log/log.h"
#include "host/link/broker_link.h"

typedef struct will will_t;

/*  What `link` has not been able to tell; every delivery of it must have ended.  */
plv_err_t will_write (const char *dir, const broker_link_t *link, plv_fail_t *ret_fail);

/*  `options`: those of the line to come; texts are lent for the life of it. Call it when the name is ours.  */
will_t *will_new (const char *dir, const broker_link_options_t *options, plv_log_t *log);

/*  True when every will is carried out; call it again until then.  */
bool will_done (will_t *self);

/*  What is not carried out stays for the next one. The loop has to turn until its handles are closed.  */
void will_destroy (will_t **self_p);

#endif
