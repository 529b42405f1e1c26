/*  record -- the journal's transitions: one struct, one encoder, one decoder, from one table
    OWNS    nothing: views point into what was encoded from or decoded
    THREAD  any
    FAILS   record_next with ERR_CORRUPT on bytes that record_write did not write
    COST    a copy of the texts; numbers take one to ten bytes

    A journal value is: u8 format, varint wall-clock time, then records until its end.  */

#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "core/state/label.h"
#include "wire/event.h"

typedef enum {
#define RECORD(number, name, fields, meaning) RECORD_##name = (number),
#include "core/state/record.def"
#undef RECORD
} record_type_t;

typedef struct {
    record_type_t type;
    uint64_t number;
    uint64_t reply;
    int64_t at_us;
    int64_t until_us;
    uint32_t attempt;
    uint32_t code;
    uint32_t flags;
    plv_id_t id;
    plv_view_t session;
    plv_view_t who;
    plv_view_t why;
    plv_view_t name;
    plv_view_t envelope;
    plv_view_t body;
    plv_view_t extra;
    plv_view_t plan;
    /* when it is written, not read: the labels whose texts `who` and `name` are, to be held instead of copied */
    label_t *who_label;
    label_t *name_label;
    /* and what `envelope` says, to be taken instead of parsed again */
    const plv_envelope_t *parsed;
} record_t;

const char *record_name (record_type_t type);

void record_begin (plv_buf_t *journal, int64_t wall_us);
void record_write (plv_buf_t *journal, const record_t *record);

typedef struct {
    plv_view_t value;
    size_t at;
    int64_t wall_us;
} record_reader_t;

plv_err_t record_open (plv_view_t value, record_reader_t *ret_reader, plv_fail_t *ret_fail);
/*  ERR_NOENT at the end.  */
plv_err_t record_next (record_reader_t *self, record_t *ret_record, plv_fail_t *ret_fail);

/*  Numbers as the journal and the views write them: seven bits a byte, low bits first.  */
void record_put_number (plv_buf_t *buf, uint64_t value);
bool record_get_number (plv_view_t bytes, size_t *at, uint64_t *ret_value);
void record_put_bytes (plv_buf_t *buf, plv_view_t bytes);
bool record_get_bytes (plv_view_t bytes, size_t *at, plv_view_t *ret_bytes);

#endif
