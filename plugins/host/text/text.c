#include "host/text/text.h"

#include "host/text/source.h"
#include "host/text/split.h"
#include "host/text/unit.h"
#include "host/text/writer.h"

/*  md4c counts in 32 bits; nothing near that is a message.  */
enum { TEXT_BYTES_MAX = 64 * 1024 * 1024 };

static void keep_part (void *arg, pal_text_t part)
{
    plv_buf_add (arg, part.data, part.size);
}

static plv_view_t view_of (pal_text_t text)
{
    return plv_view (text.data, text.size < TEXT_BYTES_MAX ? text.size : TEXT_BYTES_MAX);
}

/*  Where an address begins at or behind `from`, and ends; false: there is none.  */
static bool next_address (plv_view_t text, size_t from, size_t *ret_begin, size_t *ret_end)
{
    const uint8_t *sign = memmem (text.data + from, text.size - from, "://", 3);
    if (!sign)
        return false;
    size_t begin = (size_t) (sign - text.data), end = begin;
    while (begin > from && text.data[begin - 1] >= 'a' && text.data[begin - 1] <= 'z')
        begin--;
    while (end < text.size && text.data[end] > ' ')
        end++;
    *ret_begin = begin;
    *ret_end = end;
    return true;
}

/*  Text without markup: only addresses are better left whole.  */
static void lay_out (layout_t *layout, plv_view_t text)
{
    size_t at = 0, begin, end;
    while (text.size && next_address (text, at, &begin, &end)) {
        layout_text (layout, plv_view (text.data + at, begin - at), FORM_PROSE);
        layout_mark (layout, STEP_ATOM);
        layout_text (layout, plv_view (text.data + begin, end - begin), FORM_PROSE);
        layout_mark (layout, STEP_LOOSE);
        at = end;
    }
    if (at < text.size)
        layout_text (layout, plv_view (text.data + at, text.size - at), FORM_PROSE);
}

void text_split (pal_text_t text, pal_text_unit_t unit, uint32_t max, text_part_fn *part, void *arg)
{
    layout_t layout = {0};
    plv_buf_t clean = {0};
    split_options_t options = {.flavour = flavour_of (PAL_MARKDOWN_NONE),
                               .unit = unit,
                               .max = max,
                               .part = part,
                               .arg = arg};
    source_clean (&clean, view_of (text));
    plv_buf_check (&clean);
    lay_out (&layout, plv_buf_view (&clean));
    split_layout (&layout, &options);
    layout_free (&layout);
    plv_buf_free (&clean);
}

static void render (plv_view_t text, const split_options_t *options)
{
    layout_t layout = {0};
    plv_buf_t source = {0};
    source_prepare (&source, text);
    plv_buf_check (&source);
    if (writer_run (&layout, options->flavour, plv_buf_view (&source), options->max)) {
        split_layout (&layout, options);
    } else {
        layout_free (&layout);
        layout_text (&layout, text, FORM_PROSE);
        split_layout (&layout, options);
    }
    layout_free (&layout);
    plv_buf_free (&source);
}

/*  Plain text first, then its parts: nothing of it is markup that a part would need again.  */
static void render_plain (plv_view_t text, const split_options_t *options)
{
    plv_buf_t plain = {0};
    split_options_t whole = *options;
    whole.max = 0;
    whole.part = keep_part;
    whole.arg = &plain;
    render (text, &whole);
    plv_buf_check (&plain);
    text_split ((pal_text_t){(const char *) plain.data, plain.size}, options->unit, options->max,
                options->part, options->arg);
    plv_buf_free (&plain);
}

void text_render (pal_text_t text, pal_markdown_t flavour, pal_text_unit_t unit, uint32_t max,
                  text_part_fn *part, void *arg)
{
    split_options_t options = {
        .flavour = flavour_of (flavour), .unit = unit, .max = max, .part = part, .arg = arg};
    plv_buf_t clean = {0};
    source_clean (&clean, view_of (text));
    plv_buf_check (&clean);
    plv_view_t view = plv_buf_view (&clean);
    if (options.flavour->id == PAL_MARKDOWN_NONE)
        render_plain (view, &options);
    else if (flavour == PAL_MARKDOWN_COMMON && (!max || text_size (view, unit) <= max))
        part (arg, (pal_text_t){(const char *) view.data, view.size});
    else
        render (view, &options);
    plv_buf_free (&clean);
}
