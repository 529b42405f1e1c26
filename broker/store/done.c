#include "store/done.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool store_queue_init (store_queue_t *self, bool with_fd)
{
    *self = (store_queue_t){.fd = -1};
    if (with_fd) {
        self->fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (self->fd < 0)
            return false;
    }
    pthread_mutex_init (&self->lock, NULL);
    return true;
}

void store_queue_clear (store_queue_t *self)
{
    store_done_t done;
    while (store_queue_pop (self, &done) != STORE_NOTHING)
        plv_buf_free (&done.rows);
}

void store_queue_free (store_queue_t *self)
{
    store_queue_clear (self);
    free (self->slots);
    if (self->fd >= 0)
        close (self->fd);
    pthread_mutex_destroy (&self->lock);
    *self = (store_queue_t){.fd = -1};
}

/*  The descriptor counts 1 while there are answers, else 0: both calls are made under the lock.  */
static void raise_fd (store_queue_t *self)
{
    uint64_t one = 1;
    while (self->fd >= 0 && write (self->fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

static void lower_fd (store_queue_t *self)
{
    uint64_t count;
    while (self->fd >= 0 && read (self->fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
}

static void grow (store_queue_t *self)
{
    size_t capacity = self->capacity ? self->capacity * 2 : 8;
    store_done_t *slots = plv_alloc_zero (capacity, sizeof *slots);
    for (size_t i = 0; i < self->count; i++)
        slots[i] = self->slots[(self->first + i) % self->capacity];
    free (self->slots);
    self->slots = slots;
    self->capacity = capacity;
    self->first = 0;
}

void store_queue_push (store_queue_t *self, const store_done_t *done)
{
    pthread_mutex_lock (&self->lock);
    if (self->count == self->capacity)
        grow (self);
    self->slots[(self->first + self->count++) % self->capacity] = *done;
    if (self->count == 1)
        raise_fd (self);
    pthread_mutex_unlock (&self->lock);
}

store_done_type_t store_queue_pop (store_queue_t *self, store_done_t *ret_done)
{
    store_done_type_t type = STORE_NOTHING;
    pthread_mutex_lock (&self->lock);
    if (self->count) {
        *ret_done = self->slots[self->first];
        type = ret_done->type;
        self->first = (self->first + 1) % self->capacity;
        if (--self->count == 0)
            lower_fd (self);
    }
    pthread_mutex_unlock (&self->lock);
    return type;
}
