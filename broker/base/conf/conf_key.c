#include "base/conf/conf_key.h"

#include "base/conf/conf.h"

#define SECT(path_, meaning_) {.kind = KEY_SECT, .path = path_, .meaning = meaning_},
#define INT(field, path_, standard_, min_, max_, meaning_)                                         \
    {.kind = KEY_INT,                                                                              \
     .path = path_,                                                                                \
     .meaning = meaning_,                                                                          \
     .offset = offsetof (OWNER, field),                                                            \
     .standard = standard_,                                                                        \
     .min = min_,                                                                                  \
     .max = max_},
#define BOOL(field, path_, standard_, meaning_)                                                    \
    {.kind = KEY_BOOL,                                                                             \
     .path = path_,                                                                                \
     .meaning = meaning_,                                                                          \
     .offset = offsetof (OWNER, field),                                                            \
     .standard = standard_},
#define STR(field, path_, standard_, meaning_)                                                     \
    {.kind = KEY_STR,                                                                              \
     .path = path_,                                                                                \
     .meaning = meaning_,                                                                          \
     .offset = offsetof (OWNER, field),                                                            \
     .text = standard_},
#define ENUM(field, path_, standard_, words_, meaning_)                                            \
    {.kind = KEY_ENUM,                                                                             \
     .path = path_,                                                                                \
     .meaning = meaning_,                                                                          \
     .offset = offsetof (OWNER, field),                                                            \
     .standard = standard_,                                                                        \
     .text = words_},
#define LIST(field, path_, meaning_, ...)                                                          \
    {.kind = KEY_LIST,                                                                             \
     .path = path_,                                                                                \
     .meaning = meaning_,                                                                          \
     .offset = offsetof (OWNER, field),                                                            \
     .items = (const char *const[]){__VA_ARGS__, NULL}},

#define OWNER plv_conf_t
static const plv_conf_key_t keys[] = {
#include "base/conf/conf.def"
};
#undef OWNER

#define OWNER plv_conf_route_t
static const plv_conf_key_t route_keys[] = {
#include "base/conf/route.def"
};
#undef OWNER

plv_conf_table_t plv_conf_table (void)
{
    return (plv_conf_table_t){.keys = keys, .count = sizeof keys / sizeof keys[0]};
}

plv_conf_table_t plv_conf_route_table (void)
{
    return (plv_conf_table_t){.keys = route_keys,
                              .count = sizeof route_keys / sizeof route_keys[0]};
}

const plv_conf_key_t *plv_conf_key_find (plv_conf_table_t table, const char *path)
{
    for (const plv_conf_key_t *key = table.keys; key < table.keys + table.count; key++)
        if (key->kind != KEY_SECT && strcmp (key->path, path) == 0)
            return key;
    return NULL;
}

bool plv_conf_group_known (plv_conf_table_t table, const char *path)
{
    size_t size = strlen (path);
    for (const plv_conf_key_t *key = table.keys; key < table.keys + table.count; key++)
        if (strncmp (key->path, path, size) == 0 && key->path[size] == '.')
            return true;
    return false;
}

/*  "messages" of "rate_limit.messages".  */
static plv_view_t last_name (plv_view_t path)
{
    const uint8_t *dot = path.size ? memrchr (path.data, '.', path.size) : NULL;
    if (!dot)
        return path;
    return plv_view (dot + 1, path.size - (size_t) (dot + 1 - path.data));
}

void plv_conf_key_offer (plv_conf_table_t table, plv_near_t *near)
{
    for (const plv_conf_key_t *key = table.keys; key < table.keys + table.count; key++) {
        plv_view_t path = plv_view_str (key->path);
        /*  A section is what a key may be meant for only where no group is open yet.  */
        if (key->kind == KEY_SECT && memchr (near->name.data, '.', near->name.size))
            continue;
        plv_near_offer (near, path);
        if (plv_view_equal (last_name (path), last_name (near->name)))
            plv_near_offer_at (near, path, 2);
    }
}

plv_view_t plv_conf_word (const char *words, size_t index)
{
    for (; index; index--) {
        words += strcspn (words, "|");
        if (!*words)
            return plv_view (NULL, 0);
        words++;
    }
    return plv_view (words, strcspn (words, "|"));
}
