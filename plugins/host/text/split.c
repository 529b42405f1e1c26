#include "host/text/split.h"

#include "base/utf8.h"
#include "host/text/grapheme.h"
#include "host/text/unit.h"

enum { DEPTH_MAX = 64, UTF8_BYTES_MAX = 4 };

/*  What a part may be cut at; the next one is tried when this one gave no part at all.  */
typedef enum {
    TRY_WORDS,
    TRY_GRAPHEMES, /* words are cut, links are not */
    TRY_LINKS,
    TRY_BARE, /* without markup */
    TRY_POINTS,
    TRY_ANY,
    TRY_COUNT
} try_t;

typedef struct {
    uint32_t frame;
    uint32_t close_cost;
    bool is_open;  /* its `open` has been written */
    bool is_again; /* opened in an earlier part */
} level_t;

/*  White space and line ends that are written when more text follows.  */
typedef struct {
    cut_t cut; /* CUT_NONE: nothing waits */
    uint8_t lines;
    uint8_t form;
    uint32_t instead;  /* 1 + frame, as in layout_step_t */
    uint32_t from, to; /* in the layout's text */
    size_t depth;      /* it stands inside so many frames */
    bool is_inside;    /* all of it stands in an atom */
} wait_t;

typedef struct {
    size_t step;
    uint32_t at; /* in the layout's text; in a STEP_TEXT */
    size_t size; /* of `out` */
    size_t cost;
    size_t close_cost;
    uint32_t boundary; /* the next end of a grapheme that is known */
    unsigned atoms;
    bool has_text;
    bool line_start;
    bool is_loose; /* what goes on behind the rest of an item would be read as part of it */
    wait_t wait;
    size_t depth;
    level_t levels[DEPTH_MAX];
} state_t;

typedef struct {
    const layout_t *layout;
    const split_options_t *options;
    plv_view_t text; /* the layout's */
    grapheme_t *graphemes;
    plv_buf_t out;
    try_t attempt;
    state_t now;
    state_t begin;
    state_t best[CUT_COUNT];
    bool has_best[CUT_COUNT];
} split_t;

/*  Only the levels in use.  */
static void copy_state (state_t *to, const state_t *from)
{
    memcpy (to, from, offsetof (state_t, levels) + from->depth * sizeof *from->levels);
}

static const layout_frame_t *frame_of (const split_t *self, const level_t *level)
{
    return &self->layout->frames[level->frame];
}

/* ------------------------------------------------------------------ writing */

static size_t measure (const split_t *self, size_t from)
{
    if (self->out.size <= from)
        return 0;
    return text_size (plv_view (self->out.data + from, self->out.size - from), self->options->unit);
}

static plv_view_t prefix_of (const split_t *self, const level_t *level)
{
    const layout_frame_t *frame = frame_of (self, level);
    return level->is_open && (!level->is_again || frame->prefix_again) ? frame->prefix
                                                                       : plv_view (NULL, 0);
}

/*  The prefixes of the first `depth` levels; they are always seen.  */
static void put_prefixes (split_t *self, size_t depth, bool blank)
{
    size_t from = self->out.size;
    for (size_t at = 0; at < depth; at++)
        plv_buf_add_view (&self->out, prefix_of (self, &self->now.levels[at]));
    while (blank && self->out.size > from && self->out.data[self->out.size - 1] == ' ')
        self->out.size--;
    self->now.cost += measure (self, from);
    self->now.line_start = true;
}

static void put_line_end (split_t *self, size_t depth, bool blank)
{
    plv_buf_add_u8 (&self->out, '\n');
    self->now.cost++;
    put_prefixes (self, depth, blank);
}

/*  Markup; the lines that it begins get the prefixes of what stands around it.  */
static void put_markup (split_t *self, plv_view_t markup, size_t depth, bool seen)
{
    bool counts = seen || self->options->flavour->counted;
    for (size_t at = 0; at < markup.size;) {
        const uint8_t *end = memchr (markup.data + at, '\n', markup.size - at);
        size_t size = end ? (size_t) (end - markup.data) - at : markup.size - at;
        size_t from = self->out.size;
        plv_buf_add (&self->out, markup.data + at, size);
        self->now.cost += counts ? measure (self, from) : 0;
        if (end)
            put_line_end (self, depth, false);
        at += size + (end != NULL);
    }
}

