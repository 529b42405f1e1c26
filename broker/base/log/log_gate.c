#include "base/log/log_gate.h"

enum { SECOND_US = 1000 * 1000, LINE_US = SECOND_US / LOG_GATE_PER_S };

bool plv_log_gate_open (plv_log_gate_t *self, int64_t now_us, uint64_t *ret_left_out)
{
    const int64_t burst_us = (int64_t) LOG_GATE_BURST * LINE_US;
    if (!self->has_begun || self->since_us < now_us - burst_us)
        self->since_us = now_us - burst_us;
    if (!self->has_begun)
        self->told_us = now_us - SECOND_US;
    self->has_begun = true;
    if (now_us - self->since_us < LINE_US) {
        self->left_out++;
        return false;
    }
    self->since_us += LINE_US;
    if (self->left_out && now_us - self->told_us >= SECOND_US) {
        *ret_left_out = self->left_out;
        self->left_out = 0;
        self->told_us = now_us;
    }
    return true;
}
