#include "palaver/letters.h"

#include "base/alloc.h"
#include "palaver/interrupt.h"
#include "palaver/progress.h"
#include "palaver/text.h"
#include "wire/mp.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PAGE = 1000, STEP = 200 };

void letters_free (letters_t *self)
{
    free (self->numbers);
    *self = (letters_t){0};
}

static void add (letters_t *self, uint64_t number)
{
    if ((self->count & (self->count + 1)) == 0)
        self->numbers = plv_realloc (self->numbers, (2 * self->count + 2) * sizeof *self->numbers);
    self->numbers[self->count++] = number;
}

static uint64_t number_in (plv_view_t map, const char *key)
{
    plv_mp_t value;
    uint64_t number = 0;
    if (plv_mp_find (map, key, &value))
        plv_mp_u64 (&value, &number);
    return number;
}

static ending_t ask_page (asker_t *asker, uint64_t after, uint64_t limit, plv_view_t *ret_body)
{
    plv_buf_t arguments = {0};
    plv_mp_put_map (&arguments, 2);
    plv_mp_put_text (&arguments, "after");
    plv_mp_put_u64 (&arguments, after);
    plv_mp_put_text (&arguments, "limit");
    plv_mp_put_u64 (&arguments, limit);
    ending_t end = ask (asker, "dead.list", &arguments, ret_body);
    plv_buf_free (&arguments);
    return end;
}

/*  `*limit` goes down by what the page has. False: no more are wanted.  */
static bool walk_page (plv_view_t body, letters_each_t *each, void *arg, uint64_t *limit)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count = 0;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count))
        return false;
    for (; count && plv_mp_skip (&items, &item); count--, --*limit)
        if (!each (arg, item))
            return false;
    return true;
}

ending_t letters_walk (asker_t *asker, uint64_t after, uint64_t limit, letters_each_t *each,
                       void *arg)
{
    plv_view_t body;
    while (limit && !interrupt_seen ()) {
        ending_t end = ask_page (asker, after, limit < PAGE ? limit : PAGE, &body);
        if (end)
            return end;
        if (!walk_page (body, each, arg, &limit))
            return END_OK;
        after = number_in (body, "next");
        if (!after)
            return END_OK;
    }
    return END_OK;
}

/*  A LETTER of the command line.  */
typedef struct {
    const char *text;
    bool by_number;
    uint64_t number;
    bool found;
} wanted_t;

typedef struct {
    letters_t *letters;
    wanted_t *wanted;
    size_t wanted_count; /* 0: all */
    size_t left;
    bool skip_unknown;
} choice_t;

static bool matches (const wanted_t *wanted, uint64_t number, plv_view_t id)
{
    return wanted->by_number
               ? wanted->number == number
               : id.size == strlen (wanted->text)
                     && strncasecmp ((const char *) id.data, wanted->text, id.size) == 0;
}

static bool is_wanted (choice_t *self, uint64_t number, plv_view_t id)
{
    bool any = self->wanted_count == 0;
    for (size_t i = 0; i < self->wanted_count; i++) {
        if (!matches (&self->wanted[i], number, id))
            continue;
        self->left -= self->wanted[i].found ? 0 : 1;
        self->wanted[i].found = true;
        any = true;
    }
    return any;
}

static bool choose (void *arg, plv_view_t letter)
{
    choice_t *self = arg;
    uint64_t number = number_in (letter, "number");
    if (!is_wanted (self, number, plv_mp_find_str (letter, "id")))
        return true;
    if (self->skip_unknown && plv_view_is (plv_mp_find_str (letter, "outcome"), "unknown"))
        self->letters->unknown++;
    else
        add (self->letters, number);
    return self->wanted_count == 0 || self->left > 0;
}

static bool read_wanted (const char *text, wanted_t *ret_wanted)
{
    plv_id_t id;
    char *end;
    errno = 0;
    *ret_wanted = (wanted_t){.text = text, .number = strtoull (text, &end, 10)};
    ret_wanted->by_number = !errno && end != text && *end == '\0' && text[0] != '-';
    return ret_wanted->by_number || plv_id_parse (text, &id);
}

/*  Where the walk may begin: behind what no operand can be.  */
static uint64_t begin_behind (const choice_t *self)
{
    uint64_t least = UINT64_MAX;
    for (size_t i = 0; i < self->wanted_count; i++) {
        uint64_t number = self->wanted[i].by_number ? self->wanted[i].number : 1;
        least = number < least ? number : least;
    }
    return self->wanted_count && least ? least - 1 : 0;
}

static void say_missing (choice_t *self)
{
    for (size_t i = 0; i < self->wanted_count; i++) {
        if (self->wanted[i].found)
            continue;
        say ("%s: there is no such dead letter", self->wanted[i].text);
        self->letters->missing++;
    }
}

static ending_t check_choice (const call_t *call, choice_t *self)
{
    bool all = call_has (call, OPTION_ALL);
    if (all == (call->operand_count > 0)) {
        say (
            all ? "--all and single letters exclude each other"
                : "which? Name letters by number or id (palaver dead list shows them), or say --all");
        return END_USAGE;
    }
    for (size_t i = 0; i < call->operand_count; i++)
        if (!read_wanted (call->operands[i], &self->wanted[i])) {
            say ("%s: neither the number of an entry nor the id of an event", call->operands[i]);
            return END_USAGE;
        }
    return END_OK;
}

