#include "palaver/interrupt.h"
#include "palaver/listing.h"
#include "palaver/new_file.h"
#include "palaver/replay/letters.h"
#include "palaver/show/json.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"

#include <stdio.h>
#include <string.h>

/*  Nothing is masked: what is saved before letters are thrown away is to be whole. So nobody else may read the
    file.  */

static bool put_letter (FILE *file, plv_view_t letter)
{
    plv_buf_t line = {0};
    json_put (&line, letter);
    plv_buf_add_u8 (&line, '\n');
    plv_buf_check (&line);
    bool good = fwrite (line.data, 1, line.size, file) == line.size;
    plv_buf_free (&line);
    return good;
}

/*  `target` without a file: stdout.  */
static ending_t put_all (asker_t *asker, const new_file_t *target, letters_t *letters,
                         size_t *ret_done)
{
    FILE *file = target->file ? target->file : stdout;
    progress_t progress = progress_new ("letters", letters->count);
    ending_t end = END_OK;
    plv_view_t letter;
    size_t done = 0;
    for (size_t i = 0; i < letters->count && !end && !interrupt_seen (); i++) {
        end = letters_whole (asker, letters->list[i].number, &letter);
        if (!end && !put_letter (file, letter))
            end = new_file_failed (target);
        done += end ? 0 : 1;
        letters->missing += end == END_NOTHING ? 1 : 0;
        end = end == END_NOTHING ? END_OK : end;
        progress_at (&progress, i + 1);
    }
    progress_end (&progress);
    if (!target->file)
        end = listing_cut (end);
    else if (!end && interrupt_seen ()) {
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
    const char *path = call->operands[0];
    bool standard = strcmp (path, "-") == 0;
    new_file_t target = {.path = path};
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
            end = standard ? END_OK : new_file_begin (&target, path);
        if (!end)
            end = put_all (&asker, &target, &letters, &done);
        end = new_file_end (&target, end);
        if (!end && !standard)
            say ("%zu dead letter%s %s in %s", done, text_s (done), done == 1 ? "is" : "are", path);
        if (!end && letters.missing)
            end = END_PARTLY;
        asker_close (&asker);
    }
    call->operands--;
    call->operand_count++;
    letters_free (&letters);
    return end;
}
