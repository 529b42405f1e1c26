/*  journal_format -- the bytes of the journal's files
    OWNS    nothing
    THREAD  any
    FAILS   bytes that no store wrote are told from those that one did
    COST    one pass over a record for its checksum

    A segment is a file: 64 bytes of head, then records, each at a multiple of eight. The head says
    to which store the journal belongs, so that files of two are not taken for those of one, and, once
    that is so, that the next segment is there: a last one that says so is not the last. Behind the
    last record lie zeros, at least to the end of its block, then more of them or what an earlier
    use of the file left. A segment gets a new number
    and a new random salt each time that it is used; every record carries a piece of the salt, and
    its checksum begins with number and salt. So a stale record is never taken for one of now, and
    nobody can send a message that would be.

    Record, 40 bytes of head, numbers in network byte order:
        u32 checksum of all that follows    u32 tag, a piece of the salt
        u32 bytes of journal                u32 bytes of ops
        u64 seq    u64 synced    u64 first
    then the journal value, then the row operations, then up to seven zeros.  */

#ifndef STORE_JOURNAL_FORMAT_H
#define STORE_JOURNAL_FORMAT_H

#include "store/crc32c.h"

enum { SEGMENT_HEAD_BYTES = 64, RECORD_HEAD_BYTES = 40, RECORD_ALIGN = 8, JOURNAL_VERSION = 1 };

/*  Which use of which file.  */
typedef struct {
    uint64_t number;
    uint64_t salt;
    uint64_t
        store; /* the same in all files of a journal, and in no other; 0: an older release did not say */
    uint32_t seed; /* the checksum of the two */
    bool followed; /* the next number is in use, too */
} segment_id_t;

segment_id_t segment_id (const crc32c_t *crc, uint64_t number, uint64_t salt, uint64_t store);
void segment_head_put (const crc32c_t *crc, const segment_id_t *id, uint8_t *head);

typedef enum { HEAD_GOOD, HEAD_DAMAGED, HEAD_NEWER } segment_head_t;
segment_head_t segment_head_get (const crc32c_t *crc, const uint8_t *head, segment_id_t *ret_id);

typedef struct {
    uint64_t seq;
    uint64_t synced; /* every position up to this was on disk when this was written */
    uint64_t first;  /* positions below it are forgotten */
    plv_view_t journal;
    plv_view_t ops;
} journal_record_t;

/*  What the record takes in its segment.  */
uint64_t record_bytes (const journal_record_t *record);
void record_head_put (const crc32c_t *crc, const segment_id_t *id, const journal_record_t *record,
                      uint8_t *head);
/*  The same, from its head; 0: this is no head of a record of this segment.  */
uint64_t record_bytes_said (const segment_id_t *id, const uint8_t *head);
/*  What the head says; the checksum is not looked at. `bytes` holds the whole record.  */
void record_get (plv_view_t bytes, journal_record_t *ret_record);
bool record_is_whole (const crc32c_t *crc, const segment_id_t *id, const journal_record_t *record,
                      const uint8_t *head);

#endif
