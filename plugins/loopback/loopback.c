/*  loopback -- a platform made of one Unix socket: a JSON line in is a message, a JSON line out an answer.
    In:   {"conversation": "42", "user_id": "ann", "message_text": "hello", "platform_id": "m1"}
    Out:  {"taken": "stored", "id": "018f..."}                          the message is on disk
          {"conversation": "42", "reply_to": "018f...", "response_text": "..."}    an answer, whole  */
#include "sdk/adapter.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CLIENTS_MAX = 64, LINE_BYTES_MAX = 65536, CONVERSATION_BYTES_MAX = 255 };

typedef struct {
    struct loopback *owner;
    int fd; /* -1: it has gone */
    uint64_t watch;
    unsigned unanswered; /* messages of which the host has not said what became of them */
    size_t size;         /* what has come of the next line */
    char line[LINE_BYTES_MAX];
    char conversation[CONVERSATION_BYTES_MAX + 1]; /* where it spoke last, and is answered */
} client_t;

typedef struct loopback {
    const pal_host_t *host;
    int fd;
    uint64_t watch;
    client_t clients[CLIENTS_MAX];
} loopback_t;

static void client_close (client_t *client)
{
    if (client->fd < 0)
        return;
    client->owner->host->watch_cancel (client->owner->host, client->watch);
    close (client->fd);
    client->fd = -1;
}

/*  Of a line that left in part nobody knows whether it was read. A client that does not read is let go.  */
static pal_outcome_t client_write (client_t *client, json_t *object)
{
    char *text = json_dumps (object, JSON_COMPACT);
    size_t size = text ? strlen (text) : 0;
    json_decref (object);
    if (text)
        text[size] = '\n'; /* in place of the NUL */
    ssize_t sent = text ? send (client->fd, text, size + 1, MSG_NOSIGNAL) : -1;
    free (text);
    if (sent == (ssize_t) size + 1)
        return PAL_SENT;
    client_close (client);
    return sent > 0 ? PAL_UNKNOWN : PAL_NOT_SENT;
}

/*  The client may have gone since; its place is nobody else's until this has come.  */
static void on_taken (void *arg, const pal_published_t *result)
{
    static const char *const words[] = {"?", "stored", "busy", "rejected"};
    client_t *client = arg;
    const pal_text_t *why = &result->reason;
    client->unanswered--;
    json_t *said = json_pack ("{s:s, s:s, s:s%}", "taken", words[result->taken], "id",
                              result->id.text, "why", why->size ? why->data : "", why->size);
    client_write (client, said);
}

static pal_text_t member (const json_t *object, const char *name)
{
    const json_t *value = json_object_get (object, name);
    return (pal_text_t){json_string_value (value), json_string_length (value)};
}

static void on_line (client_t *client, const char *line, size_t size)
{
    json_t *object = json_loadb (line, size, JSON_ALLOW_NUL, NULL);
    pal_event_t event = {
        .type = PAL_CHAT_MESSAGE,
        .conversation = member (object, "conversation"),
        .user_id = member (object, "user_id"),
        .platform_id = member (object, "platform_id"),
        .message_text = member (object, "message_text"),
    };
    if (event.conversation.size)
        snprintf (client->conversation, sizeof client->conversation, "%.*s",
                  PAL_ARG (event.conversation));
    /*  What is missing or not JSON comes back as rejected: the host looks, so that no plugin has to.  */
    client->unanswered++;
    client->owner->host->publish (client->owner->host, &event, on_taken, client, NULL);
    json_decref (object);
}

static void on_readable (void *arg, unsigned events)
{
    client_t *client = arg;
    ssize_t got = recv (client->fd, client->line + client->size, LINE_BYTES_MAX - client->size, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    client->size += got > 0 ? (size_t) got : 0;
    for (char *end; client->fd >= 0 && (end = memchr (client->line, '\n', client->size));) {
        size_t size = (size_t) (end - client->line);
        on_line (client, client->line, size);
        client->size -= size + 1;
        memmove (client->line, end + 1, client->size);
    }
    if (client->fd >= 0 && (got <= 0 || client->size == LINE_BYTES_MAX))
        client_close (client); /* it left, or sends a line without an end */
    (void) events;
}

static void on_client (void *arg, unsigned events)
{
    loopback_t *self = arg;
    int fd = accept4 (self->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    client_t *client = self->clients;
    while (client < self->clients + CLIENTS_MAX && (client->fd >= 0 || client->unanswered))
        client++;
    if (fd >= 0 && client < self->clients + CLIENTS_MAX) {
        *client = (client_t){.owner = self, .fd = fd};
        client->watch = self->host->watch (self->host, fd, PAL_READABLE, on_readable, client);
    } else if (fd >= 0) {
        close (fd); /* no place is free */
    }
    (void) events;
}

static void loopback_deliver (void *arg, const pal_reply_t *reply)
{
    loopback_t *self = arg;
    for (client_t *client = self->clients; client < self->clients + CLIENTS_MAX; client++) {
        if (client->fd < 0 || !pal_text_is (reply->conversation, client->conversation))
            continue;
        json_t *answer = json_loadb (reply->body.data, reply->body.size, JSON_ALLOW_NUL, NULL);
        json_object_set_new (answer, "conversation", json_string (client->conversation));
        json_object_set_new (answer, "reply_to",
                             json_string (reply->has_reply_to ? reply->reply_to.text : ""));
        pal_outcome_t outcome = client_write (client, answer);
        self->host->finish (self->host, reply->delivery, outcome,
                            pal_text (outcome == PAL_SENT ? reply->id.text : NULL), 1000,
                            pal_text (outcome == PAL_SENT ? NULL : "the client has gone"));
        return;
    }
    pal_not_sent (self->host, reply->delivery, 1000, "nobody is connected in this conversation");
}

static int loopback_open (const pal_host_t *host, void **ret_self)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat info;
    loopback_t *self = calloc (1, sizeof *self);
    snprintf (address.sun_path, sizeof address.sun_path, "%.*s",
              PAL_ARG (host->conf_text (host, "path")));
    for (int at = 0; at < CLIENTS_MAX; at++)
        self->clients[at].fd = -1;
    self->host = host;
    self->fd = socket (AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (stat (address.sun_path, &info) == 0 && S_ISSOCK (info.st_mode))
        unlink (address.sun_path); /* left by an earlier life */
    if (bind (self->fd, (struct sockaddr *) &address, sizeof address) < 0
        || listen (self->fd, CLIENTS_MAX) < 0) {
        host->fail (host, "path = \"%s\": %s", address.sun_path, strerror (errno));
        close (self->fd);
        free (self);
        return -1;
    }
    self->watch = host->watch (host, self->fd, PAL_READABLE, on_client, self);
    *ret_self = self;
    return 0;
}

static void loopback_close (void *arg)
{
    loopback_t *self = arg;
    for (client_t *client = self->clients; client < self->clients + CLIENTS_MAX; client++)
        client_close (client);
    self->host->watch_cancel (self->host, self->watch);
    close (self->fd); /* the path stays: a successor may listen there already */
    free (self);
}

static const pal_key_t keys[] = {PAL_TEXT ("path", "loopback.sock", "the socket")};

PAL_EXPORT const pal_adapter_t palaver_adapter = {
    .abi = PAL_ABI,
    .size = sizeof (pal_adapter_t),
    .name = "loopback",
    .version = "1.0.0",
    .platform = "loopback",
    .keys = keys,
    .key_count = sizeof keys / sizeof *keys,
    .key_size = sizeof *keys,
    .open = loopback_open,
    .deliver = loopback_deliver,
    .close = loopback_close,
};
