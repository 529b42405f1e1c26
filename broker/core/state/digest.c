#include "core/internal.h"
#include "core/peer/drain.h"

/*  FNV-1a, 64 bits: quality enough to tell two states apart in a test.  */
static uint64_t mix (uint64_t hash, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ bytes[i]) * 0x100000001b3ull;
    return hash;
}

static uint64_t mix_buf (uint64_t hash, const plv_buf_t *buf)
{
    return mix (hash, buf->data, buf->size);
}

/*  As it would be read back: an event that waits for its batch to fill is one that waits.  */
static void write_entry (entry_t *entry, plv_buf_t *buf)
{
    uint8_t state = entry->state;
    if (state == ENTRY_GATHERED || state == ENTRY_BACKOFF)
        entry->state = ENTRY_WAITING; /* a backoff ends by time alone, without a record */
    entry_write (entry, entry->session->id, buf);
    entry->state = state;
}

static uint64_t session_digest (session_t *session)
{
    plv_buf_t buf = {0};
    uint64_t hash = 0xcbf29ce484222325ull;
    plv_node_t *node;

    session_write (session, 0, &buf);
    for (uint64_t number = history_first (&session->history); number < session->history.next;
         number++) {
        const history_turn_t *turn = history_get (&session->history, number);
        plv_buf_add (&buf, turn->bytes, turn->size);
    }
    for (node = session->events.next; node != &session->events; node = node->next)
        write_entry (PLV_OF (node, entry_t, in_session), &buf);
    for (node = session->replies.next; node != &session->replies; node = node->next)
        write_entry (PLV_OF (node, entry_t, in_session), &buf);
    hash = mix (hash, session->id.data, session->id.size);
    hash = mix_buf (hash, &buf);
    plv_buf_free (&buf);
    return hash;
}

static uint64_t letters_digest (const dead_index_t *letters)
{
    uint64_t hash = letters->groups.count;
    const dead_brief_t *brief;
    for (dead_cursor_t at = {0}; (brief = dead_index_next (letters, &at));)
        hash = mix (hash, brief, sizeof *brief);
    return hash;
}

static uint64_t pauses_digest (const core_t *self)
{
    uint64_t sum = 0;
    const pause_t *pause;
    for (size_t at = 0; (pause = plv_map_next (&self->pauses, &at));)
        sum += mix (0, pause, sizeof *pause);
    return sum;
}

static uint64_t drains_digest (const core_t *self)
{
    uint64_t sum = 0;
    const drain_t *drain;
    for (size_t at = 0; (drain = plv_map_next (&self->drains, &at));)
        sum += mix (0, drain, sizeof *drain);
    return sum;
}

uint64_t core_digest (const core_t *self)
{
    uint64_t sum = 0;
    session_t *session;
    for (size_t at = 0; (session = plv_map_next (&self->sessions, &at));)
        sum += session_digest (session); /* the order of the map is no part of the state */
    uint64_t rest[] = {self->next_number,
                       self->dead_count,
                       dedup_count (self->dedup),
                       kv_digest (self->kv),
                       letters_digest (&self->letters),
                       pauses_digest (self),
                       drains_digest (self)};
    return mix (sum, rest, sizeof rest);
}
