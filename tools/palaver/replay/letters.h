/*  letters -- which dead letters a command is about
    OWNS    the list, freed by letters_free
    THREAD  main
    FAILS   says what is wrong on stderr, and returns how the call ends
    COST    24 bytes a letter; a letter by name is one question  */

#ifndef PALAVER_LETTERS_H
#define PALAVER_LETTERS_H

#include "palaver/ask/ask.h"
#include "palaver/ask/filter.h"

typedef struct {
    uint64_t number;
    int64_t dead_us;
    uint64_t attempts;
} letter_t;

typedef struct {
    letter_t *list; /* in the order of their acceptance, each once */
    size_t count;
    size_t unknown; /* left out: nobody knows whether the platform has the answer */
    size_t missing; /* asked for, but there is no such dead letter */
} letters_t;

/*  Called with each letter as dead.list shows it; returns false to stop.  */
typedef bool letters_each_t (void *arg, plv_view_t letter);

/*  Goes over the dead letters behind the number `after` that pass the filter, in order, page by page; the broker reads
    a page while another is looked at, so `each` may ask it nothing.  */
ending_t letters_walk (asker_t *asker, const filter_t *filter, uint64_t after, uint64_t limit,
                       letters_each_t *each, void *arg);

/*  The operands (numbers of entries, ids of events), or what passes the filters, or all with --all, in the order of
    acceptance. Says which operands are none, and counts them. `ahead`: `each` asks the broker nothing.  */
ending_t letters_find (const call_t *call, asker_t *asker, bool ahead, letters_each_t *each,
                       void *arg, size_t *ret_missing);

/*  The same as a list. Letters of unknown outcome are left out when `skip_unknown`.  */
ending_t letters_choose (const call_t *call, asker_t *asker, bool skip_unknown,
                         letters_t *ret_letters);
void letters_free (letters_t *self);

/*  The letter of this number whole, good until the next question. END_NOTHING, and no words: there is none.  */
ending_t letters_show (asker_t *asker, uint64_t number, plv_view_t *ret_letter);

/*  The same with its row, from which it can be put back.  */
ending_t letters_whole (asker_t *asker, uint64_t number, plv_view_t *ret_letter);

letter_t letters_read (plv_view_t letter);

/*  Is it to be done, to how many? Asks on a terminal. END_OK: yes.  */
ending_t letters_confirm (const call_t *call, size_t count, const char *what);
/*  The same about other things; `thing`: one of them.  */
ending_t letters_confirm_of (const call_t *call, size_t count, const char *what, const char *thing);

#endif
