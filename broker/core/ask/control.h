/*  control -- the commands of commands.def, as numbers
    OWNS    nothing
    THREAD  any
    FAILS   never
    COST    one walk over the table  */

#ifndef CORE_CONTROL_H
#define CORE_CONTROL_H

#include "base/view.h"
#include "core/core.h"
#include "core/peer/peer.h"
#include "wire/frame.h"

typedef enum {
#define COMMAND(name, text, right, when, arguments, meaning) COMMAND_##name,
#include "wire/commands.def"
#undef COMMAND
    COMMAND_COUNT_
} command_t;

/*  See commands.def.  */
typedef enum { RIGHT_ADAPTER, RIGHT_OPERATOR, RIGHT_TOOL } command_right_t;
typedef enum { WHEN_ANY, WHEN_RUNNING } command_when_t;

/*  No tool's request but the broker's own, and what the shell does for it.  */
enum { COMMAND_CATCH_UP = COMMAND_COUNT_, COMMAND_RETAIN, ORDER_EXPORT };

/*  COMMAND_COUNT_ for what is no command.  */
command_t command_of (plv_view_t name);
const char *command_name (command_t command);

void control_take (core_t *self, peer_t *peer, const plv_frame_t *frame);
void control_forget (core_t *self, const peer_t *peer);
uint64_t control_number (plv_view_t arguments, const char *key, uint64_t standard);
bool control_flag (plv_view_t arguments, const char *key);
void control_answer (core_t *self, peer_t *peer, uint64_t request, const char *status,
                     const plv_buf_t *body);

/*  What people and agents wrote: to an adapter without what looks like a secret.  */
void control_answer_shown (core_t *self, peer_t *peer, uint64_t request, const plv_buf_t *body);

/*  A tool, or an adapter that the configuration lets ask as one.  */
bool control_is_operator (const core_t *self, const peer_t *peer);
void control_part (core_t *self, peer_t *peer, uint64_t request,
                   const plv_buf_t *body); /* of an answer that goes on */
void control_fail (core_t *self, peer_t *peer, uint64_t request, plv_err_t err, const char *format,
                   ...) __attribute__ ((format (printf, 5, 6)));

#endif
