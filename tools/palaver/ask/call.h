/*  call -- one command line, taken apart: what a command was called with
    OWNS    its list of operands; texts are those of argv; see call_parse.h
    THREAD  main
    FAILS   never
    COST    none  */

#ifndef PALAVER_CALL_H
#define PALAVER_CALL_H

#include "palaver/command.h"
#include "palaver/show/out.h"

struct call {
    const command_t *command; /* NULL: none is named, which is fine with --help and --version */
    const char *group;        /* --help of a group of commands: its name; else NULL */
    char **operands;
    size_t operand_count;
    uint64_t given; /* a set of options */
    const char *text[OPTION_COUNT_];
    int64_t number[OPTION_COUNT_]; /* of NUMBER; of SECONDS and TIME in microseconds */
    out_t out;
};

static inline bool call_has (const call_t *self, option_id_t option)
{
    return self->given >> option & 1;
}

const char *call_text (const call_t *self, option_id_t option, const char *standard);
int64_t call_number (const call_t *self, option_id_t option, int64_t standard);

/*  Microseconds of --timeout.  */
int64_t call_timeout_us (const call_t *self, int64_t standard_s);

/*  Who does this, for the record.  */
const char *call_who (const call_t *self);

/*  Letters, digits, dots, dashes, underscores; 1 to NAME_BYTES_MAX.  */
bool name_good (const char *name);

#endif
