/*  The adapter on walks that nobody would think of: updates, deliveries, words, answers, faults and time in any order,
    and an end at any moment. Each delivery ends once; what is wrong with memory the sanitizers see.  */
#include "sdk/fake_host.h"
#include "sdk/fake_host_net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const pal_adapter_t palaver_adapter;

enum { WALKS = 400, STEPS_MAX = 400, EVENTS_MAX = 2000, TEXT_BYTES = 12000, REST_S = 300 };

#define SECRET_KEY "webhook/secret"

static const char *const chats[] = {"42", "43", "-2001", "-10099", "-1009990002222"};

/*  What a Bot API server may say instead of what was asked for.  */
static const char *const odd[] = {
    "{\"ok\":false,\"error_code\":429,\"description\":\"\",\"parameters\":{\"retry_after\":3}}",
    "{\"ok\":false,\"error_code\":429,\"description\":\"\",\"parameters\":{\"retry_after\":60}}",
    "{\"ok\":false,\"error_code\":403,\"description\":\"bot was blocked\"}",
    "{\"ok\":false,\"error_code\":400,\"description\":\"\",\"parameters\":{\"migrate_to_chat_id\":-10099}}",
    "{\"ok\":false,\"error_code\":400,\"description\":\"can't parse entities\"}",
    "{\"ok\":false,\"error_code\":400,\"description\":\"message to be replied not found\"}",
    "{\"ok\":false,\"error_code\":400,\"description\":\"message thread not found\"}",
    "{\"ok\":false,\"error_code\":400,\"description\":\"message to edit not found\"}",
    "{\"ok\":false,\"error_code\":400,\"description\":\"BUTTON_URL_INVALID\"}",
    "{\"ok\":false,\"error_code\":401,\"description\":\"Unauthorized\"}",
    "{\"ok\":false,\"error_code\":404,\"description\":\"Not Found: method not found\"}",
    "{\"ok\":false,\"error_code\":409,\"description\":\"Conflict\"}",
    "{\"ok\":false,\"error_code\":500,\"description\":\"Internal Server Error\"}",
    "{\"ok\":true,\"result\":[]}",
    "{\"ok\":true,\"result\":true}",
    "{\"ok\":true}",
    "<html>",
    "",
};

typedef struct {
    fake_host_t *host;
    void *plugin;
    uint64_t random;
    bool webhook, drained;
    int update; /* the number of the next one */
    uint64_t deliveries;
    bool told[EVENTS_MAX]; /* events that the broker has answered */
    const char *chat;      /* that is spoken in, */
    pal_id_t event;        /* what is answered there, */
    unsigned index;        /* and the next piece of the answer */
} walk_t;

static walk_t walk;

static uint32_t below (uint32_t bound)
{
    walk.random ^= walk.random << 13;
    walk.random ^= walk.random >> 7;
    walk.random ^= walk.random << 17;
    return (uint32_t) (walk.random >> 11) % bound;
}

static bool one_in (uint32_t count)
{
    return below (count) == 0;
}

#define ANY(array) (array)[below (sizeof (array) / sizeof *(array))]

/* ------------------------------------------------------------------ what Telegram says */

/*  The number and the place stand between the two.  */
static const struct {
    const char *begin, *end;
} updates[] = {
    {"\"message\":{\"message_id\":",
     ",\"text\":\"/start\",\"entities\":[{\"type\":\"bot_command\",\"length\":6}]}"},
    {"\"message\":{\"message_id\":",
     ",\"text\":\"/ask\",\"entities\":[{\"type\":\"bot_command\",\"length\":4}]}"},
    {"\"message\":{\"is_topic_message\":true,\"message_thread_id\":5,\"message_id\":",
     ",\"text\":\"hello\"}"},
    {"\"message\":{\"message_id\":", ",\"migrate_to_chat_id\":-10099}"},
    {"\"edited_message\":{\"message_id\":", ",\"edit_date\":9,\"text\":\"changed\"}"},
    {"\"callback_query\":{\"id\":\"1\",\"from\":{\"id\":7},\"data\":\"a:b\",\"message\":{\"message_id\":",
     "}}"},
    {"\"message_reaction\":{\"user\":{\"id\":7},\"new_reaction\":[{\"emoji\":\"x\"}],\"message_id\":",
     "}"},
    {"\"my_chat_member\":{\"new_chat_member\":{\"status\":\"kicked\"},\"date\":", "}"},
};

