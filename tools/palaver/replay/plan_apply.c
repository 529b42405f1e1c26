#include "palaver/replay/plan.h"

#include "base/clock.h"
#include "palaver/interrupt.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"
#include "wire/json.h"
#include "wire/mp.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

/*  The record beside a plan, a line of JSON for each thing that happened:
        {"plan": HASH}                   the first line
        {"begun": AT}                    a step that begins with this entry is about to be asked for
        {"at": AT, "count": N, ...}      it is done, with its counts
    Each is written at once. A step that has begun and is not done may have been carried out: what of it is not among
    the dead letters any more counts as sent before. The broker sees to it that nothing goes twice.  */

typedef struct {
    int fd;
    bool reads;    /* a dry run: it is only looked at */
    uint64_t at;   /* entries that are dealt with */
    bool doubtful; /* the step at `at` has begun once */
    tally_t tally;
} record_t;

static bool put_line (record_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

/*  False when the whole line could not be written, which is said.  */
static bool put_line (record_t *self, const char *format, ...)
{
    va_list args;
    va_start (args, format);
    bool written = vdprintf (self->fd, format, args) > 0;
    va_end (args);
    if (!written)
        say ("the record of what is done cannot be written: %s", strerror (errno));
    return written;
}

static void take_line (record_t *self, plv_view_t map)
{
    plv_mp_t value;
    uint64_t at;
    if (plv_mp_find (map, "begun", &value) && plv_mp_u64 (&value, &at)) {
        self->doubtful = true;
    } else if (plv_mp_find (map, "at", &value) && plv_mp_u64 (&value, &at)) {
        tally_t step = {
            .before = ask_number (map, "done") + ask_number (map, "before"),
            .missing = ask_number (map, "missing"),
            .unknown = ask_number (map, "unknown"),
            .changed = ask_number (map, "changed"),
            .kind = ask_number (map, "kind"),
            .size = ask_number (map, "size"),
        };
        tally_add (&self->tally, &step);
        self->at = at + ask_number (map, "count");
        self->doubtful = false;
    }
}

/*  False: it is the record of another plan. A last line that is not whole never happened.  */
static bool read_record (record_t *self, const plan_t *plan)
{
    FILE *file = fdopen (dup (self->fd), "r");
    char *text = NULL;
    size_t room = 0;
    ssize_t size;
    bool first = true, good = file;
    off_t whole = 0;
    while (good && (size = getline (&text, &room, file)) > 0 && text[size - 1] == '\n') {
        plv_buf_t map = {0};
        whole += size;
        if (!plv_json_to_mp (&map, plv_view (text, (size_t) size), PLV_JSON_OBJECT, NULL)) {
            if (first)
                good = plv_view_is (plv_mp_find_str (plv_buf_view (&map), "plan"), plan->hash);
            take_line (self, plv_buf_view (&map));
        } else if (first) {
            good = false;
        }
        first = false;
        plv_buf_free (&map);
    }
    free (text);
    if (file)
        fclose (file);
    return good && (self->reads || ftruncate (self->fd, whole) == 0);
}

static ending_t open_record (record_t *self, const plan_t *plan, const char *path)
{
    plv_buf_t name = {0};
    ending_t end = END_OK;
    text_putf (&name, "%s.done", path);
    plv_buf_add_u8 (&name, 0);
    plv_buf_check (&name);
    int how = self->reads ? O_RDONLY : O_RDWR | O_CREAT | O_APPEND;
    self->fd = open ((const char *) name.data, how | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->fd < 0 && self->reads && errno == ENOENT) {
        end = END_OK; /* nothing is done yet */
    } else if (self->fd < 0) {
        say ("%s: cannot be %s: %s", (const char *) name.data, self->reads ? "read" : "written",
             strerror (errno));
        end = END_PARTLY;
    } else if (flock (self->fd, LOCK_EX | LOCK_NB)) {
        say ("%s is being applied by another palaver right now", path);
        end = END_PARTLY;
    } else if (!read_record (self, plan)) {
        say ("%s is the record of another plan; put it aside", (const char *) name.data);
        end = END_PARTLY;
    } else if (!self->reads && lseek (self->fd, 0, SEEK_END) == 0
               && !put_line (self, "{\"plan\": \"%s\"}\n", plan->hash)) {
        end = END_PARTLY;
    }
    plv_buf_free (&name);
    return end;
}

static bool record_step (record_t *self, size_t count, const tally_t *step)
{
    bool good =
        put_line (self,
                  "{\"at\": %" PRIu64 ", \"count\": %zu, \"done\": %" PRIu64
                  ", \"before\": %" PRIu64 ", \"missing\": %" PRIu64 ", \"unknown\": %" PRIu64
                  ", \"changed\": %" PRIu64 ", \"kind\": %" PRIu64 ", \"size\": %" PRIu64 "}\n",
                  self->at, count, step->done, step->before, step->missing, step->unknown,
                  step->changed, step->kind, step->size);
    self->at += count;
    tally_add (&self->tally, step);
    return good;
}

/*  One step; false in `*ret_more`: it was the last, or is interrupted.  */
static ending_t step (sending_t *sending, asker_t *asker, plan_t *plan, record_t *record,
                      bool *ret_more)
{
    letter_t letters[SEND_AGAIN_STEP];
    tally_t tally = {0};
    size_t did = 0;
    size_t count = plan_next (plan, letters, send_again_step_size (sending, SEND_AGAIN_STEP));
    bool doubtful = record->doubtful;
    *ret_more = false;
    if (count == 0)
        return END_OK;
    if (!put_line (record, "{\"begun\": %" PRIu64 "}\n", record->at))
        return END_PARTLY;
    ending_t end = send_again_step (sending, asker, letters, count, &tally, &did);
    if (doubtful) {
        tally.before = tally.missing + tally.changed;
        tally.missing = tally.changed = 0;
    }
    record->doubtful = did < count;
    if (end || did < count) {
        tally_add (&record->tally, &tally);
        return end;
    }
    *ret_more = record_step (record, count, &tally);
    return *ret_more ? END_OK : END_PARTLY;
}

static ending_t skip_done (plan_t *plan, uint64_t count)
{
    letter_t letters[SEND_AGAIN_STEP];
    while (count) {
        size_t did = plan_next (plan, letters, count < SEND_AGAIN_STEP ? count : SEND_AGAIN_STEP);
        if (!did)
            return END_PARTLY;
        count -= did;
    }
    return END_OK;
}

static ending_t apply (sending_t *sending, asker_t *asker, plan_t *plan, record_t *record)
{
    progress_t progress = progress_new ("letters", plan->entries);
    ending_t end = skip_done (plan, record->at);
    bool more = !end;
    while (more && !interrupt_seen ()) {
        end = step (sending, asker, plan, record, &more);
        progress_at (&progress, record->at);
    }
    progress_end (&progress);
    if (!end && record->at < plan->entries) {
        say ("interrupted: %" PRIu64 " letters of the plan are left; the same command goes on with "
             "them",
             plan->entries - record->at);
        end = END_PARTLY;
    }
    return end;
}

ending_t plan_apply (sending_t *sending, asker_t *asker, plan_t *plan, const char *path)
{
    record_t record = {.fd = -1, .reads = call_has (sending->call, OPTION_DRY_RUN)};
    plan_settings (plan, sending);
    ending_t end = open_record (&record, plan, path);
    if (!end) {
        if (record.reads)
            record.tally.done = plan->entries - record.at;
        else
            end = apply (sending, asker, plan, &record);
        end = send_again_report (sending->call, &record.tally, "replayed", end);
    }
    if (record.fd >= 0)
        close (record.fd);
    return end;
}
