#include "base/conf/conf_load.h"
#include "base/conf/conf_value.h"

#include <inttypes.h>

enum { LINE_BYTES = 100, MEANING_BYTES = 512, ROUTE_KEY_BYTES = 11 };

/*  A sample has each value behind a #, so that it can be read as documentation and changed key by key.  */
typedef struct {
    FILE *out;
    bool sample;
} printer_t;

/*  `text` as comment lines of at most LINE_BYTES, cut between words; all but the first stand `hang` further
    right.  */
static void print_comment (FILE *out, int indent, int hang, const char *text)
{
    int shift = 0;
    while (*text) {
        size_t room = (size_t) (LINE_BYTES - indent - shift - 2);
        size_t size = strlen (text);
        if (size > room)
            for (size = room; size > 1 && text[size] != ' '; size--)
                continue;
        fprintf (out, "%*s# %*s%.*s\n", indent, "", shift, "", (int) size, text);
        text += size + strspn (text + size, " ");
        shift = hang;
    }
}

/*  The meaning and what is allowed.  */
static void meaning_text (const plv_conf_key_t *key, char *text, size_t room)
{
    if (key->kind == KEY_INT)
        snprintf (text, room, "%s (%" PRId64 " to %" PRId64 ")", key->meaning, key->min, key->max);
    else if (key->kind == KEY_ENUM)
        snprintf (text, room, "%s (%s)", key->meaning, key->text);
    else
        snprintf (text, room, "%s", key->meaning);
}

static void print_default (FILE *out, const plv_conf_key_t *key)
{
    plv_buf_t standard = {0};
    plv_conf_value_text (key, NULL, &standard);
    plv_buf_check (&standard);
    fprintf (out, "    # default: " PLV_VIEW_FMT "\n", PLV_VIEW_ARG (plv_buf_view (&standard)));
    plv_buf_free (&standard);
}

static void print_value (FILE *out, const char *lead, const plv_conf_key_t *key, const char *name,
                         const void *owner)
{
    plv_buf_t value = {0};
    plv_conf_value_text (key, owner, &value);
    plv_buf_check (&value);
    fprintf (out, "%s%s = " PLV_VIEW_FMT ";\n", lead, name, PLV_VIEW_ARG (plv_buf_view (&value)));
    plv_buf_free (&value);
}

static void print_keys (const printer_t *self, const plv_conf_t *conf)
{
    plv_conf_table_t table = plv_conf_table ();
    bool first = true;
    char text[MEANING_BYTES];
    for (size_t at = 0; at < table.count; at++) {
        const plv_conf_key_t *key = &table.keys[at];
        if (key->kind == KEY_SECT) {
            fprintf (self->out, "%s\n", at ? "};\n" : "");
            print_comment (self->out, 0, 0, key->meaning);
            fprintf (self->out, "%s = {\n", key->path);
            first = true;
            continue;
        }
        fputs (first ? "" : "\n", self->out);
        first = false;
        meaning_text (key, text, sizeof text);
        print_comment (self->out, 4, 0, text);
        if (!plv_conf_value_is_default (key, conf))
            print_default (self->out, key);
        print_value (self->out, self->sample ? "    # " : "    ", key, strchr (key->path, '.') + 1,
                     conf);
    }
    fputs ("};\n", self->out);
}

static void print_route (const printer_t *self, const plv_conf_route_t *route)
{
    plv_conf_table_t table = plv_conf_route_table ();
    const char *lead = self->sample ? "#     " : "    ";
    fprintf (self->out, "%s{\n", lead);
    for (size_t at = 0; at < table.count; at++)
        if (!plv_conf_value_is_default (&table.keys[at], route))
            print_value (self->out, self->sample ? "#         " : "        ", &table.keys[at],
                         table.keys[at].path, route);
    fprintf (self->out, "%s}", lead);
}

static void print_routes (const printer_t *self, const plv_conf_t *conf)
{
    plv_conf_table_t table = plv_conf_route_table ();
    fputs ("\n", self->out);
    print_comment (
        self->out, 0, 0,
        "which service gets an event: the first route that matches it. A route without a matcher "
        "matches everything. Without any routes there is the one that stands here. The keys of a "
        "route:");
    for (size_t at = 0; at < table.count; at++) {
        char meaning[MEANING_BYTES];
        char text[MEANING_BYTES + ROUTE_KEY_BYTES + 4];
        meaning_text (&table.keys[at], meaning, sizeof meaning);
        snprintf (text, sizeof text, "  %-*s %s", ROUTE_KEY_BYTES, table.keys[at].path, meaning);
        print_comment (self->out, 0, ROUTE_KEY_BYTES + 3, text);
    }
    const char *lead = self->sample ? "# " : "";
    fprintf (self->out, "%sroutes = (\n", lead);
    for (size_t at = 0; at < conf->route_count; at++) {
        print_route (self, &conf->routes[at]);
        fputs (at + 1 < conf->route_count ? ",\n" : "\n", self->out);
    }
    fprintf (self->out, "%s);\n", lead);
}

static void print_adapters_meaning (const printer_t *self)
{
    fputs ("\n", self->out);
    print_comment (
        self->out, 0, 0,
        "the adapters: one group each, named as its plugin, with the keys that the plugin "
        "reads. A secret never stands here: write env:NAME or file:PATH.");
}

static void print_adapters (const printer_t *self, const plv_conf_t *conf)
{
    print_adapters_meaning (self);
    if (self->sample) {
        fputs ("# adapters = {\n#     web = {\n#         port = 8080;\n#     };\n# };\n",
               self->out);
        return;
    }
    fputs ("adapters = {", self->out);
    plv_conf_print_adapters (conf->plugins_raw, self->out);
    fputs ("\n};\n", self->out);
}

static void print_head (const printer_t *self, const plv_conf_t *conf)
{
    print_comment (
        self->out, 0, 0,
        "Palaver's configuration: every key with its meaning. The unit of a number is last in its "
        "name. What is not given has its default; what is not known is refused. `palaverd "
        "--check-conf` checks a file, `palaverd --print-conf` shows what is in force.");
    print_keys (self, conf);
    print_routes (self, conf);
}

static void print (const printer_t *self, const plv_conf_t *conf)
{
    print_head (self, conf);
    print_adapters (self, conf);
}

void plv_conf_print_head (const plv_conf_t *self, FILE *out)
{
    const printer_t printer = {.out = out};
    print_head (&printer, self);
    print_adapters_meaning (&printer);
}

void plv_conf_print (const plv_conf_t *self, FILE *out)
{
    print (&(printer_t){.out = out}, self);
}

void plv_conf_print_sample (FILE *out)
{
    plv_conf_t *conf = NULL;
    plv_conf_defaults (&conf, NULL);
    print (&(printer_t){.out = out, .sample = true}, conf);
    plv_conf_destroy (&conf);
}
