#include "palaver/doc/generate.h"

#include "palaver/ask/call.h"

#include <string.h>

ending_t command_generate (call_t *call)
{
    const generated_t *file;
    plv_buf_t out = {0};
    for (size_t i = 0; (file = generated_at (i)); i++)
        if (strcmp (file->what, call->operands[0]) == 0)
            file->put (&out);
    if (out.size == 0) {
        say ("%s: man, conf, bash, zsh or fish", call->operands[0]);
        return END_NOTHING;
    }
    out_flush (&out);
    plv_buf_free (&out);
    return END_OK;
}
