#include "palaver/ask/ask.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <string.h>

/*  `name="value",other="value"` as a map; our own labels hold no escapes.  */
static void put_labels (plv_buf_t *line, plv_view_t labels)
{
    const char *at = (const char *) labels.data, *end = at + labels.size;
    bool first = true;
    text_put (line, ",\"labels\":{");
    while (at < end) {
        const char *equals = memchr (at, '=', (size_t) (end - at));
        const char *open = equals ? memchr (equals, '"', (size_t) (end - equals)) : NULL;
        const char *close = open ? memchr (open + 1, '"', (size_t) (end - open - 1)) : NULL;
        if (!close)
            break;
        text_put (line, first ? "" : ",");
        json_put_text (line, plv_view (at, (size_t) (equals - at)));
        plv_buf_add_u8 (line, ':');
        json_put_text (line, plv_view (open + 1, (size_t) (close - open - 1)));
        at = close + 1 + (close + 1 < end && close[1] == ',');
        first = false;
    }
    text_put (line, "}");
}

/*  JSON has no word for what is no number, or without end: a gauge of a plugin may be.  */
static bool is_number (const uint8_t *at, const uint8_t *end)
{
    at += at < end && *at == '-';
    return at < end && *at >= '0' && *at <= '9';
}

/*  A sample, `name{labels} value`, as a line of JSON.  */
static void put_sample (plv_buf_t *out, plv_view_t sample)
{
    const uint8_t *end = sample.data + sample.size;
    const uint8_t *blank = memrchr (sample.data, ' ', sample.size);
    if (sample.size == 0 || *sample.data == '#' || !blank)
        return;
    const uint8_t *brace = memchr (sample.data, '{', (size_t) (blank - sample.data));
    const uint8_t *name_end = brace ? brace : blank;
    text_put (out, "{\"name\":");
    json_put_text (out, plv_view (sample.data, (size_t) (name_end - sample.data)));
    if (brace)
        put_labels (out, plv_view (brace + 1, (size_t) (blank - brace - 2)));
    text_put (out, ",\"value\":");
    if (is_number (blank + 1, end))
        plv_buf_add (out, blank + 1, (size_t) (end - blank - 1));
    else
        text_put (out, "null");
    text_put (out, "}\n");
}

static void put_samples (plv_buf_t *out, plv_view_t text)
{
    while (text.size) {
        const uint8_t *end = memchr (text.data, '\n', text.size);
        size_t size = end ? (size_t) (end - text.data) : text.size;
        put_sample (out, plv_view (text.data, size));
        size += end ? 1 : 0;
        text = plv_view (text.data + size, text.size - size);
    }
}

ending_t command_metrics (call_t *call)
{
    asker_t asker;
    plv_view_t body;
    plv_buf_t out = {0};
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = ask (&asker, "metrics", NULL, &body);
    if (!end && call_has (call, OPTION_JSON))
        put_samples (&out, plv_mp_find_str (body, "text"));
    else if (!end)
        plv_buf_add_view (&out, plv_mp_find_str (body, "text"));
    out_flush (&out);
    plv_buf_free (&out);
    asker_close (&asker);
    return end;
}
