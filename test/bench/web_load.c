/*  web_load -- HTTP and WebSocket clients for measuring the web gateway, in one thread

    web_load PORT talk CLIENTS SECONDS [tls]   keep-alive clients, each with one request at a time: prints one line,
                                               "ANSWERS FAILURES RATE P50_MS P99_MS"
    web_load PORT idle CLIENTS                 WebSockets of as many sessions, held until the standard input ends:
                                               prints how many are open

    Over TLS the clients believe any certificate.  */

#include "base/alloc.h"
#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

enum { IN_BYTES = 16384, OUT_BYTES = 1024, EVENTS = 256, TIMES_MAX = 4000000, OPEN_MS = 30000 };

typedef struct {
    int fd;
    SSL *tls; /* NULL: plain HTTP */
    unsigned number, said;
    int64_t since_us;
    size_t used;
    char in[IN_BYTES];
} client_t;

typedef struct {
    int epoll;
    uint16_t port;
    uint32_t *times_us;
    size_t answers, failures;
} load_t;

static void die (const char *what)
{
    fprintf (stderr, "web_load: %s: %s\n", what, strerror (errno));
    exit (1);
}

static int dial (uint16_t port, unsigned number)
{
    const int yes = 1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons (port)};
    struct sockaddr_in from = {.sin_family = AF_INET};
    /*  An address of this machine has about 28,000 ports to call from: the crowd is spread over several.  */
    from.sin_addr.s_addr = htonl (0x7f000001u + number / 8192);
    to.sin_addr.s_addr = htonl (INADDR_LOOPBACK);
    int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind (fd, (struct sockaddr *) &from, sizeof from)
        || connect (fd, (struct sockaddr *) &to, sizeof to))
        die ("connect");
    setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    return fd;
}

static void watch (load_t *self, client_t *client)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = client};
    fcntl (client->fd, F_SETFL, O_NONBLOCK);
    if (epoll_ctl (self->epoll, EPOLL_CTL_ADD, client->fd, &event))
        die ("epoll_ctl");
}

/* ------------------------------------------------------------------ talking */

