/*  client_breaker -- leaves a remote alone that fails again and again
    OWNS    a circuit for each remote that has failed last
    THREAD  that of its owner
    FAILS   never; beyond 1024 remotes the oldest trouble is forgotten
    COST    O(1); nothing for a remote that works

    CLIENT_FAILURES failures in a row open a remote's circuit for CLIENT_OPEN_MS; then one request is let
    through, and its end decides. No answer, half an answer and the status codes that say "not I, but
    something behind me" (500, 502, 503, 504 and above) are failures; 429 and other 4xx are not.  */

#ifndef HOST_CLIENT_BREAKER_H
#define HOST_CLIENT_BREAKER_H

#include "base/list.h"
#include "base/map.h"

enum {
    CLIENT_FAILURES = 5,
    CLIENT_OPEN_MS = 30000,
    CLIENT_PROBE_MS = 1000,
    CLIENT_CIRCUITS_MAX = 1024
};

typedef struct {
    plv_map_t by_remote;
    plv_node_t in_order; /* the oldest trouble first */
} client_breaker_t;

void client_breaker_init (client_breaker_t *self, const uint8_t seed[16]);
void client_breaker_free (client_breaker_t *self);

/*  0: go on; else the milliseconds to wait. Whoever is let through says later how it ended.  */
uint32_t client_breaker_wait (client_breaker_t *self, plv_view_t remote, int64_t now_us);
void client_breaker_good (client_breaker_t *self, plv_view_t remote);
void client_breaker_bad (client_breaker_t *self, plv_view_t remote, int64_t now_us);
/*  It ended without a word about the remote: it was cancelled.  */
void client_breaker_unknown (client_breaker_t *self, plv_view_t remote);

/*  Of an answer.  */
bool client_status_is_bad (uint32_t status);

#endif
