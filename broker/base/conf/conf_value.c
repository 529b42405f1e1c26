#include "base/conf/conf_value.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void *field_of (const plv_conf_key_t *key, void *owner)
{
    return (char *) owner + key->offset;
}

static void list_free (plv_conf_list_t *list)
{
    for (size_t at = 0; at < list->count; at++)
        free (list->items[at]);
    free (list->items);
    *list = (plv_conf_list_t){0};
}

static void list_default (const plv_conf_key_t *key, plv_conf_list_t *list)
{
    size_t count = 0;
    while (key->items[count])
        count++;
    *list = (plv_conf_list_t){.items = plv_alloc_zero (count, sizeof (char *)), .count = count};
    for (size_t at = 0; at < count; at++)
        list->items[at] = plv_strdup (key->items[at]);
}

void plv_conf_value_default (const plv_conf_key_t *key, void *owner)
{
    void *field = field_of (key, owner);
    switch (key->kind) {
    case KEY_INT:
        *(int64_t *) field = key->standard;
        break;
    case KEY_BOOL:
        *(bool *) field = key->standard;
        break;
    case KEY_STR:
        *(char **) field = plv_strdup (key->text);
        break;
    case KEY_ENUM:
        *(int *) field = (int) key->standard;
        break;
    case KEY_LIST:
        list_default (key, field);
        break;
    case KEY_SECT:
        break;
    }
}

void plv_conf_value_free (const plv_conf_key_t *key, void *owner)
{
    void *field = field_of (key, owner);
    if (key->kind == KEY_STR) {
        free (*(char **) field);
        *(char **) field = NULL;
    } else if (key->kind == KEY_LIST) {
        list_free (field);
    }
}

const char *plv_conf_type_text (const config_setting_t *setting)
{
    switch (config_setting_type (setting)) {
    case CONFIG_TYPE_GROUP:
        return "a group";
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return "a whole number";
    case CONFIG_TYPE_FLOAT:
        return "a number with a fraction";
    case CONFIG_TYPE_STRING:
        return "a text";
    case CONFIG_TYPE_BOOL:
        return "true or false";
    default:
        return "a list";
    }
}

plv_err_t plv_conf_text_check (const char *text, plv_fail_t *ret_fail)
{
    size_t left = strlen (text);
    for (const uint8_t *at = (const uint8_t *) text; left;) {
        size_t size = plv_utf8_size (at, left);
        if (!size)
            return plv_fail (ret_fail, ERR_CONF, "the text is not UTF-8");
        if ((*at < 0x20 && *at != '\n' && *at != '\t') || *at == 0x7f)
            return plv_fail (
                ret_fail, ERR_CONF,
                "the text holds a control character (code %u); a backslash that is meant as "
                "one is written twice",
                *at);
        at += size;
        left -= size;
    }
    return ERR_OK;
}

/*  Who writes "10m" does not know that the name ends in the unit.  */
static const char *unit_text (const char *path)
{
    static const struct {
        const char *end, *text;
    } units[] = {
        {"_ms", " of milliseconds"}, {"_s", " of seconds"},    {"_h", " of hours"},
        {"_d", " of days"},          {"_kb", " of kilobytes"}, {"_mb", " of megabytes"},
    };
    const char *end = strrchr (path, '_');
    for (size_t at = 0; end && at < sizeof units / sizeof *units; at++)
        if (strcmp (end, units[at].end) == 0)
            return units[at].text;
    return "";
}

static plv_err_t set_int (const plv_conf_key_t *key, int64_t *field,
                          const config_setting_t *setting, plv_fail_t *ret_fail)
{
    int type = config_setting_type (setting);
    if (type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64)
        return plv_fail (ret_fail, ERR_CONF, "takes a whole number%s, not %s",
                         unit_text (key->path), plv_conf_type_text (setting));
    int64_t value = config_setting_get_int64 (setting);
    if (value < key->min || value > key->max)
        return plv_fail (ret_fail, ERR_CONF, "%" PRId64 " is out of range: %" PRId64 " to %" PRId64,
                         value, key->min, key->max);
    *field = value;
    return ERR_OK;
}

