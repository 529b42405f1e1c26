/*  web_fuzz -- requests, WebSocket messages, answers and hang-ups in any order, to the web gateway
    Each line of the input does one thing: a letter says what, the rest is its text. The gateway never
    answers twice, says nothing but JSON, and leaves nothing behind.  */
/*  WITH: plugins/web  */

#include "fuzz/web_world.h"

#include "base/check.h"
#include "wire/mp.h"

#include <jansson.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static const char *const headers[] = {
    "x-api-key: alpha\ncontent-type: application/json\n",
    "authorization: Bearer beta\ncontent-type: application/json\nprefer: respond-async\n",
    "x-api-key: alpha\ncontent-type: application/json\nidempotency-key: k1\n",
    ("x-api-key: alpha\ncontent-type: application/json\nidempotency-key: k1\nprefer: "
     "respond-async,wait=3\norigin: https://a.example\n"),
    "sec-websocket-protocol: palaver.v1, key.alpha\n",
    "origin: https://evil.example\n",
};
enum { HEADERS = sizeof headers / sizeof *headers };

/*  What the host hands over is UTF-8.  */
static pal_text_t utf8 (pal_text_t text)
{
    return plv_utf8_valid (plv_view (text.data, text.size)) ? text : pal_text ("?");
}

static pal_text_t json_object_of (pal_text_t text)
{
    json_t *json = json_loadb (text.data, text.size, JSON_ALLOW_NUL, NULL);
    bool good = json_is_object (json);
    json_decref (json);
    return good ? text : pal_text ("{\"delta\":\"x\"}");
}

/*  METHOD-LETTER HEADERS-DIGIT PATH[?QUERY][ BODY]  */
static void ask (web_world_t *world, pal_text_t text)
{
    static const char *const methods[] = {"GET", "POST", "HEAD", "OPTIONS", "DELETE"};
    if (text.size < 3)
        return;
    const char *method = methods[(unsigned char) text.data[0] % 5];
    pal_text_t head = pal_text (headers[(unsigned char) text.data[1] % HEADERS]);
    text = (pal_text_t){text.data + 2, text.size - 2};
    const char *blank = memchr (text.data, ' ', text.size);
    size_t path = blank ? (size_t) (blank - text.data) : text.size;
    pal_text_t body = blank ? (pal_text_t){blank + 1, text.size - path - 1} : pal_text (NULL);
    const char *mark = memchr (text.data, '?', path);
    size_t bare = mark ? (size_t) (mark - text.data) : path;
    pal_text_t query = mark ? (pal_text_t){mark + 1, path - bare - 1} : pal_text (NULL);
    pal_text_t where = {text.data, bare};
    if (!bare || text.data[0] != '/' || memchr (text.data, 0, bare))
        where = pal_text ("/chat/message");
    if (method[0] == 'D' && body.size)
        web_world_socket (world, where, query, head);
    else
        web_world_request (world, method, utf8 (where), query, head, body);
}

static void step (web_world_t *world, unsigned char what, unsigned which, pal_text_t text)
{
    switch (what % 12) {
    case 0:
    case 1:
        ask (world, text);
        break;
    case 2:
        web_world_socket (world, pal_text ("/chat/ws/s1"), text,
                          pal_text (headers[which % HEADERS]));
        break;
    case 3:
    case 4:
        web_world_message (world, which, utf8 (text), false);
        break;
    case 5:
        web_world_publish (world, which, (pal_taken_t) (1 + which % 5 % 3));
        break;
    case 6:
        web_world_deliver (world, which, utf8 (text),
                           which % 2 ? pal_text ("{\"fallback\":\"general_error\"}")
                                     : pal_text (NULL));
        break;
    case 7:
        web_world_live (world, which, which % 2 ? "chat.delta" : "chat.typing",
                        json_object_of (text));
        break;
    case 8:
        web_world_hang_up (world, which);
        break;
    case 9:
        web_world_timer (world, which);
        break;
    case 10:
        web_world_kv (world, which % 2);
        break;
    default:
        web_world_control (world, which, which % 2 ? "ok" : "NOENT", json_object_of (text));
        break;
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    web_world_t *world = web_world_new (size % 3 > 0);
    const char *at = (const char *) data, *end = at + size;
    for (unsigned steps = 0; at < end && steps < 200; steps++) {
        const char *line = memchr (at, '\n', (size_t) (end - at));
        size_t length = line ? (size_t) (line - at) : (size_t) (end - at);
        if (length >= 2)
            step (world, (unsigned char) at[0], (unsigned char) at[1],
                  (pal_text_t){at + 2, length - 2});
        at += length + 1;
    }
    if (size % 2)
        web_world_drain (world);
    web_world_destroy (world);
    return 0;
}
