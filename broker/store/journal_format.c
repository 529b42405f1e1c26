#include "store/journal_format.h"

#include "base/bytes.h"

static const char magic[8] = {'P', 'a', 'l', 'a', 'v', 'e', 'r', 'J'};

/*  Of a segment's head: magic, u32 checksum of what follows, u32 version, u64 number, u64 salt,
    u64 store, u32 whether it is followed.  */
enum { HEAD_CRC = 8, HEAD_VERSION = 12, HEAD_NUMBER = 16, HEAD_SALT = 24, HEAD_STORE = 32 };
enum { HEAD_FOLLOWED = 40 };
enum { RECORD_TAG = 4, RECORD_JOURNAL = 8, RECORD_OPS = 12, RECORD_SEQ = 16 };
enum { RECORD_SYNCED = 24, RECORD_FIRST = 32 };

static uint32_t head_crc (const crc32c_t *crc, const uint8_t *head)
{
    return crc32c_of (crc, plv_view (head + HEAD_VERSION, SEGMENT_HEAD_BYTES - HEAD_VERSION));
}

segment_id_t segment_id (const crc32c_t *crc, uint64_t number, uint64_t salt, uint64_t store)
{
    uint8_t bytes[16];
    plv_put_u64 (bytes, number);
    plv_put_u64 (bytes + 8, salt);
    return (segment_id_t){.number = number,
                          .salt = salt,
                          .store = store,
                          .seed = crc32c_of (crc, plv_view (bytes, sizeof bytes))};
}

void segment_head_put (const crc32c_t *crc, const segment_id_t *id, uint8_t *head)
{
    memset (head, 0, SEGMENT_HEAD_BYTES);
    memcpy (head, magic, sizeof magic);
    plv_put_u32 (head + HEAD_VERSION, JOURNAL_VERSION);
    plv_put_u64 (head + HEAD_NUMBER, id->number);
    plv_put_u64 (head + HEAD_SALT, id->salt);
    plv_put_u64 (head + HEAD_STORE, id->store);
    plv_put_u32 (head + HEAD_FOLLOWED, id->followed);
    plv_put_u32 (head + HEAD_CRC, head_crc (crc, head));
}

segment_head_t segment_head_get (const crc32c_t *crc, const uint8_t *head, segment_id_t *ret_id)
{
    if (memcmp (head, magic, sizeof magic) != 0
        || plv_get_u32 (head + HEAD_CRC) != head_crc (crc, head))
        return HEAD_DAMAGED;
    if (plv_get_u32 (head + HEAD_VERSION) != JOURNAL_VERSION)
        return HEAD_NEWER;
    *ret_id = segment_id (crc, plv_get_u64 (head + HEAD_NUMBER), plv_get_u64 (head + HEAD_SALT),
                          plv_get_u64 (head + HEAD_STORE));
    ret_id->followed = plv_get_u32 (head + HEAD_FOLLOWED) != 0;
    return HEAD_GOOD;
}

static uint64_t padded (uint64_t bytes)
{
    return (bytes + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

static uint32_t tag_of (const segment_id_t *id)
{
    return (uint32_t) id->salt;
}

static uint32_t record_crc (const crc32c_t *crc, const segment_id_t *id,
                            const journal_record_t *record, const uint8_t *head)
{
    uint32_t sum =
        crc32c_add (crc, id->seed, plv_view (head + RECORD_TAG, RECORD_HEAD_BYTES - RECORD_TAG));
    sum = crc32c_add (crc, sum, record->journal);
    return crc32c_add (crc, sum, record->ops);
}

uint64_t record_bytes (const journal_record_t *record)
{
    return padded (RECORD_HEAD_BYTES + (uint64_t) record->journal.size + record->ops.size);
}

void record_head_put (const crc32c_t *crc, const segment_id_t *id, const journal_record_t *record,
                      uint8_t *head)
{
    plv_put_u32 (head + RECORD_TAG, tag_of (id));
    plv_put_u32 (head + RECORD_JOURNAL, (uint32_t) record->journal.size);
    plv_put_u32 (head + RECORD_OPS, (uint32_t) record->ops.size);
    plv_put_u64 (head + RECORD_SEQ, record->seq);
    plv_put_u64 (head + RECORD_SYNCED, record->synced);
    plv_put_u64 (head + RECORD_FIRST, record->first);
    plv_put_u32 (head, record_crc (crc, id, record, head));
}

uint64_t record_bytes_said (const segment_id_t *id, const uint8_t *head)
{
    if (plv_get_u32 (head + RECORD_TAG) != tag_of (id))
        return 0;
    return padded (RECORD_HEAD_BYTES + (uint64_t) plv_get_u32 (head + RECORD_JOURNAL)
                   + plv_get_u32 (head + RECORD_OPS));
}

void record_get (plv_view_t bytes, journal_record_t *ret_record)
{
    const uint8_t *head = bytes.data;
    uint32_t journal_size = plv_get_u32 (head + RECORD_JOURNAL);
    *ret_record = (journal_record_t){
        .seq = plv_get_u64 (head + RECORD_SEQ),
        .synced = plv_get_u64 (head + RECORD_SYNCED),
        .first = plv_get_u64 (head + RECORD_FIRST),
        .journal = plv_view (head + RECORD_HEAD_BYTES, journal_size),
        .ops = plv_view (head + RECORD_HEAD_BYTES + journal_size, plv_get_u32 (head + RECORD_OPS))};
}

bool record_is_whole (const crc32c_t *crc, const segment_id_t *id, const journal_record_t *record,
                      const uint8_t *head)
{
    return plv_get_u32 (head) == record_crc (crc, id, record, head);
}
