#include "wire/protocol_doc.h"

#include "base/limits.h"
#include "wire/event.h"
#include "wire/frame.h"
#include "wire/mp.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void add (plv_buf_t *page, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static void add (plv_buf_t *page, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start (arguments, format);
    int size = vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    if (size > 0)
        plv_buf_add (page, text, (size_t) size < sizeof text ? (size_t) size : sizeof text - 1);
}

typedef struct {
    const char *name;
    long long value;
    const char *meaning;
} number_t;

static const number_t LIMITS[] = {
#define LIMIT(name, value, meaning) {#name, (value), (meaning)},
#include "base/limits.def"
#undef LIMIT
};

static const number_t CONSTANTS[] = {
    {"PLV_WIRE_MAJOR", PLV_WIRE_MAJOR, ""},
    {"PLV_WIRE_MINOR", PLV_WIRE_MINOR, ""},
};

static const number_t *find_number (plv_view_t name)
{
    for (size_t i = 0; i < sizeof LIMITS / sizeof LIMITS[0]; i++) {
        if (plv_view_is (name, LIMITS[i].name))
            return &LIMITS[i];
    }
    for (size_t i = 0; i < sizeof CONSTANTS / sizeof CONSTANTS[0]; i++) {
        if (plv_view_is (name, CONSTANTS[i].name))
            return &CONSTANTS[i];
    }
    return NULL;
}

static void add_limits (plv_buf_t *page, const char *unused)
{
    (void) unused;
    add (page, "| limit | value | of |\n|---|---:|---|\n");
    for (size_t i = 0; i < sizeof LIMITS / sizeof LIMITS[0]; i++)
        add (page, "| `%s` | %lld | %s |\n", LIMITS[i].name, LIMITS[i].value, LIMITS[i].meaning);
}

static void add_errors (plv_buf_t *page, const char *unused)
{
    (void) unused;
    add (page, "| code | meaning |\n|---|---|\n");
    for (unsigned i = 1; i < ERR_COUNT_; i++)
        add (page, "| `%s` | %s |\n", plv_err_name ((plv_err_t) i), plv_err_text ((plv_err_t) i));
}

typedef struct {
    const char *group;
    const char *word;
    const char *type;
    const char *standard;
    const char *meaning;
} word_t;

static const word_t WORDS[] = {
#define WORD(group, word, meaning) {#group, #word, NULL, NULL, (meaning)},
#define OPTION(map, key, type, standard, meaning) {#map, #key, (type), (standard), (meaning)},
#include "wire/words.def"
#undef WORD
#undef OPTION
#define TAIL(name, text, meaning) {"TAIL", (text), NULL, NULL, (meaning)},
#include "wire/tail.def"
#undef TAIL
#define FATE(name, word, over, meaning) {"FATE", (word), NULL, NULL, (meaning)},
#include "wire/fates.def"
#undef FATE
#define HOP(name, word, meaning) {"HOP", (word), NULL, NULL, (meaning)},
#include "wire/hops.def"
#undef HOP
};

/*  Do the options of this map have a value when they are missing, or must they be there?  */
static bool has_standards (const char *group)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (!strcmp (WORDS[i].group, group) && WORDS[i].standard && WORDS[i].standard[0])
            return true;
    }
    return false;
}

static void add_words (plv_buf_t *page, const char *group)
{
    add (page, "| word | meaning |\n|---|---|\n");
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (!strcmp (WORDS[i].group, group))
            add (page, "| `%s` | %s |\n", WORDS[i].word, WORDS[i].meaning);
    }
}

static void add_options (plv_buf_t *page, const char *group)
{
    bool standards = has_standards (group);
    add (page, standards ? "| key | type | when missing | meaning |\n|---|---|---|---|\n"
                         : "| key | type | meaning |\n|---|---|---|\n");
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        const word_t *word = &WORDS[i];
        if (strcmp (word->group, group))
            continue;
        add (page, "| `%s` | %s |", word->word, word->type);
        if (standards)
            add (page, " %s |", word->standard);
        add (page, " %s |\n", word->meaning);
    }
}

