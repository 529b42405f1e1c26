/*  wal -- what RocksDB's logs promise, read before RocksDB decides what to forget
    OWNS    nothing; reads the *.log files of a directory that nobody writes
    THREAD  any
    FAILS   a file that cannot be read; damage is no failure but a finding
    COST    reads every log once, about a second a gigabyte

    RocksDB has to choose at start-up: stop at the first bad record and silently forget what
    follows, or refuse every log whose end is torn. Neither will do: a power cut tears the end of a
    log, and that must be no reason to refuse; a flipped bit must not silently cost what came after
    it. The two are told apart by the journal headers (journal.h): each valid record says up to
    which position everything was on disk when it was written, so whatever is recovered must reach
    at least the greatest of these positions.

    One case cannot be told from a power cut by anybody: damage to the very last record.  */

#ifndef STORE_WAL_H
#define STORE_WAL_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool torn;       /* some bytes are no valid record */
    uint64_t synced; /* every journal position up to this was on disk */
    uint64_t offset; /* of the first bad byte, in `file` */
    char file[32];
} wal_survey_t;

plv_err_t wal_survey (const char *dir, wal_survey_t *ret_survey, plv_fail_t *ret_fail);

#endif
