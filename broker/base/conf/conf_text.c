#include "base/conf/conf_value.h"

#include <inttypes.h>

static void add_text (plv_buf_t *out, const char *text)
{
    plv_buf_add_view (out, plv_view_str (text));
}

void plv_conf_quote (const char *text, plv_buf_t *out)
{
    char escape[8];
    add_text (out, "\"");
    for (; *text; text++) {
        unsigned char byte = (unsigned char) *text;
        if (byte == '"' || byte == '\\')
            snprintf (escape, sizeof escape, "\\%c", byte);
        else if (byte == '\n')
            snprintf (escape, sizeof escape, "\\n");
        else if (byte == '\t')
            snprintf (escape, sizeof escape, "\\t");
        else if (byte < 0x20 || byte == 0x7f)
            snprintf (escape, sizeof escape, "\\x%02x", byte);
        else
            snprintf (escape, sizeof escape, "%c", byte);
        add_text (out, escape);
    }
    add_text (out, "\"");
}

static void number_text (int64_t value, plv_buf_t *out)
{
    char text[32];
    bool small = value >= INT32_MIN && value <= INT32_MAX;
    snprintf (text, sizeof text, "%" PRId64 "%s", value, small ? "" : "L");
    add_text (out, text);
}

static void items_text (const char *const *items, size_t count, plv_buf_t *out)
{
    add_text (out, "[");
    for (size_t at = 0; at < count; at++) {
        add_text (out, at ? ", " : " ");
        plv_conf_quote (items[at], out);
    }
    add_text (out, " ]");
}

static void default_text (const plv_conf_key_t *key, plv_buf_t *out)
{
    size_t count = 0;
    switch (key->kind) {
    case KEY_INT:
        number_text (key->standard, out);
        break;
    case KEY_BOOL:
        add_text (out, key->standard ? "true" : "false");
        break;
    case KEY_STR:
        plv_conf_quote (key->text, out);
        break;
    case KEY_ENUM:
        add_text (out, "\"");
        plv_buf_add_view (out, plv_conf_word (key->text, (size_t) key->standard));
        add_text (out, "\"");
        break;
    case KEY_LIST:
        while (key->items[count])
            count++;
        items_text (key->items, count, out);
        break;
    case KEY_SECT:
        break;
    }
}

void plv_conf_value_text (const plv_conf_key_t *key, const void *owner, plv_buf_t *out)
{
    const void *field = owner ? (const char *) owner + key->offset : NULL;
    plv_conf_key_t said = *key;
    if (!field || key->kind == KEY_SECT) {
        default_text (key, out);
    } else if (key->kind == KEY_LIST) {
        const plv_conf_list_t *list = field;
        items_text ((const char *const *) list->items, list->count, out);
    } else {
        /*  What the field holds, written as a default is.  */
        if (key->kind == KEY_INT)
            said.standard = *(const int64_t *) field;
        else if (key->kind == KEY_BOOL)
            said.standard = *(const bool *) field;
        else if (key->kind == KEY_ENUM)
            said.standard = *(const int *) field;
        else
            said.text = *(char *const *) field;
        default_text (&said, out);
    }
}

bool plv_conf_value_is_default (const plv_conf_key_t *key, const void *owner)
{
    plv_buf_t said = {0};
    plv_buf_t standard = {0};
    plv_conf_value_text (key, owner, &said);
    plv_conf_value_text (key, NULL, &standard);
    plv_buf_check (&said);
    plv_buf_check (&standard);
    bool equal = plv_view_equal (plv_buf_view (&said), plv_buf_view (&standard));
    plv_buf_free (&said);
    plv_buf_free (&standard);
    return equal;
}
