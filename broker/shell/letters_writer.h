/*  letters_writer -- saves dead letters beside the loop: a disk that hangs holds up nobody but them
    OWNS    an eventfd, and while it writes a thread
    THREAD  the loop's
    FAILS   letters_writer_new with ERR_IO; what cannot be saved is an answer
    COST    a thread a batch, which is seldom  */

#ifndef SHELL_LETTERS_WRITER_H
#define SHELL_LETTERS_WRITER_H

#include "base/buf.h"
#include "base/err.h"

typedef struct letters_writer letters_writer_t;

plv_err_t letters_writer_new (letters_writer_t **ret_writer, plv_fail_t *ret_fail);

/*  Waits for what is being written.  */
void letters_writer_destroy (letters_writer_t **self_p);

/*  Readable when letters_writer_next has something.  */
int letters_writer_fd (const letters_writer_t *self);

/*  `order`: see letters_file.h; it is copied. One at a time: the core asks for the next when this one is answered.  */
void letters_writer_begin (letters_writer_t *self, uint64_t token, plv_view_t order);

/*  True when something is written, or could not be: `ret_fail` has a code then. `ret_path` is good until the next
    begin.  */
bool letters_writer_next (letters_writer_t *self, uint64_t *ret_token, const char **ret_path,
                          plv_fail_t *ret_fail);

#endif
