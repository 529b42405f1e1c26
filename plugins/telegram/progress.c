/*  progress -- what the broker keeps of a delivery: the parts that are sent, and the message that was streamed into  */
#include "telegram/delivery_parts.h"
#include "telegram/keep.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*  "1 TIME SENT PARTS NOTICE MESSAGE": SENT of PARTS parts, the newest one as MESSAGE.  */
#define FORMAT "1 %" PRId64 " %zu %zu %d %" PRId64
#define SCAN_FORMAT "1 %" SCNd64 " %zu %zu %d %" SCNd64
enum { VALUE_BYTES = 120, KEPT_S = 8 * 24 * 3600 };

static pal_text_t key_of (char key[KEEP_KEY_BYTES], const char *kind, const pal_id_t *id)
{
    snprintf (key, KEEP_KEY_BYTES, "%s%s", kind, id->text);
    return pal_text (key);
}

/*  False: it is none.  */
static bool take (delivery_t *self, pal_text_t value)
{
    char text[VALUE_BYTES];
    int64_t when, message_id;
    size_t sent, count;
    int notice;
    snprintf (text, sizeof text, "%.*s", PAL_ARG (value));
    if (sscanf (text, SCAN_FORMAT, &when, &sent, &count, &notice, &message_id) != 5)
        return false;
    if (self->notice != (notice != 0)) {
        self->notice = notice != 0;
        if (!request_make_parts (self))
            return false;
    }
    self->at = sent < self->parts.count ? sent : self->parts.count;
    self->message_id = message_id;
    self->kept = true;
    if (self->at)
        self->edit_id = 0;
    return true;
}

/*  What is kept cannot be read: to go on would send it twice.  */
static void say_unread (delivery_t *self, const pal_kv_result_t *result)
{
    char words[160];
    snprintf (words, sizeof words, "what is sent of it cannot be read: %.*s",
              PAL_ARG (result->reason));
    self->go_on (self, words);
}

static void on_read (void *arg, const pal_kv_result_t *result)
{
    delivery_t *self = arg;
    if (!result->ok) {
        say_unread (self, result);
        return;
    }
    if (result->found)
        take (self, result->value);
    self->go_on (self, NULL);
}

void progress_read (delivery_t *self, progress_fn *go_on)
{
    char key[KEEP_KEY_BYTES];
    self->go_on = go_on;
    self->owner->host->kv_get (self->owner->host, key_of (key, KEEP_PROGRESS, &self->id), on_read,
                               self);
}

/*  Not kept is no reason to stop: only a crash would send a part twice.  */
static void on_written (void *arg, const pal_kv_result_t *result)
{
    delivery_t *self = arg;
    self->kept = self->kept || result->ok;
    self->go_on (self, NULL);
}

void progress_write (delivery_t *self, progress_fn *go_on)
{
    const pal_host_t *host = self->owner->host;
    char key[KEEP_KEY_BYTES], value[VALUE_BYTES];
    self->go_on = go_on;
    snprintf (value, sizeof value, FORMAT, host->wall_us (host) / 1000000, self->at,
              self->parts.count, self->notice, self->message_id);
    host->kv_put (host, key_of (key, KEEP_PROGRESS, &self->id), pal_text (value), on_written, self);
}

void progress_remove (const delivery_t *self)
{
    const pal_host_t *host = self->owner->host;
    char key[KEEP_KEY_BYTES];
    if (self->kept)
        host->kv_remove (host, key_of (key, KEEP_PROGRESS, &self->id), NULL, NULL);
    if (self->streamed)
        host->kv_remove (host, key_of (key, KEEP_STREAM, &self->event), NULL, NULL);
}

/*  "MESSAGE TIME CHAT": in a group that has moved messages are counted anew, and this number is another's.  */
static int64_t streamed_in (int64_t wanted, pal_text_t value)
{
    char text[VALUE_BYTES];
    int64_t message_id = 0, chat = wanted;
    snprintf (text, sizeof text, "%.*s", PAL_ARG (value));
    sscanf (text, "%" SCNd64 " %*d %" SCNd64, &message_id, &chat);
    return chat == wanted ? message_id : 0;
}

static void on_stream (void *arg, const pal_kv_result_t *result)
{
    delivery_t *self = arg;
    if (!result->ok) {
        say_unread (self, result);
        return;
    }
    if (result->found) {
        self->streamed = true;
        self->edit_id = streamed_in (self->chat, result->value);
    }
    self->go_on (self, NULL);
}

void progress_read_stream (delivery_t *self, progress_fn *go_on)
{
    char key[KEEP_KEY_BYTES];
    self->go_on = go_on;
    self->owner->host->kv_get (self->owner->host, key_of (key, KEEP_STREAM, &self->event),
                               on_stream, self);
}

/* ------------------------------------------------------------------ what is left over */

/*  Both kinds have the time as their second number.  */
static void on_old (void *arg, const pal_kv_result_t *result)
{
    telegram_t *owner = arg;
    const pal_host_t *host = owner->host;
    char text[VALUE_BYTES];
    int64_t when = 0;
    if (!result->found)
        return;
    snprintf (text, sizeof text, "%.*s", PAL_ARG (result->value));
    if (sscanf (text, "%*d %" SCNd64, &when) == 1 && when + KEPT_S < host->wall_us (host) / 1000000)
        host->kv_remove (host, result->key, NULL, NULL);
}

void deliveries_sweep (telegram_t *owner)
{
    owner->host->kv_list (owner->host, pal_text (KEEP_PROGRESS), on_old, owner);
    owner->host->kv_list (owner->host, pal_text (KEEP_STREAM), on_old, owner);
}
