/*  letters -- which dead letters a command is about
    OWNS    their numbers, freed by letters_free
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    8 bytes a letter; a walk over all of them for --all and for ids  */

#ifndef PALAVER_LETTERS_H
#define PALAVER_LETTERS_H

#include "palaver/ask.h"

typedef struct {
    uint64_t *numbers; /* in the order of their acceptance, each once */
    size_t count;
    size_t unknown; /* left out: nobody knows whether the platform has the answer */
    size_t missing; /* asked for, but there is no such dead letter */
} letters_t;

/*  The operands (numbers of entries, ids of events), or all with --all. Letters of unknown outcome are left out
    when `skip_unknown`.  */
ending_t letters_choose (const call_t *call, asker_t *asker, bool skip_unknown,
                         letters_t *ret_letters);
void letters_free (letters_t *self);

/*  Goes over all dead letters behind the number `after`, in order, page by page; `each` returns false to stop.  */
typedef bool letters_each_t (void *arg, plv_view_t letter);
ending_t letters_walk (asker_t *asker, uint64_t after, uint64_t limit, letters_each_t *each,
                       void *arg);

/*  Sends `command` for all of them, some at a time, and shows how far it is; the first signal ends it behind the
    step under way. `*ret_done`: how many; letters that are gone meanwhile add to `missing`.  */
ending_t letters_apply (const call_t *call, asker_t *asker, const char *command, letters_t *letters,
                        size_t *ret_done);

/*  Is it to be done, to how many? Asks on a terminal. END_OK: yes.  */
ending_t letters_confirm (const call_t *call, const letters_t *letters, const char *what);

/*  What was done, as a line of JSON or as words, and how the call ends.  */
ending_t letters_report (const call_t *call, const letters_t *letters, const char *done_key,
                         size_t done, ending_t end);

#endif
