/*  generate -- files made from the tables: man pages and completion
    OWNS    nothing: appends to the caller's buffer
    THREAD  main
    FAILS   never
    COST    a walk over the tables

    They are checked in; a test fails when one is stale. After a change of a table:
        build/debug/test/tools/palaver/doc/generate_test --write  */

#ifndef PALAVER_GENERATE_H
#define PALAVER_GENERATE_H

#include "base/buf.h"

typedef struct {
    const char *what; /* "man" */
    const char *path; /* from the top of the tree; NULL: made by the build */
    void (*put) (plv_buf_t *out);
} generated_t;

/*  The row at `index`; NULL behind the last.  */
const generated_t *generated_at (size_t index);

void generate_man (plv_buf_t *out);
void generate_conf (plv_buf_t *out);
void generate_bash (plv_buf_t *out);
void generate_zsh (plv_buf_t *out);
void generate_fish (plv_buf_t *out);

#endif
