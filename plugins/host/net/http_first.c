/*  http_first -- the first bytes of a connection  */
#include "host/net/http_parts.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DROP_BYTES = 64 * 1024, ANSWER_BYTES = 512 };

static const char *const methods[] = {"GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "HEAD"};

static bool begins (const char *text, const char *with)
{
    return strncmp (text, with, strlen (with)) == 0;
}

/*  Where the address begins; NULL: not one of our methods.  */
static const char *behind_method (const char *head)
{
    for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
        size_t size = strlen (methods[at]);
        if (begins (head, methods[at]) && head[size] == ' ')
            return head + size + 1;
    }
    return NULL;
}

static bool is_escape (const char *at)
{
    static const char hex[] = "0123456789abcdefABCDEF";
    return at[1] && strchr (hex, at[1]) && at[2] && strchr (hex, at[2]);
}

/*  `end`: of the first line.  */
static const char *line_fault (const char *head, const char *end, uint32_t *ret_status)
{
    const char *address = behind_method (head);
    *ret_status = 501;
    if (!address)
        return "this method is not served";
    const char *version = memchr (address, ' ', (size_t) (end - address));
    *ret_status = 400;
    if (!version || !begins (version, " HTTP/"))
        return "the first line is none of an HTTP request";
    if (*address != '/')
        return "the address of a request begins with a slash";
    for (const char *at = address; at < version; at++) {
        if (*at == '%' && !is_escape (at))
            return "a % in the address is not followed by two hexadecimal digits";
    }
    *ret_status = 505;
    return begins (version, " HTTP/1.") ? NULL : "HTTP/1.1 is served here";
}

const char *http_first_fault (const char *head, size_t size, size_t size_max, uint32_t *ret_status)
{
    const char *line = memchr (head, '\n', size);
    *ret_status = 400;
    if (begins (head, "\x16\x03"))
        return "this port speaks HTTP, not HTTPS: is it https:// in the address?";
    *ret_status = 505;
    if (begins (head, "PRI * HTTP/2"))
        return "HTTP/1.1 is served here, not HTTP/2 without being asked for";
    const char *fault = line ? line_fault (head, line, ret_status) : NULL;
    if (fault || size < size_max || strstr (head, "\n\r\n") || strstr (head, "\n\n"))
        return fault;
    *ret_status = line ? 431 : 414;
    return line ? "the headers are too large" : "the address is too long";
}

/*  What is left unread would reset the connection, and the answer with it.  */
static void drop_input (int fd)
{
    char bytes[4096];
    for (size_t dropped = 0; dropped < DROP_BYTES;) {
        ssize_t size = recv (fd, bytes, sizeof bytes, MSG_DONTWAIT);
        if (size <= 0)
            return;
        dropped += (size_t) size;
    }
}

void http_first_refuse (int fd, uint32_t status, const char *title)
{
    char answer[ANSWER_BYTES], body[ANSWER_BYTES / 2];
    int bytes =
        snprintf (body, sizeof body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u}",
                  title, status);
    int size =
        snprintf (answer, sizeof answer,
                  "HTTP/1.1 %u Refused\r\ncontent-type: application/problem+json\r\nconnection: "
                  "close\r\ncontent-length: %d\r\n\r\n%s",
                  status, bytes, body);
    drop_input (fd);
    send (fd, answer, (size_t) size, MSG_DONTWAIT | MSG_NOSIGNAL);
    shutdown (fd, SHUT_WR);
    close (fd);
}
