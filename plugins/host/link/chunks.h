/*  chunks -- a body in chunks (RFC 9112, 7.1), taken apart as it comes
    OWNS    nothing; what it finds is added to the caller's buffer
    THREAD  that of its owner
    FAILS   CHUNKS_BAD for what is no such body, and from then on
    COST    one pass over the bytes

    Extensions and trailers are read and dropped; both are bounded. A line may end with a bare line feed; a carriage
    return that no line feed follows is nowhere but in data.  */

#ifndef HOST_CHUNKS_H
#define HOST_CHUNKS_H

#include "base/buf.h"

typedef enum {
    CHUNKS_MORE, /* the end has not come yet */
    CHUNKS_DONE, /* the body is whole: what follows is not of it */
    CHUNKS_BAD,
} chunks_end_t;

typedef enum {
    CHUNKS_SIZE,
    CHUNKS_EXTENSION,
    CHUNKS_SIZE_LF,
    CHUNKS_DATA,
    CHUNKS_DATA_CR,
    CHUNKS_DATA_LF,
    CHUNKS_TRAILER,
    CHUNKS_TRAILER_LF,
    CHUNKS_OVER,
    CHUNKS_BROKEN,
} chunks_state_t;

/*  All zero: at the start of a body.  */
typedef struct {
    chunks_state_t state;
    uint32_t digits; /* of the size that is being read */
    uint32_t line;   /* bytes of the trailer's line that is being read */
    uint32_t spare;  /* bytes of extensions and trailers so far */
    uint64_t left;   /* of the chunk */
} chunks_t;

/*  Adds what `bytes` hold of the body to `body`. `ret_used`: how many of them are of it.  */
chunks_end_t chunks_take (chunks_t *self, plv_view_t bytes, plv_buf_t *body, size_t *ret_used);

#endif
