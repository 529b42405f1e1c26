/*  out -- where data and words go
    OWNS    nothing: stdout and stderr
    THREAD  main
    FAILS   out_end when stdout could not take everything
    COST    buffered

    Data goes to stdout: tables and texts on a terminal, JSON lines off it. Words go to stderr.  */

#ifndef PALAVER_OUT_H
#define PALAVER_OUT_H

#include "base/buf.h"

typedef struct {
    bool json;
    bool terminal; /* stdout is one */
    bool colours;
    size_t columns; /* of the terminal; 0: no bound */
} out_t;

out_t out_begin (bool json, bool table);

/*  $TERM says of the terminal, if there is one, that escape sequences mean nothing to it.  */
bool out_is_dumb (void);

/*  False when what was written did not arrive, a full disk, a closed pipe: words were said.  */
bool out_end (void);

/*  A line of JSON: the map as users see it (json.h).  */
void out_json (plv_view_t map);

/*  What is in the buffer; it is empty then.  */
void out_flush (plv_buf_t *buffer);

/*  What was written so far is to be seen now.  */
void out_push (void);

/*  "palaver: " and a line on stderr.  */
void say (const char *format, ...) __attribute__ ((format (printf, 1, 2)));

/*  ESC [ code m, or nothing when there are no colours.  */
void out_colour (const out_t *self, plv_buf_t *buffer, const char *code);

#endif
