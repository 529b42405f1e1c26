/*  writer -- reads Markdown and lays it out as a flavour has it
    OWNS    what a table or a link needs until it is complete
    THREAD  that of its owner
    FAILS   writer_run: false when the parser gave up; the layout holds what came before
    COST    linear  */

#ifndef HOST_TEXT_WRITER_H
#define HOST_TEXT_WRITER_H

#include "host/text/flavour.h"
#include "host/text/layout.h"

#include <md4c.h>

/*  `max`: units that a part may have, 0: no matter; a link whose address takes most of a part is written as
    text. `text`: of source_prepare.  */
bool writer_run (layout_t *layout, const flavour_t *flavour, plv_view_t text, uint32_t max);

/* ------------------------------------------------------------------ shared by writer*.c */

enum { WRITER_DEPTH_MAX = 10, WRITER_COLUMNS_MAX = 64, WRITER_WIDTH_MAX = 40 };

typedef struct {
    bool is_ordered;
    char mark; /* as the source has it: '-', '*', '+'; '.', ')' */
    bool is_loose;
    unsigned number; /* of the next item */
} writer_list_t;

typedef struct {
    uint32_t from, to; /* in `cells` */
    MD_ALIGN align;
} writer_cell_t;

typedef struct {
    layout_t *layout;
    const flavour_t *flavour;
    uint32_t max;
    bool is_page;     /* HTML: blocks are tags */
    bool is_markdown; /* it is read as Markdown again: indentation says what belongs together */
    bool is_signs;    /* Slack, WhatsApp: signs count at the edges of words only */

    writer_list_t lists[WRITER_DEPTH_MAX];
    size_t list_depth;
    size_t quote_depth;
    size_t containers; /* of the layout that are open */
    bool opened[2 * WRITER_DEPTH_MAX];
    size_t levels; /* quotes and items, also those that are too deep to be written */
    bool item_begins;

    unsigned style_depth[STYLE_COUNT];
    uint8_t styles[STYLE_COUNT]; /* the open ones, in their order */
    size_t style_frames[STYLE_COUNT];
    size_t style_count;
    bool has_closed;
    size_t closed_frame; /* the last one; to be changed when a word goes on right behind it */
    flavour_style_t closed_style;

    bool in_code; /* a fence */
    bool in_span; /* `code` */
    plv_buf_t code;
    plv_view_t language;

    unsigned link_depth;
    size_t link_frame, link_text, link_step;
    plv_buf_t address;

    bool in_table; /* of a flavour without tables: it becomes lines of text */
    bool in_cell;
    bool cell_waits;    /* nothing of it has been written yet */
    unsigned cells_due; /* empty ones before it */
    bool is_head;
    unsigned columns;
    plv_buf_t cells; /* text of all cells */
    writer_cell_t *grid;
    size_t grid_count, grid_capacity;
    size_t *rows; /* where each ends in `grid` */
    size_t row_count, row_capacity;
} writer_t;

/*  Text of a paragraph, a heading, a cell.  */
void writer_text (writer_t *self, plv_view_t text, layout_form_t form);
/*  A copy for a frame.  */
plv_view_t writer_keep (writer_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

void writer_enter_style (writer_t *self, flavour_style_t style);
void writer_leave_style (writer_t *self, flavour_style_t style);
void writer_enter_link (writer_t *self, const MD_ATTRIBUTE *address);
void writer_leave_link (writer_t *self);
void writer_code_span (writer_t *self);
/*  A block ends: what the parser has left open in it (it does, where addresses cross emphasis) is closed.  */
void writer_end_text (writer_t *self);
void writer_entity (writer_t *self, plv_view_t entity);
void writer_decode (plv_buf_t *out, plv_view_t entity);

void writer_enter_table (writer_t *self, MD_BLOCKTYPE type, const void *detail);
void writer_leave_table (writer_t *self, MD_BLOCKTYPE type);
/*  The first thing in a cell is about to be written.  */
void writer_begin_cell (writer_t *self);
/*  A fence with what `code` holds.  */
void writer_fence (writer_t *self, plv_view_t text, plv_view_t language);

#endif