ending_t letters_choose (const call_t *call, asker_t *asker, bool skip_unknown,
                         letters_t *ret_letters)
{
    letters_t letters = {0};
    choice_t choice = {
        .letters = &letters,
        .wanted = plv_alloc_zero (call->operand_count + 1, sizeof (wanted_t)),
        .wanted_count = call->operand_count,
        .left = call->operand_count,
        .skip_unknown = skip_unknown,
    };
    ending_t end = check_choice (call, &choice);
    if (!end)
        end = letters_walk (asker, begin_behind (&choice), UINT64_MAX, choose, &choice);
    if (!end && interrupt_seen ()) {
        say ("interrupted; nothing was done");
        end = END_PARTLY;
    }
    if (!end)
        say_missing (&choice);
    free (choice.wanted);
    if (end)
        letters_free (&letters);
    else
        *ret_letters = letters;
    return end;
}

static ending_t apply_step (const call_t *call, asker_t *asker, const char *command,
                            const letters_t *letters, size_t from, size_t count,
                            plv_view_t *ret_body)
{
    plv_buf_t arguments = {0};
    plv_mp_put_map (&arguments, 4);
    plv_mp_put_text (&arguments, "allow_duplicates");
    plv_mp_put_bool (&arguments, call_has (call, OPTION_DUPLICATES));
    plv_mp_put_text (&arguments, "numbers");
    plv_mp_put_array (&arguments, (uint32_t) count);
    for (size_t i = 0; i < count; i++)
        plv_mp_put_u64 (&arguments, letters->numbers[from + i]);
    plv_mp_put_text (&arguments, "who");
    plv_mp_put_text (&arguments, call_who (call));
    plv_mp_put_text (&arguments, "reason");
    plv_mp_put_text (&arguments, call_text (call, OPTION_REASON, ""));
    ending_t end = ask (asker, command, &arguments, ret_body);
    plv_buf_free (&arguments);
    return end;
}

ending_t letters_apply (const call_t *call, asker_t *asker, const char *command, letters_t *letters,
                        size_t *ret_done)
{
    progress_t progress = progress_new ("letters", letters->count);
    ending_t end = END_OK;
    size_t at = 0, done = 0;
    while (at < letters->count && !end && !interrupt_seen ()) {
        size_t count = letters->count - at < STEP ? letters->count - at : STEP;
        plv_view_t body = {0};
        end = apply_step (call, asker, command, letters, at, count, &body);
        /* the broker says NOENT when all of a step are gone: somebody else was quicker */
        bool counted = !end || (end == END_NOTHING && plv_mp_find_str (body, "text").size == 0);
        if (!counted)
            break;
        end = END_OK;
        done += number_in (body, "done");
        letters->missing += count - number_in (body, "done");
        at += count;
        progress_at (&progress, at);
    }
    progress_end (&progress);
    if (at < letters->count && !end) {
        say ("interrupted: %zu letters were left as they are; the same command goes on with them",
             letters->count - at);
        end = END_PARTLY;
    }
    *ret_done = done;
    return end;
}

static bool answered_yes (void)
{
    char line[16] = "";
    if (!fgets (line, sizeof line, stdin))
        fputc ('\n', stderr);
    return strcmp (line, "y\n") == 0 || strcmp (line, "yes\n") == 0 || strcmp (line, "Y\n") == 0;
}

ending_t letters_confirm (const call_t *call, const letters_t *letters, const char *what)
{
    if (letters->count == 0 || call_has (call, OPTION_YES) || call_has (call, OPTION_DRY_RUN))
        return END_OK;
    if (!isatty (STDIN_FILENO) || !isatty (STDERR_FILENO)) {
        say ("%s %zu dead letters? There is no terminal to ask on: say --yes", what,
             letters->count);
        return END_USAGE;
    }
    fflush (stdout);
    fprintf (stderr, "%s %zu dead letter%s? [y/N] ", what, letters->count,
             letters->count == 1 ? "" : "s");
    if (answered_yes ())
        return END_OK;
    say ("nothing was done");
    return END_PARTLY;
}

static void put_pair (plv_buf_t *map, const char *key, size_t number)
{
    plv_mp_put_text (map, key);
    plv_mp_put_u64 (map, number);
}

ending_t letters_report (const call_t *call, const letters_t *letters, const char *done_key,
                         size_t done, ending_t end)
{
    bool dry = call_has (call, OPTION_DRY_RUN);
    plv_buf_t map = {0};
    if (call->out.json) {
        plv_mp_put_map (&map, 4);
        put_pair (&map, done_key, done);
        put_pair (&map, "missing", letters->missing);
        put_pair (&map, "unknown", letters->unknown);
        plv_mp_put_text (&map, "dry_run");
        plv_mp_put_bool (&map, dry);
        out_json (plv_buf_view (&map));
    } else {
        text_putf (&map, "%s %zu%s, missing %zu", done_key, done, dry ? " (dry run)" : "",
                   letters->missing);
        text_putf (&map,
                   letters->unknown ? ", left out because their outcome is unknown %zu\n" : "\n",
                   letters->unknown);
        out_flush (&map);
    }
    plv_buf_free (&map);
    if (letters->unknown && !call->out.json)
        say ("--allow-duplicates takes those of unknown outcome too");
    if (end)
        return end;
    if (done == 0)
        return letters->missing || !letters->unknown ? END_NOTHING : END_PARTLY;
    return letters->missing ? END_PARTLY : END_OK;
}
