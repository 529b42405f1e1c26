#include "core/state/session.h"

#include "base/alloc.h"
#include "core/state/record.h"

#include <stdlib.h>

enum { SESSION_FORMAT_WITHOUT_LIFE = 1, SESSION_FORMAT = 2 };

static plv_view_t keep (char **at, plv_view_t text)
{
    plv_view_t kept = plv_view (*at, text.size);
    memcpy (*at, text.data, text.size);
    *at += text.size;
    return kept;
}

session_t *session_new (plv_view_t id, plv_view_t user_id, plv_view_t platform)
{
    session_t *self = plv_alloc_zero (1, sizeof *self + id.size + user_id.size + platform.size);
    char *at = self->text;
    self->id = keep (&at, id);
    self->user_id = keep (&at, user_id);
    self->platform = keep (&at, platform);
    self->history.next = 1;
    self->history.rows_from = 1;
    plv_list_init (&self->events);
    plv_list_init (&self->replies);
    return self;
}

static void destroy_entries (plv_node_t *list)
{
    for (plv_node_t *node; (node = plv_list_pop (list));) {
        entry_t *entry = PLV_OF (node, entry_t, in_session);
        entry_destroy (&entry);
    }
}

void session_destroy (session_t **self_p)
{
    session_t *self = *self_p;
    if (!self)
        return;
    destroy_entries (&self->events);
    destroy_entries (&self->replies);
    plv_node_remove (&self->ready);
    plv_node_remove (&self->dirty);
    label_drop (&self->adapter);
    history_free (&self->history);
    plv_buf_free (&self->state);
    plv_buf_free (&self->gone);
    free (self);
    *self_p = NULL;
}

/*  What the broker announces stays where it is put: what is sent again, however old, comes behind it.  */
static bool goes_before (const entry_t *entry, const entry_t *other)
{
    bool announced = entry->flags & ENTRY_OWN && !(entry->flags & ENTRY_REPLAYED);
    if (entry->kind == ENTRY_EVENT && announced)
        return other->flags & ENTRY_REPLAYED;
    if (other->kind == ENTRY_EVENT && other->flags & ENTRY_OWN && !(other->flags & ENTRY_REPLAYED))
        return false;
    return entry->number < other->number;
}

void session_add (session_t *self, entry_t *entry)
{
    plv_node_t *list = entry->kind == ENTRY_EVENT ? &self->events : &self->replies;
    plv_node_t *before = list;
    while (before->prev != list && goes_before (entry, PLV_OF (before->prev, entry_t, in_session)))
        before = before->prev;
    plv_list_push (before, &entry->in_session);
    entry->session = self;
    if (entry->kind == ENTRY_EVENT)
        self->event_count++;
}

void session_write (const session_t *self, uint64_t as_of, plv_buf_t *buf)
{
    plv_buf_add_u8 (buf, SESSION_FORMAT);
    record_put_number (buf, as_of);
    record_put_number (buf, (uint64_t) self->created_us);
    record_put_number (buf, (uint64_t) self->active_us);
    record_put_number (buf, self->message_count);
    record_put_number (buf, self->parked_by);
    record_put_number (buf, self->history.next);
    record_put_number (buf, history_first (&self->history));
    record_put_bytes (buf, self->user_id);
    record_put_bytes (buf, self->platform);
    record_put_bytes (buf, plv_buf_view (&self->state));
    record_put_number (buf, self->live);
    record_put_number (buf, self->closing);
    record_put_bytes (buf, label_view (self->adapter));
}

/*  What rows have since the broker announces sessions; one without it is of an open session.  */
static bool read_life (plv_view_t bytes, size_t *at, session_t *session)
{
    uint64_t live = 1, closing = 0;
    plv_view_t adapter = {0};
    if (bytes.data[0] == SESSION_FORMAT
        && (!record_get_number (bytes, at, &live) || !record_get_number (bytes, at, &closing)
            || !record_get_bytes (bytes, at, &adapter)))
        return false;
    session->live = live != 0;
    session->closing = closing;
    session->adapter = adapter.size ? label_new (adapter) : NULL;
    return true;
}

static plv_err_t damaged (plv_view_t id, size_t at, size_t size, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_CORRUPT,
                     "the row of session " PLV_VIEW_FMT " is damaged near byte %zu of %zu",
                     PLV_VIEW_ARG (id), at, size);
}

plv_err_t session_read (plv_view_t id, plv_view_t bytes, session_t **ret_session,
                        plv_fail_t *ret_fail)
{
    enum { AS_OF, CREATED, ACTIVE, MESSAGES, PARKED, NEXT, FIRST, NUMBERS };
    enum { USER, PLATFORM, STATE, TEXTS };
    uint64_t number[NUMBERS];
    plv_view_t text[TEXTS];
    size_t at = 1;
    bool good = bytes.size > 1 && bytes.data[0] >= SESSION_FORMAT_WITHOUT_LIFE
                && bytes.data[0] <= SESSION_FORMAT;

    for (int i = 0; good && i < NUMBERS; i++)
        good = record_get_number (bytes, &at, &number[i]);
    for (int i = 0; good && i < TEXTS; i++)
        good = record_get_bytes (bytes, &at, &text[i]);
    if (!good)
        return damaged (id, at, bytes.size, ret_fail);

    session_t *self = session_new (id, text[USER], text[PLATFORM]);
    if (!read_life (bytes, &at, self)) {
        session_destroy (&self);
        return damaged (id, at, bytes.size, ret_fail);
    }
    self->as_of = number[AS_OF];
    self->created_us = (int64_t) number[CREATED];
    self->active_us = (int64_t) number[ACTIVE];
    self->message_count = number[MESSAGES];
    self->parked_by = number[PARKED];
    self->history.next = number[FIRST];
    self->history.rows_from = number[FIRST];
    self->history.written = number[NEXT] - 1;
    plv_buf_add_view (&self->state, text[STATE]);
    *ret_session = self;
    return ERR_OK;
}
