#include "core/dead/dead_brief.h"

#include "base/bytes.h"
#include "core/dead/fingerprint.h"
#include "wire/event.h"

enum { BRIEF_FORMAT = 1, BRIEF_NAMES = 7, BRIEF_BYTES = 1 + 8 + 8 + 4 * BRIEF_NAMES + 2 + 1 + 1 };

/*  FNV-1a, folded: the same on every machine, since it is stored.  */
uint32_t dead_brief_hash (plv_view_t name)
{
    uint64_t hash = 0xcbf29ce484222325ull;
    for (size_t i = 0; i < name.size; i++)
        hash = (hash ^ name.data[i]) * 0x100000001b3ull;
    return (uint32_t) (hash ^ hash >> 32);
}

uint64_t dead_brief_fingerprint (const dead_t *dead, const entry_t *entry)
{
    return fingerprint_of (plv_view_str (dead_outcome (dead->why)), dead->code,
                           label_view (entry->route), dead->words);
}

void dead_brief_make (const dead_t *dead, const entry_t *entry, dead_brief_t *ret_brief)
{
    plv_envelope_t envelope = {0};
    plv_envelope_parse (entry_envelope (entry), &envelope, NULL);
    *ret_brief = (dead_brief_t){
        .number = entry->number,
        .fingerprint = dead_brief_fingerprint (dead, entry),
        .dead_us = dead->at_us,
        .session = dead_brief_hash (dead->session),
        .user = dead_brief_hash (envelope.user_id),
        .platform = dead_brief_hash (envelope.platform),
        .adapter = dead_brief_hash (envelope.adapter),
        .route = dead_brief_hash (label_view (entry->route)),
        .type = dead_brief_hash (envelope.type),
        .code = dead_brief_hash (dead->code),
        .attempts = entry->attempts,
        .why = (uint8_t) dead->why,
        .kind = entry->kind,
    };
}

void dead_brief_write (const dead_brief_t *self, plv_buf_t *buf)
{
    const uint32_t names[BRIEF_NAMES] = {self->session, self->user, self->platform, self->adapter,
                                         self->route,   self->type, self->code};
    uint8_t bytes[BRIEF_BYTES], *at = bytes + 17;
    bytes[0] = BRIEF_FORMAT;
    plv_put_u64 (bytes + 1, self->fingerprint);
    plv_put_u64 (bytes + 9, (uint64_t) self->dead_us);
    for (size_t i = 0; i < BRIEF_NAMES; i++, at += 4)
        plv_put_u32 (at, names[i]);
    at[0] = (uint8_t) (self->attempts >> 8);
    at[1] = (uint8_t) self->attempts;
    at[2] = self->why;
    at[3] = self->kind;
    plv_buf_add (buf, bytes, sizeof bytes);
}

bool dead_brief_read (uint64_t number, plv_view_t bytes, dead_brief_t *ret_brief)
{
    uint32_t names[BRIEF_NAMES];
    if (bytes.size != BRIEF_BYTES || bytes.data[0] != BRIEF_FORMAT)
        return false;
    const uint8_t *at = bytes.data + 17;
    for (size_t i = 0; i < BRIEF_NAMES; i++, at += 4)
        names[i] = plv_get_u32 (at);
    *ret_brief = (dead_brief_t){
        .number = number,
        .fingerprint = plv_get_u64 (bytes.data + 1),
        .dead_us = (int64_t) plv_get_u64 (bytes.data + 9),
        .session = names[0],
        .user = names[1],
        .platform = names[2],
        .adapter = names[3],
        .route = names[4],
        .type = names[5],
        .code = names[6],
        .attempts = (uint16_t) (at[0] << 8 | at[1]),
        .why = at[2],
        .kind = at[3],
    };
    return true;
}
