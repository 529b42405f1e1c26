/*  journal_inside -- the inside of the journal, shared by its files and by nobody else
    OWNS    see journal.h
    THREAD  `lock` guards `segments` and what is ready for the next one. `writer`, `current`,
            `unsynced` and `failed` belong to who appends
    FAILS   see journal.h
    COST    see journal.h  */

#ifndef STORE_JOURNAL_INSIDE_H
#define STORE_JOURNAL_INSIDE_H

#include "store/journal.h"

#include <pthread.h>

/*  Of a file system. A write that begins or ends within one has the system read the rest of it first, unless it has
    that in its cache, and cannot go past that: so writes begin with what the last block holds already, and go to the
    end of one, with zeros.  */
enum { JOURNAL_BLOCK_BYTES = 4096 };

typedef struct {
    segment_id_t id;
    uint64_t first_seq; /* of its first record; 0: it has none */
    uint64_t capacity;  /* bytes, head and zeros included */
    uint64_t end;       /* behind its last record, once it is known; else 0 */
} segment_t;

typedef enum {
    READY_NOT,        /* the next segment is not asked for */
    READY_WANTED,     /* the thread makes a file */
    READY_PUBLISHING, /* ... and gives it the next number */
    READY_FILLING,    /* it may be used as soon as the thread has put some zeros there */
    READY_YES,
} ready_t;

/*  Appends to a segment, in whole blocks.  */
typedef struct {
    int fd;                            /* of the segment; -1: of none */
    bool direct;                       /* it is written past the system's cache */
    uint8_t *room;                     /* aligned, as such writes want it */
    uint8_t tail[JOURNAL_BLOCK_BYTES]; /* what the block holds in which the records end */
} segment_writer_t;

struct journal {
    char *dir;
    int dir_fd;
    bool read_only;
    uint64_t segment_bytes;
    uint64_t store; /* of segment_id_t */
    crc32c_t crc;

    segment_t *segments; /* the oldest first; not the one that is ready */
    size_t count;
    size_t capacity;

    segment_writer_t writer; /* of the last segment */
    bool roll_due;           /* nothing may follow in the last segment */
    plv_fail_t failed;       /* what failed, for good; code ERR_OK: nothing */
    uint64_t unsynced;       /* bytes appended since the last sync */
    uint64_t pushed;         /* of these, what the system was told to write */
    segment_t current;       /* the last segment; the list has a copy of it */
    uint64_t last;
    uint64_t first;
    char *torn; /* where what is cut off begins; NULL: nothing is */

    pthread_mutex_t lock;
    pthread_cond_t wake; /* the thread, and who waits for it to be done with the next segment */
    pthread_t thread;
    bool thread_runs;
    bool stopping;
    ready_t ready;
    segment_t next;
    int next_fd;
    uint64_t zeros_at;   /* from here on the next segment is reserved, and was never written */
    uint64_t zeros_owed; /* bytes, less than a piece */
    uint64_t appended;   /* records, and bytes: since zeros were thought of last */
    uint64_t appended_bytes;
    unsigned free_files; /* forgotten ones that wait to be used again */
};

enum { SEGMENT_NAME_BYTES = 40 };
#define SEGMENT_SUFFIX ".journal"
#define SEGMENT_NEXT "next.tmp" /* being filled */
#define SEGMENT_BARE "bare.tmp" /* not to be filled */

/*  journal_file.c: one file of the journal.  */
void segment_name (uint64_t number, char *ret_name);
/*  0: this is no segment's name.  */
uint64_t segment_number (const char *name, const char *suffix);
/*  What the system said about the file of this number (0: the directory).  */
plv_err_t journal_errno (const journal_t *self, uint64_t number, const char *doing,
                         plv_fail_t *ret_fail);
/*  Where that is, for a person: "FILE at byte N"; the caller's.  */
char *journal_place (const journal_t *self, uint64_t number, uint64_t offset);
plv_err_t journal_damage (const journal_t *self, uint64_t number, uint64_t offset, const char *what,
                          plv_fail_t *ret_fail);
