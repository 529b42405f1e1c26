#include "advisor/claude/budget.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { HOLDS_MAX = 512, LINE_BYTES = 128, TEXT_BYTES = (HOLDS_MAX + 1) * LINE_BYTES };

#define DAY_US ((int64_t) 24 * 3600 * 1000000)
#define FORMAT                                                                                     \
    "day %" PRId64 " microdollars %" PRId64 " tokens %" PRId64 " calls %" PRId64 " held %zu\n"
#define SCAN                                                                                       \
    "day %" SCNd64 " microdollars %" SCNd64 " tokens %" SCNd64 " calls %" SCNd64 " held %zu"
#define HOLD_FORMAT "held %" PRId64 " microdollars %" PRId64 " until %" PRId64 "\n"
#define HOLD_SCAN "held %" SCNd64 " microdollars %" SCNd64 " until %" SCNd64

/*  What is given back when nobody has settled it by then.  */
typedef struct {
    int64_t id;
    int64_t back;
    int64_t until_us;
} held_t;

typedef struct {
    budget_day_t day;
    held_t held[HOLDS_MAX];
    size_t count;
} page_t;

struct budget {
    pthread_mutex_t lock;
    int file; /* -1: in memory */
    int64_t most;
    page_t page;
    char text[TEXT_BYTES]; /* of the file */
    bool unwritten;        /* the file has less of `page` than there is */
};

plv_err_t budget_new (const char *path, int64_t day_most, budget_t **ret_budget,
                      plv_fail_t *ret_fail)
{
    budget_t *self = calloc (1, sizeof *self);
    if (!self || pthread_mutex_init (&self->lock, NULL)) {
        free (self);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    self->most = day_most;
    self->file = path ? open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    if (path && self->file < 0) {
        plv_err_t err =
            plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", path, strerror (errno));
        budget_destroy (&self);
        return err;
    }
    *ret_budget = self;
    return ERR_OK;
}

void budget_destroy (budget_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    if ((*self_p)->file >= 0)
        close ((*self_p)->file);
    pthread_mutex_destroy (&(*self_p)->lock);
    free (*self_p);
    *self_p = NULL;
}

/*  As many lines behind the first one as that says: more are left from a longer text whose writer was killed. One that
    makes no sense is left out, and so stays spent.  */
static void read_held (const char *text, size_t lines, page_t *page)
{
    lines = lines < HOLDS_MAX ? lines : HOLDS_MAX;
    for (; lines > 0 && (text = strchr (text, '\n')) != NULL; lines--) {
        held_t held;
        bool good = sscanf (++text, HOLD_SCAN, &held.id, &held.back, &held.until_us) == 3;
        if (good && held.back >= 0 && held.back <= page->day.spent)
            page->held[page->count++] = held;
    }
}

static bool read_page (budget_t *self, page_t *ret_page)
{
    budget_day_t *day = &ret_page->day;
    ssize_t size =
        flock (self->file, LOCK_EX) == 0 ? pread (self->file, self->text, TEXT_BYTES - 1, 0) : -1;
    if (size <= 0)
        return false;
    self->text[size] = '\0';
    size_t lines = 0;
    int fields =
        sscanf (self->text, SCAN, &day->day, &day->spent, &day->tokens, &day->calls, &lines);
    read_held (self->text, lines, ret_page);
    return fields >= 4; /* an earlier version did not count lines */
}

static void drop_held (page_t *page, size_t at)
{
    page->held[at] = page->held[--page->count];
}

static void give_back (page_t *page, int64_t now_wall_us)
{
    for (size_t i = page->count; i-- > 0;)
        if (page->held[i].until_us < now_wall_us) {
            page->day.spent -= page->held[i].back;
            drop_held (page, i);
        }
}

/*  Locks this process's threads and other processes out, and reads what the day has cost so far.  */
static void begin (budget_t *self, int64_t now_wall_us)
{
    page_t read = {0};
    pthread_mutex_lock (&self->lock);
    const budget_day_t *day = &self->page.day;
    bool good = self->file >= 0 && read_page (self, &read);
    bool behind = self->unwritten && read.day.day == day->day && read.day.spent < day->spent;
    if (good && !behind)
        self->page = read;
    if (day->day != now_wall_us / DAY_US)
        self->page = (page_t){.day.day = now_wall_us / DAY_US};
    give_back (&self->page, now_wall_us);
}

static size_t write_page (const page_t *page, char text[TEXT_BYTES])
{
    const budget_day_t *day = &page->day;
    int size = snprintf (text, LINE_BYTES, FORMAT, day->day, day->spent, day->tokens, day->calls,
                         page->count);
    for (size_t i = 0; i < page->count; i++) {
        const held_t *held = &page->held[i];
        size +=
            snprintf (text + size, LINE_BYTES, HOLD_FORMAT, held->id, held->back, held->until_us);
    }
    return (size_t) size;
}

static void end (budget_t *self)
{
    if (self->file >= 0) {
        size_t size = write_page (&self->page, self->text);
        /* a full disk: this process goes on with what it knows */
        self->unwritten = pwrite (self->file, self->text, size, 0) != (ssize_t) size
                          || ftruncate (self->file, (off_t) size) != 0;
        flock (self->file, LOCK_UN);
    }
    pthread_mutex_unlock (&self->lock);
}

/*  The line by which it is given back; 0 where there is no room.  */
static int64_t add_held (page_t *page, const budget_call_t *call)
{
    uint32_t bits[2];
    if (page->count == HOLDS_MAX)
        return 0;
    randombytes_buf (bits, sizeof bits);
    int64_t id = (int64_t) (bits[0] >> 1) << 32 | bits[1] | 1;
    page->held[page->count++] = (held_t){id, call->most - call->least, call->until_us};
    return id;
}

bool budget_reserve (budget_t *self, const budget_call_t *call, int64_t now_wall_us,
                     budget_hold_t *ret_hold)
{
    begin (self, now_wall_us);
    budget_day_t *day = &self->page.day;
    bool good = !self->most || day->spent + call->most <= self->most;
    if (good) {
        day->spent += call->most;
        *ret_hold = (budget_hold_t){.most = call->most,
                                    .least = call->least,
                                    .id = add_held (&self->page, call),
                                    .day = day->day};
    }
    end (self);
    return good;
}

/*  What of the reservation is in the day's sum still: all, or what was kept of it when the rest was given back.  */
static int64_t take_held (page_t *page, const budget_hold_t *hold)
{
    for (size_t i = 0; i < page->count; i++)
        if (page->held[i].id == hold->id) {
            drop_held (page, i);
            return hold->most;
        }
    return hold->id ? hold->least : hold->most;
}

void budget_settle (budget_t *self, const budget_hold_t *hold, int64_t spent, int64_t tokens,
                    int64_t now_wall_us)
{
    begin (self, now_wall_us);
    budget_day_t *day = &self->page.day;
    if (hold->day == day->day)
        day->spent += spent - take_held (&self->page, hold);
    day->tokens += tokens;
    day->calls += tokens > 0;
    end (self);
}

budget_day_t budget_today (budget_t *self, int64_t now_wall_us)
{
    begin (self, now_wall_us);
    budget_day_t day = self->page.day;
    end (self);
    return day;
}
