#include "core/state/record.h"

#include "base/check.h"

enum { RECORD_FORMAT = 1, RECORD_TYPES = 32 };

typedef struct {
    const char *name;
    const char *fields;
} record_info_t;

static const record_info_t record_info[RECORD_TYPES] = {
#define RECORD(number, name_, fields_, meaning) [number] = {.name = #name_, .fields = fields_},
#include "core/state/record.def"
#undef RECORD
};

const char *record_name (record_type_t type)
{
    return (unsigned) type < RECORD_TYPES && record_info[type].name ? record_info[type].name : "?";
}

void record_put_number (plv_buf_t *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t size = 0;

    while (value >= 0x80) {
        bytes[size++] = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    bytes[size++] = (uint8_t) value;
    plv_buf_add (buf, bytes, size);
}

bool record_get_number (plv_view_t bytes, size_t *at, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64 && *at < bytes.size; shift += 7) {
        uint8_t byte = bytes.data[(*at)++];
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret_value = value;
            return true;
        }
    }
    return false;
}

void record_put_bytes (plv_buf_t *buf, plv_view_t bytes)
{
    record_put_number (buf, bytes.size);
    plv_buf_add_view (buf, bytes);
}

bool record_get_bytes (plv_view_t bytes, size_t *at, plv_view_t *ret_bytes)
{
    uint64_t size;
    if (!record_get_number (bytes, at, &size) || size > bytes.size - *at)
        return false;
    *ret_bytes = plv_view (bytes.data + *at, (size_t) size);
    *at += (size_t) size;
    return true;
}

void record_begin (plv_buf_t *journal, int64_t wall_us)
{
    plv_buf_add_u8 (journal, RECORD_FORMAT);
    record_put_number (journal, (uint64_t) wall_us);
}

/*  The member that a field letter stands for, by kind: texts, or numbers of two widths.  */
static plv_view_t *text_of (record_t *self, char letter)
{
    switch (letter) {
    case 's':
        return &self->session;
    case 'w':
        return &self->who;
    case 'y':
        return &self->why;
    case 'k':
        return &self->name;
    case 'e':
        return &self->envelope;
    case 'b':
        return &self->body;
    case 'x':
        return &self->extra;
    case 'p':
        return &self->plan;
    default:
        return NULL;
    }
}

static uint64_t number_get (const record_t *self, char letter)
{
    switch (letter) {
    case 'n':
        return self->number;
    case 'r':
        return self->reply;
    case 't':
        return (uint64_t) self->at_us;
    case 'u':
        return (uint64_t) self->until_us;
    case 'a':
        return self->attempt;
    case 'c':
        return self->code;
    default:
        return self->flags;
    }
}

static void number_set (record_t *self, char letter, uint64_t value)
{
    switch (letter) {
    case 'n':
        self->number = value;
        break;
    case 'r':
        self->reply = value;
        break;
    case 't':
        self->at_us = (int64_t) value;
        break;
    case 'u':
        self->until_us = (int64_t) value;
        break;
    case 'a':
        self->attempt = (uint32_t) value;
        break;
    case 'c':
        self->code = (uint32_t) value;
        break;
    default:
        self->flags = (uint32_t) value;
        break;
    }
}

void record_write (plv_buf_t *journal, const record_t *record)
{
    const char *fields = record_info[record->type].fields;
    CHECK (fields, "record type %d", (int) record->type);
    plv_buf_add_u8 (journal, (uint8_t) record->type);
    for (; *fields; fields++) {
        /* text_of only finds the member; nothing is written through it here */
        const plv_view_t *text = text_of ((record_t *) (uintptr_t) record, *fields);
        if (text)
            record_put_bytes (journal, *text);
        else if (*fields == 'i')
            plv_buf_add (journal, record->id.bytes, sizeof record->id.bytes);
        else
            record_put_number (journal, number_get (record, *fields));
    }
}

plv_err_t record_open (plv_view_t value, record_reader_t *ret_reader, plv_fail_t *ret_fail)
{
    size_t at = 1;
    uint64_t wall;

    if (value.size < 2 || value.data[0] != RECORD_FORMAT)
        return plv_fail (ret_fail, ERR_CORRUPT,
                         "a journal value of %zu bytes has format %d, not %d", value.size,
                         value.size ? value.data[0] : -1, RECORD_FORMAT);
    if (!record_get_number (value, &at, &wall))
        return plv_fail (ret_fail, ERR_CORRUPT, "a journal value ends within its head");
    *ret_reader = (record_reader_t){.value = value, .at = at, .wall_us = (int64_t) wall};
    return ERR_OK;
}

static bool read_field (record_reader_t *self, record_t *record, char letter)
{
    plv_view_t *text = text_of (record, letter);
    uint64_t number;

    if (text)
        return record_get_bytes (self->value, &self->at, text);
    if (letter == 'i') {
        if (self->value.size - self->at < PLV_ID_BYTES)
            return false;
        memcpy (record->id.bytes, self->value.data + self->at, PLV_ID_BYTES);
        self->at += PLV_ID_BYTES;
        return true;
    }
    if (!record_get_number (self->value, &self->at, &number))
        return false;
    number_set (record, letter, number);
    return true;
}

plv_err_t record_next (record_reader_t *self, record_t *ret_record, plv_fail_t *ret_fail)
{
    if (self->at == self->value.size)
        return ERR_NOENT;
    size_t start = self->at;
    uint8_t type = self->value.data[self->at++];
    if (type >= RECORD_TYPES || !record_info[type].fields)
        return plv_fail (ret_fail, ERR_CORRUPT,
                         "unknown record type %u at byte %zu of a journal value", type, start);
    memset (ret_record, 0, sizeof *ret_record);
    ret_record->type = (record_type_t) type;
    for (const char *field = record_info[type].fields; *field; field++)
        if (!read_field (self, ret_record, *field))
            return plv_fail (ret_fail, ERR_CORRUPT,
                             "record %s at byte %zu of a journal value is cut off",
                             record_info[type].name, start);
    return ERR_OK;
}
