#include "base/clock.h"
#include "base/wait.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

typedef struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool said;
} room_t;

static void *say (void *arg)
{
    room_t *room = arg;
    pthread_mutex_lock (&room->lock);
    room->said = true;
    pthread_cond_signal (&room->changed);
    pthread_mutex_unlock (&room->lock);
    return NULL;
}

static void it_ends_at_its_time (void **state)
{
    room_t room = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int64_t until_us = plv_clock_mono_us () + 20000;
    (void) state;
    assert_true (plv_wait_init (&room.changed));
    pthread_mutex_lock (&room.lock);
    while (plv_wait_until (&room.changed, &room.lock, until_us))
        continue;
    assert_true (plv_clock_mono_us () >= until_us);
    assert_false (plv_wait_until (&room.changed, &room.lock, 0)); /* long past */
    pthread_mutex_unlock (&room.lock);
    pthread_cond_destroy (&room.changed);
}

static void it_ends_when_something_is_said (void **state)
{
    const int64_t untils_us[] = {INT64_MAX, plv_clock_mono_us () + 60000000};
    (void) state;
    for (size_t i = 0; i < sizeof untils_us / sizeof *untils_us; i++) {
        room_t room = {.lock = PTHREAD_MUTEX_INITIALIZER};
        pthread_t thread;
        assert_true (plv_wait_init (&room.changed));
        pthread_mutex_lock (&room.lock);
        assert_int_equal (pthread_create (&thread, NULL, say, &room), 0);
        while (!room.said)
            assert_true (plv_wait_until (&room.changed, &room.lock, untils_us[i]));
        pthread_mutex_unlock (&room.lock);
        pthread_join (thread, NULL);
        pthread_cond_destroy (&room.changed);
    }
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (it_ends_at_its_time),
        cmocka_unit_test (it_ends_when_something_is_said),
    };
    return cmocka_run_group_tests_name ("wait", tests, NULL, NULL);
}
