/*  broker_link -- an adapter's line to the broker: nothing that was taken is lost over a reconnect
    OWNS    its socket, the events that are not answered, and the outcomes that are not settled
    THREAD  that of its uv loop
    FAILS   broker_link_open with ERR_IO or ERR_ARG; later troubles end in another attempt, with backoff
    COST    a publish: one copy and one map entry; frames of one turn of the loop leave as one packet

    The broker may be away, come back, or be another process: then the link says HELLO again, and repeats
    what has had no answer, in order. An adapter sees only `up`, and answers that come later.  */

#ifndef HOST_BROKER_LINK_H
#define HOST_BROKER_LINK_H

#include "base/buf.h"
#include "base/err.h"

#include <uv.h>

typedef struct broker_link broker_link_t;

/*  Called from the loop, never from inside a call of the link. Views are lent for the call.  */
typedef struct {
    void (*stored) (void *arg, uint64_t seq);
    void (*busy) (void *arg, uint64_t seq, uint32_t retry_after_ms, plv_view_t reason);
    void (*rejected) (void *arg, uint64_t seq, plv_view_t code, plv_view_t text);
    void (*deliver) (void *arg, uint64_t delivery, uint32_t attempt, plv_view_t envelope,
                     plv_view_t body);
    void (*live) (void *arg, plv_view_t envelope, plv_view_t body);
    void (*result) (void *arg, uint64_t request, bool more, plv_view_t status, plv_view_t body);
    void (*up) (void *arg, bool up);
    /*  The broker will not have us, or one side broke the protocol. Unless it is `final` the next attempt
        follows by itself.  */
    void (*trouble) (void *arg, const char *code, const char *text, bool final);
    void *arg;
} broker_link_handler_t;

/*  Texts are lent for the life of the link.  */
typedef struct {
    uv_loop_t *loop;
    const char *endpoint; /* ipc://PATH */
    const char *name;
    const char *build;
    const char *platform;
    uint32_t credit; /* at most BROKER_LINK_CREDIT_MAX */
    bool deduplicates;
    plv_view_t proof; /* that the broker started this process; empty: it did not */
    /*  HELLO is said once this is true; NULL: at once.  */
    bool (*may_speak) (void *arg);
    void *may_speak_arg;
    plv_view_t will; /* of the process whose last words these are; empty: it speaks for itself */
    size_t kept_max; /* events, and their bytes, that wait for an answer */
    size_t kept_bytes_max;
} broker_link_options_t;

/*  So many delivery numbers surely fit into a HELLO.  */
enum { BROKER_LINK_CREDIT_MAX = 1024 };

plv_err_t broker_link_open (const broker_link_options_t *options,
                            const broker_link_handler_t *handler, broker_link_t **ret_link,
                            plv_fail_t *ret_fail);

/*  Says BYE when it can, and lets go of the socket. The loop has to turn until the link's handles are closed:
    until broker_link_open's loop has no others, or once with UV_RUN_DEFAULT at the end.  */
void broker_link_destroy (broker_link_t **self_p);

bool broker_link_up (const broker_link_t *self);

/*  The number that the answer will name; 0: too many events wait for the broker.  */
uint64_t broker_link_publish (broker_link_t *self, plv_view_t envelope, plv_view_t body);

/*  False: not held (unknown, or ended before). `platform_id` and `reason` may be empty.  */
bool broker_link_finish (broker_link_t *self, uint64_t delivery, const char *outcome,
                         plv_view_t platform_id, uint32_t retry_after_ms, plv_view_t reason);

void broker_link_live (broker_link_t *self, plv_view_t envelope, plv_view_t body);

/*  False: the broker is away, or the wire does not allow it to an adapter. `arguments`: an encoded map.  */
bool broker_link_control (broker_link_t *self, uint64_t request, plv_view_t command,
                          plv_view_t arguments);

/*  No further deliveries, please; or as many as before.  */
void broker_link_quiesce (broker_link_t *self, bool quiet);

/*  The broker has died, and another one may be there soon: connects anew, at once.  */
void broker_link_hurry (broker_link_t *self);

/*  Ends every delivery that is not finished as "unknown": nobody will hear how it went.  */
void broker_link_abandon (broker_link_t *self, const char *why);

/*  The will of this process (see will.h): who it was, and all outcomes that are not settled.  */
void broker_link_put_will (const broker_link_t *self, plv_buf_t *out);

size_t broker_link_kept (const broker_link_t *self); /* events without an answer */
size_t broker_link_held (const broker_link_t *self); /* deliveries that are not finished */
size_t broker_link_unsettled (
    const broker_link_t *self); /* outcomes that the broker has not on disk */

#endif
