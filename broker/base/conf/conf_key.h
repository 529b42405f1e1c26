/*  conf_key -- the tables conf.def and route.def as rows that can be walked
    OWNS    nothing: the rows are constant
    THREAD  any
    FAILS   never
    COST    lookups are linear: for start and reload  */

#ifndef PLV_BASE_CONF_KEY_H
#define PLV_BASE_CONF_KEY_H

#include "base/near.h"

typedef enum { KEY_INT, KEY_BOOL, KEY_STR, KEY_ENUM, KEY_LIST, KEY_SECT } plv_conf_kind_t;

typedef struct {
    plv_conf_kind_t kind;
    const char *path;
    const char *meaning;
    size_t offset;            /* of the field in plv_conf_t or plv_conf_route_t */
    int64_t standard;         /* the default of INT, BOOL, ENUM */
    int64_t min, max;         /* of INT */
    const char *text;         /* the default of STR; the words of ENUM */
    const char *const *items; /* the defaults of LIST, ended by NULL */
} plv_conf_key_t;

typedef struct {
    const plv_conf_key_t *keys;
    size_t count;
} plv_conf_table_t;

plv_conf_table_t plv_conf_table (void);
plv_conf_table_t plv_conf_route_table (void);

/*  The key with this path, sections left out; NULL when there is none.  */
const plv_conf_key_t *plv_conf_key_find (plv_conf_table_t table, const char *path);

/*  Whether keys have paths that begin with "`path`.".  */
bool plv_conf_group_known (plv_conf_table_t table, const char *path);

/*  What comes nearest to `path` among keys and groups, also a key of the same name in another group.  */
void plv_conf_key_offer (plv_conf_table_t table, plv_near_t *near);

/*  The word at `index` of "a|b|c"; empty behind the last.  */
plv_view_t plv_conf_word (const char *words, size_t index);

#endif
