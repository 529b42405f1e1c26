/*  message -- an answer of the model, put together from the events of its stream
    OWNS    its blocks, freed by message_free
    THREAD  that of its owner
    FAILS   events that make no sense set `broken`; unknown events, blocks and deltas are passed over
    COST    that of parsing JSON

    Blocks are kept as they came, so that they can be sent back unchanged. Usage is cumulative: the last word wins.  */

#ifndef ADVISOR_CLAUDE_MESSAGE_H
#define ADVISOR_CLAUDE_MESSAGE_H

#include "base/buf.h"

#include <jansson.h>

enum { MESSAGE_WORD_BYTES = 64, MESSAGE_BLOCKS_MAX = 256, MESSAGE_BYTES_MAX = 4 * 1024 * 1024 };

typedef struct {
    int64_t input;
    int64_t cache_write;
    int64_t cache_read;
    int64_t output;
} usage_t;

/*  A block that is still being said.  */
typedef struct {
    json_t *block; /* borrowed from `content`; NULL: not begun, or complete */
    plv_buf_t text;
    plv_buf_t signature;
} part_t;

typedef struct {
    char id[MESSAGE_WORD_BYTES];
    char model[MESSAGE_WORD_BYTES];
    char stop_reason[MESSAGE_WORD_BYTES];
    char category[MESSAGE_WORD_BYTES]; /* of a refusal */
    char error[MESSAGE_WORD_BYTES];    /* the type of an error event; "": none */
    char error_text[256];
    char request_id[MESSAGE_WORD_BYTES]; /* set by whoever read the headers */
    usage_t usage;
    json_t *content; /* an array of blocks */
    part_t *parts;   /* one a block */
    size_t part_count;
    size_t bytes;
    size_t words;  /* bytes of all that the model has said, thoughts and inputs of tools included */
    bool complete; /* message_stop has come */
    bool broken;
} message_t;

void message_free (message_t *self);

/*  `said` (may be NULL) gets what a text block adds.  */
typedef void message_said_t (void *arg, plv_view_t text);
void message_event (message_t *self, plv_view_t event, plv_view_t data, message_said_t *said,
                    void *arg);

/*  From a whole answer, as it comes without a stream, or from message_json; false when it is none.  */
bool message_read (message_t *self, const json_t *whole);

/*  The message for a saved step; NULL when memory runs out.  */
json_t *message_json (const message_t *self);

/*  Takes `error` and its text out of an error's body, however it is wrapped.  */
void message_error (message_t *self, const json_t *body);

/*  Appends the text of all text blocks.  */
void message_text (const message_t *self, plv_buf_t *out);

#endif
