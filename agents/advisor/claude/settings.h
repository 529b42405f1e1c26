/*  settings -- how the advisor speaks with a model
    OWNS    its texts and the key, freed by settings_free, which wipes the key
    THREAD  written once at start, then read by any
    FAILS   with "file: what is wrong" for an unknown key, a wrong type or a value out of its range
    COST    at start

    The file is libconfig: `claude: { model = "..."; };`. Every key is in settings.def.  */

#ifndef ADVISOR_CLAUDE_SETTINGS_H
#define ADVISOR_CLAUDE_SETTINGS_H

#include "base/err.h"
#include "base/view.h"

#include <stdio.h>

typedef struct {
#define TEXT(name, standard, meaning) char *name;
#define NUMBER(name, standard, least, most, meaning) int name;
#define MONEY(name, standard, meaning) double name;
#define SWITCH(name, standard, meaning) bool name;
#include "advisor/claude/settings.def"
#undef TEXT
#undef NUMBER
#undef MONEY
#undef SWITCH
    char *secret; /* the key; NULL: there is none, the advisor answers offline */
    char *url;    /* of the messages */
} settings_t;

plv_err_t settings_init (settings_t *self, plv_fail_t *ret_fail);
void settings_free (settings_t *self);

plv_err_t settings_load (settings_t *self, const char *file, plv_fail_t *ret_fail);

/*  "model=claude-haiku-5-5"  */
plv_err_t settings_set (settings_t *self, const char *text, plv_fail_t *ret_fail);

/*  After all of these: finds the key and the address, and checks what depends on several settings. A variable of the
    standard name that is not set means: no key. `file` is where relative paths start, or NULL.  */
plv_err_t settings_resolve (settings_t *self, const char *file, plv_fail_t *ret_fail);

/*  Every key with its meaning and its default, commented out.  */
void settings_print (FILE *out);

#endif
