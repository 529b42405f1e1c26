#include "core/state/dedup.h"

#include "base/alloc.h"
#include "base/limits.h"

#include <sodium.h>
#include <stdlib.h>

static_assert (crypto_shorthash_siphashx24_BYTES == DEDUP_KEY_BYTES, "the hash is the key");
static_assert (crypto_shorthash_siphashx24_KEYBYTES == DEDUP_SECRET_BYTES, "the secret is its key");

enum {
    SEGMENT_BITS = 14,
    SEGMENTS = 1 << SEGMENT_BITS,
    SEGMENT_SLOTS_MIN = 8,
    SWEEP_SLOTS = 512,        /* of one dedup_sweep */
    SWEEP_FULL_SLOTS = 16384, /* of one dedup_add at `max` */
};

typedef struct {
    dedup_key_t key;
    uint32_t expires_s; /* 0: the slot is empty */
} dedup_slot_t;

static_assert (sizeof (dedup_slot_t) == 20, "the header says so");

/*  Open addressing, linear probing, deletion by shifting back: no tombstones.  */
typedef struct {
    dedup_slot_t *slots;
    uint32_t capacity;
    uint32_t used;
} dedup_segment_t;

/*  The sweep walks all slots again and again, but only when now_s has reached `earliest_s`, which is
    at or before every expiry in the table. A pass finds the next value in `pass_earliest_s`.  */
struct dedup {
    uint8_t secret[DEDUP_SECRET_BYTES];
    uint64_t max;
    uint64_t count;
    uint64_t bytes;
    uint32_t now_s;
    uint32_t earliest_s;
    uint32_t pass_earliest_s;
    uint32_t sweep_segment;
    uint32_t sweep_slot;
    dedup_segment_t segments[SEGMENTS];
};

/*  The key is a keyed hash already: its bits are as good as any.  */
static uint64_t dedup_bits (const dedup_key_t *key)
{
    uint64_t bits;
    memcpy (&bits, key->bytes, sizeof bits);
    return bits;
}

static dedup_segment_t *dedup_segment (dedup_t *self, const dedup_key_t *key)
{
    return &self->segments[dedup_bits (key) >> (64 - SEGMENT_BITS)];
}

static uint32_t segment_home (const dedup_segment_t *self, const dedup_key_t *key)
{
    return (uint32_t) ((uint64_t) (uint32_t) dedup_bits (key) * self->capacity >> 32);
}

static uint32_t segment_after (const dedup_segment_t *self, uint32_t at)
{
    return at + 1 == self->capacity ? 0 : at + 1;
}

/*  The key's slot, or the empty one where it would go; NULL when the segment has no slots.  */
static dedup_slot_t *segment_find (const dedup_segment_t *self, const dedup_key_t *key)
{
    if (!self->capacity)
        return NULL;
    uint32_t at = segment_home (self, key);
    while (self->slots[at].expires_s && memcmp (&self->slots[at].key, key, sizeof *key) != 0)
        at = segment_after (self, at);
    return &self->slots[at];
}

/*  Empties the slot `hole` and moves back into it what was pushed behind it.  */
static void segment_delete (dedup_segment_t *self, uint32_t hole)
{
    uint32_t at = hole;
    for (;;) {
        at = segment_after (self, at);
        if (!self->slots[at].expires_s)
            break;
        uint32_t home = segment_home (self, &self->slots[at].key);
        uint32_t from_home = at >= home ? at - home : at + self->capacity - home;
        uint32_t from_hole = at >= hole ? at - hole : at + self->capacity - hole;
        if (from_home >= from_hole) {
            self->slots[hole] = self->slots[at];
            hole = at;
        }
    }
    self->slots[hole].expires_s = 0;
    self->used--;
}

static void dedup_note_expiry (dedup_t *self, uint32_t expires_s)
{
    if (expires_s < self->earliest_s)
        self->earliest_s = expires_s;
    if (expires_s < self->pass_earliest_s)
        self->pass_earliest_s = expires_s;
}