/*  What closing the innermost level will cost: written once and taken back.  */
static uint32_t cost_of_close (split_t *self, size_t depth)
{
    size_t size = self->out.size, cost = self->now.cost;
    bool line_start = self->now.line_start;
    const layout_frame_t *frame = frame_of (self, &self->now.levels[depth]);
    put_markup (self, frame->close, depth, frame->is_seen);
    uint32_t result = (uint32_t) (self->now.cost - cost);
    self->out.size = size;
    self->now.cost = cost;
    self->now.line_start = line_start;
    return result;
}

static void open_level (split_t *self, size_t at)
{
    level_t *level = &self->now.levels[at];
    const layout_frame_t *frame = frame_of (self, level);
    put_markup (self, level->is_again ? frame->again : frame->open, at, frame->is_seen);
    level->is_open = true;
    level->close_cost = cost_of_close (self, at);
    self->now.close_cost += level->close_cost;
}

static void open_levels (split_t *self, size_t depth)
{
    for (size_t at = 0; at < depth && at < self->now.depth; at++)
        if (!self->now.levels[at].is_open && self->attempt < TRY_BARE)
            open_level (self, at);
}

static void close_level (split_t *self)
{
    size_t at = --self->now.depth;
    level_t *level = &self->now.levels[at];
    const layout_frame_t *frame = frame_of (self, level);
    if (self->now.wait.depth > at)
        self->now.wait.depth = at;
    if (level->is_again && frame->prefix.size && !frame->prefix_again)
        self->now.is_loose = true;
    if (!level->is_open)
        return;
    self->now.close_cost -= level->close_cost;
    put_markup (self, frame->close, at, frame->is_seen);
}

/* ------------------------------------------------------------------ places to cut */

static bool fits (const split_t *self)
{
    return !self->options->max || self->now.cost + self->now.close_cost <= self->options->max;
}

/*  A part may end here, and the next one goes on with what is at hand.  */
static void mark_cut (split_t *self, cut_t cut)
{
    if (!self->options->max || !self->now.has_text)
        return;
    self->has_best[cut] = true;
    self->now.size = self->out.size;
    copy_state (&self->best[cut], &self->now);
}

/*  A combining mark may stand on the last white space: then there is no place between them.  */
static bool is_boundary (split_t *self, const wait_t *wait)
{
    if (wait->to <= wait->from || wait->to >= self->text.size || self->text.data[wait->to] < 0x80)
        return true;
    size_t left = self->text.size - wait->to + 1;
    left = left < 64 ? left : 64;
    return grapheme_size (self->graphemes, plv_view (self->text.data + wait->to - 1, left)) == 1;
}

static void put_space (split_t *self, const wait_t *wait)
{
    for (uint32_t at = wait->from; at < wait->to; at++) {
        if (self->text.data[at] == '\n') {
            bool blank = at + 1 < wait->to && self->text.data[at + 1] == '\n';
            put_line_end (self, self->now.depth, blank);
        } else {
            plv_buf_add_u8 (&self->out, self->text.data[at]);
            self->now.cost++;
        }
    }
}

static void put_lines (split_t *self, const wait_t *wait)
{
    if (wait->instead) {
        put_markup (self, self->layout->frames[wait->instead - 1].open, self->now.depth, false);
        self->now.cost += !self->options->flavour->counted;
    }
    for (unsigned at = 0; at < wait->lines; at++)
        put_line_end (self, self->now.depth, at + 1 < wait->lines);
}

/*  Indentation of code is kept at the begin of a part: what stands behind the last line end.  */
static void trim_wait (const split_t *self, wait_t *wait, cut_t least)
{
    wait->lines = 0;
    wait->instead = 0;
    for (uint32_t at = wait->to; at > wait->from; at--) {
        if (self->text.data[at - 1] == '\n') {
            wait->from = at;
            break;
        }
    }
    if (wait->form != FORM_CODE || wait->cut < least)
        wait->from = wait->to;
}

