/*  progress -- how far long work is, on stderr when that is a terminal
    OWNS    one line of the terminal
    THREAD  main
    FAILS   never
    COST    at most ten writes a second; nothing off a terminal  */

#ifndef PALAVER_PROGRESS_H
#define PALAVER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *what; /* "letters" */
    uint64_t total;   /* 0: not known */
    int64_t begun_us, shown_us;
    bool terminal, shown;
} progress_t;

progress_t progress_new (const char *what, uint64_t total);
void progress_at (progress_t *self, uint64_t done);

/*  Wipes the line.  */
void progress_end (progress_t *self);

#endif
