#include "sdk/fake_host.h"

#include "sdk/fake_host_kit.h"
#include "sdk/fake_host_net.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 4096, TEXT_BYTES = 512, WALL_START_S = 1700000000 };

typedef struct {
    fake_event_t event;
    pal_published_fn *done;
    void *arg;
} published_t;

typedef struct {
    uint64_t number;
    int64_t due_us, every_us;
    int fd;
    unsigned events;
    bool is_hosts; /* and stays when the plugin has closed */
    void (*on_time) (void *arg);
    void (*on_events) (void *arg, unsigned events);
    void *arg;
} wakeup_t;

typedef struct {
    char *command;
    void (*done) (void *arg, const pal_control_result_t *result);
    void *arg;
} question_t;

typedef struct {
    uint64_t delivery;
    fake_outcome_t outcome;
} finished_t;

typedef struct {
    const char *key;
    char *text;
    int64_t number;
} value_t;

struct fake_host {
    pal_host_t table; /* first */
    const pal_adapter_t *adapter;
    void *plugin;
    fake_kit_t *kit;
    fake_net_t *net;
    bool is_open, connected;
    int64_t now_us;
    uint64_t last_wakeup;
    uint64_t chance;
    char failure[TEXT_BYTES], log[TEXT_BYTES];
    value_t *values;
    char *text[ROOM]; /* to be freed at the end */
    size_t texts;
    published_t published[ROOM];
    size_t published_count;
    wakeup_t wakeups[ROOM];
    size_t wakeup_count;
    question_t questions[ROOM];
    size_t questions_asked, questions_answered;
    const char *said_more;
    finished_t finished[ROOM];
    size_t finished_count;
};

static void need (bool condition, const char *what)
{
    if (condition)
        return;
    fprintf (stderr, "fake_host: %s\n", what);
    abort ();
}

static fake_host_t *self_of (const pal_host_t *table)
{
    return (fake_host_t *) (uintptr_t) table; /* lent as const; it is the first member */
}

fake_net_t *fake_host_net (const pal_host_t *table)
{
    return self_of (table)->net;
}

fake_kit_t *fake_host_kit (const pal_host_t *table)
{
    return self_of (table)->kit;
}

static char *keep (fake_host_t *self, pal_text_t text)
{
    need (self->texts < ROOM, "too many texts");
    char *copy = calloc (1, text.size + 1);
    need (copy != NULL, "out of memory");
    memcpy (copy, text.size ? text.data : "", text.size);
    self->text[self->texts++] = copy;
    return copy;
}

/* ------------------------------------------------------------------ conf, log, time, chance */

static value_t *value_of (fake_host_t *self, const char *key)
{
    for (uint32_t at = 0; at < self->adapter->key_count; at++) {
        if (strcmp (self->values[at].key, key) == 0)
            return &self->values[at];
    }
    need (false, key);
    return NULL;
}

static pal_text_t do_conf_text (const pal_host_t *table, const char *key)
{
    return pal_text (value_of (self_of (table), key)->text);
}

static int64_t do_conf_int (const pal_host_t *table, const char *key)
{
    return value_of (self_of (table), key)->number;
}

static bool do_conf_bool (const pal_host_t *table, const char *key)
{
    return value_of (self_of (table), key)->number != 0;
}

__attribute__ ((format (printf, 3, 4))) static void do_log (const pal_host_t *table,
                                                            pal_log_level_t level,
                                                            const char *format, ...)
{
    va_list arguments;
    (void) level;
    va_start (arguments, format);
    vsnprintf (self_of (table)->log, TEXT_BYTES, format, arguments);
    va_end (arguments);
}

__attribute__ ((format (printf, 2, 3))) static int do_fail (const pal_host_t *table,
                                                            const char *format, ...)
{
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (self_of (table)->failure, TEXT_BYTES, format, arguments);
    va_end (arguments);
    return -1;
}

static int64_t do_mono_us (const pal_host_t *table)
{
    return self_of (table)->now_us;
}

static int64_t do_wall_us (const pal_host_t *table)
{
    return self_of (table)->now_us + (int64_t) WALL_START_S * 1000000;
}

