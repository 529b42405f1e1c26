/*  screen -- the whole terminal, while a command shows something that lives
    OWNS    the mode of the terminal, given back by screen_end and while it is suspended; the handlers of SIGWINCH and
            SIGTSTP
    THREAD  main
    FAILS   screen_begin returns false when there is no terminal on both sides, or a dumb one
    COST    one write a picture  */

#ifndef PALAVER_SCREEN_H
#define PALAVER_SCREEN_H

#include "base/buf.h"

#include <termios.h>

typedef enum {
    KEY_NONE,
    KEY_QUIT,
    KEY_UP,
    KEY_DOWN,
    KEY_PAGE_UP,
    KEY_PAGE_DOWN,
    KEY_RESIZED
} screen_key_t;

typedef struct {
    bool begun;
    struct termios before;
    size_t columns, rows;
} screen_t;

bool screen_begin (screen_t *self);
/*  Once is enough; what is said behind it stays to be read.  */
void screen_end (screen_t *self);

/*  Waits up to `ms` for a key, a new size or a signal.  */
screen_key_t screen_wait (screen_t *self, int ms);

/*  Shows lines of text (already without control characters but colours), from the top; the rest becomes blank.  */
void screen_show (screen_t *self, plv_view_t text);

#endif
