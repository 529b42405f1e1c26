#include "web/shelf.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

bool shelf_init (shelf_t *self, const pal_host_t *host, size_t expected)
{
    size_t size = 16;
    while (size < expected)
        size *= 2;
    *self = (shelf_t){.buckets = calloc (size, sizeof *self->buckets), .mask = size - 1};
    self->ends.newer = self->ends.older = &self->ends;
    host->random (host, self->secret, sizeof self->secret);
    return self->buckets != NULL;
}

void shelf_free (shelf_t *self)
{
    free (self->buckets);
    self->buckets = NULL;
}

static entry_t **bucket (const shelf_t *self, pal_text_t key)
{
    uint64_t hash;
    crypto_shorthash ((unsigned char *) &hash, (const unsigned char *) (key.size ? key.data : ""),
                      key.size, self->secret);
    return &self->buckets[hash & self->mask];
}

entry_t *shelf_get (const shelf_t *self, pal_text_t key)
{
    entry_t *entry = *bucket (self, key);
    while (entry && !pal_text_equal (entry->key, key))
        entry = entry->chain;
    return entry;
}

entry_t *shelf_next (const entry_t *entry)
{
    entry_t *next = entry->chain;
    while (next && !pal_text_equal (next->key, entry->key))
        next = next->chain;
    return next;
}

static void link_newest (shelf_t *self, entry_t *entry)
{
    entry->older = self->ends.older;
    entry->newer = &self->ends;
    entry->older->newer = entry;
    self->ends.older = entry;
}

static void unlink_use (entry_t *entry)
{
    entry->older->newer = entry->newer;
    entry->newer->older = entry->older;
}

void shelf_put (shelf_t *self, entry_t *entry)
{
    entry_t **place = bucket (self, entry->key);
    entry->chain = *place;
    *place = entry;
    link_newest (self, entry);
    self->count++;
}

void shelf_remove (shelf_t *self, entry_t *entry)
{
    entry_t **place = bucket (self, entry->key);
    while (*place != entry)
        place = &(*place)->chain;
    *place = entry->chain;
    unlink_use (entry);
    self->count--;
}

void shelf_touch (shelf_t *self, entry_t *entry)
{
    unlink_use (entry);
    link_newest (self, entry);
}

entry_t *shelf_oldest (const shelf_t *self)
{
    return self->count ? self->ends.newer : NULL;
}