/*  The same numbers in every run.  */
static void do_random (const pal_host_t *table, void *bytes, size_t size)
{
    for (size_t at = 0; at < size; at++) {
        uint64_t *chance = &self_of (table)->chance;
        *chance = *chance * 6364136223846793005u + 1442695040888963407u;
        ((unsigned char *) bytes)[at] = (unsigned char) (*chance >> 56);
    }
}

static bool do_same_secret (const pal_host_t *table, pal_text_t a, pal_text_t b)
{
    (void) table;
    return pal_text_equal (a, b);
}

static bool do_connected (const pal_host_t *table)
{
    return self_of (table)->connected;
}

/* ------------------------------------------------------------------ events and outcomes */

static void do_publish (const pal_host_t *table, const pal_event_t *event, pal_published_fn *done,
                        void *arg, pal_id_t *ret_id)
{
    fake_host_t *self = self_of (table);
    need (self->published_count < ROOM, "too many events");
    published_t *published = &self->published[self->published_count++];
    published->done = done;
    published->arg = arg;
    published->event = (fake_event_t){
        .type = event->type,
        .conversation = keep (self, event->conversation),
        .user_id = keep (self, event->user_id),
        .platform_id = keep (self, event->platform_id),
        .message_text = keep (self, event->message_text),
        .metadata = keep (self, event->metadata),
        .timestamp_us = event->timestamp_us,
    };
    snprintf (published->event.id.text, sizeof published->event.id.text,
              "00000000-0000-7000-8000-%012zu", self->published_count);
    if (ret_id)
        *ret_id = published->event.id;
}

static void do_live (const pal_host_t *table, const pal_event_t *event)
{
    (void) table;
    (void) event;
}

static void do_finish (const pal_host_t *table, uint64_t delivery, pal_outcome_t outcome,
                       pal_text_t platform_id, uint32_t retry_after_ms, pal_text_t reason)
{
    fake_host_t *self = self_of (table);
    need (self->finished_count < ROOM, "too many outcomes");
    finished_t *finished = &self->finished[self->finished_count++];
    finished->delivery = delivery;
    finished->outcome =
        (fake_outcome_t){.times = 1, .outcome = outcome, .retry_after_ms = retry_after_ms};
    snprintf (finished->outcome.platform_id, sizeof finished->outcome.platform_id, "%.*s",
              PAL_ARG (platform_id));
    snprintf (finished->outcome.reason, sizeof finished->outcome.reason, "%.*s", PAL_ARG (reason));
}

/*  "COMMAND ARGUMENTS", kept.  */
static char *words_of (fake_host_t *self, pal_text_t command, pal_text_t arguments)
{
    char *words = calloc (1, command.size + arguments.size + 2);
    need (words != NULL, "out of memory");
    snprintf (words, command.size + arguments.size + 2, "%.*s %.*s", PAL_ARG (command),
              PAL_ARG (arguments));
    char *kept = keep (self, pal_text (words));
    free (words);
    return kept;
}

static uint64_t do_ask (const pal_host_t *table, pal_text_t command, pal_text_t arguments,
                        uint32_t within_ms,
                        void (*done) (void *arg, const pal_control_result_t *result), void *arg)
{
    fake_host_t *self = self_of (table);
    (void) within_ms;
    need (self->questions_asked < ROOM, "too many questions");
    question_t *question = &self->questions[self->questions_asked++];
    *question =
        (question_t){.command = words_of (self, command, arguments), .done = done, .arg = arg};
    return self->questions_asked;
}

static void do_control (const pal_host_t *table, pal_text_t command, pal_text_t arguments,
                        void (*done) (void *arg, const pal_control_result_t *result), void *arg)
{
    do_ask (table, command, arguments, 0, done, arg);
}

static bool do_ask_more (const pal_host_t *table, uint64_t question, pal_text_t command,
                         pal_text_t arguments)
{
    fake_host_t *self = self_of (table);
    if (question <= self->questions_answered || question > self->questions_asked)
        return false;
    self->said_more = words_of (self, command, arguments);
    return true;
}

/* ------------------------------------------------------------------ wakeups */

static wakeup_t *add_wakeup (fake_host_t *self)
{
    need (self->wakeup_count < ROOM, "too many timers");
    wakeup_t *wakeup = &self->wakeups[self->wakeup_count++];
    *wakeup = (wakeup_t){.number = ++self->last_wakeup, .fd = -1};
    return wakeup;
}

