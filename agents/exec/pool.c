#include "exec/pool.h"

#include "base/clock.h"
#include "exec/lines.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { WRITE_MS = 5000, PAUSE_FIRST_MS = 100, PAUSE_MOST_MS = 30000 };

struct pool {
    pool_options_t options;
    pthread_mutex_t lock;
    child_t **idle; /* a stack of `children` places */
    unsigned idle_count;
    unsigned numbered;   /* children that were started, ever */
    unsigned pause_ms;   /* before the next start, after a failure; 0: none */
    int64_t start_at_us; /* not before */
};

/* ------------------------------------------------------------------ one child */

static plv_err_t not_ready (child_t *child, const char *why, plv_fail_t *ret_fail)
{
    char epitaph[PLV_FAIL_TEXT_BYTES / 2];
    if (why)
        return plv_fail (ret_fail, ERR_TIMEOUT, "%s", why);
    child_epitaph (child, epitaph, sizeof epitaph);
    return plv_fail (ret_fail, ERR_GONE, "%s", epitaph);
}

/*  Lines that are none of ours are what a program prints while it loads.  */
static plv_err_t wait_ready (const pool_t *self, child_t *child, plv_fail_t *ret_fail)
{
    int64_t until_us = plv_clock_mono_us () + self->options.ready_ms * INT64_C (1000);
    for (int64_t left_ms; (left_ms = (until_us - plv_clock_mono_us ()) / 1000) > 0;) {
        plv_view_t line;
        said_t said;
        plv_fail_t ignored;
        child_said_t heard = child_read (child, (int) left_ms, &line);
        if (heard == CHILD_OVER || heard == CHILD_TOO_LONG)
            return not_ready (child, NULL, ret_fail);
        if (heard != CHILD_LINE || said_parse (line, &said, &ignored))
            continue;
        bool ready = said.what == SAY_READY;
        said_free (&said);
        if (ready)
            return ERR_OK;
    }
    return not_ready (child, "the program did not say that it is ready", ret_fail);
}

static plv_err_t start_one (pool_t *self, unsigned number, child_t **ret_child,
                            plv_fail_t *ret_fail)
{
    child_t *child = NULL;
    plv_err_t err = child_start (self->options.argv, number, &child, ret_fail);
    if (!err && !child_write (child, plv_buf_view (&self->options.hello), WRITE_MS))
        err = not_ready (child, NULL, ret_fail);
    if (!err && self->options.ready_ms)
        err = wait_ready (self, child, ret_fail);
    if (err)
        child_stop (&child, 0);
    else
        *ret_child = child;
    return err;
}

/* ------------------------------------------------------------------ all of them */

plv_err_t pool_start (pool_options_t *options, pool_t **ret_pool, plv_fail_t *ret_fail)
{
    pool_t *self = calloc (1, sizeof *self);
    child_t **idle = calloc (options->children, sizeof *idle);
    if (!self || !idle || pthread_mutex_init (&self->lock, NULL) != 0) {
        free (self);
        free (idle);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    self->options = *options;
    self->idle = idle;
    options->hello = (plv_buf_t){0};
    plv_err_t err = ERR_OK;
    while (!err && self->idle_count < self->options.children) {
        err = start_one (self, ++self->numbered, &self->idle[self->idle_count], ret_fail);
        self->idle_count += !err;
    }
    if (err)
        pool_stop (&self);
    else
        *ret_pool = self;
    return err;
}

void pool_stop (pool_t **self_p)
{
    pool_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    while (self->idle_count)
        child_stop (&self->idle[--self->idle_count], self->options.grace_ms);
    plv_buf_free (&self->options.hello);
    pthread_mutex_destroy (&self->lock);
    free (self->idle);
    free (self);
    *self_p = NULL;
}

/*  The one that was used last: its memory is warm. NULL: there is none.  */
static child_t *take_idle (pool_t *self)
{
    pthread_mutex_lock (&self->lock);
    child_t *child = self->idle_count ? self->idle[--self->idle_count] : NULL;
    pthread_mutex_unlock (&self->lock);
    return child;
}

/*  0: it may be started now.  */
static unsigned too_early_ms (pool_t *self, unsigned *ret_number)
{
    pthread_mutex_lock (&self->lock);
    int64_t left_us = self->start_at_us - plv_clock_mono_us ();
    if (left_us <= 0)
        *ret_number = ++self->numbered;
    pthread_mutex_unlock (&self->lock);
    return left_us > 0 ? (unsigned) (left_us / 1000) + 1 : 0;
}

static void slow_down (pool_t *self)
{
    pthread_mutex_lock (&self->lock);
    self->pause_ms = self->pause_ms ? self->pause_ms * 2 : PAUSE_FIRST_MS;
    if (self->pause_ms > PAUSE_MOST_MS)
        self->pause_ms = PAUSE_MOST_MS;
    self->start_at_us = plv_clock_mono_us () + self->pause_ms * INT64_C (1000);
    pthread_mutex_unlock (&self->lock);
}

plv_err_t pool_take (pool_t *self, child_t **ret_child, unsigned *ret_wait_ms, plv_fail_t *ret_fail)
{
    unsigned number = 0;
    child_t *child;
    while ((child = take_idle (self)) && !child_alive (child)) {
        char epitaph[PLV_FAIL_TEXT_BYTES];
        child_epitaph (child, epitaph, sizeof epitaph);
        fprintf (stderr, "palaver-exec: between two jobs %s\n", epitaph);
        pool_drop (self, &child, false);
    }
    if (child) {
        *ret_child = child;
        return ERR_OK;
    }
    *ret_wait_ms = too_early_ms (self, &number);
    if (*ret_wait_ms)
        return plv_fail (ret_fail, ERR_BUSY, "the program has failed: it is started again in %u ms",
                         *ret_wait_ms);
    plv_err_t err = start_one (self, number, ret_child, ret_fail);
    if (err)
        slow_down (self);
    return err;
}

void pool_give (pool_t *self, child_t **child_p)
{
    pthread_mutex_lock (&self->lock);
    self->idle[self->idle_count++] = *child_p;
    self->pause_ms = 0;
    self->start_at_us = 0;
    pthread_mutex_unlock (&self->lock);
    *child_p = NULL;
}

void pool_drop (pool_t *self, child_t **child_p, bool at_once)
{
    child_stop (child_p, at_once ? 0 : self->options.grace_ms);
    slow_down (self);
}
