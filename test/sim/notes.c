#include "sim/notes.h"

#include "sim/actors.h"
#include "wire/mp.h"

#include <stdio.h>

enum { KEY_BYTES = 24, PUT = 1, GET = 2, DELETE = 3 };

/*  A value that its key tells.  */
static void texts_of (unsigned index, char key[KEY_BYTES], char value[KEY_BYTES])
{
    snprintf (key, KEY_BYTES, "note/%u", index);
    snprintf (value, KEY_BYTES, "value of %u", index);
}

static void ask (sim_conn_t *conn, const char *command, unsigned kind, unsigned index)
{
    char key[KEY_BYTES], value[KEY_BYTES];
    letter_t letter = letter_begin (VERB_CONTROL);
    texts_of (index, key, value);
    plv_mp_put_u64 (&letter.bytes, kind << 16 | index);
    plv_mp_put_text (&letter.bytes, command);
    plv_mp_put_map (&letter.bytes, kind == PUT ? 2 : 1);
    plv_mp_put_text (&letter.bytes, "key");
    plv_mp_put_text (&letter.bytes, key);
    if (kind == PUT) {
        plv_mp_put_text (&letter.bytes, "value");
        plv_mp_put_bin (&letter.bytes, plv_view_str (value));
    }
    letter_send (&letter, conn);
}

void notes_beat (notes_t *self, sim_conn_t *conn)
{
    sim_t *sim = self->sim;
    unsigned index = self->count ? (unsigned) sim_below (sim, self->count) : 0;
    switch (sim_below (sim, 8)) {
    case 0:
        if (self->count < NOTES_MAX)
            ask (conn, "kv.put", PUT, self->count++);
        break;
    case 1:
        if (self->count && self->kept[index])
            ask (conn, "kv.get", GET, index);
        break;
    case 2:
        if (self->count && self->kept[index] && sim_below (sim, 2)) {
            self->deleting[index] = true;
            ask (conn, "kv.delete", DELETE, index);
        }
        break;
    default:
        break;
    }
}

void notes_result (notes_t *self, const plv_frame_t *frame)
{
    unsigned kind = (unsigned) (frame->arg[0].number >> 16),
             index = (unsigned) (frame->arg[0].number & 0xffff);
    char key[KEY_BYTES], value[KEY_BYTES];
    plv_view_t bytes = {0};
    plv_mp_t at;
    if (!plv_view_is (frame->arg[2].bytes, "ok")) {
        sim_fail (self->sim, "kv: note %u of %s is refused", index, self->owner);
        return;
    }
    if (kind == PUT)
        self->kept[index] = true;
    texts_of (index, key, value);
    if (kind != GET || self->deleting[index])
        return;
    if (plv_mp_find (frame->arg[3].bytes, "value", &at))
        plv_mp_bin (&at, &bytes);
    if (!plv_view_is (bytes, value))
        sim_fail (self->sim, "kv: note %u of %s was kept, and is gone or another", index,
                  self->owner);
}

static bool in_store (store_t *store, const char *owner, const char *key, const char *value)
{
    char row_key[64];
    store_done_t done = {0};
    plv_row_t row;
    size_t at = 0, size = strlen (owner) + 1 + strlen (key);
    bool found = false;
    snprintf (row_key, sizeof row_key, "%s%c%s", owner, '\0', key);
    memcpy (row_key + strlen (owner) + 1, key, strlen (key) + 1);
    store->vtable->scan (store, 1, VIEW_KV, plv_view (row_key, size), plv_view (NULL, 0), 1);
    while (store->vtable->next (store, &done) == STORE_ROWS) {
        found = plv_row_next (plv_buf_view (&done.rows), &at, &row)
                && plv_view_equal (row.key, plv_view (row_key, size))
                && plv_view_is (row.value, value);
        plv_buf_free (&done.rows);
    }
    return found;
}

void notes_finish (const notes_t *self)
{
    char key[KEY_BYTES], value[KEY_BYTES];
    for (unsigned i = 0; i < self->count; i++) {
        texts_of (i, key, value);
        if (self->kept[i] && !self->deleting[i]
            && !in_store (self->sim->store, self->owner, key, value))
            sim_fail (self->sim, "kv: note %u of %s was kept, and is not in the store", i,
                      self->owner);
    }
}