static uint64_t do_timer (const pal_host_t *table, uint32_t after_ms, uint32_t every_ms,
                          void (*fn) (void *arg), void *arg)
{
    wakeup_t *wakeup = add_wakeup (self_of (table));
    wakeup->due_us = self_of (table)->now_us + (int64_t) after_ms * 1000;
    wakeup->every_us = (int64_t) every_ms * 1000;
    wakeup->on_time = fn;
    wakeup->arg = arg;
    return wakeup->number;
}

void fake_host_later (const pal_host_t *table, uint32_t ms, void (*fn) (void *arg), void *arg)
{
    do_timer (table, ms, 0, fn, arg);
    self_of (table)->wakeups[self_of (table)->wakeup_count - 1].is_hosts = true;
}

static bool is_watched (const fake_host_t *self, int fd)
{
    for (size_t at = 0; at < self->wakeup_count; at++) {
        if (self->wakeups[at].on_events && self->wakeups[at].fd == fd)
            return true;
    }
    return false;
}

static uint64_t do_watch (const pal_host_t *table, int fd, unsigned events,
                          void (*fn) (void *arg, unsigned events), void *arg)
{
    if (!fn || is_watched (self_of (table), fd))
        return 0;
    wakeup_t *wakeup = add_wakeup (self_of (table));
    wakeup->fd = fd;
    wakeup->events = events;
    wakeup->on_events = fn;
    wakeup->arg = arg;
    return wakeup->number;
}

static wakeup_t *find_wakeup (fake_host_t *self, uint64_t number)
{
    for (size_t at = 0; at < self->wakeup_count; at++) {
        if (self->wakeups[at].number == number)
            return &self->wakeups[at];
    }
    return NULL;
}

static void do_cancel (const pal_host_t *table, uint64_t number)
{
    fake_host_t *self = self_of (table);
    wakeup_t *wakeup = find_wakeup (self, number);
    if (wakeup)
        *wakeup = self->wakeups[--self->wakeup_count];
}

static void forget_wakeups (fake_host_t *self)
{
    size_t kept = 0;
    for (size_t at = 0; at < self->wakeup_count; at++) {
        if (self->wakeups[at].is_hosts)
            self->wakeups[kept++] = self->wakeups[at];
    }
    self->wakeup_count = kept;
}

static wakeup_t *next_due (fake_host_t *self, int64_t until_us)
{
    wakeup_t *first = NULL;
    for (size_t at = 0; at < self->wakeup_count; at++) {
        wakeup_t *wakeup = &self->wakeups[at];
        if (wakeup->on_time && wakeup->due_us <= until_us
            && (!first || wakeup->due_us < first->due_us))
            first = wakeup;
    }
    return first;
}

void fake_host_advance (fake_host_t *self, uint32_t ms)
{
    int64_t until = self->now_us + (int64_t) ms * 1000;
    for (wakeup_t *due; (due = next_due (self, until));) {
        wakeup_t now = *due;
        self->now_us = now.due_us > self->now_us ? now.due_us : self->now_us;
        if (now.every_us)
            due->due_us += now.every_us;
        else
            do_cancel (&self->table, now.number);
        now.on_time (now.arg);
        fake_kit_turn (self->kit);
    }
    self->now_us = until;
    fake_kit_turn (self->kit);
}

/*  Serves one descriptor that is ready; false: none became so.  */
static bool poll_once (fake_host_t *self, int quiet_ms)
{
    struct pollfd items[64];
    uint64_t numbers[64];
    nfds_t count = 0;
    for (size_t at = 0; at < self->wakeup_count && count < 64; at++) {
        const wakeup_t *wakeup = &self->wakeups[at];
        if (wakeup->fd < 0)
            continue;
        short wanted = (short) ((wakeup->events & PAL_READABLE ? POLLIN : 0)
                                | (wakeup->events & PAL_WRITABLE ? POLLOUT : 0));
        numbers[count] = wakeup->number;
        items[count++] = (struct pollfd){.fd = wakeup->fd, .events = wanted};
    }
    if (poll (items, count, quiet_ms) <= 0)
        return false;
    for (nfds_t at = 0; at < count; at++) {
        wakeup_t *wakeup = items[at].revents ? find_wakeup (self, numbers[at]) : NULL;
        if (wakeup)
            wakeup->on_events (wakeup->arg,
                               (items[at].revents & (POLLIN | POLLHUP | POLLERR) ? PAL_READABLE : 0)
                                   | (items[at].revents & POLLOUT ? PAL_WRITABLE : 0));
    }
    fake_kit_turn (self->kit);
    return true;
}