static const char *type_name (char type)
{
    switch (type | 0x20) {
    case 'u':
        return "unsigned";
    case 't':
        return "boolean";
    case 's':
        return "text";
    case 'b':
        return "bytes";
    case 'm':
        return "map";
    default:
        return "array";
    }
}

static void add_from (plv_buf_t *page, unsigned from)
{
    static const char *const NAMES[] = {"broker", "adapter", "worker", "tool"};
    if (from == FROM_ANY || from == FROM_PEERS) {
        add (page, from == FROM_ANY ? "any side" : "any peer");
        return;
    }
    const char *comma = "";
    for (unsigned bit = 0; bit < 4; bit++) {
        if (from & 1u << bit) {
            add (page, "%s%s", comma, NAMES[bit]);
            comma = ", ";
        }
    }
}

static void add_arguments (plv_buf_t *page, const plv_verb_info_t *info)
{
    const char *name = info->arguments;
    for (unsigned i = 0; i < info->args; i++) {
        int size = (int) strcspn (name, ",");
        add (page, "%s%.*s: %s%s", i ? ", " : "", size, name, type_name (info->types[i]),
             isupper ((unsigned char) info->types[i]) ? " or nil" : "");
        name += size + 2;
    }
    if (!info->args)
        add (page, "none");
}

/*  The verbs with numbers "FIRST LAST".  */
static void add_verbs (plv_buf_t *page, const char *range)
{
    static const char *const STATES[] = {
        [STATE_NEW] = "new", [STATE_READY] = "ready", [STATE_ALWAYS] = "any"};
    char *rest;
    unsigned first = (unsigned) strtoul (range, &rest, 10);
    unsigned last = (unsigned) strtoul (rest, NULL, 10);
    add (page, "| no. | verb | from | state | max | arguments | meaning |\n"
               "|---:|---|---|---|---:|---|---|\n");
    for (unsigned i = first; i <= last; i++) {
        const plv_verb_info_t *info = plv_verb_info (i);
        if (!info)
            continue;
        add (page, "| %u | %s | ", i, info->name);
        add_from (page, info->from);
        add (page, " | %s | %u | ", STATES[info->state], info->bytes_max);
        add_arguments (page, info);
        add (page, " | %s |\n", info->meaning);
    }
}

