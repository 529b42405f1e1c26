#include "core/ask/kind.h"

#include "core/ask/control_answer.h"
#include "wire/mp.h"

enum { COMMAND_ANY = COMMAND_COUNT_ };

typedef enum { KIND_TEXT, KIND_NUMBER, KIND_TIME, KIND_FLAG } kind_t;

static const char *const names[] = {"a text", "a whole number, 0 or more", "a whole number",
                                    "true or false"};

static const struct {
    int command;
    const char *key;
    kind_t kind;
} rows[] = {
#define ARGUMENT(command, key, kind) {COMMAND_##command, key, KIND_##kind},
#include "wire/arguments.def"
#undef ARGUMENT
};

static bool is (kind_t kind, plv_mp_t *value)
{
    plv_view_t text;
    uint64_t number;
    int64_t time;
    bool flag;
    switch (kind) {
    case KIND_TEXT:
        return plv_mp_str (value, &text);
    case KIND_NUMBER:
        return plv_mp_u64 (value, &number);
    case KIND_TIME:
        return plv_mp_i64 (value, &time);
    default:
        return plv_mp_bool (value, &flag);
    }
}

bool kind_check (core_t *self, peer_t *peer, uint64_t request, command_t command,
                 plv_view_t arguments)
{
    plv_mp_t value;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if ((rows[i].command != COMMAND_ANY && rows[i].command != (int) command)
            || !plv_mp_find (arguments, rows[i].key, &value) || plv_mp_nil (&value)
            || is (rows[i].kind, &value))
            continue;
        control_fail (self, peer, request, ERR_ARG, "\"%s\" is %s", rows[i].key,
                      names[rows[i].kind]);
        return false;
    }
    return true;
}
