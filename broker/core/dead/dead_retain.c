#include "core/dead/dead_retain.h"
#include "core/ask/command.h"
#include "core/ask/control_ask.h"
#include "core/ask/control_show.h"
#include "core/dead/dead_take.h"
#include "core/dead/letter.h"
#include "core/internal.h"

#include "base/bytes.h"
#include "wire/mp.h"

/*  Letters that go by age or number: found by a walk in pieces, warned of, read, exported by the shell when conf names
    a directory, and only then thrown away, on the record as by an operator.  */

enum {
    LOOK_US = 60000000,
    FIRST_LOOK_US = 1000000,
    NEXT_BATCH_US = 500000,
    WALK_PIECE = 100000,
    BATCH = 250,
    BATCH_BYTES = 16 * 1024 * 1024,
    NEAR_TENTHS = 9, /* of dead.max: the warning begins there */
};

static const char WARNED[] = "dead_warned";
static const int64_t HOUR_US = INT64_C (3600000000), DAY_US = 24 * INT64_C (3600000000);

static bool is_bounded (const plv_conf_t *conf)
{
    return conf->dead_max_age_d || conf->dead_max;
}

void retain_soon (core_t *self)
{
    self->retain.timer.kind = TIMER_RETAIN;
    self->retain.walking = false;
    if (!self->options.read_only)
        timers_set (&self->timers, &self->retain.timer, self->now.mono_us + FIRST_LOOK_US);
}

static void warned_row (core_t *self)
{
    uint8_t value[8];
    plv_put_u64 (value, (uint64_t) self->retain.warned_us);
    if (self->retain.warned_us)
        plv_row_put (&self->effects->rows, VIEW_META, plv_view_str (WARNED),
                     plv_view (value, sizeof value));
    else
        plv_row_delete (&self->effects->rows, VIEW_META, plv_view_str (WARNED));
}

/*  Letters have grown old by a leap of the clock that is longer than the warning stands: nobody was warned of them. */
void retain_moved (core_t *self, int64_t moved_us)
{
    if (!self->retain.warned_us || moved_us <= self->policy->conf->dead_warn_h * HOUR_US)
        return;
    self->retain.warned_us = 0;
    self->retain.logged_us = 0;
    warned_row (self);
}

bool retain_load (core_t *self, plv_view_t key, plv_view_t value)
{
    if (!plv_view_is (key, WARNED))
        return true;
    if (value.size != 8)
        return false;
    self->retain.warned_us = (int64_t) plv_get_u64 (value.data);
    return true;
}

/*  When this letter goes, as far as age and number say now; INT64_MAX: not for now.  */
static int64_t goes_us (const core_t *self, const dead_brief_t *brief)
{
    const plv_conf_t *conf = self->policy->conf;
    uint64_t count = self->letters.count, most = (uint64_t) conf->dead_max;
    uint64_t behind = count - self->retain.rank; /* letters that came later */
    int64_t at_us = INT64_MAX;
    if (conf->dead_max_age_d)
        at_us = brief->dead_us + conf->dead_max_age_d * DAY_US;
    if (most && behind >= most && at_us > believed_us (self))
        at_us = believed_us (self);
    else if (most && count > most * NEAR_TENTHS / 10 && behind + (most + 9) / 10 >= most
             && at_us > believed_us (self) + 1)
        at_us = believed_us (self) + 1; /* with the next letters that come */
    return at_us;
}

static void look_at (core_t *self, const dead_brief_t *brief)
{
    retain_t *retain = &self->retain;
    int64_t at_us = goes_us (self, brief);
    int64_t most_us = self->policy->conf->dead_warn_h * HOUR_US;
    if (at_us == INT64_MAX || at_us > believed_us (self) + most_us)
        return;
    retain->expiring++;
    if (retain->first_us == 0 || at_us < retain->first_us)
        retain->first_us = at_us;
    if (at_us <= believed_us (self) && retain->due.size < BATCH * sizeof brief->number)
        plv_buf_add (&retain->due, &brief->number, sizeof brief->number);
    plv_buf_check (&retain->due);
}

/*  False: there is more to walk. Between two pieces letters may have come and gone, before this place too.  */
static bool walk_piece (core_t *self)
{
    retain_t *retain = &self->retain;
    dead_cursor_t cursor = dead_index_seek (&self->letters, retain->at + 1);
    const dead_brief_t *brief;
    retain->rank = dead_index_before (&self->letters, &cursor);
    for (int i = 0; i < WALK_PIECE; i++) {
        brief = dead_index_next (&self->letters, &cursor);
        if (!brief)
            return true;
        retain->at = brief->number;
        retain->rank++;
        look_at (self, brief);
    }
    return false;
}

static void warn (core_t *self)
{
    retain_t *retain = &self->retain;
    int64_t earliest_us;
    if (retain->expiring == 0) {
        if (retain->warned_us) {
            retain->warned_us = 0;
            warned_row (self);
        }
        retain->logged_us = 0;
        return;
    }
    if (!retain->warned_us) {
        retain->warned_us = believed_us (self);
        warned_row (self);
    }
    earliest_us = retain->warned_us + self->policy->conf->dead_warn_h * HOUR_US;
    if (retain->first_us < earliest_us)
        retain->first_us = earliest_us;
    if (retain->logged_us && believed_us (self) - retain->logged_us < DAY_US)
        return;
    retain->logged_us = believed_us (self);
    effects_log (self->effects, LOG_DEAD_EXPIRING, F_INT ("count", (int64_t) retain->expiring),
                 F_INT ("first_us", retain->first_us));
}

