/*  ask -- a tool's request that takes more than one step: it waits for rows of the store, or walks
    OWNS    its buffers; freed by control_ask_free
    THREAD  core only
    FAILS   never
    COST    what it has gathered, bounded by the limits of the command  */

#ifndef CORE_ASK_H
#define CORE_ASK_H

#include "base/limits.h"
#include "core/core.h"
#include "core/dead/dead_filter.h"
#include "core/dead/dead_index.h"

typedef struct ask ask_t;

/*  What becomes of it, by what it is about. A kind that has no use for one of these has NULL there.  */
typedef struct {
    /* it is begun, or even answered; or why it cannot be. For those that control_dead begins */
    const char *(*start) (core_t *self, ask_t *ask, plv_view_t arguments);
    void (*take) (core_t *self, ask_t *ask, const input_t *input); /* rows have come */
    void (*settle) (core_t *self, ask_t *ask); /* it waits for nothing: it asks for more, or ends */
    void (*go_on) (core_t *self, ask_t *ask);  /* its timer is due */
    void (*ordered) (core_t *self, ask_t *ask, const input_t *input); /* the shell has done it */
    void (*free) (ask_t *ask);
} ask_kind_t;

struct ask {
    const ask_kind_t *kind;
    uint64_t token;
    uint32_t peer;
    uint64_t request;
    int command;
    core_timer_t timer; /* a walk goes on, in a step of its own */
    uint32_t waiting;   /* scans that have not been answered */
    uint64_t stored;    /* its rows are at least this new */
    char failed[256];   /* a row could not be read, and why; empty: none */
    plv_buf_t
        numbers; /* uint64_t each: letters that were named or found, and are not asked for yet */

    /* a list */
    plv_buf_t arguments; /* what it filters by */
    uint64_t limit;
    int64_t begun_us;   /* monotonic */
    uint64_t at;        /* the letter that was looked at last */
    uint64_t walked_to; /* the letter that the walk has come to */
    bool ended;         /* the walk has come to the end */
    bool over;          /* a letter has no place on the page any more */
    plv_buf_t items;    /* encoded, one behind the other */
    uint32_t item_count;
    uint64_t next;

    /* stats */
    plv_map_u64_t groups;
    struct stats_line *lines;
    size_t line_count;
    uint64_t group_count;
    uint64_t total;
    uint64_t removals; /* of letters, before it began */

    /* what has been, out of the journal: see events.h */
    uint64_t recorded; /* the last position with records when it was asked, */
    uint64_t end;      /* and the one behind all that there were */
    struct events_show *show;
    struct events_list *list;

    /* letters that are sent again or thrown away */
    uint32_t done;
    uint32_t missing;
    plv_buf_t done_numbers; /* uint64_t each, as those below */
    plv_buf_t busy_numbers;
    plv_buf_t skipped;
    plv_buf_t skips;  /* encoded maps */
    plv_buf_t expect; /* see dead_take.c */
    bool allow_duplicates;
    bool rows;   /* letters bring their row, to be put back one day */
    bool masked; /* what looks like a secret is taken out of what is shown */
    char who[NAME_BYTES_MAX + 1];
    char reason[NAME_BYTES_MAX + 1];
    char plan[NAME_BYTES_MAX + 1];
    char file[NAME_BYTES_MAX + 1]; /* that letters come from: its name alone */
    char to[NAME_BYTES_MAX + 1];   /* a route's or a service's name; empty: as before */
    plv_buf_t set;                 /* the message's new text */
    bool has_set;
    bool shadow;       /* they are only tried */
    uint32_t trials;   /* of those, the ones that are not over */
    uint32_t answered; /* by an agent */
    uint32_t unanswered;
};

#endif
