/*  journal -- every batch in the order of its position, in files that are overwritten in place
    OWNS    the directory `dir` and all in it; a thread that makes files ready
    THREAD  append and sync: one at a time. Cursors, forget and copy: one thread, which may be
            another one. bytes: any
    FAILS   a write or sync that failed is final: what it lost nobody knows, so nothing more is
            taken. Damage is named by file and byte
    COST    append: one checksum, one copy, one system call. sync: one fdatasync of blocks that are
            allocated, and if the disk had time for it written already, so that there is nothing but
            data to write

    Room for a segment (journal_format.h) is reserved before it is used, and filled with real zeros behind the commits
    (journal_zeros.c); one that is forgotten is used again. Measured here (ext4 on a virtual disk, in microseconds, the
    median of 3000 commits of 1.5 kB and of 2000 of 60 kB, the calmer of two rounds; in the other
    one all were slower, zeros at 1.5 kB 114, and only the first row kept its distance):

                                            1.5 kB    60 kB    CPU at 60 kB
        appended, fdatasync                    153      219          81
        fallocated, fdatasync                  112        -           -
        zeros overwritten, fdatasync            93      130          50
        the same with RWF_DSYNC                 98      132          50
        the same with O_DSYNC                   97      123          51
        the same with O_DIRECT, fdatasync       94      116          42
        the same with O_DIRECT, RWF_DSYNC       92      119          45

    Where batches are synced (`direct`) both the zeros and the records go past the system's cache, if the file system
    can do that: the copies, and the pages that nobody reads again, are saved. Under load (4 workers, 256 messages
    under way, on a faster machine) that is a tenth of the broker's CPU each, and a lone message, which waits for two
    syncs, is there 4 % earlier. The price is that a record that is not to be synced waits for its write, and that
    what is read back comes from the disk.

    A torn end and damage are told apart by what each record says about those before it: `synced`
    is the position up to which all was on disk when the record was written. What cannot be read
    although a later record says that it was on disk is damage, and is refused. What no record
    vouches for is the torn end of a power cut, and is cut off. One case cannot be told from a
    power cut by anybody: damage to the very last record.  */

#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "base/buf.h"
#include "base/err.h"
#include "store/journal_format.h"

typedef struct journal journal_t;

typedef struct {
    const char *dir;
    bool read_only;
    bool direct; /* each append waits for the disk, and no cache holds what was written */
    uint64_t segment_bytes; /* of a full-grown segment; the first ones are smaller */
} journal_options_t;

/*  Looks at what is there; makes nothing and changes nothing.  */
plv_err_t journal_open (const journal_options_t *options, journal_t **ret_journal,
                        plv_fail_t *ret_fail);
void journal_destroy (journal_t **self_p);

bool journal_has_files (const journal_t *self);
bool journal_has_records (const journal_t *self);

/*  Which store it belongs to, from the files that are there, or else made up for the first one; 0: an older release has
    made them.  */
uint64_t journal_store (const journal_t *self);

/*  Finds the end: reads all from position `from` on, or refuses and changes nothing. `known`: the
    views say that this position was on disk. Unless it is only to be read, cuts off what is torn,
    makes what is missing, and syncs. Once, before anything below.  */
plv_err_t journal_recover (journal_t *self, uint64_t from, uint64_t known, plv_fail_t *ret_fail);

/*  Of the end that was found: the last position, and `first` of its record; 0: no records.  */
uint64_t journal_last (const journal_t *self);
uint64_t journal_first (const journal_t *self);
/*  Something was begun behind the end, and is cut off: "FILE at byte N". NULL: nothing was.  */
const char *journal_torn (const journal_t *self);
/*  The first position that can be read.  */
uint64_t journal_oldest (const journal_t *self);

/*  A record of so many bytes goes behind the last one: no file ends with a sync before it.  */
bool journal_has_room (const journal_t *self, uint64_t bytes);
plv_err_t journal_append (journal_t *self, const journal_record_t *record, plv_fail_t *ret_fail);
/*  Everything that was appended survives a power cut.  */
plv_err_t journal_sync (journal_t *self, plv_fail_t *ret_fail);

/*  Segments that hold nothing from `below` on are used again or removed.  */
plv_err_t journal_forget (journal_t *self, uint64_t below, plv_fail_t *ret_fail);

/*  Many gigabytes take minutes: `meanwhile` is called between the pieces, may do anything but
    forget, and says whether to go on.  */
typedef struct {
    bool (*call) (void *arg);
    void *arg;
} journal_meanwhile_t;

/*  Copies what the positions from `from` to `last` need into the new directory `dir`.  */
plv_err_t journal_copy (journal_t *self, const char *dir, uint64_t from, uint64_t last,
                        const journal_meanwhile_t *meanwhile, plv_fail_t *ret_fail);

/*  What the records take, more or less: of a segment that is partly forgotten a share.  */
uint64_t journal_bytes (journal_t *self, uint64_t first);

/*  journal_cursor.c: records from one position to another, in order.  */
typedef struct {
    journal_t *journal;
    struct segment_reader *reader;
    size_t at; /* in the journal's segments */
    uint64_t next;
    uint64_t last;
    uint64_t began; /* offset of the record that was returned last */
    plv_fail_t fail;
} journal_cursor_t;

void journal_cursor (journal_t *self, uint64_t from, uint64_t last, journal_cursor_t *ret_cursor);
/*  The views are good until the next call. False at the end, and when `fail` says why.  */
bool journal_next (journal_cursor_t *self, journal_record_t *ret_record);
/*  The record that was returned last is the next one again. Once, between two calls of journal_next.  */
void journal_step_back (journal_cursor_t *self);
/*  Goes on to a later position, with what was written meanwhile. Nothing may have been forgotten.  */
void journal_go_on (journal_cursor_t *self, uint64_t last);
void journal_cursor_end (journal_cursor_t *self);

#endif
