/*  plan -- a replay as a file: made, read by people, then applied as it stands
    OWNS    the open file and what stands at its head, freed by plan_close
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    one pass to make, two to apply; 16 bytes of memory a letter that is skipped

    The file is JSON, one letter a line, and ends with the SHA-256 of all bytes before it: a plan that anybody has
    changed, on purpose or not, is not applied. A letter that is not as it stands in the plan is left out.  */

#ifndef PALAVER_PLAN_H
#define PALAVER_PLAN_H

#include "palaver/replay/send_again.h"

enum { PLAN_HASH_TEXT_BYTES = 65, PLAN_NAME_TEXT_BYTES = 17 };

typedef struct {
    void *file;                      /* a FILE */
    plv_buf_t head;                  /* everything before the entries, as a map */
    plv_buf_t to, text;              /* texts with a NUL; empty: none */
    char hash[PLAN_HASH_TEXT_BYTES]; /* hexadecimal */
    char name[PLAN_NAME_TEXT_BYTES]; /* its first digits, for the ledger */
    uint64_t entries;
} plan_t;

/*  Writes what `sending` would do to the letters that `call` names into the new file `path`, and prints a summary. With
    --dry-run nothing is written.  */
ending_t plan_make (const sending_t *sending, asker_t *asker, const char *path);

/*  Checks the file as a whole; then plan_next gives its entries.  */
ending_t plan_open (const char *path, plan_t *ret_plan);
void plan_close (plan_t *self);

/*  What it says of how to send; options of the call win.  */
void plan_settings (const plan_t *self, sending_t *sending);

/*  Up to `most` entries; 0: there are no more.  */
size_t plan_next (plan_t *self, letter_t *letters, size_t most);

/*  Does what the plan, just opened at `path`, says, with a record of what is done in `path`.done; goes on where that
    record ends.  */
ending_t plan_apply (sending_t *sending, asker_t *asker, plan_t *plan, const char *path);

#endif
