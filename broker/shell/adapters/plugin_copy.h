/*  plugin_copy -- a plugin's file, checked and copied to a path that its content names, a piece at a time
    OWNS    the file while it is read, and the copy until it is whole
    THREAD  any
    FAILS   with ERR_PERM, ERR_ARG, ERR_IO, ERR_NOSPC and a text that names the file
    COST    a step: one piece read, hashed and, unless the copy is there already, written

    What is loaded is the copy: the file may be overwritten in place while an adapter runs on it. It is read twice: to
    know what the copy is called, and to write it.  */

#ifndef SHELL_PLUGIN_COPY_H
#define SHELL_PLUGIN_COPY_H

#include "shell/adapters/plugin_file.h"

enum { PLUGIN_PIECE_BYTES = 1024 * 1024 };

typedef struct plugin_copy plugin_copy_t;

/*  Checks the file `name` in `dir_fd` (well named, regular, no link, owned by root or us, written by nobody else, a
    whole ELF), which is to become `copies`/STEM-HASH.so with mode 0555.  */
plv_err_t plugin_copy_new (int dir_fd, const char *name, const char *copies,
                           plugin_copy_t **ret_copy, plv_fail_t *ret_fail);

/*  What is not whole goes.  */
void plugin_copy_destroy (plugin_copy_t **self_p);

/*  One piece. `ret_path`: the copy, which is whole; empty: it goes on.  */
plv_err_t plugin_copy_step (plugin_copy_t *self, char ret_path[PLUGIN_PATH_BYTES],
                            plv_fail_t *ret_fail);

#endif
