#include "palaver/replay/letters.h"

#include "base/alloc.h"
#include "palaver/interrupt.h"
#include "palaver/show/out.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { PAGE = 1000 };

void letters_free (letters_t *self)
{
    free (self->list);
    *self = (letters_t){0};
}

static void add (letters_t *self, letter_t letter)
{
    if ((self->count & (self->count + 1)) == 0)
        self->list = plv_realloc (self->list, (2 * self->count + 2) * sizeof *self->list);
    self->list[self->count++] = letter;
}

letter_t letters_read (plv_view_t letter)
{
    return (letter_t){
        .number = ask_number (letter, "number"),
        .dead_us = (int64_t) ask_number (letter, "dead_us"),
        .attempts = ask_number (letter, "attempts"),
    };
}

static ending_t post_page (asker_t *asker, const filter_t *filter, uint64_t after, uint64_t limit)
{
    plv_buf_t arguments = {0};
    plv_fail_t fail;
    plv_mp_put_map (&arguments, 2 + filter->count);
    plv_mp_pair_u64 (&arguments, "after", after);
    plv_mp_pair_u64 (&arguments, "limit", limit);
    plv_buf_add_view (&arguments, plv_buf_view (&filter->pairs));
    plv_err_t err = ask_anew (asker, "dead.list", &arguments, &fail);
    plv_buf_free (&arguments);
    return err ? ask_lost (asker, &fail) : END_OK;
}

/*  `*limit` goes down by what the page has. False: no more are wanted.  */
static bool walk_page (plv_view_t body, letters_each_t *each, void *arg, uint64_t *limit)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count = 0;
    if (!plv_mp_find (body, "items", &items) || !plv_mp_array (&items, &count))
        return false;
    for (; count && *limit && plv_mp_skip (&items, &item); count--, --*limit)
        if (!each (arg, item))
            return false;
    return true;
}

/*  With `ahead` the next page is asked for before this one is looked at: then `each` may ask nothing itself.  */
static ending_t walk_all (asker_t *asker, const filter_t *filter, uint64_t after, uint64_t limit,
                          letters_each_t *each, void *arg, bool ahead)
{
    plv_view_t body;
    plv_buf_t page = {0};
    bool posted = false;
    ending_t end = END_OK;
    while (limit && !interrupt_seen ()) {
        if (!posted)
            end = post_page (asker, filter, after, limit < PAGE ? limit : PAGE);
        if (!end)
            end = ask_result (asker, &body);
        if (end)
            break;
        after = ask_number (body, "next");
        /* what is done with a letter may be a question of its own, which takes the place of this answer */
        plv_buf_clear (&page);
        plv_buf_add_view (&page, body);
        plv_buf_check (&page);
        posted = ahead && after && limit > PAGE;
        if (posted)
            end = post_page (asker, filter, after, limit - PAGE < PAGE ? limit - PAGE : PAGE);
        if (end || !walk_page (plv_buf_view (&page), each, arg, &limit) || !after)
            break;
    }
    plv_buf_free (&page);
    return end;
}

ending_t letters_walk (asker_t *asker, const filter_t *filter, uint64_t after, uint64_t limit,
                       letters_each_t *each, void *arg)
{
    return walk_all (asker, filter, after, limit, each, arg, true);
}

/*  What stands under `key`, a number or a text, is the one letter that is asked for.  */
static ending_t ask_letter (asker_t *asker, uint64_t number, const char *id, bool row,
                            plv_view_t *ret_items)
{
    plv_buf_t arguments = {0};
    plv_view_t body;
    plv_mp_t items;
    plv_mp_put_map (&arguments, 2);
    plv_mp_pair_bool (&arguments, "row", row);
    plv_mp_put_text (&arguments, id ? "id" : "number");
    if (id)
        plv_mp_put_text (&arguments, id);
    else
        plv_mp_put_u64 (&arguments, number);
    asker->quiet = true;
    ending_t end = ask (asker, "dead.show", &arguments, &body);
    asker->quiet = false;
    plv_buf_free (&arguments);
    if (!end && (!plv_mp_find (body, "items", &items) || !plv_mp_skip (&items, ret_items)))
        end = END_NOTHING;
    return end;
}

static ending_t show (asker_t *asker, uint64_t number, bool row, plv_view_t *ret_letter)
{
    plv_view_t items;
    uint32_t count;
    ending_t end = ask_letter (asker, number, NULL, row, &items);
    if (end)
        return end;
    plv_mp_t at = plv_mp (items);
    return plv_mp_array (&at, &count) && count && plv_mp_skip (&at, ret_letter) ? END_OK
                                                                                : END_NOTHING;
}

ending_t letters_show (asker_t *asker, uint64_t number, plv_view_t *ret_letter)
{
    return show (asker, number, false, ret_letter);
}

ending_t letters_whole (asker_t *asker, uint64_t number, plv_view_t *ret_letter)
{
    return show (asker, number, true, ret_letter);
}

static bool read_number (const char *text, uint64_t *ret_number)
{
    char *end;
    errno = 0;
    uint64_t number = strtoull (text, &end, 10);
    if (errno || end == text || *end || text[0] == '-')
        return false;
    *ret_number = number;
    return true;
}

static int by_number (const void *a, const void *b)
{
    const letter_t *one = a, *other = b;
    return (one->number > other->number) - (one->number < other->number);
}

static ending_t find_missing (const char *operand, size_t *missing)
{
    say ("%s: there is no such dead letter", operand);
    ++*missing;
    return END_OK;
}

