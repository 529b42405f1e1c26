#include "palaver/ask/ask.h"
#include "palaver/interrupt.h"
#include "palaver/show/text.h"
#include "wire/json.h"
#include "wire/mp.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  A file of dead export is read line by line and handed over in batches; nothing of it stays in memory.  */

enum { BATCH_LETTERS = 200, BATCH_BYTES = 512 * 1024, WORST_SHOWN = 20 };

typedef struct {
    const call_t *call;
    asker_t asker;
    const char *path;
    FILE *file;
    uint64_t line; /* that was read last */
    uint64_t imported, there, broken;
    plv_buf_t numbers, rows; /* encoded, of the batch that gathers */
    uint64_t lines[BATCH_LETTERS];
    uint32_t count;
} import_t;

static void say_broken (import_t *self, uint64_t line, const char *why)
{
    if (self->broken++ < WORST_SHOWN)
        say ("%s:%" PRIu64 ": %s", self->path, line, why);
    else if (self->broken == WORST_SHOWN + 1)
        say ("%s: there are more broken lines", self->path);
}

/*  For the record: where the file lies is nobody's business.  */
static const char *name_of (const char *path)
{
    const char *slash = strrchr (path, '/');
    return strcmp (path, "-") == 0 ? "stdin" : slash ? slash + 1 : path;
}

static void put_batch (import_t *self, plv_buf_t *arguments)
{
    plv_mp_put_map (arguments, 5);
    plv_mp_put_text (arguments, "file");
    plv_mp_put_text (arguments, name_of (self->path));
    plv_mp_pair_text (arguments, "who", call_who (self->call));
    plv_mp_pair_bool (arguments, "dry_run", call_has (self->call, OPTION_DRY_RUN));
    plv_mp_put_text (arguments, "numbers");
    plv_mp_put_array (arguments, self->count);
    plv_buf_add_view (arguments, plv_buf_view (&self->numbers));
    plv_mp_put_text (arguments, "rows");
    plv_mp_put_array (arguments, self->count);
    plv_buf_add_view (arguments, plv_buf_view (&self->rows));
    plv_buf_check (arguments);
}

static void take_broken (import_t *self, plv_view_t body)
{
    plv_mp_t list;
    uint32_t count;
    uint64_t index;
    if (!plv_mp_find (body, "broken", &list) || !plv_mp_array (&list, &count))
        return;
    while (count-- && plv_mp_u64 (&list, &index) && index < self->count)
        say_broken (self, self->lines[index], "its row is damaged, or of a newer release");
}

/*  Another import at the same moment: the broker takes one at a time.  */
static ending_t ask_until_free (import_t *self, const plv_buf_t *arguments, plv_view_t *ret_body)
{
    ending_t end;
    uint64_t wait_ms;
    do {
        *ret_body = plv_view (NULL, 0);
        self->asker.quiet = true;
        end = ask (&self->asker, "dead.import", arguments, ret_body);
        wait_ms = end == END_PARTLY ? ask_number (*ret_body, "retry_after_ms") : 0;
        if (wait_ms)
            ask_rest (&self->asker, (int64_t) wait_ms * 1000);
    } while (wait_ms && !interrupt_seen ());
    if (end && end != END_UNREACHABLE && !wait_ms)
        say (PLV_VIEW_FMT, PLV_VIEW_ARG (plv_mp_find_str (*ret_body, "text")));
    return end;
}

static ending_t flush (import_t *self)
{
    plv_buf_t arguments = {0};
    plv_view_t body;
    if (self->count == 0)
        return END_OK;
    put_batch (self, &arguments);
    ending_t end = ask_until_free (self, &arguments, &body);
    if (!end) {
        self->imported += ask_number (body, "done");
        self->there += ask_number (body, "there");
        take_broken (self, body);
    }
    plv_buf_free (&arguments);
    plv_buf_clear (&self->numbers);
    plv_buf_clear (&self->rows);
    self->count = 0;
    return end;
}