static void add_fields (plv_buf_t *page, const char *unused)
{
    static const char *const BYTES_OF_ID = "bytes, 16";
    (void) unused;
    add (page, "| field | type | at most | | meaning |\n|---|---|---:|---|---|\n");
#define TYPE_ID BYTES_OF_ID
#define TYPE_TYPE "text"
#define TYPE_TEXT "text"
#define TYPE_TIME "integer"
#define EVENT(name, text, kept, meaning)
#define BODY(event, field, type, need, meaning)
#define FIELD(name, kind, max, need, meaning)                                                      \
    add (page, "| `%s` | %s | %d | %s | %s |\n", #name, TYPE_##kind, (int) (max), #need, meaning);
#include "wire/events.def"
#undef EVENT
#undef FIELD
#undef BODY
}

static void add_events (plv_buf_t *page, const char *unused)
{
    (void) unused;
    add (page, "| type | | meaning |\n|---|---|---|\n");
#define EVENT(name, text, kept, meaning) add (page, "| `%s` | %s | %s |\n", text, #kept, meaning);
#define BODY(event, field, type, need, meaning)
#define FIELD(name, kind, max, need, meaning)
#include "wire/events.def"
#undef EVENT
#undef BODY
}

static void add_bodies (plv_buf_t *page, const char *unused)
{
    (void) unused;
    add (page, "| in the body of | field | type | | meaning |\n|---|---|---|---|---|\n");
#define EVENT(name, text, kept, meaning)
#define BODY(event, field, type, need, meaning)                                                    \
    add (page, "| `%s` | `%s` | %s | %s | %s |\n", plv_event_type_name (EVENT_##event), #field,    \
         type, #need, meaning);
#include "wire/events.def"
#undef EVENT
#undef FIELD
#undef BODY
}

static void add_commands (plv_buf_t *page, const char *unused)
{
    (void) unused;
    add (page, "| command | for | arguments | about |\n|---|---|---|---|\n");
#define FOR_ADAPTER "every adapter, tools"
#define FOR_OPERATOR "operators, tools"
#define FOR_TOOL "tools"
#define WHEN_ANY ""
#define WHEN_RUNNING "; only of a running broker"
#define COMMAND(name, text, right, when, arguments, meaning)                                       \
    add (page, "| `%s` | %s | %s | %s%s |\n", text, FOR_##right, arguments, meaning, WHEN_##when);
#include "wire/commands.def"
#undef COMMAND
#undef FOR_ADAPTER
#undef FOR_OPERATOR
#undef FOR_TOOL
#undef WHEN_ANY
#undef WHEN_RUNNING
}

static void add_packet (plv_buf_t *page, const char *words, plv_buf_t *packet)
{
    add (page, "%s\n   ", words);
    for (size_t i = 0; i < packet->size; i++)
        add (page, "%s %02x", i && i % 24 == 0 ? "\n   " : "", packet->data[i]);
    add (page, "\n");
    plv_buf_clear (packet);
    plv_packet_begin (packet);
}

static void put_hello (plv_buf_t *packet)
{
    size_t mark = plv_frame_begin (packet, VERB_HELLO);
    plv_mp_pair_text (packet, "agent", "echo");
    plv_mp_pair_u64 (packet, "1.0", 4711);
    plv_mp_put_map (packet, 2);
    plv_mp_put_text (packet, "services");
    plv_mp_put_array (packet, 1);
    plv_mp_pair_text (packet, "echo", "credit");
    plv_mp_put_u64 (packet, 1);
    plv_frame_end (packet, mark);
}

static void put_reply (plv_buf_t *packet)
{
    plv_buf_t body = {0};
    plv_mp_put_map (&body, 1);
    plv_mp_pair_text (&body, "response_text", "hello");
    size_t mark = plv_frame_begin (packet, VERB_REPLY);
    plv_mp_put_u64 (packet, 65537);
    plv_mp_put_bin (packet, plv_buf_view (&body));
    plv_mp_put_nil (packet);
    plv_frame_end (packet, mark);
    plv_buf_free (&body);
}

static void add_packets (plv_buf_t *page, const char *unused)
{
    (void) unused;
    plv_buf_t packet = {0};
    plv_packet_begin (&packet);
    add (page, "```\n");
    plv_frame_end (&packet, plv_frame_begin (&packet, VERB_PING));
    add_packet (page, "PING []", &packet);
    put_hello (&packet);
    add_packet (
        page,
        "HELLO [\"agent\", \"echo\", \"1.0\", 4711, {\"services\": [\"echo\"], \"credit\": 1}]",
        &packet);
    put_reply (&packet);
    plv_frame_end (&packet, plv_frame_begin (&packet, VERB_PONG));
    add_packet (page, "REPLY [65537, bytes of {\"response_text\": \"hello\"}, nil], then PONG []",
                &packet);
    add (page, "```\n");
    plv_buf_free (&packet);
}

static const struct {
    const char *name;
    void (*add) (plv_buf_t *page, const char *arguments);
} TABLES[] = {
    {"limits", add_limits},     {"errors", add_errors}, {"words", add_words},
    {"options", add_options},   {"verbs", add_verbs},   {"fields", add_fields},
    {"events", add_events},     {"bodies", add_bodies}, {"packets", add_packets},
    {"commands", add_commands},
};

/*  `inside` is what stands between the braces.  */
static plv_err_t add_named (plv_view_t inside, plv_buf_t *page, plv_fail_t *ret_fail)
{
    char text[64];
    if (inside.size >= sizeof text)
        return plv_fail (ret_fail, ERR_SYNTAX, "template: a { without a }");
    memcpy (text, inside.data, inside.size);
    text[inside.size] = '\0';
    char *arguments = strchr (text, ' ');
    if (arguments)
        *arguments++ = '\0';
    for (size_t i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        if (!strcmp (text, TABLES[i].name)) {
            TABLES[i].add (page, arguments ? arguments : "");
            return ERR_OK;
        }
    }
    const number_t *number = find_number (inside);
    if (!number)
        return plv_fail (ret_fail, ERR_SYNTAX, "template: nothing is called {%s}", text);
    add (page, "%lld", number->value);
    return ERR_OK;
}

/*  A brace that is to be seen stands in `code` and is followed by a character that no name has.  */
static bool names_something (plv_view_t inside)
{
    if (!inside.size || !isalpha (inside.data[0]))
        return false;
    for (size_t i = 0; i < inside.size; i++) {
        if (!isalnum (inside.data[i]) && inside.data[i] != '_' && inside.data[i] != ' ')
            return false;
    }
    return true;
}

plv_err_t plv_protocol_doc (plv_view_t template, plv_buf_t *page, plv_fail_t *ret_fail)
{
    for (size_t at = 0; at < template.size;) {
        const uint8_t *start = template.data + at;
        const uint8_t *close = NULL;
        if (*start == '{')
            close = memchr (start, '}', template.size - at);
        plv_view_t inside =
            close ? plv_view (start + 1, (size_t) (close - start) - 1) : plv_view (start, 0);
        if (!names_something (inside)) {
            plv_buf_add_u8 (page, *start);
            at++;
            continue;
        }
        plv_err_t err = add_named (inside, page, ret_fail);
        if (err)
            return err;
        at += inside.size + 2;
        /*  A table ends its own last line.  */
        if (page->size && page->data[page->size - 1] == '\n' && at < template.size
            && template.data[at] == '\n')
            at++;
    }
    return page->failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory") : ERR_OK;
}

static void add_entry (plv_buf_t *dictionary, const char *name, const void *bytes, size_t size)
{
    add (dictionary, "%s=\"", name);
    for (size_t i = 0; i < size; i++)
        add (dictionary, "\\x%02x", ((const uint8_t *) bytes)[i]);
    add (dictionary, "\"\n");
}

static const char MADE_FROM[] =
    "# Made from wire.def, events.def and words.def: protocol_doc_test --write\n";

void plv_protocol_frame_dictionary (plv_buf_t *dictionary)
{
    static const uint8_t HEAD[] = {'P', 'V', PLV_WIRE_MAJOR, PLV_WIRE_MINOR};
    add (dictionary, "%s", MADE_FROM);
    add_entry (dictionary, "head", HEAD, sizeof HEAD);
    for (unsigned i = 0; i < 256; i++) {
        const plv_verb_info_t *info = plv_verb_info (i);
        if (!info)
            continue;
        uint8_t frame[] = {(uint8_t) i, 0, 0, 0, 16, (uint8_t) (0x90 | info->args)};
        char name[32];
        snprintf (name, sizeof name, "verb_%s", info->name);
        add_entry (dictionary, name, frame, sizeof frame);
    }
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        char name[64];
        snprintf (name, sizeof name, "word_%s_%s", WORDS[i].group, WORDS[i].word);
        add_entry (dictionary, name, WORDS[i].word, strlen (WORDS[i].word));
    }
}

void plv_protocol_event_dictionary (plv_buf_t *dictionary)
{
    add (dictionary, "%s", MADE_FROM);
#define EVENT(name, text, kept, meaning)                                                           \
    add_entry (dictionary, "event_" #name, text, strlen (text));
#define FIELD(name, kind, max, need, meaning)                                                      \
    add_entry (dictionary, "field_" #name, #name, strlen (#name));
#define BODY(event, field, type, need, meaning)                                                    \
    add_entry (dictionary, "body_" #event "_" #field, #field, strlen (#field));
#include "wire/events.def"
#undef EVENT
#undef FIELD
#undef BODY
}