static uint32_t segment_live (const dedup_segment_t *self, uint32_t now_s)
{
    uint32_t live = 0;
    for (uint32_t at = 0; at < self->capacity; at++)
        live += self->slots[at].expires_s > now_s;
    return live;
}

/*  Moves what has not expired into a table of its own size, half full.  */
static void dedup_rebuild (dedup_t *self, dedup_segment_t *segment)
{
    dedup_segment_t old = *segment;
    uint32_t live = segment_live (&old, self->now_s);
    uint32_t capacity = (live + 1) * 2;
    segment->capacity = capacity > SEGMENT_SLOTS_MIN ? capacity : SEGMENT_SLOTS_MIN;
    segment->slots = plv_alloc_zero (segment->capacity, sizeof *segment->slots);
    segment->used = live;
    for (uint32_t at = 0; at < old.capacity; at++) {
        const dedup_slot_t *slot = &old.slots[at];
        if (slot->expires_s <= self->now_s)
            continue;
        *segment_find (segment, &slot->key) = *slot;
        dedup_note_expiry (self, slot->expires_s);
    }
    self->count -= old.used - live;
    self->bytes += ((uint64_t) segment->capacity - old.capacity) * sizeof *segment->slots;
    free (old.slots);
}

static void dedup_insert (dedup_t *self, const dedup_key_t *key, uint32_t expires_s)
{
    dedup_segment_t *segment = dedup_segment (self, key);
    if ((uint64_t) (segment->used + 1) * 4 > (uint64_t) segment->capacity * 3)
        dedup_rebuild (self, segment);
    *segment_find (segment, key) = (dedup_slot_t){.key = *key, .expires_s = expires_s};
    segment->used++;
    self->count++;
    dedup_note_expiry (self, expires_s);
}

static void dedup_free_segment (dedup_t *self, dedup_segment_t *segment)
{
    self->bytes -= segment->capacity * sizeof *segment->slots;
    free (segment->slots);
    *segment = (dedup_segment_t){0};
}

static void dedup_sweep_next_segment (dedup_t *self)
{
    dedup_segment_t *segment = &self->segments[self->sweep_segment];
    if (segment->capacity && !segment->used)
        dedup_free_segment (self, segment);
    else if (segment->capacity > SEGMENT_SLOTS_MIN && segment->used < segment->capacity / 4)
        dedup_rebuild (self, segment);
    self->sweep_slot = 0;
    self->sweep_segment = (self->sweep_segment + 1) % SEGMENTS;
    if (self->sweep_segment == 0) {
        self->earliest_s = self->pass_earliest_s;
        self->pass_earliest_s = UINT32_MAX;
    }
}

/*  Looks at up to `budget` slots, an empty segment counting as one.  */
static void dedup_sweep_slots (dedup_t *self, uint32_t budget)
{
    while (budget-- > 0 && self->now_s >= self->earliest_s) {
        dedup_segment_t *segment = &self->segments[self->sweep_segment];
        if (self->sweep_slot >= segment->capacity) {
            dedup_sweep_next_segment (self);
            continue;
        }
        uint32_t expires_s = segment->slots[self->sweep_slot].expires_s;
        if (expires_s && expires_s <= self->now_s) {
            segment_delete (segment, self->sweep_slot); /* another may have moved in: stay */
            self->count--;
            continue;
        }
        if (expires_s && expires_s < self->pass_earliest_s)
            self->pass_earliest_s = expires_s;
        self->sweep_slot++;
    }
}

dedup_t *dedup_new (const uint8_t secret[DEDUP_SECRET_BYTES], uint64_t max)
{
    dedup_t *self = plv_alloc_zero (1, sizeof *self);
    memcpy (self->secret, secret, sizeof self->secret);
    self->max = max;
    self->bytes = sizeof *self;
    self->earliest_s = UINT32_MAX;
    self->pass_earliest_s = UINT32_MAX;
    return self;
}

