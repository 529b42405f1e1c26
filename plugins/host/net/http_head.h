/*  http_head -- the head of a request (RFC 9112), checked and taken apart as it comes
    OWNS    the bytes that came, cut into lines, names and values
    THREAD  that of its owner
    FAILS   HTTP_HEAD_BAD as soon as a line of it makes no sense, or too much has come: `fault` says why, in words
            for its sender, and `status` the answer to give
    COST    one pass over the bytes; what came of a head, and 8 bytes a header

    A line may end with a bare line feed, and empty lines before the first one are let by; everything else that two
    readers could understand differently is refused.  */

#ifndef HOST_HTTP_HEAD_H
#define HOST_HTTP_HEAD_H

#include "base/buf.h"

enum {
    HTTP_PATH_BYTES_MAX = 2047, /* decoded */
    HTTP_QUERY_BYTES_MAX = 2047,
    HTTP_FIELDS_MAX = 256, /* header lines */
};

typedef enum {
    HTTP_HEAD_MORE, /* its end has not come */
    HTTP_HEAD_DONE,
    HTTP_HEAD_BAD,
} http_head_end_t;

/*  Places in `text`; a NUL is behind each name and value.  */
typedef struct {
    uint32_t name, value;
} http_field_t;

/*  All zero: at its start.  */
typedef struct {
    plv_buf_t text;
    plv_buf_t query;  /* percent-encoded, without the '?' */
    plv_buf_t fields; /* http_field_t each */
    uint32_t line;    /* where the line under way begins */
    uint32_t path;    /* where the decoded one is */
    char method[8];
    bool has_line; /* the first one has come */
    bool is_old;   /* HTTP/1.0 */
    uint32_t status;
    const char *fault;
} http_head_t;

void http_head_free (http_head_t *self);

/*  `bytes_max`: of the whole head. `ret_used`: how many of these bytes are of it.  */
http_head_end_t http_head_take (http_head_t *self, plv_view_t bytes, size_t bytes_max,
                                size_t *ret_used);

/*  What follows is about a head that is DONE. `name` in any case. The value of the header `name`, the `nth` of
    them from 0; NULL: there is none.  */
const char *http_head_value (const http_head_t *self, const char *name, size_t nth);

/*  Is `word` in one of the lists, with commas between, of the headers `name`?  */
bool http_head_lists (const http_head_t *self, const char *name, const char *word);

const char *http_head_path (const http_head_t *self);

#endif
