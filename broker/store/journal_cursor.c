#include "store/journal_inside.h"

#include "base/alloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/*  The list may grow meanwhile, and the last segment be written on: what lies up to `last` does
    not change.  */
static segment_t segment_at (journal_t *self, size_t at)
{
    segment_t segment = {.first_seq = 0};
    pthread_mutex_lock (&self->lock);
    if (at < self->count)
        segment = self->segments[at];
    pthread_mutex_unlock (&self->lock);
    return segment;
}

static size_t find (journal_t *self, uint64_t seq)
{
    size_t at = 0;
    for (segment_t next; (next = segment_at (self, at + 1)).first_seq && next.first_seq <= seq;)
        at++;
    return at;
}

static bool enter (journal_cursor_t *self)
{
    segment_t segment = segment_at (self->journal, self->at);
    self->next = segment.first_seq;
    return segment.first_seq
           && !reader_open (self->reader, self->journal, segment.id.number, &self->fail);
}

void journal_cursor (journal_t *self, uint64_t from, uint64_t last, journal_cursor_t *ret_cursor)
{
    journal_cursor_t *cursor = ret_cursor;
    *cursor = (journal_cursor_t){.journal = self, .last = last, .fail = {.code = ERR_OK}};
    cursor->reader = plv_alloc_zero (1, sizeof *cursor->reader);
    cursor->reader->fd = -1;
    if (from > last)
        return;
    cursor->at = find (self, from);
    if (!enter (cursor))
        return;
    if (cursor->next > from)
        from = cursor->next;
    journal_record_t record;
    while (cursor->next < from && reader_next (cursor->reader, false, &record)
           && record.seq == cursor->next)
        cursor->next++;
    /*  Otherwise the first call of journal_next finds out.  */
}

static bool stop (journal_cursor_t *self)
{
    const segment_reader_t *reader = self->reader;
    if (reader->error_number) {
        errno = reader->error_number;
        journal_errno (self->journal, reader->id.number, "reading", &self->fail);
    } else {
        char what[80];
        snprintf (what, sizeof what, "position %" PRIu64 " cannot be read", self->next);
        journal_damage (self->journal, reader->id.number, reader->offset, what, &self->fail);
    }
    return false;
}

bool journal_next (journal_cursor_t *self, journal_record_t *ret_record)
{
    journal_record_t record;
    if (self->fail.code || self->reader->fd < 0 || self->next > self->last)
        return false;
    uint64_t offset = self->reader->offset;
    bool found = reader_next (self->reader, true, &record) && record.seq == self->next;
    if (!found && !self->reader->error_number
        && segment_at (self->journal, self->at + 1).first_seq == self->next) {
        self->at++;
        reader_close (self->reader);
        if (!enter (self))
            return false;
        found = reader_next (self->reader, true, &record) && record.seq == self->next;
    }
    if (!found) {
        self->reader->offset = self->reader->offset > offset ? offset : self->reader->offset;
        return stop (self);
    }
    self->next++;
    self->began = self->reader->offset - record_bytes (&record);
    *ret_record = record;
    return true;
}

void journal_step_back (journal_cursor_t *self)
{
    self->reader->offset = self->began;
    self->next--;
}

/*  What was read ahead may have been behind the end then, and is not now; and a segment without room of its own has
    grown.  */
void journal_go_on (journal_cursor_t *self, uint64_t last)
{
    self->last = last;
    reader_look_again (self->reader);
}

void journal_cursor_end (journal_cursor_t *self)
{
    if (!self->reader)
        return;
    reader_close (self->reader);
    free (self->reader);
    self->reader = NULL;
}
