#include "core/state/entry.h"

#include "base/alloc.h"
#include "core/state/record.h"

#include <stdlib.h>

enum { ENTRY_FORMAT = 1 };

entry_t *entry_new (entry_kind_t kind, uint64_t number, plv_view_t envelope, plv_view_t body)
{
    entry_t *self = plv_alloc (sizeof *self + envelope.size + body.size);
    memset (self, 0, sizeof *self);
    self->kind = (uint8_t) kind;
    self->number = number;
    self->envelope_size = (uint32_t) envelope.size;
    self->body_size = (uint32_t) body.size;
    self->bytes = self->own;
    memcpy (self->bytes, envelope.data, envelope.size);
    memcpy (self->bytes + envelope.size, body.data, body.size);
    return self;
}

void entry_destroy (entry_t **self_p)
{
    entry_t *self = *self_p;
    if (!self)
        return;
    plv_node_remove (&self->in_session);
    plv_node_remove (&self->in_holder);
    plv_node_remove (&self->unsent);
    ledger_free (&self->ledger);
    steps_free (&self->steps);
    label_drop (&self->route);
    if (self->bytes != self->own)
        free (self->bytes);
    free (self);
    *self_p = NULL;
}

void entry_set_body (entry_t *self, plv_view_t body)
{
    uint8_t *bytes = plv_alloc (self->envelope_size + body.size);
    memcpy (bytes, self->bytes, self->envelope_size);
    memcpy (bytes + self->envelope_size, body.data, body.size);
    if (self->bytes != self->own)
        free (self->bytes);
    self->bytes = bytes;
    self->body_size = (uint32_t) body.size;
}

void entry_write (const entry_t *self, plv_view_t session, plv_buf_t *buf)
{
    plv_buf_add_u8 (buf, ENTRY_FORMAT);
    plv_buf_add_u8 (buf, self->kind);
    plv_buf_add_u8 (buf, self->state);
    plv_buf_add_u8 (buf, self->flags);
    plv_buf_add (buf, self->holder_incarnation.bytes, PLV_ID_BYTES);
    record_put_number (buf, self->attempts);
    record_put_number (buf, self->charged);
    record_put_number (buf, (uint64_t) self->accepted_us);
    record_put_number (buf, (uint64_t) self->until_us);
    record_put_number (buf, (uint64_t) self->not_after_us);
    record_put_bytes (buf, session);
    record_put_bytes (buf, label_view (self->route));
    record_put_bytes (buf, entry_envelope (self));
    record_put_bytes (buf, entry_body (self));
    record_put_number (buf, self->steps.count);
    record_put_bytes (buf, plv_buf_view (&self->steps.packed));
    ledger_write (&self->ledger, buf);
}

static bool read_numbers (plv_view_t bytes, size_t *at, uint64_t *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!record_get_number (bytes, at, &numbers[i]))
            return false;
    return true;
}

static bool read_texts (plv_view_t bytes, size_t *at, plv_view_t *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!record_get_bytes (bytes, at, &texts[i]))
            return false;
    return true;
}

/*  Are these `count` pairs of name and result, and nothing else?  */
static bool steps_good (plv_view_t packed, uint64_t count)
{
    plv_view_t ignored;
    size_t at = 0;
    for (; count && record_get_bytes (packed, &at, &ignored)
           && record_get_bytes (packed, &at, &ignored);
         count--)
        ;
    return count == 0 && at == packed.size;
}

plv_err_t entry_read (uint64_t number, plv_view_t bytes, entry_t **ret_entry,
                      plv_view_t *ret_session, plv_fail_t *ret_fail)
{
    enum { HEAD_BYTES = 4 + PLV_ID_BYTES };
    enum { ATTEMPTS, CHARGED, ACCEPTED, UNTIL, NOT_AFTER, NUMBERS };
    enum { SESSION, ROUTE, ENVELOPE, BODY, TEXTS };
    uint64_t numbers[NUMBERS], step_count;
    plv_view_t texts[TEXTS], steps;
    ledger_t ledger = {0};
    size_t at = HEAD_BYTES;

    if (bytes.size < HEAD_BYTES || bytes.data[0] != ENTRY_FORMAT || bytes.data[1] > ENTRY_REPLY
        || bytes.data[2] > ENTRY_BACKOFF || !read_numbers (bytes, &at, numbers, NUMBERS)
        || !read_texts (bytes, &at, texts, TEXTS) || !record_get_number (bytes, &at, &step_count)
        || !record_get_bytes (bytes, &at, &steps) || !steps_good (steps, step_count)
        || !ledger_read (bytes, &at, &ledger))
        return plv_fail (ret_fail, ERR_CORRUPT,
                         "the row of entry %llu is damaged near byte %zu of %zu",
                         (unsigned long long) number, at, bytes.size);

    entry_t *self = entry_new ((entry_kind_t) bytes.data[1], number, texts[ENVELOPE], texts[BODY]);
    self->state = bytes.data[2];
    self->flags = bytes.data[3];
    memcpy (self->holder_incarnation.bytes, bytes.data + 4, PLV_ID_BYTES);
    self->attempts = (uint16_t) numbers[ATTEMPTS];
    self->charged = (uint16_t) numbers[CHARGED];
    self->accepted_us = (int64_t) numbers[ACCEPTED];
    self->until_us = (int64_t) numbers[UNTIL];
    self->not_after_us = (int64_t) numbers[NOT_AFTER];
    self->route = label_new (texts[ROUTE]);
    self->steps.count = (uint32_t) step_count;
    plv_buf_add_view (&self->steps.packed, steps);
    self->ledger = ledger;
    *ret_entry = self;
    *ret_session = texts[SESSION];
    return ERR_OK;
}
