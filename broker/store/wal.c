#include "store/wal.h"

#include "base/alloc.h"
#include "store/crc32c.h"
#include "store/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/*  RocksDB's log: blocks of 32 KiB, each a row of records that never cross its end. A record is
    a masked CRC32C (little-endian, of type and payload), u16 length, u8 type, payload; fewer
    than 7 bytes at the end of a block are padding. A write batch is one record, or a FIRST,
    some MIDDLE and a LAST. (RocksDB wiki, "Write Ahead Log File Format".)  */
enum { BLOCK_BYTES = 32768, HEAD_BYTES = 7 };
enum { RECORD_FULL = 1, RECORD_FIRST = 2, RECORD_MIDDLE = 3, RECORD_LAST = 4 };

/*  A write batch of ours begins: u64 sequence, u32 count, tag 1 (put into the default family),
    key length 8, the key, the value's length as a varint, the value.  */
enum { BATCH_HEAD_BYTES = 12, TAG_PUT = 1, VARINT_BYTES_MAX = 5 };
enum {
    PREFIX_BYTES =
        BATCH_HEAD_BYTES + 2 + JOURNAL_KEY_BYTES + VARINT_BYTES_MAX + JOURNAL_HEADER_BYTES
};

typedef struct {
    wal_survey_t *survey;
    const char *file;
    crc32c_t crc;
    uint8_t prefix[PREFIX_BYTES]; /* the first bytes of the batch that is being read */
    size_t prefix_size;
} walk_t;

static void note_torn (walk_t *self, uint64_t offset)
{
    if (self->survey->torn)
        return;
    self->survey->torn = true;
    self->survey->offset = offset;
    snprintf (self->survey->file, sizeof self->survey->file, "%s", self->file);
}

/*  Is there a valid record at the beginning of `block`?  */
static bool record_at (const walk_t *self, plv_view_t block, plv_view_t *ret_payload,
                       uint8_t *ret_type)
{
    if (block.size < HEAD_BYTES)
        return false;
    const uint8_t *head = block.data;
    size_t size = head[4] | (size_t) head[5] << 8;
    uint8_t type = head[6];
    if (type < RECORD_FULL || type > RECORD_LAST || size > block.size - HEAD_BYTES)
        return false;
    uint32_t stored =
        head[0] | (uint32_t) head[1] << 8 | (uint32_t) head[2] << 16 | (uint32_t) head[3] << 24;
    uint32_t crc = crc32c_of (&self->crc, plv_view (head + HEAD_BYTES - 1, size + 1));
    if (stored != (crc >> 15 | crc << 17) + 0xa282ead8)
        return false;
    *ret_payload = plv_view (head + HEAD_BYTES, size);
    *ret_type = type;
    return true;
}

static void read_promise (walk_t *self)
{
    const uint8_t *at = self->prefix + BATCH_HEAD_BYTES;
    const uint8_t *end = self->prefix + self->prefix_size;
    if (self->prefix_size < PREFIX_BYTES - VARINT_BYTES_MAX + 1 || at[0] != TAG_PUT
        || at[1] != JOURNAL_KEY_BYTES)
        return;
    at += 2 + JOURNAL_KEY_BYTES;
    while (at < end && *at & 0x80)
        at++;
    uint64_t synced;
    plv_view_t payload;
    if (at < end && journal_parse (plv_view (at + 1, (size_t) (end - at - 1)), &synced, &payload)
        && synced > self->survey->synced)
        self->survey->synced = synced;
}

static void take_record (walk_t *self, uint8_t type, plv_view_t payload)
{
    if (type == RECORD_FULL || type == RECORD_FIRST)
        self->prefix_size = 0;
    else if (self->prefix_size == 0 || self->prefix_size == PREFIX_BYTES)
        return;
    size_t room = PREFIX_BYTES - self->prefix_size;
    size_t size = payload.size < room ? payload.size : room;
    memcpy (self->prefix + self->prefix_size, payload.data, size);
    self->prefix_size += size;
    read_promise (self);
}

/*  Behind a bad byte every offset is tried: the records that follow are the evidence.  */
static void walk_block (walk_t *self, uint64_t start, plv_view_t block)
{
    size_t at = 0;
    while (block.size - at >= HEAD_BYTES) {
        plv_view_t payload;
        uint8_t type;
        if (record_at (self, plv_view (block.data + at, block.size - at), &payload, &type)) {
            take_record (self, type, payload);
            at += HEAD_BYTES + payload.size;
        } else {
            note_torn (self, start + at);
            self->prefix_size = 0;
            at++;
        }
    }
    if (at < block.size && block.size < BLOCK_BYTES)
        note_torn (self, start + at);
}

static ssize_t read_block (int fd, uint8_t *block)
{
    size_t size = 0;
    while (size < BLOCK_BYTES) {
        ssize_t got = read (fd, block + size, BLOCK_BYTES - size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        size += (size_t) got;
    }
    return (ssize_t) size;
}

static plv_err_t walk_file (walk_t *self, int dir_fd, const char *dir, plv_fail_t *ret_fail)
{
    plv_err_t err = ERR_OK;
    uint8_t *block = plv_alloc (BLOCK_BYTES);
    int fd = openat (dir_fd, self->file, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : 0;
    uint64_t start = 0;
    self->prefix_size = 0;
    while (fd >= 0 && (size = read_block (fd, block)) > 0) {
        walk_block (self, start, plv_view (block, (size_t) size));
        start += (uint64_t) size;
    }
    if (size < 0)
        err = plv_fail (ret_fail, plv_err_of_errno (errno), "%s/%s cannot be read: %s", dir,
                        self->file, strerror (errno));
    if (fd >= 0)
        close (fd);
    free (block);
    return err;
}

static int is_log (const struct dirent *entry)
{
    size_t size = strlen (entry->d_name);
    return size > 4 && strspn (entry->d_name, "0123456789") == size - 4
           && strcmp (entry->d_name + size - 4, ".log") == 0;
}

plv_err_t wal_survey (const char *dir, wal_survey_t *ret_survey, plv_fail_t *ret_fail)
{
    wal_survey_t survey = {.torn = false};
    walk_t *walk = plv_alloc_zero (1, sizeof *walk);
    walk->survey = &survey;
    crc32c_init (&walk->crc);

    struct dirent **entries = NULL;
    int count = scandir (dir, &entries, is_log, alphasort);
    int dir_fd = count < 0 ? -1 : open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    plv_err_t err = ERR_OK;
    if (dir_fd < 0)
        err = plv_fail (ret_fail, plv_err_of_errno (errno),
                        "the data directory %s cannot be read: %s", dir, strerror (errno));
    for (int i = 0; i < count; i++) {
        walk->file = entries[i]->d_name;
        if (!err)
            err = walk_file (walk, dir_fd, dir, ret_fail);
        free (entries[i]);
    }
    free (entries);
    if (dir_fd >= 0)
        close (dir_fd);
    free (walk);
    if (!err)
        *ret_survey = survey;
    return err;
}