void fake_host_poll (fake_host_t *self, int quiet_ms)
{
    while (poll_once (self, quiet_ms))
        ;
}

/* ------------------------------------------------------------------ what the broker would do */

static published_t *published_of (const fake_host_t *self, size_t at)
{
    need (at < self->published_count, "no such event");
    return (published_t *) (uintptr_t) &self->published[at];
}

static void answer (fake_host_t *self, size_t at, pal_published_t result)
{
    published_t *published = published_of (self, at);
    pal_published_fn *done = published->done;
    result.id = published->event.id;
    published->done = NULL;
    if (done && self->is_open)
        done (published->arg, &result);
    fake_kit_turn (self->kit);
}

void fake_host_stored (fake_host_t *self, size_t at)
{
    answer (self, at, (pal_published_t){.taken = PAL_STORED});
}

void fake_host_busy (fake_host_t *self, size_t at, uint32_t retry_after_ms, const char *reason)
{
    answer (self, at,
            (pal_published_t){
                .taken = PAL_BUSY, .retry_after_ms = retry_after_ms, .reason = pal_text (reason)});
}

void fake_host_rejected (fake_host_t *self, size_t at, const char *reason)
{
    answer (self, at,
            (pal_published_t){
                .taken = PAL_REJECTED, .code = pal_text ("RANGE"), .reason = pal_text (reason)});
}

size_t fake_host_events (const fake_host_t *self)
{
    return self->published_count;
}

const fake_event_t *fake_host_event (const fake_host_t *self, size_t at)
{
    return &published_of (self, at)->event;
}

void fake_host_deliver (fake_host_t *self, uint64_t delivery, const char *conversation,
                        const char *reply_to, const char *response_text)
{
    char body[TEXT_BYTES];
    snprintf (body, sizeof body, "{\"response_text\":\"%s\"}", response_text);
    pal_reply_t reply = {
        .delivery = delivery,
        .attempt = 1,
        .has_reply_to = reply_to != NULL,
        .id = {.text = "00000000-0000-7000-9000-000000000001"},
        .conversation = pal_text (conversation),
        .user_id = pal_text ("ann"),
        .timestamp_us = do_wall_us (&self->table),
        .response_text = pal_text (response_text),
        .confidence = -1,
        .processing_time = -1,
        .body = pal_text (body),
    };
    if (reply_to)
        snprintf (reply.reply_to.text, sizeof reply.reply_to.text, "%s", reply_to);
    self->adapter->deliver (self->plugin, &reply);
    fake_kit_turn (self->kit);
}

fake_outcome_t fake_host_outcome (const fake_host_t *self, uint64_t delivery)
{
    fake_outcome_t outcome = {0};
    for (size_t at = 0; at < self->finished_count; at++) {
        if (self->finished[at].delivery != delivery)
            continue;
        unsigned times = outcome.times + 1;
        outcome = times == 1 ? self->finished[at].outcome : outcome;
        outcome.times = times;
    }
    return outcome;
}

static const char *answer_question (fake_host_t *self, const char *status, const char *body,
                                    bool more)
{
    if (self->questions_answered == self->questions_asked)
        return NULL;
    question_t *question = &self->questions[self->questions_answered];
    pal_control_result_t result = {.ok = strcmp (status, "ok") == 0,
                                   .status = pal_text (status),
                                   .body = pal_text (body),
                                   .more = more};
    self->questions_answered += !more;
    if (question->done && self->is_open)
        question->done (question->arg, &result);
    fake_kit_turn (self->kit);
    return question->command;
}

const char *fake_host_answer (fake_host_t *self, const char *status, const char *body)
{
    return answer_question (self, status, body, false);
}

const char *fake_host_answer_part (fake_host_t *self, const char *body)
{
    return answer_question (self, "ok", body, true);
}

const char *fake_host_said_more (const fake_host_t *self)
{
    return self->said_more ? self->said_more : "";
}

