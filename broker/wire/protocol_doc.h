/*  protocol_doc -- PROTOCOL.md and the fuzz dictionaries, made from the tables
    OWNS    nothing: appends to the caller's buffer
    THREAD  any
    FAILS   on a name in the template that nothing stands for
    COST    not on any path of a program: only the tests link it

    The template is Markdown. {NAME} is replaced by a limit or a constant's value; a line that is just
    {table ARGUMENTS} by a table.  */

#ifndef PLV_WIRE_PROTOCOL_DOC_H
#define PLV_WIRE_PROTOCOL_DOC_H

#include "base/buf.h"
#include "base/err.h"

plv_err_t plv_protocol_doc (plv_view_t template, plv_buf_t *page, plv_fail_t *ret_fail);
void plv_protocol_frame_dictionary (plv_buf_t *dictionary);
void plv_protocol_event_dictionary (plv_buf_t *dictionary);

#endif
