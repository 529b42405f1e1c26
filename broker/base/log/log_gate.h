/*  log_gate -- how much a plugin may write into the log
    OWNS    nothing
    THREAD  that of its owner
    FAILS   never
    COST    O(1)

    A plugin that writes a line for each of its loop's turns would fill a disk, and stand still while the log is
    slow. After a burst, lines come at a steady rate; once a second one that is let through says how many were
    not.  */

#ifndef BASE_LOG_GATE_H
#define BASE_LOG_GATE_H

#include <stdbool.h>
#include <stdint.h>

enum { LOG_GATE_BURST = 1000, LOG_GATE_PER_S = 100 };

/*  All zero: nothing was written yet.  */
typedef struct {
    bool has_begun;
    int64_t since_us; /* what was written counts as written until then */
    int64_t told_us;  /* when it was last said how many were left out */
    uint64_t left_out;
} plv_log_gate_t;

/*  May a line be written now? `ret_left_out`, when it is to be said: lines before it that might not. Else it stays.  */
bool plv_log_gate_open (plv_log_gate_t *self, int64_t now_us, uint64_t *ret_left_out);

#endif