/* ------------------------------------------------------------------ life */

static const pal_host_t table = {
    .abi = PAL_ABI,
    .size = sizeof (pal_host_t),
    .publish = do_publish,
    .live = do_live,
    .finish = do_finish,
    .control = do_control,
    .ask = do_ask,
    .ask_more = do_ask_more,
    .connected = do_connected,
    .conf_text = do_conf_text,
    .conf_int = do_conf_int,
    .conf_bool = do_conf_bool,
    .log = do_log,
    .fail = do_fail,
    .wall_us = do_wall_us,
    .mono_us = do_mono_us,
    .random = do_random,
    .same_secret = do_same_secret,
    .timer = do_timer,
    .timer_cancel = do_cancel,
    .watch = do_watch,
    .watch_cancel = do_cancel,
};

fake_host_t *fake_host_new (const pal_adapter_t *adapter)
{
    fake_host_t *self = calloc (1, sizeof *self);
    need (self != NULL, "out of memory");
    self->table = table;
    fake_kit_enter (&self->table);
    fake_net_enter (&self->table);
    self->net = fake_net_new ();
    self->kit = fake_kit_new (&self->table);
    self->adapter = adapter;
    self->connected = true;
    self->values = calloc (adapter->key_count + 1, sizeof *self->values);
    need (self->values != NULL, "out of memory");
    for (uint32_t at = 0; at < adapter->key_count; at++)
        self->values[at] = (value_t){
            .key = adapter->keys[at].name,
            .text = keep (self, pal_text (adapter->keys[at].text)),
            .number = adapter->keys[at].number,
        };
    return self;
}

void fake_host_destroy (fake_host_t **self_p)
{
    fake_host_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    fake_host_close (self);
    for (size_t at = 0; at < self->texts; at++)
        free (self->text[at]);
    fake_kit_destroy (&self->kit);
    fake_net_destroy (&self->net);
    free (self->values);
    free (self);
    *self_p = NULL;
}

void fake_host_set_text (fake_host_t *self, const char *key, const char *text)
{
    value_of (self, key)->text = keep (self, pal_text (text));
}

void fake_host_set_number (fake_host_t *self, const char *key, int64_t number)
{
    value_of (self, key)->number = number;
}

void fake_host_set_connected (fake_host_t *self, bool connected)
{
    self->connected = connected;
    if (self->is_open && self->adapter->link)
        self->adapter->link (self->plugin, connected);
    fake_kit_turn (self->kit);
}

int fake_host_open (fake_host_t *self)
{
    int result = self->adapter->open (&self->table, &self->plugin);
    self->is_open = result == 0;
    if (self->is_open) {
        fake_kit_turn (self->kit);
    } else {
        fake_kit_mute (self->kit);
        fake_net_mute (self->net);
    }
    return result;
}

void fake_host_drain (fake_host_t *self)
{
    if (self->adapter->drain)
        self->adapter->drain (self->plugin);
    fake_kit_turn (self->kit);
}

void fake_host_close (fake_host_t *self)
{
    if (!self->is_open)
        return;
    self->adapter->close (self->plugin);
    self->is_open = false;
    forget_wakeups (self);
    fake_kit_mute (self->kit);
    fake_net_mute (self->net);
}

const char *fake_host_failure (const fake_host_t *self)
{
    return self->failure;
}

const char *fake_host_log (const fake_host_t *self)
{
    return self->log;
}

/* ------------------------------------------------------------------ what is kept, counted and said */

void fake_host_set_kv_delay (fake_host_t *self, uint32_t ms)
{
    fake_kit_set_delay (self->kit, ms);
}

void fake_host_fail_kv (fake_host_t *self, const char *reason)
{
    fake_kit_fail (self->kit, reason);
}

void fake_host_set_kv (fake_host_t *self, const char *key, const char *value)
{
    fake_kit_set (self->kit, key, value);
}

const char *fake_host_kv (const fake_host_t *self, const char *key)
{
    return fake_kit_get (self->kit, key);
}

double fake_host_metric (const fake_host_t *self, const char *name)
{
    return fake_kit_metric (self->kit, name);
}

const char *fake_host_trouble (const fake_host_t *self)
{
    return fake_kit_trouble (self->kit);
}
