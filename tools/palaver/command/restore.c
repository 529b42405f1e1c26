#include "base/alloc.h"
#include "palaver/ask/call.h"
#include "palaver/ask/where.h"
#include "palaver/files.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void report (const call_t *call, const char *data, uint64_t bytes)
{
    plv_buf_t map = {0};
    if (call->out.json) {
        plv_mp_put_map (&map, 2);
        plv_mp_pair_text (&map, "data", data);
        plv_mp_pair_u64 (&map, "bytes", bytes);
        out_json (plv_buf_view (&map));
    } else {
        say ("%s is ready: palaverd --data %s starts from it", data, data);
    }
    plv_buf_free (&map);
}

ending_t command_restore (call_t *call)
{
    plv_fail_t fail;
    uint64_t bytes;
    char *data = where_data (call_text (call, OPTION_DATA, ""));
    if (!data) {
        say ("no data directory: give one with --data DIR");
        return END_USAGE;
    }
    plv_err_t err = files_restore (call->operands[0], data, &bytes, &fail);
    if (err)
        say ("%s", fail.text);
    else
        report (call, data, bytes);
    free (data);
    return err ? END_PARTLY : END_OK;
}
