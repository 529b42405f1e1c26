/*  layout -- a text between parser and splitter: words in order, and what is written around them
    OWNS    its text, its frames and steps; the strings of frames are copied or static
    THREAD  that of its owner
    FAILS   never: out of memory stops the process
    COST    O(1) a step, and the bytes

    A frame is whatever is opened and closed: bold, a link, a fence, a quote, an item of a list. Frames
    nest. When a part ends inside a frame it is closed, and opened again in the next part.  */

#ifndef HOST_TEXT_LAYOUT_H
#define HOST_TEXT_LAYOUT_H

#include "base/buf.h"

typedef enum {
    FORM_PROSE, /* escaped so that nothing of it is markup */
    FORM_CODE,  /* inside code: what is markup elsewhere is none here; white space matters */
    FORM_URL,   /* an address that stands for itself, or signs of ours: written as it is */
} layout_form_t;

/*  How good a place is to end a part, best last.  */
typedef enum { CUT_NONE, CUT_GRAPHEME, CUT_WORD, CUT_LINE, CUT_PARAGRAPH, CUT_COUNT } cut_t;

typedef struct {
    plv_view_t open;  /* written before the first word inside */
    plv_view_t again; /* the same at the begin of another part */
    plv_view_t
        close; /* written behind the last word, and at the end of a part; may begin with \n */
    plv_view_t prefix; /* at the begin of each further line inside */
    bool is_seen;      /* its strings count also where markup does not */
    bool prefix_again; /* the prefix goes on in further parts */
} layout_frame_t;

typedef enum {
    STEP_TEXT,  /* from, to in `text` */
    STEP_OPEN,  /* from: the frame */
    STEP_CLOSE, /* the innermost one */
    STEP_BREAK, /* a new line or paragraph, when more text follows: `lines` line ends, or a frame's `open` */
    STEP_TOUCH, /* as if there were text: opens frames that hold none */
    STEP_ATOM,  /* until STEP_LOOSE, better not cut */
    STEP_LOOSE,
} layout_kind_t;

typedef struct {
    uint8_t kind;  /* layout_kind_t */
    uint8_t form;  /* TEXT: layout_form_t */
    uint8_t cut;   /* BREAK: cut_t */
    uint8_t lines; /* BREAK */
    uint32_t from;
    uint32_t to; /* BREAK: 1 + the frame whose `open` is written instead of line ends; 0: none */
} layout_step_t;

typedef struct {
    plv_buf_t text;
    bool ends_in_text; /* no break and no touch came since, but maybe frames */
    layout_step_t *steps;
    size_t count, capacity;
    layout_frame_t *frames;
    size_t frame_count, frame_capacity;
    char **strings; /* of frames */
    size_t string_count, string_capacity;
} layout_t;

void layout_free (layout_t *self);

void layout_text (layout_t *self, plv_view_t text, layout_form_t form);
/*  The frame's number, to change it later.  */
size_t layout_open (layout_t *self, const layout_frame_t *frame);
void layout_close (layout_t *self);
void layout_break (layout_t *self, cut_t cut, unsigned lines, const char *instead);
void layout_mark (layout_t *self, layout_kind_t kind);

/*  A copy that lives as long as the layout.  */
plv_view_t layout_keep (layout_t *self, plv_view_t text);

#endif