/*  What was read, kept until it is exported. Letters may be large: those that would be too much at once stay for the
    next batch.  */
static void take (core_t *self, ask_t *ask, const input_t *input)
{
    (void) self;
    if (ask->arguments.size && ask->arguments.size + input->bytes.size > BATCH_BYTES)
        return;
    plv_buf_add_view (&ask->arguments, input->bytes);
    plv_buf_check (&ask->arguments);
}

static void put_items (core_t *self, const ask_t *ask, plv_buf_t *items, uint32_t *count)
{
    plv_row_t row;
    dead_t dead;
    for (size_t at = 0; plv_row_next (plv_buf_view (&ask->arguments), &at, &row);) {
        entry_t *entry = NULL;
        if (!letter_read (&row, &dead, &entry))
            continue;
        control_dead_item (self, &dead, entry, true, row.value, items);
        ++*count;
        entry_destroy (&entry);
    }
    plv_buf_check (items);
}

static void order_export (core_t *self, const ask_t *ask)
{
    plv_buf_t map = {0}, items = {0};
    uint32_t count = 0;
    put_items (self, ask, &items, &count);
    plv_mp_put_map (&map, 3);
    plv_mp_pair_text (&map, "dir", self->policy->conf->dead_export);
    plv_mp_pair_i64 (&map, "at_us", self->now.wall_us);
    plv_mp_put_text (&map, "items");
    plv_mp_put_array (&map, count);
    plv_buf_add_view (&map, plv_buf_view (&items));
    plv_buf_check (&map);
    effects_order (self->effects, ask->token, ORDER_EXPORT, plv_buf_view (&map));
    plv_buf_free (&items);
    plv_buf_free (&map);
}

static void end_batch (core_t *self, int64_t next_us)
{
    self->retain.ask = 0;
    timers_set (&self->timers, &self->retain.timer, self->now.mono_us + next_us);
}

static void discard_all (core_t *self, ask_t *ask)
{
    plv_row_t row;
    dead_t dead;
    for (size_t at = 0; plv_row_next (plv_buf_view (&ask->arguments), &at, &row);) {
        entry_t *entry = NULL;
        /* an operator may have dealt with it meanwhile */
        if (!letter_read (&row, &dead, &entry) || !dead_index_get (&self->letters, entry->number)
            || letter_taken_since (self, ask, entry->number)) {
            entry_destroy (&entry);
            continue;
        }
        take_discard (self, ask, entry, &dead);
        count (self, COUNTER_DEAD_EXPIRED);
        ask->done++;
        entry_destroy (&entry);
    }
}

/*  `file`: where they are saved; empty: nowhere. `why`: they are not, and stay.  */
static void exported (core_t *self, ask_t *ask, plv_view_t file, plv_view_t why)
{
    if (why.size) {
        effects_log (self->effects, LOG_DEAD_KEPT, F_VIEW ("why", why));
        end_batch (self, LOOK_US);
        return;
    }
    discard_all (self, ask);
    effects_log (self->effects, LOG_DEAD_EXPIRED, F_INT ("count", ask->done),
                 F_VIEW ("file", file));
    end_batch (self, NEXT_BATCH_US);
}

/*  All rows have come. Those that are to be saved wait for the shell.  */
static void settle (core_t *self, ask_t *ask)
{
    if (ask->failed[0] == '\0' && self->policy->conf->dead_export[0]) {
        order_export (self, ask);
        return;
    }
    exported (self, ask, plv_view (NULL, 0), plv_view_str (ask->failed));
    control_finish (self, ask);
}

static void ordered (core_t *self, ask_t *ask, const input_t *input)
{
    plv_view_t why = plv_mp_find_str (input->bytes, "text");
    exported (self, ask, plv_mp_find_str (input->bytes, "file"),
              input->fail.size && !why.size ? input->fail : why);
}

static const ask_kind_t ask_retain = {.take = take, .settle = settle, .ordered = ordered};

static void begin_batch (core_t *self)
{
    ask_t *ask = control_ask_new (self, &ask_retain);
    plv_buf_add_view (&ask->numbers, plv_buf_view (&self->retain.due));
    memcpy (ask->who, "retention", sizeof "retention");
    memcpy (ask->reason, "dead.max_age_d or dead.max", sizeof "dead.max_age_d or dead.max");
    self->retain.ask = ask->token;
    control_scan_numbers (self, ask);
}

static void begin_walk (retain_t *retain)
{
    retain->walking = true;
    retain->at = retain->expiring = 0;
    retain->first_us = 0;
    plv_buf_clear (&retain->due);
}

void retain_due (core_t *self)
{
    retain_t *retain = &self->retain;
    bool bounded = is_bounded (self->policy->conf);
    if (bounded)
        timers_set (&self->timers, &retain->timer, self->now.mono_us + LOOK_US);
    if (!retain->walking)
        begin_walk (retain);
    if (bounded && !walk_piece (self)) {
        timers_set (&self->timers, &retain->timer, self->now.mono_us);
        return;
    }
    retain->walking = false;
    self->metrics.gauge[GAUGE_DEAD_EXPIRING] = (int64_t) retain->expiring;
    warn (self);
    if (retain->due.size && believed_us (self) >= retain->first_us && !retain->ask)
        begin_batch (self);
}
