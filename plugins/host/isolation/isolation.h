/*  isolation -- what a plugin's process gives up before the plugin is loaded
    OWNS    nothing
    THREAD  the main thread, while it is the only one
    FAILS   isolation_enter with ERR_PERM when it cannot become the user that it shall be, with ERR_FULL when
            it may not open the files that it needs; what this kernel does not have is no failure, and said in the words
    COST    at start only; then a few hundred nanoseconds a system call

    The rights of root but binding a low port; the descriptors, the environment; memory, files and core dumps
    beyond the limits; files but those that libraries read and those that the adapter's own configuration
    names, writing anywhere but in the adapter's own directory (Landlock); programs, processes, signals to
    others, and everything that changes the machine (seccomp). See palaver-adapter(8).  */

#ifndef HOST_ISOLATION_H
#define HOST_ISOLATION_H

#include "base/err.h"
#include "host/section.h"

enum { ISOLATION_WORDS_BYTES = 64 };

typedef struct {
    const char *user;   /* to become, when started by root; NULL or "": as it is */
    const char *dir;    /* the adapter's own; NULL: none */
    bool strict;        /* files are restricted without a directory too */
    const char *plugin; /* the file that is to be loaded */
    const section_t *section;
} isolation_t;

/*  What is on, for the log: "on", "not in this kernel", "off by conf", ...  */
typedef struct {
    char user[ISOLATION_WORDS_BYTES];
    char files[ISOLATION_WORDS_BYTES];
    char calls[ISOLATION_WORDS_BYTES];
    int64_t memory_mb;
} isolation_words_t;

plv_err_t isolation_enter (const isolation_t *self, isolation_words_t *ret_words,
                           plv_fail_t *ret_fail);

/*  Is this process built with a sanitizer? It needs what plugins do not.  */
bool isolation_sanitized (void);

/*  landlock.c, seccomp.c: `ret_words` says what came of it.  */
void isolation_files (const isolation_t *self, char ret_words[ISOLATION_WORDS_BYTES]);
void isolation_calls (char ret_words[ISOLATION_WORDS_BYTES]);

#endif
