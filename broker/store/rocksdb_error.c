#include "store/rocksdb.h"

#include "store/error.h"

plv_err_t rdb_error (plv_fail_t *ret_fail, const char *dir, const char *doing, char *text)
{
    plv_err_t err = store_error (ret_fail, dir, doing, text);
    rocksdb_free (text);
    return err;
}