/*  A file by the name SEGMENT_NEXT that has its blocks for `bytes` bytes; those behind `ret_written` were never
    written. -1: errno says why.  */
int segment_make (const journal_t *self, uint64_t bytes, uint64_t *ret_written);
/*  Gives the file `from` a head and its name, on disk.  */
bool segment_publish (const journal_t *self, int fd, const char *from, uint64_t number,
                      segment_id_t *ret_id);
/*  Says in its head whether the next one is there; on disk with the next sync. It is written through the system's cache
    from then on. False: errno says why.  */
bool segment_set_followed (const journal_t *self, int fd, const segment_id_t *id, bool followed);
bool write_all (int fd, const void *data, size_t size, uint64_t offset);
/*  Whether writes go past the system's cache. False: the file system cannot.  */
bool segment_set_direct (int fd, bool direct);

/*  journal_ready.c: the next segment.  */
void journal_make_ready (journal_t *self);
/*  The next segment is the last one now, and the descriptor `*ret_fd` the caller's.  */
plv_err_t journal_begin_next (journal_t *self, segment_t *ret_next, int *ret_fd,
                              plv_fail_t *ret_fail);
/*  Has the next one made as soon as a quarter of this one is full.  */
void journal_look_ahead (journal_t *self);
/*  Waits until no file is being made: what room it took is there, or free again.  */
void journal_end_making (journal_t *self);
uint64_t journal_next_bytes (const journal_t *self);
void *journal_ready_main (void *arg);
void journal_push_segment (journal_t *self, const segment_t *segment);
/*  The segment `at` and all behind it become free files, the last one first.  */
plv_err_t journal_cut (journal_t *self, size_t at, plv_fail_t *ret_fail);

/*  journal_zeros.c: zeros where nothing was ever written.  */
bool zeros_fill (int fd, uint64_t from, uint64_t to);
/*  All under `lock`.  */
bool journal_zeros_due (const journal_t *self);
void journal_put_all_zeros (journal_t *self);
/*  Looks on for a moment, then puts some if the disk has time for them.  */
void journal_put_zeros (journal_t *self);

/*  journal_append.c: syncs the last segment and goes on in the next one.  */
plv_err_t journal_roll (journal_t *self, plv_fail_t *ret_fail);

/*  journal_writer.c: records to the end of the last segment.  */
void writer_init (segment_writer_t *self, bool direct);
void writer_free (segment_writer_t *self);
/*  Goes on in another file, which is the writer's now: its records end at `end`. False: errno says why.  */
bool writer_enter (segment_writer_t *self, int fd, uint64_t end);
/*  At `offset`, the end of what was appended before. False: errno says why, nothing counts as written, and it may be
    tried once more.  */
bool writer_append (segment_writer_t *self, uint64_t offset, const plv_view_t *parts, size_t count);

/*  journal_reader.c: the records of one segment.  */
typedef struct segment_reader {
    const journal_t *journal;
    segment_id_t id;
    int fd;
    uint64_t size;   /* of the file */
    uint64_t offset; /* of the next record */
    plv_buf_t window;
    uint64_t window_at;
    int error_number; /* 0: the file could be read */
} segment_reader_t;

/*  `id->number` says which; the rest of it is read from the head.  */
plv_err_t reader_open (segment_reader_t *self, const journal_t *journal, uint64_t number,
                       plv_fail_t *ret_fail);
/*  False: there is no record at `offset`, or the file could not be read. `check`: with its
    checksum.  */
bool reader_next (segment_reader_t *self, bool check, journal_record_t *ret_record);
/*  At the next place, from `offset` on, at which there is one; moves there.  */
bool reader_search (segment_reader_t *self, journal_record_t *ret_record);
/*  Something was begun at `offset`.  */
bool reader_is_torn (segment_reader_t *self);
/*  The file has been written to since.  */
void reader_look_again (segment_reader_t *self);
void reader_close (segment_reader_t *self);

#endif
