/*  client_send -- one request as libcurl takes it, and the answer that comes
    OWNS    copies of all that the plugin gave, the easy handle, the answer
    THREAD  that of its uv loop
    FAILS   client_send_new by what is wrong with the request, in words
    COST    the request's and the answer's bytes, bounded  */

#ifndef HOST_CLIENT_SEND_H
#define HOST_CLIENT_SEND_H

#include "base/buf.h"
#include "base/err.h"
#include "base/list.h"
#include "sdk/adapter.h"

#include <curl/curl.h>

typedef struct client_send {
    plv_node_t node; /* of the owner's lists */
    uint64_t number;
    pal_answer_fn *done;
    void *arg;
    CURL *easy;
    int64_t deadline_us;
    bool is_under_way;

    plv_buf_t url, body, method;
    plv_buf_t remote; /* scheme://host:port */
    plv_buf_t path;   /* that no reason may hold */
    struct curl_slist *headers;
    curl_mime *mime;
    char fault[CURL_ERROR_SIZE];
    bool may_repeat; /* twice is as good as once */
    bool is_too_large;

    plv_buf_t answer_head; /* name NUL value NUL ... */
    plv_buf_t answer_body;
    uint32_t body_bytes_max;

    uint32_t retry_after_ms;
    plv_fail_t fail;
} client_send_t;

/*  Never NULL; when `fail.code` is set, there is nothing to send.  */
client_send_t *client_send_new (const pal_request_t *request, int64_t now_us);
void client_send_destroy (client_send_t **self_p);

/*  The easy handle gets what it needs; false: no time is left.  */
bool client_send_start (client_send_t *self, int64_t now_us);

/*  How it ended, by libcurl's word and by what had been written.  */
pal_ended_t client_send_ended (const client_send_t *self, CURLcode result);
/*  Tells `done`.  */
void client_send_end (client_send_t *self, CURLcode result);
/*  The same for one that never got to libcurl: UNSENT, for the reason in `fail`.  */
void client_send_refuse (client_send_t *self);

/*  Of one that has ended; 0: no answer.  */
uint32_t client_send_status (const client_send_t *self);

#endif
