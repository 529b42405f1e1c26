/*  log_line -- one line of the log, built in a fixed room
    OWNS    its bytes, by value
    THREAD  that of its owner
    FAILS   never; what does not fit is left out, and `cut` is set
    COST    one copy

    The last LINE_END_BYTES are kept for what closes a line, so that a cut JSON object is still one.  */

#ifndef PLV_BASE_LOG_LINE_H
#define PLV_BASE_LOG_LINE_H

#include "base/log/log.h"

enum { LINE_END_BYTES = 32 };

typedef struct {
    char data[LOG_LINE_BYTES_MAX];
    size_t size;
    bool cut;
} plv_log_line_t;

/*  What stands in front of the fields.  */
typedef struct {
    int64_t time_us;
    plv_log_level_t level;
    const char *id;
    const char *program;
} plv_log_head_t;

void plv_log_line_json (plv_log_line_t *self, const plv_log_head_t *head, const plv_field_t *fields,
                        size_t count);
void plv_log_line_text (plv_log_line_t *self, const plv_log_head_t *head, bool colours,
                        const plv_field_t *fields, size_t count);

/*  "debug", "info", "warn", "error".  */
const char *plv_log_level_text (plv_log_level_t level);

#endif
