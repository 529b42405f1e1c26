/*  done -- what a store has finished and its caller has not yet asked for, in order
    OWNS    the answers in it, and an eventfd that is readable while there are any
    THREAD  any may push; one thread pops
    FAILS   never: out of memory stops the daemon
    COST    a lock; a system call only when it becomes empty or stops being so  */

#ifndef STORE_DONE_H
#define STORE_DONE_H

#include "store/store.h"

#include <pthread.h>

typedef struct {
    store_done_t *slots;
    size_t first;
    size_t count;
    size_t capacity;
    int fd; /* -1: none, the caller polls */
    pthread_mutex_t lock;
} store_queue_t;

/*  False when the system has no descriptor left (errno says so).  */
bool store_queue_init (store_queue_t *self, bool with_fd);
void store_queue_free (store_queue_t *self);

/*  Takes the rows of `done`.  */
void store_queue_push (store_queue_t *self, const store_done_t *done);
store_done_type_t store_queue_pop (store_queue_t *self, store_done_t *ret_done);

/*  Forgets everything.  */
void store_queue_clear (store_queue_t *self);

#endif
