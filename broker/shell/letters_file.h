/*  letters_file -- dead letters that go, saved first: lines of JSON, as palaver dead export writes them
    OWNS    nothing
    THREAD  one at a time: see letters_writer.h
    FAILS   with a text that says what could not be written; then the file is as it was, as far as the disk obeys
    COST    one append and one sync a batch  */

#ifndef SHELL_LETTERS_FILE_H
#define SHELL_LETTERS_FILE_H

#include "base/buf.h"
#include "base/err.h"

/*  `order`: the map {dir, at_us, items}. `path` gets the file of that day, ended by NUL.  */
plv_err_t letters_file_append (plv_view_t order, plv_buf_t *path, plv_fail_t *ret_fail);

#endif
