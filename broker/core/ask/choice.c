#include "core/ask/choice.h"

#include "base/limits.h"
#include "core/ask/control_answer.h"
#include "core/text.h"
#include "wire/mp.h"

/*  The words of a table, each with its NUL, one after the other. The same word may come twice.  */
static const char reasons[] =
#define DEADWHY(number, name, reason, outcome, meaning) reason "\0"
#include "core/dead/dead.def"
#undef DEADWHY
    ;

static const char outcomes[] =
#define DEADWHY(number, name, reason, outcome, meaning) outcome "\0"
#include "core/dead/dead.def"
#undef DEADWHY
    ;

static const char fates[] =
#define FATE(name, word, over, meaning) word "\0"
#include "wire/fates.def"
#undef FATE
    ;

static const char whats[] =
#define TAIL(name, what, meaning) what "\0"
#include "wire/tail.def"
#undef TAIL
    ;

static const char types[] =
#define EVENT(name, text, kept, meaning) text "\0"
#define FIELD(name, kind, max, need, meaning)
#define BODY(name, field, type, need, meaning)
#include "wire/events.def"
#undef EVENT
#undef FIELD
#undef BODY
    ;

typedef struct {
    command_t command;
    const char *key;
    const char *words;
} choice_t;

static const choice_t choices[] = {
    {COMMAND_DEAD_LIST, "reason", reasons},
    {COMMAND_DEAD_LIST, "outcome", outcomes},
    {COMMAND_DEAD_LIST, "type", types},
    {COMMAND_DEAD_STATS, "reason", reasons},
    {COMMAND_DEAD_STATS, "outcome", outcomes},
    {COMMAND_DEAD_STATS, "type", types},
    {COMMAND_EVENTS_LIST, "outcome", fates},
    {COMMAND_EVENTS_LIST, "type", types},
    {COMMAND_TAIL, "what", whats},
    {COMMAND_TAIL, "type", types},
};

/*  Of the words before `end`; NULL: of all.  */
static bool is_among (const char *words, const char *end, plv_view_t wanted)
{
    for (const char *word = words; word != end && *word; word += strlen (word) + 1)
        if (plv_view_is (wanted, word))
            return true;
    return false;
}

static void tell (core_t *self, peer_t *peer, uint64_t request, const choice_t *choice,
                  plv_view_t wanted)
{
    plv_buf_t list = {0};
    for (const char *word = choice->words; *word; word += strlen (word) + 1)
        if (!is_among (choice->words, word, plv_view_str (word))) {
            plv_buf_add_view (&list, plv_view_str (list.size ? ", " : ""));
            plv_buf_add_view (&list, plv_view_str (word));
        }
    plv_buf_add_u8 (&list, 0);
    plv_buf_check (&list);
    control_fail (self, peer, request, ERR_ARG,
                  "no %s is named \"" PLV_VIEW_FMT "\"; there are: %s", choice->key,
                  PLV_VIEW_ARG (text_cut (wanted, NAME_BYTES_MAX)), (const char *) list.data);
    plv_buf_free (&list);
}

bool choice_check (core_t *self, peer_t *peer, uint64_t request, command_t command,
                   plv_view_t arguments)
{
    for (size_t i = 0; i < sizeof choices / sizeof *choices; i++) {
        plv_view_t wanted = {0};
        if (choices[i].command == command)
            wanted = plv_mp_find_str (arguments, choices[i].key);
        if (wanted.size && !is_among (choices[i].words, NULL, wanted)) {
            tell (self, peer, request, &choices[i], wanted);
            return false;
        }
    }
    return true;
}