static void write_update (char *text, size_t size)
{
    const char *chat = ANY (chats);
    size_t kind = below (sizeof updates / sizeof *updates);
    int number = one_in (10) ? walk.update : ++walk.update; /* some come twice */
    snprintf (text, size,
              "{\"update_id\":%d,%s%d,\"from\":{\"id\":7},\"chat\":{\"id\":%s,\"type\":\"%s\"}%s}",
              number, updates[kind].begin, number, chat, *chat == '-' ? "supergroup" : "private",
              updates[kind].end);
}

static void answer_updates (size_t at)
{
    char text[8 * 600] = "{\"ok\":true,\"result\":[";
    for (uint32_t left = below (6); left; left--) {
        write_update (text + strlen (text), 600);
        strcat (text, left > 1 ? "," : "");
    }
    strcat (text, "]}");
    fake_host_answer_request (walk.host, at, PAL_ANSWERED, 200, NULL, text);
}

/*  As the server does when all is well, and nobody writes.  */
static void answer_well (size_t at)
{
    const char *method = strrchr (fake_host_sent (walk.host, at)->url, '/') + 1;
    char text[200] = "{\"ok\":true,\"result\":true}";
    if (strcmp (method, "getMe") == 0)
        strcpy (text, "{\"ok\":true,\"result\":{\"id\":99,\"username\":\"test_bot\"}}");
    else if (strcmp (method, "getUpdates") == 0)
        strcpy (text, "{\"ok\":true,\"result\":[]}");
    else if (strcmp (method, "sendMessage") == 0)
        snprintf (text, sizeof text, "{\"ok\":true,\"result\":{\"message_id\":%u}}",
                  70 + below (20));
    fake_host_answer_request (walk.host, at, PAL_ANSWERED, 200, NULL, text);
}

static void answer (size_t at)
{
    bool polls = strstr (fake_host_sent (walk.host, at)->url, "getUpdates");
    if (one_in (12))
        fake_host_answer_request (walk.host, at, one_in (2) ? PAL_LOST : PAL_UNSENT, 0, NULL,
                                  "it broke");
    else if (one_in (4))
        fake_host_answer_request (walk.host, at, PAL_ANSWERED, 400, NULL, ANY (odd));
    else if (polls)
        answer_updates (at);
    else
        answer_well (at);
}

/*  Any of the requests that wait; false: none does.  */
static bool answer_any (void (*how) (size_t at))
{
    size_t open = fake_host_requests_open (walk.host);
    if (!open)
        return false;
    size_t skip = below ((uint32_t) open), at = 0;
    while (fake_host_sent (walk.host, at)->is_over || skip--)
        at++;
    how (at);
    return true;
}

static void bring_update (void)
{
    char text[600], header[200];
    const char *secret = fake_host_kv (walk.host, SECRET_KEY);
    if (!walk.webhook)
        return;
    write_update (text, sizeof text);
    snprintf (header, sizeof header, "x-telegram-bot-api-secret-token: %s\n",
              secret && !one_in (20) ? secret : "no");
    uint64_t call =
        fake_host_request (walk.host, "POST", "/hook", header, one_in (20) ? "{" : text);
    if (one_in (8) && !fake_host_response (walk.host, call).status)
        fake_host_hang_up (walk.host, call);
}

/* ------------------------------------------------------------------ what the broker says */

static void tell_of_event (void)
{
    size_t count = fake_host_events (walk.host), at = 0;
    while (at < count && at < EVENTS_MAX && (walk.told[at] || one_in (3)))
        at++;
    if (at >= count || at >= EVENTS_MAX)
        return;
    walk.told[at] = true;
    if (!one_in (8))
        fake_host_stored (walk.host, at);
    else if (one_in (2))
        fake_host_busy (walk.host, at, below (3000), "busy");
    else
        fake_host_rejected (walk.host, at, "never");
}

static const fake_event_t *any_event (void)
{
    size_t count = fake_host_events (walk.host);
    return count ? fake_host_event (walk.host, below ((uint32_t) count)) : NULL;
}

static void deliver (void)
{
    static char text[TEXT_BYTES];
    const fake_event_t *event = one_in (4) ? NULL : any_event ();
    uint32_t size = below (one_in (4) ? TEXT_BYTES : 50);
    if (walk.drained)
        return;
    for (uint32_t at = 0; at < size; at++)
        text[at] = "ab *c_ `"[below (8)];
    text[size] = 0;
    fake_host_deliver (walk.host, ++walk.deliveries, ANY (chats), event ? event->id.text : NULL,
                       text);
}