static plv_err_t set_bool (bool *field, const config_setting_t *setting, plv_fail_t *ret_fail)
{
    if (config_setting_type (setting) != CONFIG_TYPE_BOOL)
        return plv_fail (ret_fail, ERR_CONF, "takes true or false, not %s",
                         plv_conf_type_text (setting));
    *field = config_setting_get_bool (setting);
    return ERR_OK;
}

static plv_err_t set_str (char **field, const config_setting_t *setting, plv_fail_t *ret_fail)
{
    const char *text = config_setting_get_string (setting);
    if (config_setting_type (setting) != CONFIG_TYPE_STRING)
        return plv_fail (ret_fail, ERR_CONF, "takes a text in double quotes, not %s",
                         plv_conf_type_text (setting));
    plv_err_t err = plv_conf_text_check (text, ret_fail);
    if (err)
        return err;
    free (*field);
    *field = plv_strdup (text);
    return ERR_OK;
}

static plv_err_t set_enum (const plv_conf_key_t *key, int *field, const config_setting_t *setting,
                           plv_fail_t *ret_fail)
{
    if (config_setting_type (setting) != CONFIG_TYPE_STRING)
        return plv_fail (ret_fail, ERR_CONF, "takes one of \"%s\", not %s", key->text,
                         plv_conf_type_text (setting));
    plv_view_t said = plv_view_str (config_setting_get_string (setting));
    plv_near_t near = plv_near (said);
    plv_view_t word;
    for (int index = 0; (word = plv_conf_word (key->text, (size_t) index)).size; index++) {
        if (plv_view_equal (word, said)) {
            *field = index;
            return ERR_OK;
        }
        plv_near_offer (&near, word);
    }
    if (near.best.size)
        return plv_fail (ret_fail, ERR_CONF,
                         "this word is not one of \"%s\"; did you mean \"%.*s\"?", key->text,
                         PLV_VIEW_ARG (near.best));
    return plv_fail (ret_fail, ERR_CONF, "this word is not one of \"%s\"", key->text);
}

/*  A list that replaces the one of the field only when all of it is good.  */
static plv_err_t set_list (plv_conf_list_t *field, const config_setting_t *setting,
                           plv_fail_t *ret_fail)
{
    if (!config_setting_is_list (setting) && !config_setting_is_array (setting))
        return plv_fail (ret_fail, ERR_CONF,
                         "takes a list of texts such as [ \"a\", \"b\" ], not %s",
                         plv_conf_type_text (setting));
    size_t count = (size_t) config_setting_length (setting);
    plv_conf_list_t list = {.items = plv_alloc_zero (count, sizeof (char *)), .count = count};
    plv_err_t err = ERR_OK;
    for (size_t at = 0; !err && at < count; at++) {
        err = set_str (&list.items[at], config_setting_get_elem (setting, (unsigned) at), ret_fail);
        if (!err && !*list.items[at])
            err = plv_fail (ret_fail, ERR_CONF, "an empty text");
        if (err && ret_fail)
            plv_fail_context (ret_fail, "item %zu", at + 1);
    }
    list_free (err ? &list : field);
    if (!err)
        *field = list;
    return err;
}

plv_err_t plv_conf_value_set (const plv_conf_key_t *key, void *owner,
                              const config_setting_t *setting, plv_fail_t *ret_fail)
{
    void *field = field_of (key, owner);
    switch (key->kind) {
    case KEY_INT:
        return set_int (key, field, setting, ret_fail);
    case KEY_BOOL:
        return set_bool (field, setting, ret_fail);
    case KEY_STR:
        return set_str (field, setting, ret_fail);
    case KEY_ENUM:
        return set_enum (key, field, setting, ret_fail);
    case KEY_LIST:
        return set_list (field, setting, ret_fail);
    case KEY_SECT:
        break;
    }
    return ERR_OK;
}
