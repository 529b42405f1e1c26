/*  model_fuzz -- any bytes as the stream of a model's answer
    However the bytes are cut, the same message comes of them; what was said is UTF-8.  */

#include "advisor/claude/message.h"
#include "advisor/claude/prose.h"
#include "advisor/claude/sse.h"
#include "base/check.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

typedef struct {
    sse_t sse;
    message_t message;
    prose_t prose;
    plv_buf_t said;
} reader_t;

static void hear (void *arg, plv_view_t text)
{
    reader_t *self = arg;
    prose_feed (&self->prose, text, &self->said);
}

static void take (void *arg, plv_view_t event, plv_view_t data)
{
    reader_t *self = arg;
    message_event (&self->message, event, data, hear, self);
}

static void read_in_pieces (reader_t *self, plv_view_t bytes, size_t piece)
{
    *self = (reader_t){.prose = {.wanted = "answer"}};
    for (size_t at = 0; at < bytes.size; at += piece) {
        size_t size = bytes.size - at < piece ? bytes.size - at : piece;
        sse_feed (&self->sse, plv_view (bytes.data + at, size), take, self);
    }
}

static void reader_free (reader_t *self)
{
    sse_free (&self->sse);
    message_free (&self->message);
    plv_buf_free (&self->said);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    reader_t whole, pieces;
    read_in_pieces (&whole, plv_view (data, size), size + 1);
    read_in_pieces (&pieces, plv_view (data, size), size ? 1 + data[0] % 7 : 1);
    CHECK (whole.message.broken == pieces.message.broken, "broken");
    CHECK (whole.message.complete == pieces.message.complete, "complete");
    CHECK (!whole.message.content == !pieces.message.content, "content");
    CHECK (!whole.message.content || json_equal (whole.message.content, pieces.message.content),
           "blocks");
    CHECK (plv_view_equal (plv_buf_view (&whole.said), plv_buf_view (&pieces.said)), "said");
    CHECK (plv_utf8_valid (plv_buf_view (&whole.said)), "what was said is UTF-8");
    if (whole.message.complete && whole.message.stop_reason[0]) {
        message_t again = {0};
        json_t *saved = message_json (&whole.message);
        if (saved && message_read (&again, saved))
            CHECK (json_equal (again.content, whole.message.content), "saved blocks");
        json_decref (saved);
        message_free (&again);
    }
    reader_free (&whole);
    reader_free (&pieces);
    return 0;
}
