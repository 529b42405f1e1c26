/*  stream -- the words of an answer that is being written
    OWNS    the text so far
    THREAD  the host's loop
    FAILS   by `broken`: words are missing, or cannot be shown; nothing more of this answer is
    COST    amortised O(1) a byte  */

#ifndef TELEGRAM_STREAM_H
#define TELEGRAM_STREAM_H

#include "sdk/adapter.h"

enum { STREAM_BYTES_MAX = 64 * 1024 };

typedef struct {
    bool on, broken;
    pal_id_t event; /* that is being answered */
    char *text;
    size_t size, capacity;
    size_t shown;       /* bytes that the chat sees already */
    uint64_t index;     /* of the next delta */
    uint32_t draft;     /* of a private chat */
    int64_t message_id; /* in a group; 0: not sent yet */
    int64_t next_us;    /* not shown before */
    int64_t until_us;   /* given up then */
} stream_t;

/*  One more delta. True: it was the first one of an answer.  */
bool stream_add (stream_t *self, const pal_id_t *event, uint64_t index, pal_text_t delta);
void stream_end (stream_t *self);

#endif
