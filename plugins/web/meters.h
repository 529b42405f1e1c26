/*  meters -- what /metrics shows of the gateway, in Prometheus' text format
    OWNS    its numbers
    THREAD  the host's loop
    FAILS   never
    COST    one addition a response  */

#ifndef WEB_METERS_H
#define WEB_METERS_H

#include "web/text.h"

enum { METERS_ROUTES = 64, METERS_STATUSES = 32, METERS_STEPS = 12 };

typedef struct {
    uint64_t served[METERS_ROUTES][METERS_STATUSES];
    uint64_t waited[METERS_STEPS + 1]; /* answers, by how long they took */
    double waited_s;
    uint64_t deltas;
    uint64_t slow; /* streams and sockets that were cut because their clients did not read */
} meters_t;

struct web;

void meters_count (meters_t *self, size_t route, uint32_t status);
void meters_waited (meters_t *self, int64_t us);
void meters_write (const struct web *web, text_t *out);

#endif
