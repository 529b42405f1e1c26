/*  conf_fuzz -- any bytes as a configuration
    It is refused in one line, or it is loaded; and what is loaded comes back from its own print.  */

#include "base/check.h"
#include "base/conf/conf.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static char *print (const plv_conf_t *conf)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream (&text, &size);
    CHECK (out, "memory");
    plv_conf_print (conf, out);
    fclose (out);
    return text;
}

static void check_refusal (const plv_fail_t *fail)
{
    CHECK (fail->code == ERR_CONF, "code %d", (int) fail->code);
    CHECK (strncmp (fail->text, "fuzz.conf:", 10) == 0, "no file in: %s", fail->text);
    CHECK (!strchr (fail->text, '\n'), "two lines: %s", fail->text);
}

static void check_again (const plv_conf_t *conf)
{
    plv_conf_t *again = NULL;
    plv_fail_t fail;
    char *text = print (conf);
    CHECK (!plv_conf_load_text (plv_view_str (text), "again", &again, &fail), "%s in\n%s",
           fail.text, text);
    char *other = print (again);
    CHECK (strcmp (text, other) == 0, "printed:\n%s\nand again:\n%s", text, other);
    plv_conf_destroy (&again);
    free (other);
    free (text);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    plv_conf_t *conf = NULL;
    plv_fail_t fail = {.code = ERR_OK};
    if (plv_conf_load_text (plv_view (data, size), "fuzz.conf", &conf, &fail))
        check_refusal (&fail);
    else
        check_again (conf);
    plv_conf_destroy (&conf);
    return 0;
}
