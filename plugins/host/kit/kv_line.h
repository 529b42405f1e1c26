/*  kv_line -- what a plugin keeps with the broker: asked in order, and asked again until it is answered
    OWNS    copies of keys and values until they are answered
    THREAD  that of its owner
    FAILS   a call beyond the limits is answered with `ok` false, later; out of memory stops the process
    COST    a copy and one map entry a call

    Writes are idempotent, so what a broker that went away had not answered is simply asked once more, in
    the same order; a read that is repeated may then see what was written behind it. A list is read page by
    page; what was asked behind it waits for its end.

    Keys that begin with byte 1 are the host's: a plugin neither sees nor writes them.  */

#ifndef HOST_KV_LINE_H
#define HOST_KV_LINE_H

#include "base/buf.h"
#include "sdk/adapter.h"

/*  What waits for an answer: beyond this, a call is refused.  */
enum { KV_LINE_CALLS_MAX = 4096, KV_LINE_BYTES_MAX = 16 * 1024 * 1024 };

#define KV_LINE_OWN "\001"

typedef struct kv_line kv_line_t;

typedef enum { KV_LINE_GET, KV_LINE_PUT, KV_LINE_REMOVE, KV_LINE_LIST } kv_line_what_t;

typedef struct {
    /*  Sends a CONTROL; its number, or 0: not now (`up` will be called).  */
    uint64_t (*send) (void *arg, const char *command, plv_view_t arguments);
    /*  Something is to be done in the next turn of the loop: call kv_line_turn.  */
    void (*wake) (void *arg);
    void *arg;
} kv_line_owner_t;

kv_line_t *kv_line_new (const kv_line_owner_t *owner);
/*  What has no answer is not called back.  */
void kv_line_destroy (kv_line_t **self_p);

/*  `own`: the host asks, not the plugin. `done` may be NULL.  */
void kv_line_ask (kv_line_t *self, kv_line_what_t what, bool own, pal_text_t key, pal_text_t value,
                  pal_kv_fn *done, void *arg);

/*  The broker is there, or went: all without an answer is to be asked again.  */
void kv_line_up (kv_line_t *self, bool up);
/*  False: it was not asked here.  */
bool kv_line_result (kv_line_t *self, uint64_t request, plv_view_t status, plv_view_t body);
void kv_line_turn (kv_line_t *self);
/*  The plugin has been closed: it is not called back any more; what it has written still goes out.  */
void kv_line_mute (kv_line_t *self);

/*  Writes without an answer.  */
size_t kv_line_pending (const kv_line_t *self);

#endif
