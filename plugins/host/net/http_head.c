#include "host/net/http_head.h"

#include <stdio.h>
#include <strings.h>

static const char *const methods[] = {"GET", "POST", "OPTIONS", "PUT", "PATCH", "DELETE", "HEAD"};

void http_head_free (http_head_t *self)
{
    plv_buf_free (&self->text);
    plv_buf_free (&self->query);
    plv_buf_free (&self->fields);
    *self = (http_head_t){0};
}

static http_head_end_t bad (http_head_t *self, uint32_t status, const char *fault)
{
    self->status = status;
    self->fault = fault;
    return HTTP_HEAD_BAD;
}

/* ------------------------------------------------------------------ characters */

static bool is_of_token (char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')
           || (c && strchr ("!#$%&'*+-.^_`|~", c));
}

static bool is_token (const char *text)
{
    const char *at = text;
    while (is_of_token (*at))
        at++;
    return at > text && !*at;
}

static bool is_blank (char c)
{
    return c == ' ' || c == '\t';
}

static int digit_of (char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char) (c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* ------------------------------------------------------------------ the first line */

/*  In place: what is decoded is never longer. False: a byte of it is NUL.  */
static bool decode (char *path)
{
    char *to = path;
    for (const char *from = path; *from; from++, to++) {
        *to = *from;
        if (*from != '%')
            continue;
        *to = (char) (digit_of (from[1]) << 4 | digit_of (from[2]));
        from += 2;
        if (!*to)
            return false;
    }
    *to = 0;
    return true;
}

static bool climbs (const char *path)
{
    for (const char *at = path; (at = strstr (at, "/..")); at++) {
        if (!at[3] || at[3] == '/')
            return true;
    }
    return false;
}

static const char *characters_fault (const char *address)
{
    for (const char *at = address; *at; at++) {
        if (*at == '%' && (digit_of (at[1]) < 0 || digit_of (at[2]) < 0))
            return "a % in the address is not followed by two hexadecimal digits";
        if ((unsigned char) *at <= ' ' || *at == 127 || *at == '#')
            return "the address holds a character that has to be percent-encoded";
    }
    return NULL;
}

static void keep_query (http_head_t *self, const char *query)
{
    char escape[4];
    for (const char *at = query; *at; at++) {
        unsigned char c = (unsigned char) *at;
        if (c < 127 && !strchr ("\"<>", c))
            plv_buf_add_u8 (&self->query, c);
        else
            plv_buf_add (&self->query, escape,
                         (size_t) snprintf (escape, sizeof escape, "%%%02X", c));
    }
}

/*  Who asks a proxy names the site, too; a server takes such an address as well (RFC 9112, 3.2.2).  */
static char *behind_site (char *address)
{
    if (strncasecmp (address, "http://", 7) != 0 && strncasecmp (address, "https://", 8) != 0)
        return address;
    char *site = strstr (address, "//") + 2;
    char *path = site + strcspn (site, "/?");
    if (*path == '/' || path == site)
        return path;
    *--path = '/'; /* over the last letter of the site, which nobody asks for */
    return path;
}

static http_head_end_t take_address (http_head_t *self, char *address)
{
    const char *fault = characters_fault (address);
    if (fault)
        return bad (self, 400, fault);
    char *path = behind_site (address);
    if (*path != '/')
        return bad (self, 400, "the address of a request begins with a slash");
    char *query = strchr (path, '?');
    if (query) {
        *query = 0;
        keep_query (self, query + 1);
    }
    if (!decode (path) || climbs (path))
        return bad (self, 400, "the path is not valid");
    if (strlen (path) > HTTP_PATH_BYTES_MAX || self->query.size > HTTP_QUERY_BYTES_MAX)
        return bad (self, 414, "the address is too long");
    self->path = (uint32_t) (path - (char *) self->text.data);
    return HTTP_HEAD_MORE;
}

static http_head_end_t take_version (http_head_t *self, const char *version)
{
    static const char none[] = "the first line is none of an HTTP request";
    if (strncmp (version, "HTTP/", 5) != 0 || digit_of (version[5]) < 0)
        return bad (self, 400, none);
    if (version[5] != '1' || version[6] != '.')
        return bad (self, 505, "HTTP/1.1 is served here");
    if (version[7] < '0' || version[7] > '9' || version[8])
        return bad (self, 400, none);
    self->is_old = version[7] == '0';
    return HTTP_HEAD_MORE;
}

static bool take_method (http_head_t *self, const char *method)
{
    for (size_t at = 0; at < sizeof methods / sizeof *methods; at++) {
        if (strcmp (method, methods[at]) != 0)
            continue;
        snprintf (self->method, sizeof self->method, "%s", method);
        return true;
    }
    return false;
}

static http_head_end_t take_first (http_head_t *self, char *line)
{
    char *address = strchr (line, ' ');
    char *version = address ? strrchr (line, ' ') : NULL;
    if (!version || version == address)
        return bad (self, 400, "the first line is none of an HTTP request");
    *address++ = *version++ = 0;
    if (!is_token (line))
        return bad (self, 400, "the first line is none of an HTTP request");
    if (strcmp (line, "PRI") == 0)
        return bad (self, 505, "HTTP/1.1 is served here, not HTTP/2 without being asked for");
    http_head_end_t end = take_version (self, version);
    if (!end && !take_method (self, line))
        end = bad (self, 501, "this method is not served");
    self->has_line = true;
    return end ? end : take_address (self, address);
}

/* ------------------------------------------------------------------ headers */

static http_head_end_t take_field (http_head_t *self, char *line)
{
    if (is_blank (*line))
        return bad (self, 400, "a header goes on in a second line");
    char *value = strchr (line, ':');
    if (!value)
        return bad (self, 400, "a line among the headers has no colon");
    *value++ = 0;
    if (!is_token (line))
        return bad (self, 400, "the name of a header is not valid");
    value += strspn (value, " \t");
    for (char *at = value; *at; at++) {
        if (((unsigned char) *at < ' ' && *at != '\t') || *at == 127)
            return bad (self, 400, "the value of a header holds a control character");
    }
    for (size_t size = strlen (value); size && is_blank (value[size - 1]); size--)
        value[size - 1] = 0;
    if (self->fields.size >= HTTP_FIELDS_MAX * sizeof (http_field_t))
        return bad (self, 431, "there are too many headers");
    http_field_t field = {(uint32_t) (line - (char *) self->text.data),
                          (uint32_t) (value - (char *) self->text.data)};
    plv_buf_add (&self->fields, &field, sizeof field);
    return HTTP_HEAD_MORE;
}

/*  The line is whole: its line feed is the last of what came.  */
static http_head_end_t take_line (http_head_t *self)
{
    char *line = (char *) self->text.data + self->line;
    size_t size = self->text.size - self->line - 1;
    if (size && line[size - 1] == '\r')
        size--;
    line[size] = 0;
    if (memchr (line, 0, size))
        return bad (self, 400, "there is a NUL in the head");
    self->line = (uint32_t) self->text.size;
    if (!self->has_line)
        return size ? take_first (self, line) : HTTP_HEAD_MORE;
    return size ? take_field (self, line) : HTTP_HEAD_DONE;
}

/*  What can be said before a line is whole, for those who wait for an answer then.  */
static http_head_end_t look_early (http_head_t *self)
{
    const char *text = (const char *) self->text.data + self->line;
    size_t size = self->text.size - self->line;
    if (self->has_line || !size)
        return HTTP_HEAD_MORE;
    if (*text == 0x16 && size < 2)
        return HTTP_HEAD_MORE;
    if (*text == 0x16 && text[1] == 0x03)
        return bad (self, 400, "this port speaks HTTP, not HTTPS: is it https:// in the address?");
    return is_of_token (*text) || *text == '\r'
               ? HTTP_HEAD_MORE
               : bad (self, 400, "the first line is none of an HTTP request");
}

/*  Of a first line that is not whole; the answer depends on it (RFC 9110, 9.3.2).  */
static void look_for_method (http_head_t *self)
{
    char method[sizeof self->method];
    const char *line = (const char *) self->text.data + self->line;
    size_t size = self->text.size - self->line;
    const char *blank = memchr (line, ' ', size < sizeof method ? size : sizeof method);
    snprintf (method, sizeof method, "%.*s", blank ? (int) (blank - line) : 0, line);
    take_method (self, method);
}

static http_head_end_t too_large (http_head_t *self)
{
    if (!self->has_line)
        look_for_method (self);
    return self->has_line ? bad (self, 431, "the headers are too large")
                          : bad (self, 414, "the address is too long");
}

/*  What came with a fault still says who asks, and nothing of it can undo the fault.  */
static void look_behind (http_head_t *self, plv_view_t bytes)
{
    const char *fault = self->fault;
    uint32_t status = self->status;
    const uint8_t *at = bytes.data, *end = bytes.data + bytes.size, *feed;
    bool is_whole = self->line == self->text.size; /* the fault is not within a line */
    self->has_line = true;
    for (; at < end && (feed = memchr (at, '\n', (size_t) (end - at))); at = feed + 1) {
        self->line = (uint32_t) self->text.size;
        if (is_whole) {
            plv_buf_add (&self->text, at, (size_t) (feed - at) + 1);
            plv_buf_check (&self->text);
        }
        if (is_whole && take_line (self) == HTTP_HEAD_DONE)
            break;
        is_whole = true;
    }
    self->fault = fault;
    self->status = status;
}

http_head_end_t http_head_take (http_head_t *self, plv_view_t bytes, size_t bytes_max,
                                size_t *ret_used)
{
    size_t used = 0;
    http_head_end_t end = self->fault ? HTTP_HEAD_BAD : HTTP_HEAD_MORE;
    while (end == HTTP_HEAD_MORE && used < bytes.size) {
        const uint8_t *from = bytes.data + used, *feed = memchr (from, '\n', bytes.size - used);
        size_t size = feed ? (size_t) (feed - from) + 1 : bytes.size - used;
        bool fits = size <= bytes_max - self->text.size;
        size = fits ? size : bytes_max - self->text.size;
        plv_buf_add (&self->text, from, size);
        plv_buf_check (&self->text);
        used += size;
        end = fits && feed ? take_line (self) : look_early (self);
        if (!fits && end == HTTP_HEAD_MORE)
            end = too_large (self);
        if (end == HTTP_HEAD_BAD)
            look_behind (self, plv_view (bytes.data + used, bytes.size - used));
    }
    plv_buf_check (&self->query);
    plv_buf_check (&self->fields);
    *ret_used = used;
    return end;
}

/* ------------------------------------------------------------------ what was in it */

static const char *text_at (const http_head_t *self, uint32_t at)
{
    return (const char *) self->text.data + at;
}

const char *http_head_value (const http_head_t *self, const char *name, size_t nth)
{
    const http_field_t *fields = (const http_field_t *) (const void *) self->fields.data;
    for (size_t at = 0; at < self->fields.size / sizeof *fields; at++) {
        if (strcasecmp (text_at (self, fields[at].name), name) == 0 && nth-- == 0)
            return text_at (self, fields[at].value);
    }
    return NULL;
}

bool http_head_lists (const http_head_t *self, const char *name, const char *word)
{
    const char *list;
    for (size_t nth = 0; (list = http_head_value (self, name, nth)); nth++) {
        for (const char *at = list + strspn (list, " \t,"); *at; at += strspn (at, " \t,")) {
            size_t size = strcspn (at, " \t,");
            if (size == strlen (word) && strncasecmp (at, word, size) == 0)
                return true;
            at += size;
        }
    }
    return false;
}

const char *http_head_path (const http_head_t *self)
{
    return text_at (self, self->path);
}
