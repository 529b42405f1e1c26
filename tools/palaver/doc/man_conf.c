#include "base/check.h"
#include "base/conf/conf_value.h"
#include "palaver/doc/generate.h"
#include "palaver/doc/roff.h"
#include "palaver/show/text.h"

#include <inttypes.h>
#include <string.h>

/*  A key with its meaning, its range, its default.  */
static void put_key (plv_buf_t *out, const plv_conf_key_t *key, bool of_route)
{
    plv_buf_t meaning = {0};
    text_put (&meaning, key->meaning);
    if (key->kind == KEY_INT)
        text_putf (&meaning, "; %" PRId64 " to %" PRId64, key->min, key->max);
    if (key->kind == KEY_ENUM)
        text_putf (&meaning, "; one of %s", key->text);
    if (!of_route) {
        text_put (&meaning, "; default: ");
        plv_conf_value_text (key, NULL, &meaning);
    }
    plv_buf_add_u8 (&meaning, '\0');
    plv_buf_check (&meaning);
    roff_term (out, key->path, (const char *) meaning.data);
    plv_buf_free (&meaning);
}

static void put_table (plv_buf_t *out, plv_conf_table_t table, bool of_route)
{
    for (size_t i = 0; i < table.count; i++) {
        const plv_conf_key_t *key = &table.keys[i];
        if (key->kind == KEY_SECT) {
            text_putf (out, ".SS %s\n", key->path);
            roff_line (out, key->meaning);
        } else {
            put_key (out, key, of_route);
        }
    }
}

void generate_conf (plv_buf_t *out)
{
    roff_title (out, "palaver.conf", 5, "the configuration of the Palaver broker");
    roff_section (out, "DESCRIPTION");
    roff_line (
        out,
        "The file is libconfig: data.sync is the key sync in the group data = { ... };. A key that is not "
        "given has its default; one that is not known, or has a value of the wrong kind or outside its "
        "range, is refused with file, line and the nearest known name. palaverd --check-conf checks a "
        "file, palaverd --print-conf shows what is in force, and SIGHUP makes palaverd read it again, "
        "all or nothing.");
    roff_paragraph (
        out,
        "A secret never stands in the file: a key of an adapter that holds one says env:NAME or file:PATH.");
    roff_section (out, "KEYS");
    put_table (out, plv_conf_table (), false);
    roff_section (out, "ROUTES");
    roff_line (
        out,
        "routes = ( { ... }, { ... } ); is a list: the first route that matches an event decides which "
        "service gets it. A route without a matcher matches everything. Without any routes there is one, "
        "default, to the service advisor.");
    put_table (out, plv_conf_route_table (), true);
    roff_section (out, "ADAPTERS");
    roff_line (
        out,
        "adapters = { web = { ... }; }; has a group for each adapter, named as its plugin, with the keys "
        "that the plugin reads.");
    roff_section (out, "SEE ALSO");
    text_put (out, ".BR palaverd (8),\n.BR palaver (1)\n");
}
