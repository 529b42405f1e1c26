/*  plugin_file -- a plugin's file in its directory, and the directory of the copies
    OWNS    nothing
    THREAD  any
    FAILS   with a text that names the file
    COST    a few system calls  */

#ifndef SHELL_PLUGIN_FILE_H
#define SHELL_PLUGIN_FILE_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLUGIN_PATH_BYTES = 4096, PLUGIN_STEM_MAX = 64 };

/*  Tells whether a file was touched since it was looked at.  */
typedef struct {
    uint64_t device, inode, bytes, mode, owner;
    int64_t modified_ns, changed_ns;
} plugin_stamp_t;

/*  False: there is no such entry in the directory.  */
bool plugin_file_stamp (int dir_fd, const char *name, plugin_stamp_t *ret_stamp);
bool plugin_stamp_equal (const plugin_stamp_t *a, const plugin_stamp_t *b);

/*  Is somebody still writing it? Then it is looked at when the writer has closed it.  */
bool plugin_file_busy (int dir_fd, const char *name);

/*  The name as it can be shown and typed: "?" for every other byte, cut to `size`.  */
void plugin_file_visible (const char *name, char *ret_text, size_t size);

/*  Is STEM.so a name that gives its adapter a good one?  */
plv_err_t plugin_file_name (const char *name, plv_fail_t *ret_fail);

/*  Makes the directory of the copies (mode 0700) and removes old ones. The adapters' own
    directories stay: what hosts of a broker that died have left is there.  */
plv_err_t plugin_file_prepare (const char *copies, plv_fail_t *ret_fail);

#endif