/*  Before text: the white space that waited, and the frames that it stands in. False: too long.  */
static bool settle (split_t *self)
{
    wait_t wait = self->now.wait;
    bool may_cut = wait.cut != CUT_NONE && !(wait.is_inside && self->attempt < TRY_LINKS);
    if (may_cut && (self->attempt >= TRY_POINTS || is_boundary (self, &wait)))
        mark_cut (self, wait.cut);
    if (!self->now.has_text)
        trim_wait (self, &wait, CUT_WORD);
    if (!self->now.has_text && self->attempt >= TRY_BARE)
        wait.from = wait.to; /* there is room for text alone */
    if (self->now.is_loose && wait.lines == 1)
        wait.lines = 2;
    self->now.wait = (wait_t){0};
    self->now.is_loose = false;
    put_lines (self, &wait);
    open_levels (self, wait.depth);
    put_space (self, &wait);
    open_levels (self, self->now.depth);
    return fits (self);
}

/* ------------------------------------------------------------------ text */

static bool is_space (uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n';
}

static void wait_space (split_t *self, const layout_step_t *step)
{
    wait_t *wait = &self->now.wait;
    uint32_t from = self->now.at, at = from;
    unsigned lines = 0;
    for (; at < step->to && is_space (self->text.data[at]); at++)
        lines += self->text.data[at] == '\n';
    cut_t cut = lines > 1 && step->form != FORM_CODE ? CUT_PARAGRAPH : lines ? CUT_LINE : CUT_WORD;
    wait->is_inside = (wait->cut == CUT_NONE || wait->is_inside) && self->now.atoms > 0;
    wait->cut = cut > wait->cut ? cut : wait->cut;
    if (wait->to != from) {
        wait->from = from;
        wait->depth = self->now.depth;
    }
    wait->to = at;
    wait->form = step->form;
    self->now.at = at;
}

/*  The end of the word at hand; one that surely is too long is not looked at to its end.  */
static uint32_t word_end (const split_t *self, const layout_step_t *step)
{
    uint64_t most =
        self->options->max ? (uint64_t) self->options->max * UTF8_BYTES_MAX + 8 : UINT32_MAX;
    uint32_t at = self->now.at;
    uint32_t end = step->to - at > most ? at + (uint32_t) most : step->to;
    while (at < end && !is_space (self->text.data[at]))
        at++;
    return at;
}

/*  The end of what is written next; in a word that is cut: one grapheme, or code point.  */
static uint32_t piece_end (split_t *self, const layout_step_t *step)
{
    uint32_t at = self->now.at;
    if (self->attempt == TRY_WORDS || !self->options->max)
        return word_end (self, step);
    if (self->attempt >= TRY_POINTS) {
        size_t size = plv_utf8_size (self->text.data + at, self->text.size - at);
        return at + (uint32_t) (size ? size : 1);
    }
    if (self->now.boundary <= at) {
        size_t left = self->text.size - at;
        size_t window = (size_t) self->options->max * UTF8_BYTES_MAX + 64;
        for (left = left < window ? left : window;
             left < self->text.size - at && plv_utf8_tail (self->text.data[at + left]);)
            left--;
        self->now.boundary =
            at + (uint32_t) grapheme_size (self->graphemes, plv_view (self->text.data + at, left));
    }
    return self->now.boundary < step->to ? self->now.boundary : step->to;
}

/*  Between two characters that touch each other.  */
static void mark_grapheme (split_t *self)
{
    if (self->attempt != TRY_WORDS && self->now.wait.cut == CUT_NONE
        && (self->now.boundary <= self->now.at || self->attempt >= TRY_POINTS))
        mark_cut (self, CUT_GRAPHEME);
}

static bool put_piece (split_t *self, const layout_step_t *step)
{
    if (!self->now.atoms || self->attempt >= TRY_LINKS)
        mark_grapheme (self);
    if (!settle (self) && self->attempt != TRY_ANY)
        return false;
    uint32_t from = self->now.at, to = piece_end (self, step);
    size_t before = self->out.size;
    flavour_escape (self->options->flavour, &self->out, self->text, from, to, step->form,
                    self->now.line_start);
    if (self->options->flavour->counted)
        self->now.cost += measure (self, before);
    else
        self->now.cost +=
            text_size (plv_view (self->text.data + from, to - from), self->options->unit);
    if (!fits (self) && !(self->attempt == TRY_ANY && !self->now.has_text))
        return false;
    self->now.at = to;
    /*  Behind the number of an item a line begins once more.  */
    self->now.line_start = self->now.line_start && step->form == FORM_URL;
    self->now.has_text = true;
    return true;
}

