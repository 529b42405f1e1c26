/*  conf -- the configuration as plain values, made from one table
    OWNS    its texts and lists, freed by plv_conf_destroy
    THREAD  read-only once loaded: any
    FAILS   plv_conf_load with ERR_CONF and "file:line: key: what is wrong, and the nearest known name"
    COST    at start and at reload only

    The file is libconfig; groups nest as the paths in conf.def do. A secret is never written in the
    file: it says env:NAME or file:PATH, and plv_conf_secret reads it.  */

#ifndef PLV_BASE_CONF_H
#define PLV_BASE_CONF_H

#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stdio.h>

typedef struct {
    char **items;
    size_t count;
} plv_conf_list_t;

#define INT(field, path, standard, min, max, meaning) int64_t field;
#define BOOL(field, path, standard, meaning) bool field;
#define STR(field, path, standard, meaning) char *field;
#define ENUM(field, path, standard, words, meaning) int field;
#define LIST(field, path, meaning, ...) plv_conf_list_t field;
#define SECT(path, meaning)

typedef struct {
#include "base/conf/route.def"
    unsigned line; /* that the file has it on */
} plv_conf_route_t;

typedef struct {
#include "base/conf/conf.def"
    plv_conf_route_t *routes;
    size_t route_count;
    char *file;          /* where it came from; "" for the defaults */
    unsigned rules_line; /* of content.rules in there; 0: the default ones */
    /*  What stands in the `adapters` group, as libconfig text: "web = { port = 8080; }; ...". Each key is on
        the line that it has in the file, so that a host that refuses one names the right line.  */
    char *plugins_raw;
} plv_conf_t;

#undef INT
#undef BOOL
#undef STR
#undef ENUM
#undef LIST
#undef SECT

enum { OVERLAP_QUEUE, OVERLAP_MERGE, OVERLAP_INTERRUPT, OVERLAP_REJECT };
enum { ON_DEAD_SKIP, ON_DEAD_PARK };
enum { LATE_DROP, LATE_MARK };

/*  All defaults, and one route "default" to the service "advisor".  */
plv_err_t plv_conf_defaults (plv_conf_t **ret_conf, plv_fail_t *ret_fail);

/*  A file that cannot be read gives the code of its errno, anything else that is wrong ERR_CONF.  */
plv_err_t plv_conf_load (const char *file, plv_conf_t **ret_conf, plv_fail_t *ret_fail);

/*  The same from memory; `file` is what messages and `conf->file` say.  */
plv_err_t plv_conf_load_text (plv_view_t text, const char *file, plv_conf_t **ret_conf,
                              plv_fail_t *ret_fail);
void plv_conf_destroy (plv_conf_t **self_p);

/*  "FILE:LINE: ", for what is found to be wrong when the file has been read; "" when it is from no file.  */
enum { PLV_CONF_PLACE_BYTES = 280 };
const char *plv_conf_place (const plv_conf_t *self, unsigned line,
                            char ret_place[PLV_CONF_PLACE_BYTES]);

/*  What one adapter may know of the configuration: its own group, each key on its line; empty when there is
    none. `plugins_raw` is that of a plv_conf_t.  */
void plv_conf_adapter_section (const char *plugins_raw, const char *name, plv_buf_t *out);

/*  The same on one line: "NAME = { ... };".  */
void plv_conf_adapter_members (const char *plugins_raw, const char *name, plv_buf_t *out);

/*  Calls `text` with each text in the adapter's group, which is lent for the call.  */
void plv_conf_adapter_texts (const char *plugins_raw, const char *name,
                             void (*text) (void *arg, const char *text), void *arg);

/*  Calls `name` with the name of each adapter's group.  */
void plv_conf_adapter_names (const char *plugins_raw, void (*name) (void *arg, const char *name),
                             void *arg);

/*  Every key with its meaning as a comment, its value, and its default where the value differs. What it
    prints can be loaded, and is then the same configuration.  */
void plv_conf_print (const plv_conf_t *self, FILE *out);

/*  The same up to the group of adapters, which is the caller's to print.  */
void plv_conf_print_head (const plv_conf_t *self, FILE *out);

/*  The defaults in the same form, every value commented out: conf/palaver.conf.  */
void plv_conf_print_sample (FILE *out);

/*  `reference`: "env:NAME" or "file:PATH" (relative to `conf_file`'s folder); anything else is refused
    without repeating it, and so is a file that others may read or write. One newline at the end is not part
    of the secret. The caller gives it back to plv_conf_secret_destroy.  */
plv_err_t plv_conf_secret (const char *reference, const char *conf_file, char **ret_secret,
                           plv_fail_t *ret_fail);

/*  Wipes and frees.  */
void plv_conf_secret_destroy (char **secret_p);

#endif
