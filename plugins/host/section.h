/*  section -- what the configuration says about one adapter, and the secrets that it refers to
    OWNS    the group as libconfig has it, and the secrets, which are wiped when it is destroyed
    THREAD  read-only once loaded
    FAILS   section_load with ERR_CONF and "file:line: what is wrong"
    COST    at start only

    It is read before the host gives up its rights and before the plugin is loaded: neither the environment
    nor a file with a secret need be within the plugin's reach. A reference that cannot be resolved is an
    error only when a key of the type secret has it.  */

#ifndef HOST_SECTION_H
#define HOST_SECTION_H

#include "base/err.h"

#include <libconfig.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct section section_t;

/*  `file` NULL or "": an empty one. `shown` (NULL: the same) is how messages call the file, and where relative
    secrets are.  */
plv_err_t section_load (const char *file, const char *shown, const char *name,
                        section_t **ret_section, plv_fail_t *ret_fail);
void section_destroy (section_t **self_p);

/*  NULL: the file says nothing about this adapter.  */
const config_setting_t *section_group (const section_t *self);
const char *section_file (const section_t *self);

/*  What env:NAME or file:PATH stood for; lent.  */
plv_err_t section_secret (const section_t *self, const char *reference, const char **ret_secret,
                          plv_fail_t *ret_fail);

/*  A value that is needed before the key table is known; `standard` when it is missing or of another type.  */
int64_t section_int (const section_t *self, const char *key, int64_t standard);
bool section_bool (const section_t *self, const char *key, bool standard);

/*  Calls `text` with every text of the group.  */
void section_texts (const section_t *self, void (*text) (void *arg, const char *text), void *arg);

#endif
