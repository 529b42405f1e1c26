/*  client_answer -- what comes back for a request
    OWNS    nothing: it fills the request's own buffers
    THREAD  that of its uv loop
    FAILS   a head of more than 64 KiB or 200 headers, and a body beyond the request's limit, end it as LOST
    COST    a copy of what comes  */

#ifndef HOST_CLIENT_ANSWER_H
#define HOST_CLIENT_ANSWER_H

#include "host/net/client_send.h"

/*  The easy handle writes into `send` from now on.  */
void client_answer_collect (client_send_t *send);

#endif
