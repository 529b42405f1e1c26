#include "base/alloc.h"
#include "palaver/ask/ask.h"
#include "palaver/files.h"
#include "palaver/interrupt.h"
#include "palaver/show/progress.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct {
    progress_t progress;
    const char *dir;
} watch_t;

static bool look (void *arg)
{
    watch_t *self = arg;
    progress_at (&self->progress, files_bytes (self->dir) >> 10);
    return !interrupt_seen ();
}

static char *absolute (const char *dir)
{
    char *path = NULL, *here = NULL;
    if (dir[0] == '/')
        return plv_strdup (dir);
    here = getcwd (NULL, 0);
    if (asprintf (&path, "%s/%s", here ? here : ".", dir) < 0)
        plv_out_of_memory (strlen (dir));
    free (here);
    return path;
}

static void report (const call_t *call, const char *dir)
{
    plv_buf_t map = {0};
    if (call->out.json) {
        plv_mp_put_map (&map, 2);
        plv_mp_pair_text (&map, "dir", dir);
        plv_mp_pair_u64 (&map, "bytes", files_bytes (dir));
        out_json (plv_buf_view (&map));
    } else {
        say ("%s holds the data as of now; palaver restore %s makes a data directory of it", dir,
             dir);
    }
    plv_buf_free (&map);
}

ending_t command_backup (call_t *call)
{
    asker_t asker;
    plv_buf_t arguments = {0};
    char *dir = absolute (call->operands[0]);
    watch_t watch = {.progress = progress_new ("KiB", 0), .dir = dir};
    ending_t end = asker_open (&asker, call, 3600);
    if (end)
        goto done;
    interrupt_begin ();
    asker.wait = look;
    asker.wait_arg = &watch;
    plv_mp_put_map (&arguments, 1);
    plv_mp_pair_text (&arguments, "dir", dir);
    end = ask (&asker, "backup", &arguments, NULL);
    progress_end (&watch.progress);
    if (!end)
        report (call, dir);
    else if (interrupt_seen ())
        say ("interrupted, but the broker goes on: %s is there when it is whole", dir);
    asker_close (&asker);
done:
    plv_buf_free (&arguments);
    free (dir);
    return end;
}
