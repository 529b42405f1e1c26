/*  http_wire -- the bytes of a connection, with TLS or without  */
#include "host/net/http_line.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

ssize_t http_wire_moved (ssize_t size)
{
    bool passes = size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return size > 0 ? size : passes ? 0 : -1;
}

/*  0: OpenSSL has to wait, and maybe for the other direction. -1: it is over.  */
static int tls_waits (const http_line_t *self, int result, int other, bool *ret_wants_other)
{
    int error = SSL_get_error (self->tls, result);
    *ret_wants_other = error == other;
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

ssize_t http_wire_read (http_line_t *self, void *bytes, size_t room)
{
    if (!self->tls)
        return http_wire_moved (recv (self->fd, bytes, room, 0));
    size_t size = 0;
    ERR_clear_error ();
    int result = SSL_read_ex (self->tls, bytes, room, &size);
    int waits = tls_waits (self, result, SSL_ERROR_WANT_WRITE, &self->tls_wants_write);
    return result == 1 ? (ssize_t) size : waits;
}

ssize_t http_wire_write (http_line_t *self, const void *bytes, size_t size)
{
    if (!self->tls)
        return http_wire_moved (send (self->fd, bytes, size, MSG_NOSIGNAL));
    size_t sent = 0;
    ERR_clear_error ();
    int result = SSL_write_ex (self->tls, bytes, size, &sent);
    int waits = tls_waits (self, result, SSL_ERROR_WANT_READ, &self->tls_wants_read);
    return result == 1 ? (ssize_t) sent : waits;
}

/*  Someone who speaks plain HTTP to the TLS port can still be told so.  */
static void say_tls_is_spoken (int fd)
{
    static const char words[] =
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\nconnection: close\r\n"
        "content-length: 99\r\n\r\n{\"type\":\"about:blank\",\"title\":\"this port speaks HTTPS: "
        "is it http:// in the address?\",\"status\":400}";
    send (fd, words, sizeof words - 1, MSG_NOSIGNAL);
}

int http_wire_shake (http_line_t *self)
{
    ERR_clear_error ();
    int result = SSL_accept (self->tls);
    int waits = tls_waits (self, result, SSL_ERROR_WANT_WRITE, &self->tls_wants_write);
    if (result == 1)
        return 1;
    if (waits < 0 && ERR_GET_REASON (ERR_peek_error ()) == SSL_R_HTTP_REQUEST)
        say_tls_is_spoken (self->fd);
    return waits;
}

void http_wire_shut (http_line_t *self)
{
    ERR_clear_error ();
    if (self->tls && SSL_is_init_finished (self->tls))
        SSL_shutdown (self->tls);
    shutdown (self->fd, SHUT_WR);
}
