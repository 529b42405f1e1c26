#include "palaver/interrupt.h"
#include "palaver/replay/letters.h"
#include "palaver/show/json.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*  Nothing is masked: what is saved before letters are thrown away is to be whole. So nobody else may read the
    file.  */

typedef struct {
    FILE *file;
    const char *path;
    plv_buf_t beside; /* the name that it has until it is whole */
} target_t;

static ending_t failed (const target_t *self)
{
    say ("%s: cannot be written: %s", self->path, strerror (errno));
    return END_PARTLY;
}

static ending_t open_target (target_t *self)
{
    if (strcmp (self->path, "-") == 0) {
        self->file = stdout;
        return END_OK;
    }
    text_putf (&self->beside, "%s.new", self->path);
    plv_buf_add_u8 (&self->beside, 0);
    plv_buf_check (&self->beside);
    if (access (self->path, F_OK) == 0) {
        say ("%s exists already; nothing was written", self->path);
        return END_PARTLY;
    }
    int fd = open ((const char *) self->beside.data,
                   O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    self->file = fd < 0 ? NULL : fdopen (fd, "w");
    return self->file ? END_OK : failed (self);
}

static ending_t close_target (target_t *self, bool whole)
{
    const char *beside = (const char *) self->beside.data;
    ending_t end = whole ? END_OK : END_PARTLY;
    if (!self->file || self->file == stdout)
        return end;
    bool good = fflush (self->file) == 0 && fsync (fileno (self->file)) == 0;
    good = fclose (self->file) == 0 && good;
    if (whole && (!good || rename (beside, self->path)))
        end = failed (self);
    if (end)
        unlink (beside);
    return end;
}

static bool put_letter (target_t *self, plv_view_t letter)
{
    plv_buf_t line = {0};
    json_put (&line, letter);
    plv_buf_add_u8 (&line, '\n');
    plv_buf_check (&line);
    bool good = fwrite (line.data, 1, line.size, self->file) == line.size;
    plv_buf_free (&line);
    return good;
}

static ending_t put_all (asker_t *asker, target_t *target, letters_t *letters, size_t *ret_done)
{
    progress_t progress = progress_new ("letters", letters->count);
    ending_t end = END_OK;
    plv_view_t letter;
    size_t done = 0;
    for (size_t i = 0; i < letters->count && !end && !interrupt_seen (); i++) {
        end = letters_whole (asker, letters->list[i].number, &letter);
        if (!end && !put_letter (target, letter))
            end = failed (target);
        done += end ? 0 : 1;
        letters->missing += end == END_NOTHING ? 1 : 0;
        end = end == END_NOTHING ? END_OK : end;
        progress_at (&progress, i + 1);
    }
    progress_end (&progress);
    if (!end && interrupt_seen ()) {
        say ("interrupted; the file was not written");
        end = END_PARTLY;
    }
    *ret_done = done;
    return end;
}

ending_t command_dead_export (call_t *call)
{
    asker_t asker;
    letters_t letters = {0};
    target_t target = {.path = call->operands[0]};
    size_t done = 0;
    /* the first operand is the file, the others are letters */
    call->operands++;
    call->operand_count--;
    interrupt_begin ();
    ending_t end = asker_open (&asker, call, 10);
    if (!end) {
        end = letters_choose (call, &asker, false, &letters);
        if (!end && letters.count == 0)
            end = END_NOTHING;
        if (!end)
            end = open_target (&target);
        if (!end)
            end = put_all (&asker, &target, &letters, &done);
        ending_t closed = close_target (&target, !end);
        end = end ? end : closed;
        if (!end && target.file != stdout)
            say ("%zu dead letter%s %s in %s", done, text_s (done), done == 1 ? "is" : "are",
                 target.path);
        if (!end && letters.missing)
            end = END_PARTLY;
        asker_close (&asker);
    }
    call->operands--;
    call->operand_count++;
    plv_buf_free (&target.beside);
    letters_free (&letters);
    return end;
}