/*  The bytes of the letter's `row`, which is base64 in the file. False: there is none.  */
static bool read_row (plv_view_t letter, plv_buf_t *row)
{
    plv_view_t text = plv_mp_find_str (letter, "row");
    uint8_t *bytes = malloc (text.size + 1);
    size_t size = 0;
    bool good = bytes && text.size
                && sodium_base642bin (bytes, text.size, (const char *) text.data, text.size, NULL,
                                      &size, NULL, sodium_base64_VARIANT_ORIGINAL)
                       == 0;
    if (good)
        plv_buf_add (row, bytes, size);
    free (bytes);
    return good && size > 0;
}

static ending_t take_line (import_t *self, plv_view_t text)
{
    plv_buf_t letter = {0}, row = {0};
    plv_fail_t fail;
    ending_t end = END_OK;
    if (plv_json_to_mp (&letter, text, PLV_JSON_OBJECT, &fail)) {
        say_broken (self, self->line, "it is no JSON object");
    } else if (!read_row (plv_buf_view (&letter), &row)) {
        say_broken (self, self->line,
                    "it has no \"row\": not a letter that dead export saved whole");
    } else {
        if (self->rows.size + row.size > BATCH_BYTES)
            end = flush (self);
        plv_mp_put_u64 (&self->numbers, ask_number (plv_buf_view (&letter), "number"));
        plv_mp_put_bin (&self->rows, plv_buf_view (&row));
        self->lines[self->count++] = self->line;
        if (!end && self->count == BATCH_LETTERS)
            end = flush (self);
    }
    plv_buf_free (&letter);
    plv_buf_free (&row);
    return end;
}

static ending_t read_all (import_t *self)
{
    char *text = NULL;
    size_t capacity = 0;
    ssize_t size;
    ending_t end = END_OK;
    while (!end && !interrupt_seen () && (size = getline (&text, &capacity, self->file)) >= 0) {
        self->line++;
        if (strspn (text, " \t\r\n") < (size_t) size)
            end = take_line (self, plv_view (text, (size_t) size));
    }
    free (text);
    if (!end)
        end = flush (self);
    if (end != END_UNREACHABLE && interrupt_seen ()) {
        say ("interrupted: what follows was not put back; the same command goes on with it");
        end = END_PARTLY;
    } else if (!end && ferror (self->file)) {
        say ("%s: cannot be read: %s", self->path, strerror (errno));
        end = END_PARTLY;
    }
    return end;
}

static ending_t report (const import_t *self, ending_t end)
{
    plv_buf_t map = {0};
    bool dry = call_has (self->call, OPTION_DRY_RUN);
    if (self->call->out.json) {
        plv_mp_put_map (&map, 4);
        plv_mp_pair_u64 (&map, "imported", self->imported);
        plv_mp_pair_u64 (&map, "there", self->there);
        plv_mp_pair_u64 (&map, "broken", self->broken);
        plv_mp_pair_bool (&map, "dry_run", dry);
        out_json (plv_buf_view (&map));
        plv_buf_free (&map);
    } else {
        say ("%" PRIu64 " letter%s %s put back, %" PRIu64 " already there, %" PRIu64
             " broken line%s",
             self->imported, text_s (self->imported),
             dry                   ? "would be"
             : self->imported == 1 ? "was"
                                   : "were",
             self->there, self->broken, text_s (self->broken));
    }
    if (end || self->broken)
        return end ? end : END_PARTLY;
    return self->imported + self->there ? END_OK : END_NOTHING;
}

ending_t command_dead_import (call_t *call)
{
    import_t import = {.call = call, .path = call->operands[0]};
    bool standard = strcmp (import.path, "-") == 0;
    import.file = standard ? stdin : fopen (import.path, "re");
    if (!import.file) {
        say ("%s: cannot be read: %s", import.path, strerror (errno));
        return END_PARTLY;
    }
    interrupt_begin ();
    interrupt_cuts_reads (true);
    ending_t end = asker_open (&import.asker, call, 30);
    if (!end) {
        end = report (&import, read_all (&import));
        asker_close (&import.asker);
    }
    plv_buf_free (&import.numbers);
    plv_buf_free (&import.rows);
    if (!standard)
        fclose (import.file);
    return end;
}
