/*  option -- the options of palaver as rows, from options.def
    OWNS    nothing: the rows are constant
    THREAD  any
    FAILS   never
    COST    none  */

#ifndef PALAVER_OPTION_H
#define PALAVER_OPTION_H

#include <stdint.h>

typedef enum {
#define OPTION(name, text, letter, kind, argument, least, most, meaning) OPTION_##name,
#include "palaver/options.def"
#undef OPTION
    OPTION_COUNT_
} option_id_t;

/*  Sets of options. There are more of them than an int has bits.  */
__extension__ typedef enum {
#define OPTION(name, text, letter, kind, argument, least, most, meaning)                           \
    WITH_##name = UINT64_C (1) << OPTION_##name,
#include "palaver/options.def"
#undef OPTION
    ALWAYS = WITH_JSON | WITH_TABLE | WITH_HELP | WITH_VERSION,
    CONNECTS = WITH_RUN | WITH_TIMEOUT,
    LOOKS = WITH_DATA | WITH_CONF | WITH_BROKER,
    CHANGES = WITH_ALL | WITH_YES | WITH_DRY_RUN | WITH_WHO,
    SELECTS = WITH_PLATFORM | WITH_ADAPTER | WITH_SESSION | WITH_USER | WITH_SERVICE | WITH_ROUTE
              | WITH_TYPE | WITH_REASON | WITH_OUTCOME | WITH_FINGERPRINT | WITH_CODE | WITH_SINCE
              | WITH_UNTIL | WITH_ATTEMPTS,
    PAST = WITH_SINCE | WITH_UNTIL | WITH_PLATFORM | WITH_SESSION | WITH_USER | WITH_OUTCOME,
    TRAFFIC = PAST | WITH_TYPE,
    REPLAYS = WITH_PLAN | WITH_APPLY | WITH_RATE | WITH_CONCURRENCY | WITH_SET | WITH_EDIT | WITH_TO
              | WITH_SHADOW,
} option_set_t;

typedef enum {
    KIND_FLAG,
    KIND_TEXT,
    KIND_NAME,
    KIND_FOLDER,
    KIND_FILE,
    KIND_NUMBER,
    KIND_SECONDS,
    KIND_TIME
} option_kind_t;

typedef struct {
    const char *name;
    char letter; /* 0: none */
    option_kind_t kind;
    const char *argument;
    int64_t least, most;
    const char *meaning;
} option_t;

extern const option_t option_rows[OPTION_COUNT_];

#endif
