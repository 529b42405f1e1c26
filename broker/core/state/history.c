#include "core/state/history.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "wire/mp.h"

#include <stdlib.h>

void history_free (history_t *self)
{
    for (uint32_t i = 0; i < self->capacity; i++)
        free (self->ring[i].bytes);
    free (self->ring);
    memset (self, 0, sizeof *self);
}

void history_clear (history_t *self)
{
    self->count = 0;
}

uint64_t history_first (const history_t *self)
{
    return self->next - self->count;
}

const history_turn_t *history_get (const history_t *self, uint64_t number)
{
    if (number < history_first (self) || number >= self->next)
        return NULL;
    return &self->ring[number % self->capacity];
}

/*  The ring is indexed by turn number, so that a new capacity means new places.  */
static void set_capacity (history_t *self, uint32_t capacity)
{
    history_turn_t *ring = plv_alloc_zero (capacity, sizeof *ring);
    uint32_t kept = self->count < capacity ? self->count : capacity;
    for (uint64_t number = self->next - kept; number < self->next; number++) {
        history_turn_t *turn = &self->ring[number % self->capacity];
        ring[number % capacity] = *turn;
        turn->bytes = NULL;
    }
    for (uint32_t i = 0; i < self->capacity; i++)
        free (self->ring[i].bytes);
    free (self->ring);
    self->ring = ring;
    self->capacity = capacity;
    self->count = kept;
}

static void make_room (history_t *self, uint32_t limit)
{
    if (self->capacity > limit)
        set_capacity (self, limit);
    else if (self->count == self->capacity && self->capacity < limit) {
        uint32_t capacity = self->capacity ? self->capacity * 2 : 2;
        set_capacity (self, capacity < limit ? capacity : limit);
    }
}

/*  The memory of the turn that goes serves the one that comes, unless it is much too large or too small.  */
static void keep_room (history_turn_t *turn, size_t size)
{
    if (turn->bytes && turn->capacity >= size && turn->capacity <= 2 * size)
        return;
    free (turn->bytes);
    turn->bytes = plv_alloc (size);
    turn->capacity = (uint32_t) size;
}

void history_add (history_t *self, plv_view_t encoded, uint8_t maps, uint32_t limit)
{
    if (self->next == 0)
        self->next = 1;
    if (self->rows_from == 0)
        self->rows_from = 1;
    if (limit == 0) {
        self->next++;
        self->count = 0;
        return;
    }
    make_room (self, limit);
    history_turn_t *turn = &self->ring[self->next % self->capacity];
    if (self->count < self->capacity)
        self->count++;
    keep_room (turn, encoded.size);
    memcpy (turn->bytes, encoded.data, encoded.size);
    turn->size = (uint32_t) encoded.size;
    turn->maps = maps;
    self->next++;
}

void history_write (const history_t *self, uint32_t turns, plv_buf_t *buf)
{
    uint32_t count = self->count < turns ? self->count : turns;
    uint64_t from = self->next;
    uint32_t maps = 0;
    size_t size = 0;

    while (from > self->next - count
           && size + history_get (self, from - 1)->size <= HISTORY_BYTES_MAX) {
        from--;
        size += history_get (self, from)->size;
        maps += history_get (self, from)->maps;
    }
    plv_mp_put_array (buf, maps);
    for (uint64_t number = from; number < self->next; number++) {
        const history_turn_t *turn = history_get (self, number);
        plv_buf_add (buf, turn->bytes, turn->size);
    }
}

/*  One message of a history: a map with a role and a text.  */
static bool read_message (plv_mp_t *at, plv_view_t *ret_raw, bool *ret_users)
{
    plv_mp_t value;
    plv_view_t role;
    if (plv_mp_peek (at) != MP_MAP || !plv_mp_skip (at, ret_raw)
        || !plv_mp_find (*ret_raw, "role", &value) || !plv_mp_str (&value, &role)
        || !plv_mp_find (*ret_raw, "text", &value) || plv_mp_peek (&value) != MP_STR)
        return false;
    *ret_users = plv_view_is (role, "user");
    return true;
}

/*  How many messages there are, and how many turns: each begins with the user's words.  */
static bool count_messages (plv_view_t array, uint32_t *ret_messages, uint32_t *ret_turns)
{
    plv_mp_t at = plv_mp (array);
    plv_view_t raw;
    bool users;
    *ret_turns = 0;
    if (!plv_mp_array (&at, ret_messages))
        return false;
    for (uint32_t i = 0; i < *ret_messages; i++) {
        if (!read_message (&at, &raw, &users))
            return false;
        *ret_turns += users;
    }
    return true;
}

bool history_is (plv_view_t array)
{
    uint32_t messages, turns;
    return array.size <= HISTORY_BYTES_MAX && plv_mp_valid (array, MP_ARRAY)
           && count_messages (array, &messages, &turns);
}

void history_write_given (plv_view_t array, uint32_t turns, plv_buf_t *buf)
{
    plv_mp_t at = plv_mp (array), next = at;
    uint32_t messages = 0, given = 0, seen = 0;
    plv_view_t raw;
    bool users;
    if (turns == 0 || !count_messages (array, &messages, &given)) {
        plv_mp_put_array (buf, 0);
        return;
    }
    plv_mp_array (&at, &messages);
    for (next = at; given > turns && read_message (&next, &raw, &users); at = next, messages--)
        if (users && seen++ == given - turns)
            break;
    plv_mp_put_array (buf, messages);
    plv_buf_add (buf, at.at, (size_t) (at.end - at.at));
}

static void encode_map (plv_buf_t *buf, const char *role, plv_view_t text, int64_t at_us)
{
    plv_mp_put_map (buf, 3);
    plv_mp_pair_text (buf, "role", role);
    plv_mp_pair_str (buf, "text", text);
    plv_mp_pair_i64 (buf, "timestamp", at_us);
}

uint8_t history_encode (plv_buf_t *buf, plv_view_t said, int64_t said_us, plv_view_t answer,
                        int64_t answered_us)
{
    encode_map (buf, "user", said, said_us);
    if (answer.size == 0)
        return 1;
    encode_map (buf, "assistant", answer, answered_us);
    return 2;
}
