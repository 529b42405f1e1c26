#include "palaver/interrupt.h"
#include "palaver/listing.h"
#include "palaver/new_file.h"
#include "palaver/replay/letters.h"
#include "palaver/show/json.h"
#include "palaver/show/progress.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NAMED_MAX = 20 };

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

/*  A letter can be put back by its row, which the broker leaves out of one that is very large.  */
static bool can_return (plv_view_t letter)
{
    plv_mp_t row;
    return plv_mp_find (letter, "row", &row) && plv_mp_peek (&row) == MP_BIN;
}

/*  What was saved, and how much of it cannot be put back.  */
typedef struct {
    size_t done, partly;
} saved_t;

static void note (saved_t *saved, uint64_t number, plv_view_t letter)
{
    saved->done++;
    if (can_return (letter))
        return;
    if (saved->partly++ < NAMED_MAX)
        say ("letter %" PRIu64 " is too large to be put back: it is saved to be read, no more",
             number);
    else if (saved->partly == NAMED_MAX + 1)
        say ("there are more that are too large");
}

/*  `target` without a file: stdout.  */
static ending_t put_all (asker_t *asker, const new_file_t *target, letters_t *letters,
                         saved_t *saved)
{
    FILE *file = target->file ? target->file : stdout;
    progress_t progress = progress_new ("letters", letters->count);
    ending_t end = END_OK;
    plv_view_t letter;
    for (size_t i = 0; i < letters->count && !end && !interrupt_seen (); i++) {
        end = letters_whole (asker, letters->list[i].number, &letter);
        if (!end && !put_letter (file, letter))
            end = new_file_failed (target);
        if (!end)
            note (saved, letters->list[i].number, letter);
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
    return end;
}

static ending_t choose (call_t *call, asker_t *asker, letters_t *letters)
{
    ending_t end = letters_choose (call, asker, false, letters);
    if (end || letters->count)
        return end;
    if (letters->missing == 0)
        say ("no dead letters pass the filters; nothing was written");
    return END_NOTHING;
}

ending_t command_dead_export (call_t *call)
{
    asker_t asker;
    letters_t letters = {0};
    const char *path = call->operands[0];
    bool standard = strcmp (path, "-") == 0;
    new_file_t target = {.path = path};
    saved_t saved = {.done = 0};
    /* the first operand is the file, the others are letters */
    call->operands++;
    call->operand_count--;
    interrupt_begin ();
    ending_t end = standard ? END_OK : new_file_check (path);
    if (!end)
        end = asker_open (&asker, call, 10);
    if (!end) {
        end = choose (call, &asker, &letters);
        if (!end)
            end = standard ? END_OK : new_file_begin (&target, path);
        if (!end)
            end = put_all (&asker, &target, &letters, &saved);
        end = new_file_end (&target, end);
        if (!end && !standard)
            say ("%zu dead letter%s %s in %s", saved.done, text_s (saved.done),
                 saved.done == 1 ? "is" : "are", path);
        if (!end && (letters.missing || saved.partly))
            end = END_PARTLY;
        asker_close (&asker);
    }
    call->operands--;
    call->operand_count++;
    letters_free (&letters);
    return end;
}
