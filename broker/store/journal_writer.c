#include "store/journal_inside.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/*  What is larger goes out in pieces of this size. Of memory only what is used counts.  */
enum { ROOM_BYTES = 1024 * 1024 };

/*  Where the bytes of one record go: `used` of the writer's room, which begins at `offset`.  */
typedef struct {
    segment_writer_t *writer;
    uint64_t offset;
    size_t used;
} stream_t;

void writer_init (segment_writer_t *self, bool direct)
{
    self->fd = -1;
    self->direct = direct;
    self->room = aligned_alloc (JOURNAL_BLOCK_BYTES, ROOM_BYTES);
    if (!self->room)
        plv_out_of_memory (ROOM_BYTES);
}

void writer_free (segment_writer_t *self)
{
    if (self->fd >= 0)
        close (self->fd);
    self->fd = -1;
    free (self->room);
    self->room = NULL;
}

/*  What the block holds in which `end` lies; nothing, when one begins there.  */
static bool read_tail (segment_writer_t *self, int fd, uint64_t end)
{
    size_t lead = end % JOURNAL_BLOCK_BYTES, got = 0;
    while (got < lead) {
        ssize_t done = pread (fd, self->tail + got, lead - got, (off_t) (end - lead + got));
        if (done < 0 && errno == EINTR)
            continue;
        if (done == 0)
            errno = EIO;
        if (done <= 0)
            return false;
        got += (size_t) done;
    }
    return true;
}

bool writer_enter (segment_writer_t *self, int fd, uint64_t end)
{
    if (self->fd >= 0)
        close (self->fd);
    self->fd = fd;
    if (!read_tail (self, fd, end))
        return false;
    self->direct = self->direct && segment_set_direct (fd, true);
    return true;
}

/*  Larger blocks than ours are asked for. False: that was not it.  */
static bool give_up_direct (segment_writer_t *self)
{
    bool was_direct = self->direct;
    self->direct = false;
    return was_direct && segment_set_direct (self->fd, false);
}

static bool put_out (stream_t *self, size_t size)
{
    segment_writer_t *writer = self->writer;
    bool good = write_all (writer->fd, writer->room, size, self->offset)
                || (errno == EINVAL && give_up_direct (writer)
                    && write_all (writer->fd, writer->room, size, self->offset));
    if (!good)
        return false;
    self->offset += size;
    self->used = 0;
    return true;
}

static bool put (stream_t *self, plv_view_t bytes)
{
    while (bytes.size) {
        size_t room = ROOM_BYTES - self->used, size = bytes.size < room ? bytes.size : room;
        memcpy (self->writer->room + self->used, bytes.data, size);
        self->used += size;
        bytes = plv_view (bytes.data + size, bytes.size - size);
        if (self->used == ROOM_BYTES && !put_out (self, ROOM_BYTES))
            return false;
    }
    return true;
}

bool writer_append (segment_writer_t *self, uint64_t offset, const plv_view_t *parts, size_t count)
{
    size_t lead = offset % JOURNAL_BLOCK_BYTES;
    stream_t stream = {.writer = self, .offset = offset - lead, .used = lead};
    memcpy (self->room, self->tail, lead);
    for (size_t i = 0; i < count; i++)
        if (!put (&stream, parts[i]))
            return false;
    size_t rest = stream.used % JOURNAL_BLOCK_BYTES, begun = stream.used - rest;
    memset (self->room + stream.used, 0, -stream.used % JOURNAL_BLOCK_BYTES);
    if (stream.used && !put_out (&stream, begun + (rest ? JOURNAL_BLOCK_BYTES : 0)))
        return false;
    memcpy (self->tail, self->room + begun, rest ? JOURNAL_BLOCK_BYTES : 0);
    return true;
}
