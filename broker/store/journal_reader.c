#include "store/journal_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_BYTES = 256 * 1024 };

/*  Bytes from `offset` on, `size` of them; NULL: the file ends before, or cannot be read.  */
static const uint8_t *look (segment_reader_t *self, uint64_t offset, uint64_t size)
{
    if (offset > self->size || size > self->size - offset)
        return NULL;
    if (offset >= self->window_at && offset + size <= self->window_at + self->window.size)
        return self->window.data + (offset - self->window_at);
    uint64_t want = size < WINDOW_BYTES ? WINDOW_BYTES : size;
    if (want > self->size - offset)
        want = self->size - offset;
    plv_buf_clear (&self->window);
    plv_buf_reserve (&self->window, want);
    plv_buf_check (&self->window);
    self->window_at = offset;
    while (self->window.size < want) {
        ssize_t got = pread (self->fd, self->window.data + self->window.size,
                             want - self->window.size, (off_t) (offset + self->window.size));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            self->error_number = errno;
        if (got <= 0)
            break;
        self->window.size += (size_t) got;
    }
    return self->window.size >= size ? self->window.data : NULL;
}

plv_err_t reader_open (segment_reader_t *self, const journal_t *journal, uint64_t number,
                       plv_fail_t *ret_fail)
{
    char name[SEGMENT_NAME_BYTES];
    struct stat status;
    segment_name (number, name);
    *self = (segment_reader_t){.journal = journal, .offset = SEGMENT_HEAD_BYTES};
    self->fd = openat (journal->dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (self->fd < 0 || fstat (self->fd, &status) < 0)
        return journal_errno (journal, number, "reading", ret_fail);
    self->size = (uint64_t) status.st_size;
    const uint8_t *head = look (self, 0, SEGMENT_HEAD_BYTES);
    if (!head && self->error_number) {
        errno = self->error_number;
        return journal_errno (journal, number, "reading", ret_fail);
    }
    segment_head_t state = head ? segment_head_get (&journal->crc, head, &self->id) : HEAD_DAMAGED;
    if (state == HEAD_NEWER)
        return plv_fail (ret_fail, ERR_SCHEMA,
                         "%s/%s was written by a newer release: install that release, or restore a "
                         "backup made before",
                         journal->dir, name);
    if (state == HEAD_DAMAGED || self->id.number != number)
        return journal_damage (journal, number, 0, "this is not the head of such a file", ret_fail);
    return ERR_OK;
}

static bool record_at (segment_reader_t *self, uint64_t offset, bool check,
                       journal_record_t *ret_record)
{
    const uint8_t *head = look (self, offset, RECORD_HEAD_BYTES);
    uint64_t bytes = head ? record_bytes_said (&self->id, head) : 0;
    head = bytes ? look (self, offset, check ? bytes : RECORD_HEAD_BYTES) : NULL;
    if (!head || bytes > self->size - offset)
        return false;
    journal_record_t record;
    record_get (plv_view (head, bytes), &record);
    if (check && !record_is_whole (&self->journal->crc, &self->id, &record, head))
        return false;
    self->offset = offset + bytes;
    *ret_record = record;
    return true;
}

bool reader_next (segment_reader_t *self, bool check, journal_record_t *ret_record)
{
    return record_at (self, self->offset, check, ret_record);
}

bool reader_search (segment_reader_t *self, journal_record_t *ret_record)
{
    for (uint64_t at = self->offset; at + RECORD_HEAD_BYTES <= self->size; at += RECORD_ALIGN)
        if (record_at (self, at, true, ret_record))
            return true;
    self->offset = self->size;
    return false;
}

bool reader_is_torn (segment_reader_t *self)
{
    const uint8_t *head = look (self, self->offset, RECORD_HEAD_BYTES);
    return head && record_bytes_said (&self->id, head) != 0;
}

void reader_look_again (segment_reader_t *self)
{
    struct stat status;
    plv_buf_clear (&self->window);
    if (self->fd >= 0 && fstat (self->fd, &status) == 0)
        self->size = (uint64_t) status.st_size;
}

void reader_close (segment_reader_t *self)
{
    if (self->fd >= 0)
        close (self->fd);
    self->fd = -1;
    plv_buf_free (&self->window);
}