static void stream (void)
{
    static const char words[] = "one **two** three and many more of them";
    char body[200];
    const fake_event_t *event = one_in (6) || !walk.chat ? any_event () : NULL;
    bool typing = one_in (5);
    if (event) {
        walk.event = event->id;
        walk.chat = one_in (2) ? ANY (chats) : event->conversation;
        walk.index = 0;
    }
    if (!walk.chat)
        return;
    if (typing)
        snprintf (body, sizeof body, "{\"active\":%s}", one_in (2) ? "true" : "false");
    else
        snprintf (body, sizeof body, "{\"delta\":\"%.*s\",\"index\":%u}",
                  (int) below (sizeof words), words, walk.index++);
    pal_live_t live = {.type = pal_text (typing ? "chat.typing" : "chat.delta"),
                       .conversation = pal_text (walk.chat),
                       .has_reply_to = true,
                       .reply_to = walk.event,
                       .body = pal_text (body)};
    palaver_adapter.live (walk.plugin, &live);
}

static void disturb (void)
{
    fake_host_fail_kv (walk.host, one_in (8) ? "BUSY" : NULL);
    if (one_in (4))
        fake_host_set_kv_delay (walk.host, one_in (2) ? 0 : below (3000));
    fake_host_set_connected (walk.host, !one_in (8));
    if (one_in (20) && !walk.drained) {
        walk.drained = true;
        fake_host_drain (walk.host);
    }
}

/* ------------------------------------------------------------------ walks */

static int open_and_remember (const pal_host_t *host, void **ret_plugin)
{
    int failed = palaver_adapter.open (host, ret_plugin);
    walk.plugin = failed ? NULL : *ret_plugin;
    return failed;
}

static void begin (pal_adapter_t *adapter, unsigned seed)
{
    static const char *const quotes[] = {"always", "groups", "never"};
    *adapter = palaver_adapter;
    adapter->open = open_and_remember;
    walk = (walk_t){.host = fake_host_new (adapter),
                    .random = seed * UINT64_C (0x9e3779b97f4a7c15) + 1};
    walk.webhook = one_in (3);
    fake_host_set_text (walk.host, "token", "99:token");
    fake_host_set_text (walk.host, "quote", ANY (quotes));
    if (one_in (2))
        fake_host_set_text (walk.host, "ai_notice", "");
    if (walk.webhook) {
        fake_host_set_text (walk.host, "mode", "webhook");
        fake_host_set_text (walk.host, "webhook_url", "https://bot.example.org/hook");
    }
    fake_host_set_connected (walk.host, true);
    assert_int_equal (fake_host_open (walk.host), 0);
}

static void step (void)
{
    switch (below (12)) {
    case 0:
        fake_host_advance (walk.host, below (one_in (2) ? 200 : 8000));
        break;
    case 1:
    case 2:
        tell_of_event ();
        break;
    case 3:
        deliver ();
        break;
    case 4:
    case 5:
        stream ();
        break;
    case 6:
        bring_update ();
        break;
    case 7:
        disturb ();
        break;
    default:
        answer_any (answer);
    }
}

/*  All is well from now on: every delivery comes to its end, and to one.  */
static void come_to_rest (unsigned seed)
{
    fake_host_fail_kv (walk.host, NULL);
    fake_host_set_kv_delay (walk.host, 0);
    for (int second = 0; second < REST_S; second++) {
        for (int left = 20; left && answer_any (answer_well); left--)
            continue;
        fake_host_advance (walk.host, 1000);
    }
    for (uint64_t delivery = 1; delivery <= walk.deliveries; delivery++)
        if (fake_host_outcome (walk.host, delivery).times != 1)
            fail_msg ("walk %u: delivery %u of %u has ended %u times", seed, (unsigned) delivery,
                      (unsigned) walk.deliveries, fake_host_outcome (walk.host, delivery).times);
}

static void any_walk_ends_well (void **state)
{
    (void) state;
    for (unsigned seed = 0; seed < WALKS; seed++) {
        pal_adapter_t adapter;
        begin (&adapter, seed);
        for (uint32_t left = below (STEPS_MAX); left; left--)
            step ();
        if (one_in (2))
            come_to_rest (seed);
        fake_host_destroy (&walk.host);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (any_walk_ends_well),
    };
    return cmocka_run_group_tests_name ("walk", tests, NULL, NULL);
}