static void say (client_t *client)
{
    char body[256], out[OUT_BYTES];
    int size = snprintf (
        body, sizeof body,
        "{\"session_id\":\"bench-%u-%u\",\"user_id\":\"u%u\",\"message_text\":\"Which funds suit "
        "me for ten years, with little risk?\"}",
        client->number, client->said++ % 16, client->number);
    int all = snprintf (out, sizeof out,
                        "POST /chat/message HTTP/1.1\r\nHost: localhost\r\n"
                        "Content-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                        size, body);
    client->since_us = plv_clock_mono_us ();
    ssize_t sent =
        client->tls ? SSL_write (client->tls, out, all) : write (client->fd, out, (size_t) all);
    if (sent != all)
        die ("write");
}

/*  The status of a whole response, which is taken away; 0: it is not whole yet.  */
static int take_response (client_t *client)
{
    client->in[client->used] = 0;
    char *head = strstr (client->in, "\r\n\r\n");
    const char *length = strcasestr (client->in, "\r\ncontent-length:");
    if (!head || !length || length > head)
        return 0;
    size_t whole = (size_t) (head + 4 - client->in) + strtoul (length + 17, NULL, 10);
    if (whole >= IN_BYTES)
        die ("a response that is too long");
    if (client->used < whole)
        return 0;
    int status = atoi (client->in + 9);
    client->used -= whole;
    memmove (client->in, client->in + whole, client->used);
    return status;
}

/*  0: nothing is there. The end is none that is waited for.  */
static size_t read_some (client_t *client)
{
    char *to = client->in + client->used;
    size_t room = IN_BYTES - 1 - client->used;
    ssize_t got =
        client->tls ? SSL_read (client->tls, to, (int) room) : read (client->fd, to, room);
    bool is_later = client->tls ? SSL_get_error (client->tls, (int) got) == SSL_ERROR_WANT_READ
                                : errno == EAGAIN;
    if (got <= 0 && !is_later)
        die ("a connection ended");
    return got > 0 ? (size_t) got : 0;
}

static void on_readable (load_t *self, client_t *client)
{
    int status;
    size_t got;
    while ((got = read_some (client))) {
        client->used += got;
        if (!client->tls)
            break; /* what more there is, epoll says again */
    }
    while ((status = take_response (client))) {
        if (self->answers < TIMES_MAX)
            self->times_us[self->answers] = (uint32_t) (plv_clock_mono_us () - client->since_us);
        self->answers++;
        self->failures += status != 200;
        say (client);
    }
}

static int by_time (const void *a, const void *b)
{
    uint32_t one = *(const uint32_t *) a, other = *(const uint32_t *) b;
    return one < other ? -1 : one > other;
}

static void report (const load_t *self, double seconds)
{
    size_t count = self->answers < TIMES_MAX ? self->answers : TIMES_MAX;
    size_t middle = count / 2, last = count * 99 / 100;
    if (!count)
        die ("no answer came");
    qsort (self->times_us, count, sizeof *self->times_us, by_time);
    printf ("%zu %zu %.0f %.3f %.3f\n", self->answers, self->failures,
            (double) self->answers / seconds, (double) self->times_us[middle] / 1e3,
            (double) self->times_us[last] / 1e3);
}

static void talk (load_t *self, client_t *clients, unsigned count, double seconds)
{
    struct epoll_event events[EVENTS];
    self->times_us = plv_alloc (TIMES_MAX * sizeof *self->times_us);
    int64_t begun = plv_clock_mono_us (), until = begun + (int64_t) (seconds * 1e6);
    for (unsigned at = 0; at < count; at++)
        say (&clients[at]);
    while (plv_clock_mono_us () < until) {
        int ready = epoll_wait (self->epoll, events, EVENTS, 100);
        for (int at = 0; at < ready; at++)
            on_readable (self, events[at].data.ptr);
    }
    report (self, (double) (plv_clock_mono_us () - begun) / 1e6);
    free (self->times_us);
}

/*  What a client does once, and pays for once.  */
static void shake (SSL_CTX *ctx, client_t *client)
{
    client->tls = SSL_new (ctx);
    if (!client->tls || SSL_set_fd (client->tls, client->fd) != 1 || SSL_connect (client->tls) != 1)
        die ("no TLS");
}

/* ------------------------------------------------------------------ idling */

static void upgrade (const client_t *client)
{
    char out[OUT_BYTES];
    int size =
        snprintf (out, sizeof out,
                  "GET /chat/ws/idle-%u?user_id=u HTTP/1.1\r\nHost: localhost\r\n"
                  "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                  client->number);
    if (write (client->fd, out, (size_t) size) != size)
        die ("write");
}

static bool is_open (client_t *client)
{
    ssize_t got = read (client->fd, client->in, IN_BYTES - 1);
    return got > 12 && memcmp (client->in, "HTTP/1.1 101", 12) == 0;
}

static void idle (load_t *self, unsigned count)
{
    struct epoll_event events[EVENTS];
    int64_t until = plv_clock_mono_us () + OPEN_MS * 1000LL;
    unsigned opened = 0;
    while (opened < count && plv_clock_mono_us () < until) {
        int ready = epoll_wait (self->epoll, events, EVENTS, 100);
        for (int at = 0; at < ready; at++) {
            client_t *client = events[at].data.ptr;
            opened += is_open (client);
            epoll_ctl (self->epoll, EPOLL_CTL_DEL, client->fd, NULL);
        }
    }
    printf ("%u\n", opened);
    fflush (stdout);
    while (getchar () != EOF)
        ;
}

int main (int argc, char **argv)
{
    if (argc < 4) {
        fprintf (stderr,
                 "usage: web_load PORT talk CLIENTS SECONDS [tls] | web_load PORT idle CLIENTS\n");
        return 2;
    }
    struct rlimit limit;
    getrlimit (RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
    load_t self = {.epoll = epoll_create1 (EPOLL_CLOEXEC), .port = (uint16_t) atoi (argv[1])};
    unsigned count = (unsigned) atoi (argv[3]);
    bool talks = strcmp (argv[2], "talk") == 0;
    SSL_CTX *tls =
        argc > 5 && strcmp (argv[5], "tls") == 0 ? SSL_CTX_new (TLS_client_method ()) : NULL;
    client_t *clients = plv_alloc_zero (count ? count : 1, sizeof *clients);
    for (unsigned at = 0; at < count; at++) {
        clients[at].number = at;
        clients[at].fd = dial (self.port, at);
        if (tls)
            shake (tls, &clients[at]);
        if (!talks)
            upgrade (&clients[at]);
        watch (&self, &clients[at]);
    }
    if (talks)
        talk (&self, clients, count, argc > 4 ? atof (argv[4]) : 5);
    else
        idle (&self, count);
    free (clients);
    return 0;
}
