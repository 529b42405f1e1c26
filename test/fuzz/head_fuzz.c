/*  head_fuzz -- the head of a request, whole and cut
    The first byte says how it is cut. However that is, the same is found, and as many bytes are of it; what was taken
    is within the limits, and what was refused has a status and words.  */

#include "host/net/http_head.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { BYTES_MAX = 1024, NAMES = 4 };

static http_head_end_t take (http_head_t *head, plv_view_t bytes, size_t piece, size_t *ret_used)
{
    size_t used;
    http_head_end_t end = HTTP_HEAD_MORE;
    *ret_used = 0;
    while (*ret_used < bytes.size && end == HTTP_HEAD_MORE) {
        size_t left = bytes.size - *ret_used;
        size_t now = left < piece ? left : piece;
        end = http_head_take (head, plv_view (bytes.data + *ret_used, now), BYTES_MAX, &used);
        CHECK (used <= now && (used == now || end != HTTP_HEAD_MORE), "%zu of %zu", used, now);
        *ret_used += used;
    }
    return end;
}

static void check_done (const http_head_t *head)
{
    static const char *const names[NAMES] = {"host", "connection", "content-length", "x"};
    const char *path = http_head_path (head), *value;
    CHECK (*path == '/' && strlen (path) <= HTTP_PATH_BYTES_MAX, "path %s", path);
    CHECK (head->query.size <= HTTP_QUERY_BYTES_MAX, "query of %zu bytes", head->query.size);
    CHECK (head->text.size <= BYTES_MAX, "head of %zu bytes", head->text.size);
    CHECK (strlen (head->method) >= 3, "method %s", head->method);
    for (size_t at = 0; at < NAMES; at++) {
        for (size_t nth = 0; (value = http_head_value (head, names[at], nth)); nth++)
            CHECK (!strpbrk (value, "\r\n"), "value %s", value);
        http_head_lists (head, names[at], "close");
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    http_head_t whole = {0}, cut = {0};
    size_t of_whole, of_cut;
    if (!size)
        return 0;
    plv_view_t bytes = {data + 1, size - 1};
    http_head_end_t end = take (&whole, bytes, size, &of_whole);
    http_head_end_t other = take (&cut, bytes, 1 + data[0] % 64, &of_cut);
    CHECK (other == end, "%u when it is cut, %u when not", other, end);
    CHECK (whole.status == cut.status, "status %u, and %u", whole.status, cut.status);
    CHECK ((end == HTTP_HEAD_BAD) == (whole.fault && whole.status >= 400), "status %u",
           whole.status);
    if (end == HTTP_HEAD_DONE) {
        CHECK (of_whole == of_cut, "%zu bytes, and %zu", of_whole, of_cut);
        CHECK (plv_view_equal (plv_buf_view (&whole.text), plv_buf_view (&cut.text)),
               "other texts of %zu and %zu bytes", whole.text.size, cut.text.size);
        check_done (&whole);
    }
    http_head_free (&whole);
    http_head_free (&cut);
    return 0;
}
