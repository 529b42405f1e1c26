#include "base/bytes.h"
#include "core/state/dedup.h"

void dedup_run_add (plv_buf_t *run, const dedup_key_t *key, uint32_t expires_s)
{
    uint8_t number[4] = {0};
    if (run->size == 0)
        plv_buf_add (run, number, sizeof number);
    if (!plv_buf_reserve (run, DEDUP_RUN_ENTRY_BYTES))
        return;
    if (plv_get_u32 (run->data) < expires_s)
        plv_put_u32 (run->data, expires_s);
    plv_put_u32 (number, expires_s);
    plv_buf_add (run, key->bytes, sizeof key->bytes);
    plv_buf_add (run, number, sizeof number);
}

static bool dedup_run_valid (plv_view_t run)
{
    return run.size >= DEDUP_RUN_HEAD_BYTES
           && (run.size - DEDUP_RUN_HEAD_BYTES) % DEDUP_RUN_ENTRY_BYTES == 0;
}

uint32_t dedup_run_expires (plv_view_t run)
{
    return dedup_run_valid (run) ? plv_get_u32 (run.data) : 0;
}

plv_err_t dedup_run_read (dedup_t *self, plv_view_t run, uint32_t now_s, plv_fail_t *ret_fail)
{
    if (!dedup_run_valid (run))
        return plv_fail (ret_fail, ERR_CORRUPT,
                         "a run of platform ids has %zu bytes, which is no "
                         "whole number of ids",
                         run.size);
    const uint8_t *end = run.data + run.size;
    for (const uint8_t *at = run.data + DEDUP_RUN_HEAD_BYTES; at < end;
         at += DEDUP_RUN_ENTRY_BYTES) {
        dedup_key_t key;
        memcpy (key.bytes, at, sizeof key.bytes);
        uint32_t expires_s = plv_get_u32 (at + DEDUP_KEY_BYTES);
        if (expires_s > now_s)
            dedup_keep (self, &key, expires_s);
    }
    return ERR_OK;
}
