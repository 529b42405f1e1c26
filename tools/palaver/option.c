#include "palaver/option.h"

const option_t option_rows[OPTION_COUNT_] = {
#define OPTION(id, text, letter_, kind_, argument_, least_, most_, meaning_)                       \
    [OPTION_##id] = {.name = (text),                                                               \
                     .letter = (letter_),                                                          \
                     .kind = KIND_##kind_,                                                         \
                     .argument = (argument_),                                                      \
                     .least = (least_),                                                            \
                     .most = (most_),                                                              \
                     .meaning = (meaning_)},
#include "palaver/options.def"
#undef OPTION
};