static bool do_text (split_t *self, const layout_step_t *step)
{
    if (self->now.at < step->from)
        self->now.at = step->from;
    while (self->now.at < step->to) {
        if (is_space (self->text.data[self->now.at]))
            wait_space (self, step);
        else if (!put_piece (self, step))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ other steps */

static void do_break (split_t *self, const layout_step_t *step)
{
    wait_t *wait = &self->now.wait;
    if (wait->cut < (cut_t) step->cut || wait->lines < step->lines || !wait->lines)
        *wait = (wait_t){
            .cut = step->cut > wait->cut ? step->cut : wait->cut,
            .lines = step->lines > wait->lines ? step->lines : wait->lines,
            .instead = step->to,
            .depth = self->now.depth,
            .is_inside = (wait->cut == CUT_NONE || wait->is_inside) && self->now.atoms > 0,
        };
    wait->from = wait->to = 0;
}

static void do_open (split_t *self, const layout_step_t *step)
{
    if (self->now.depth < DEPTH_MAX)
        self->now.levels[self->now.depth++] = (level_t){.frame = step->from};
}

static bool do_touch (split_t *self)
{
    if (!settle (self))
        return false;
    self->now.has_text = true;
    return true;
}

static bool do_step (split_t *self, const layout_step_t *step)
{
    switch ((layout_kind_t) step->kind) {
    case STEP_TEXT:
        return do_text (self, step);
    case STEP_OPEN:
        do_open (self, step);
        break;
    case STEP_CLOSE:
        if (self->now.depth)
            close_level (self);
        break;
    case STEP_BREAK:
        do_break (self, step);
        break;
    case STEP_TOUCH:
        return do_touch (self);
    case STEP_ATOM:
        mark_grapheme (self);
        self->now.atoms++;
        break;
    case STEP_LOOSE:
        self->now.atoms -= self->now.atoms > 0;
        break;
    }
    return true;
}

/* ------------------------------------------------------------------ parts */

/*  True: to the end of the layout.  */
static bool fill (split_t *self)
{
    memset (self->has_best, 0, sizeof self->has_best);
    while (self->now.step < self->layout->count) {
        if (!do_step (self, &self->layout->steps[self->now.step]))
            return false;
        self->now.step++;
    }
    return true;
}

static void give_part (split_t *self)
{
    while (self->now.depth)
        close_level (self);
    plv_buf_check (&self->out);
    pal_text_t part = {.data = (const char *) self->out.data, .size = self->out.size};
    if (self->now.has_text)
        self->options->part (self->options->arg, part);
}

/*  The next part begins where the best place was.  */
static void begin_part (split_t *self, const state_t *cut)
{
    copy_state (&self->begin, cut);
    state_t *begin = &self->begin;
    trim_wait (self, &begin->wait, CUT_LINE);
    begin->size = begin->cost = begin->close_cost = 0;
    begin->has_text = false;
    begin->line_start = true;
    for (size_t at = 0; at < begin->depth; at++) {
        level_t *level = &begin->levels[at];
        level->is_again = level->is_again || level->is_open;
        level->is_open = false;
        level->close_cost = 0;
    }
}

static const state_t *best_cut (const split_t *self)
{
    for (int cut = CUT_COUNT - 1; cut > CUT_NONE; cut--)
        if (self->has_best[cut])
            return &self->best[cut];
    return NULL;
}

/*  True: that was the last one.  */
static bool next_part (split_t *self)
{
    for (int attempt = TRY_WORDS; attempt < TRY_COUNT; attempt++) {
        self->attempt = (try_t) attempt;
        copy_state (&self->now, &self->begin);
        self->out.size = 0;
        bool is_end = fill (self);
        const state_t *cut = is_end ? NULL : best_cut (self);
        if (!is_end && !cut)
            continue;
        if (cut) {
            begin_part (self, cut);
            copy_state (&self->now, cut);
            self->out.size = cut->size;
        }
        give_part (self);
        return is_end;
    }
    return true;
}

void split_layout (const layout_t *layout, const split_options_t *options)
{
    split_t self = {.layout = layout, .options = options, .text = plv_buf_view (&layout->text)};
    self.graphemes = grapheme_new ();
    self.begin.line_start = true;
    while (!next_part (&self))
        ;
    grapheme_destroy (&self.graphemes);
    plv_buf_free (&self.out);
}