/*  The letters of this id: an event is one, and so is an answer, which has an id of its own.  */
static ending_t find_id (asker_t *asker, const char *id, letters_t *named, size_t *missing)
{
    plv_view_t items, item;
    uint32_t count;
    ending_t end = ask_letter (asker, 0, id, false, &items);
    if (end == END_NOTHING)
        return find_missing (id, missing);
    if (end)
        return end;
    plv_mp_t at = plv_mp (items);
    plv_mp_array (&at, &count);
    while (count-- && plv_mp_skip (&at, &item))
        add (named, letters_read (item));
    return END_OK;
}

/*  Numbers of all operands, in order.  */
static ending_t read_operands (const call_t *call, asker_t *asker, letters_t *named,
                               size_t *missing)
{
    letter_t letter = {0};
    plv_id_t id;
    ending_t end = END_OK;
    for (size_t i = 0; i < call->operand_count; i++)
        if (!read_number (call->operands[i], &letter.number)
            && !plv_id_parse (call->operands[i], &id)) {
            say ("%s: neither the number of an entry nor the id of an event", call->operands[i]);
            return END_USAGE;
        }
    for (size_t i = 0; i < call->operand_count && !end; i++)
        if (read_number (call->operands[i], &letter.number))
            add (named, letter);
        else
            end = find_id (asker, call->operands[i], named, missing);
    if (named->count)
        qsort (named->list, named->count, sizeof *named->list, by_number);
    return end;
}

static ending_t find_named (const call_t *call, asker_t *asker, letters_each_t *each, void *arg,
                            size_t *missing)
{
    letters_t named = {0};
    plv_view_t letter;
    plv_buf_t copy = {0};
    char number[24];
    ending_t end = read_operands (call, asker, &named, missing);
    for (size_t i = 0; i < named.count && !end; i++) {
        if (i && named.list[i].number == named.list[i - 1].number)
            continue;
        end = letters_show (asker, named.list[i].number, &letter);
        snprintf (number, sizeof number, "%llu", (unsigned long long) named.list[i].number);
        if (end) {
            end = end == END_NOTHING ? find_missing (number, missing) : end;
            continue;
        }
        plv_buf_clear (&copy);
        plv_buf_add_view (&copy, letter);
        plv_buf_check (&copy);
        if (!each (arg, plv_buf_view (&copy)))
            break;
    }
    plv_buf_free (&copy);
    letters_free (&named);
    return end;
}

static ending_t check_choice (const call_t *call, const filter_t *filter)
{
    bool all = call_has (call, OPTION_ALL);
    if (call->operand_count && (all || filter->count)) {
        say ("%s and single letters exclude each other", all ? "--all" : "filters");
        return END_USAGE;
    }
    if (call->operand_count || all || filter->count)
        return END_OK;
    say ("which? Name letters by number or id (palaver dead list shows them), or filter them%s",
         call->command->options & WITH_ALL ? ", or say --all" : "");
    return END_USAGE;
}

ending_t letters_find (const call_t *call, asker_t *asker, bool ahead, letters_each_t *each,
                       void *arg, size_t *ret_missing)
{
    filter_t filter = filter_of (call);
    size_t missing = 0;
    bool (*waits) (void *wait_arg) = asker->wait;
    asker->wait = ask_until_interrupt;
    ending_t end = check_choice (call, &filter);
    if (!end && call->operand_count)
        end = find_named (call, asker, each, arg, &missing);
    else if (!end)
        end = walk_all (asker, &filter, 0, (uint64_t) call_number (call, OPTION_LIMIT, INT64_MAX),
                        each, arg, ahead);
    filter_free (&filter);
    asker->wait = waits;
    if (interrupt_seen () && end != END_UNREACHABLE) {
        say ("interrupted; nothing was done");
        end = END_PARTLY;
    }
    if (!end)
        *ret_missing = missing;
    return end;
}

typedef struct {
    letters_t letters;
    bool skip_unknown;
} choice_t;

static bool choose (void *arg, plv_view_t letter)
{
    choice_t *self = arg;
    if (self->skip_unknown && plv_view_is (plv_mp_find_str (letter, "outcome"), "unknown"))
        self->letters.unknown++;
    else
        add (&self->letters, letters_read (letter));
    return true;
}

ending_t letters_choose (const call_t *call, asker_t *asker, bool skip_unknown,
                         letters_t *ret_letters)
{
    choice_t choice = {.skip_unknown = skip_unknown};
    ending_t end = letters_find (call, asker, true, choose, &choice, &choice.letters.missing);
    if (end)
        letters_free (&choice.letters);
    else
        *ret_letters = choice.letters;
    return end;
}

static bool answered_yes (void)
{
    char line[16] = "";
    interrupt_cuts_reads (true);
    if (!fgets (line, sizeof line, stdin))
        fputc ('\n', stderr);
    interrupt_cuts_reads (false);
    return strcasecmp (line, "y\n") == 0 || strcasecmp (line, "yes\n") == 0;
}

ending_t letters_confirm_of (const call_t *call, size_t count, const char *what, const char *thing)
{
    if (count == 0 || call_has (call, OPTION_YES) || call_has (call, OPTION_DRY_RUN))
        return END_OK;
    if (!isatty (STDIN_FILENO) || !isatty (STDERR_FILENO)) {
        say ("%s %zu %s%s? There is no terminal to ask on: say --yes", what, count, thing,
             text_s (count));
        return END_USAGE;
    }
    out_push ();
    fprintf (stderr, "%s %zu %s%s? [y/N] ", what, count, thing, text_s (count));
    if (answered_yes ())
        return END_OK;
    say ("nothing was done");
    return END_PARTLY;
}

ending_t letters_confirm (const call_t *call, size_t count, const char *what)
{
    return letters_confirm_of (call, count, what, "dead letter");
}
