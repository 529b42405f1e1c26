#include "sdk/internal.h"

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

static bool one_value (plv_view_t value)
{
    plv_mp_t at = plv_mp (value);
    return plv_mp_valid (value, plv_mp_peek (&at));
}

plv_err_t plv_job_state_set (plv_job_t *job, const char *key, plv_view_t value,
                             plv_fail_t *ret_fail)
{
    plv_view_t name = plv_view_str (key);
    if (!name.size || name.size > KEY_BYTES_MAX || !plv_utf8_valid (name))
        return plv_fail (ret_fail, ERR_ARG, "a state key must be 1 to %d bytes of UTF-8",
                         KEY_BYTES_MAX);
    if (!one_value (value))
        return plv_fail (ret_fail, ERR_MSGPACK, "state %s: not one whole value of msgpack", key);
    if (job->changed.size + name.size + value.size + 16 > STATE_BYTES_MAX)
        return plv_fail (ret_fail, ERR_RANGE, "state %s: more than %d bytes together", key,
                         STATE_BYTES_MAX);
    if (!plv_buf_reserve (&job->changed, name.size + value.size + 16)) {
        job->changed.failed = false;
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    forget (job, name);
    plv_mp_put_str (&job->changed, name);
    plv_buf_add_view (&job->changed, value);
    job->changes++;
    return ERR_OK;
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
