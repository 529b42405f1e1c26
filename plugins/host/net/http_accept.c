/*  http_accept -- the listening socket  */
#include "host/net/http_line.h"

#include "base/alloc.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, BURST = 64, DEFER_S = 1 };

/* ------------------------------------------------------------------ letting in */

static void peer_of (const struct sockaddr_storage *address, char peer[HTTP_PEER_BYTES])
{
    static const char mapped[] = "::ffff:"; /* an address of IPv4 on a socket of IPv6 */
    char text[HTTP_PEER_BYTES] = "";
    const struct sockaddr_in *four = (const struct sockaddr_in *) (const void *) address;
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *) (const void *) address;
    bool is_six = address->ss_family == AF_INET6;
    inet_ntop (address->ss_family,
               is_six ? (const void *) &six->sin6_addr : (const void *) &four->sin_addr, text,
               sizeof text);
    bool is_mapped = is_six && IN6_IS_ADDR_V4MAPPED (&six->sin6_addr);
    snprintf (peer, HTTP_PEER_BYTES, "%s", text + (is_mapped ? sizeof mapped - 1 : 0));
}

static bool has_room (const http_t *self)
{
    return self->line_count + self->bare_count < self->options.connections_max;
}

/*  When there is no room the poll is stopped at once: it would tell of who waits again and again.  */
static void on_connection (uv_poll_t *poll, int status, int events)
{
    const int yes = 1;
    http_t *self = poll->data;
    (void) status, (void) events;
    for (int burst = 0; burst < BURST && has_room (self); burst++) {
        char peer[HTTP_PEER_BYTES];
        struct sockaddr_storage address = {0};
        socklen_t size = sizeof address;
        int fd =
            accept4 (self->fd, (struct sockaddr *) &address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            /*  Out of descriptors or memory: the ticker tries again, so that the loop does not spin.  */
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
                uv_poll_stop (poll);
            return;
        }
        setsockopt (fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        peer_of (&address, peer);
        http_line_new (self, fd, peer);
    }
    http_accept_poll (self);
}

void http_accept_poll (http_t *self)
{
    if (!self->listener || has_room (self) == (uv_is_active ((uv_handle_t *) self->listener) != 0))
        return;
    if (has_room (self))
        uv_poll_start (self->listener, UV_READABLE, on_connection);
    else
        uv_poll_stop (self->listener);
}

void http_accept_all (http_t *self)
{
    if (self->listener)
        on_connection (self->listener, 0, UV_READABLE);
}

/* ------------------------------------------------------------------ the address */

static socklen_t address_of (const pal_http_options_t *options,
                             struct sockaddr_storage *ret_address)
{
    struct sockaddr_in *four = (struct sockaddr_in *) (void *) ret_address;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *) (void *) ret_address;
    /*  The one name whose address is known without asking anybody.  */
    const char *address = strcmp (options->address, "localhost") ? options->address : "127.0.0.1";
    memset (ret_address, 0, sizeof *ret_address);
    if (inet_pton (AF_INET, address, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons (options->port);
        return sizeof *four;
    }
    if (inet_pton (AF_INET6, address, &six->sin6_addr) == 1) {
        six->sin6_family = AF_INET6;
        six->sin6_port = htons (options->port);
        return sizeof *six;
    }
    return 0;
}

uint16_t http_accept_port (const http_t *self)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;
    getsockname (self->fd, (struct sockaddr *) &address, &size);
    return ntohs (address.ss_family == AF_INET6
                      ? ((struct sockaddr_in6 *) (void *) &address)->sin6_port
                      : ((struct sockaddr_in *) (void *) &address)->sin_port);
}

static plv_err_t cannot_listen (const http_t *self, int wrong, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, plv_err_of_errno (wrong), "cannot listen on %s port %u: %s%s",
                     self->options.address, self->options.port, strerror (wrong),
                     wrong == EADDRINUSE
                         ? ", by another program or adapter: stop that one, or set another port"
                         : "");
}

static void set_options (const http_t *self, bool share)
{
    const int yes = 1, defer_s = DEFER_S;
    setsockopt (self->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (share)
        setsockopt (self->fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
    /*  Who has connected and is not let in when the door closes is reset: over TLS the first words come late.  */
    if (!self->tls)
        setsockopt (self->fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer_s, sizeof defer_s);
}

plv_err_t http_accept_open (http_t *self, bool share, plv_fail_t *ret_fail)
{
    struct sockaddr_storage address;
    socklen_t size = address_of (&self->options, &address);
    if (!size)
        return plv_fail (ret_fail, ERR_ARG,
                         "%s is no numeric IP address: write one, as 0.0.0.0 for all of IPv4",
                         self->options.address);
    self->fd = socket (address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (self->fd < 0)
        return cannot_listen (self, errno, ret_fail);
    set_options (self, share);
    if (bind (self->fd, (struct sockaddr *) &address, size) < 0 || listen (self->fd, BACKLOG) < 0)
        return cannot_listen (self, errno, ret_fail);
    uv_poll_t *poll = plv_alloc_zero (1, sizeof *poll);
    int wrong = uv_poll_init (self->loop, poll, self->fd);
    if (wrong) {
        free (poll);
        return cannot_listen (self, -wrong, ret_fail);
    }
    poll->data = self;
    self->listener = poll;
    return ERR_OK;
}

static void free_handle (uv_handle_t *handle)
{
    free (handle);
}

void http_accept_close (http_t *self)
{
    if (self->listener)
        uv_close ((uv_handle_t *) self->listener, free_handle);
    self->listener = NULL;
    if (self->fd >= 0)
        close (self->fd);
    self->fd = -1;
}

void http_share (http_t *self)
{
    const int yes = 1;
    if (self->fd >= 0)
        setsockopt (self->fd, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
}
