#include "advisor/claude/budget.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

enum { LINE_BYTES = 128 };

#define DAY_US ((int64_t) 24 * 3600 * 1000000)
#define FORMAT "day %" PRId64 " microdollars %" PRId64 " tokens %" PRId64 " calls %" PRId64 "\n"
#define SCAN "day %" SCNd64 " microdollars %" SCNd64 " tokens %" SCNd64 " calls %" SCNd64

struct budget {
    pthread_mutex_t lock;
    int file; /* -1: in memory */
    int64_t most;
    budget_day_t day;
    bool unwritten; /* the file has less of `day` than there is */
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

static bool read_day (const budget_t *self, budget_day_t *ret_day)
{
    char line[LINE_BYTES] = "";
    return flock (self->file, LOCK_EX) == 0 && pread (self->file, line, sizeof line - 1, 0) > 0
           && sscanf (line, SCAN, &ret_day->day, &ret_day->spent, &ret_day->tokens, &ret_day->calls)
                  == 4;
}

/*  Locks this process's threads and other processes out, and reads what the day has cost so far.  */
static void begin (budget_t *self, int64_t now_wall_us)
{
    budget_day_t read = {0};
    pthread_mutex_lock (&self->lock);
    bool good = self->file >= 0 && read_day (self, &read);
    bool behind = self->unwritten && read.day == self->day.day && read.spent < self->day.spent;
    if (good && !behind)
        self->day = read;
    if (self->day.day != now_wall_us / DAY_US)
        self->day = (budget_day_t){.day = now_wall_us / DAY_US};
}

static void end (budget_t *self)
{
    char line[LINE_BYTES];
    if (self->file >= 0) {
        int size = snprintf (line, sizeof line, FORMAT, self->day.day, self->day.spent,
                             self->day.tokens, self->day.calls);
        /* a full disk: this process goes on with what it knows */
        self->unwritten = pwrite (self->file, line, (size_t) size, 0) != size
                          || ftruncate (self->file, size) != 0;
        flock (self->file, LOCK_UN);
    }
    pthread_mutex_unlock (&self->lock);
}

bool budget_reserve (budget_t *self, int64_t most, int64_t now_wall_us, budget_hold_t *ret_hold)
{
    begin (self, now_wall_us);
    bool good = !self->most || self->day.spent + most <= self->most;
    if (good) {
        self->day.spent += most;
        *ret_hold = (budget_hold_t){.most = most, .day = self->day.day};
    }
    end (self);
    return good;
}

void budget_settle (budget_t *self, const budget_hold_t *hold, int64_t spent, int64_t tokens,
                    int64_t now_wall_us)
{
    begin (self, now_wall_us);
    if (hold->day == self->day.day)
        self->day.spent += spent - hold->most;
    self->day.tokens += tokens;
    self->day.calls += tokens > 0;
    end (self);
}

budget_day_t budget_today (budget_t *self, int64_t now_wall_us)
{
    begin (self, now_wall_us);
    budget_day_t day = self->day;
    end (self);
    return day;
}
