#include "sdk/internal.h"

enum { STATE_HEAD_BYTES = 5 }; /* of the map that the changes become */

/*  Takes the pair of `key` out of the changes, if there is one.  */
static void forget (plv_job_t *job, plv_view_t key)
{
    plv_mp_t at = plv_mp (plv_buf_view (&job->changed));
    while (!plv_mp_done (&at)) {
        const uint8_t *start = at.at;
        plv_view_t name;
        if (!plv_mp_str (&at, &name) || !plv_mp_skip (&at, NULL))
            return;
        if (plv_view_equal (name, key)) {
            memmove (job->changed.data + (start - job->changed.data), at.at,
                     (size_t) (at.end - at.at));
            job->changed.size -= (size_t) (at.at - start);
            job->changes--;
            return;
        }
    }
}

/*  A state of this pair alone: its value must be one, and no deeper than a state allows.  */
static plv_err_t make_state (plv_view_t name, plv_view_t value, plv_buf_t *state,
                             plv_fail_t *ret_fail)
{
    plv_mp_put_map (state, 1);
    plv_mp_put_str (state, name);
    plv_buf_add_view (state, value);
    if (state->failed)
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    if (plv_mp_valid (plv_buf_view (state), MP_MAP))
        return ERR_OK;
    return plv_fail (ret_fail, ERR_MSGPACK,
                     "state " PLV_VIEW_FMT ": not one whole value of msgpack, at most %d deep",
                     PLV_VIEW_ARG (name), MSGPACK_DEPTH_MAX - 1);
}

static plv_err_t add (plv_job_t *job, plv_view_t name, plv_view_t pair, plv_fail_t *ret_fail)
{
    if (job->changed.size + pair.size + STATE_HEAD_BYTES > STATE_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "state " PLV_VIEW_FMT ": more than %d bytes together",
                         PLV_VIEW_ARG (name), STATE_BYTES_MAX);
    if (!plv_buf_reserve (&job->changed, pair.size)) {
        job->changed.failed = false;
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    forget (job, name);
    plv_buf_add_view (&job->changed, pair);
    job->changes++;
    return ERR_OK;
}

plv_err_t plv_job_state_set (plv_job_t *job, const char *key, plv_view_t value,
                             plv_fail_t *ret_fail)
{
    plv_view_t name = plv_view_str (key);
    if (!name.size || name.size > KEY_BYTES_MAX || !plv_utf8_valid (name))
        return plv_fail (ret_fail, ERR_ARG, "a state key must be 1 to %d bytes of UTF-8",
                         KEY_BYTES_MAX);
    plv_buf_t state = {0};
    plv_err_t err = make_state (name, value, &state, ret_fail);
    if (!err)
        err = add (job, name, plv_view (state.data + 1, state.size - 1), ret_fail);
    plv_buf_free (&state);
    return err;
}

plv_err_t plv_job_state_set_text (plv_job_t *job, const char *key, const char *text,
                                  plv_fail_t *ret_fail)
{
    plv_buf_t value = {0};
    plv_mp_put_text (&value, text);
    plv_err_t err = value.failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory")
                                 : plv_job_state_set (job, key, plv_buf_view (&value), ret_fail);
    plv_buf_free (&value);
    return err;
}

plv_err_t plv_job_state_remove (plv_job_t *job, const char *key, plv_fail_t *ret_fail)
{
    return plv_job_state_set (job, key, plv_view ("\xc0", 1), ret_fail);
}