void dedup_destroy (dedup_t **self_p)
{
    dedup_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    for (size_t i = 0; i < SEGMENTS; i++)
        free (self->segments[i].slots);
    sodium_memzero (self->secret, sizeof self->secret);
    free (self);
    *self_p = NULL;
}

void dedup_set_max (dedup_t *self, uint64_t max)
{
    self->max = max;
}

/*  For names that are longer than any that a peer may send; the hash is another, but as wide.  */
static void dedup_key_long (const dedup_t *self, plv_view_t adapter, plv_view_t platform_id,
                            dedup_key_t *ret_key)
{
    const uint8_t nul = 0;
    crypto_generichash_state hash;
    crypto_generichash_init (&hash, self->secret, sizeof self->secret, sizeof ret_key->bytes);
    crypto_generichash_update (&hash, adapter.data, adapter.size);
    crypto_generichash_update (&hash, &nul, 1);
    crypto_generichash_update (&hash, platform_id.data, platform_id.size);
    crypto_generichash_final (&hash, ret_key->bytes, sizeof ret_key->bytes);
}

dedup_key_t dedup_key (const dedup_t *self, plv_view_t adapter, plv_view_t platform_id)
{
    uint8_t text[NAME_BYTES_MAX + 1 + KEY_BYTES_MAX];
    dedup_key_t key;
    if (adapter.size > NAME_BYTES_MAX || platform_id.size > KEY_BYTES_MAX) {
        dedup_key_long (self, adapter, platform_id, &key);
        return key;
    }
    if (adapter.size)
        memcpy (text, adapter.data, adapter.size);
    text[adapter.size] = 0;
    if (platform_id.size)
        memcpy (text + adapter.size + 1, platform_id.data, platform_id.size);
    crypto_shorthash_siphashx24 (key.bytes, text, adapter.size + 1 + platform_id.size,
                                 self->secret);
    return key;
}

bool dedup_has (const dedup_t *self, const dedup_key_t *key)
{
    const dedup_segment_t *segment = &self->segments[dedup_bits (key) >> (64 - SEGMENT_BITS)];
    const dedup_slot_t *slot = segment_find (segment, key);
    return slot && slot->expires_s > self->now_s;
}

bool dedup_is_full (dedup_t *self)
{
    if (self->count >= self->max)
        dedup_sweep_slots (self, SWEEP_FULL_SLOTS);
    return self->count >= self->max;
}

dedup_add_t dedup_add (dedup_t *self, const dedup_key_t *key, uint32_t expires_s)
{
    uint32_t expires = expires_s ? expires_s : 1;
    dedup_slot_t *slot = segment_find (dedup_segment (self, key), key);
    if (slot && slot->expires_s > self->now_s)
        return DEDUP_SEEN;
    if (slot && slot->expires_s) {
        slot->expires_s = expires;
        dedup_note_expiry (self, expires);
        return DEDUP_ADDED;
    }
    if (dedup_is_full (self))
        return DEDUP_FULL;
    dedup_insert (self, key, expires);
    return DEDUP_ADDED;
}

void dedup_keep (dedup_t *self, const dedup_key_t *key, uint32_t expires_s)
{
    uint32_t expires = expires_s ? expires_s : 1;
    dedup_slot_t *slot = segment_find (dedup_segment (self, key), key);
    if (!slot || !slot->expires_s)
        dedup_insert (self, key, expires);
    else if (slot->expires_s < expires)
        slot->expires_s = expires;
}

void dedup_sweep (dedup_t *self, uint32_t now_s)
{
    self->now_s = now_s;
    dedup_sweep_slots (self, SWEEP_SLOTS);
}

uint64_t dedup_count (const dedup_t *self)
{
    return self->count;
}

uint64_t dedup_bytes (const dedup_t *self)
{
    return self->bytes;
}
