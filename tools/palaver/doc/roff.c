#include "palaver/doc/roff.h"

#include "palaver/show/text.h"

/*  One date for all pages of a version, also those that are written by hand.  */
#define DATE "2026-12-02"

void roff_put (plv_buf_t *out, const char *text)
{
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            text_put (out, "\\&");
        if (*text == '-' || *text == '\\' || *text == '~' || *text == '^' || *text == '`')
            text_put (out, *text == '-'    ? "\\-"
                           : *text == '\\' ? "\\e"
                           : *text == '~'  ? "\\(ti"
                           : *text == '^'  ? "\\(ha"
                                           : "\\(ga");
        else
            plv_buf_add_u8 (out, (uint8_t) *text);
        begins = *text == '\n';
    }
}

void roff_line (plv_buf_t *out, const char *text)
{
    roff_put (out, text);
    text_put (out, "\n");
}

void roff_title (plv_buf_t *out, const char *name, int section, const char *summary)
{
    text_putf (out,
               ".\\\" Made from the tables in tools/palaver: do not edit.\n"
               ".TH %s %d " DATE " Palaver Palaver\n",
               name, section);
    roff_section (out, "NAME");
    roff_put (out, name);
    text_put (out, " \\- ");
    roff_line (out, summary);
}

void roff_section (plv_buf_t *out, const char *title)
{
    text_putf (out, ".SH %s\n", title);
}

void roff_paragraph (plv_buf_t *out, const char *text)
{
    text_put (out, ".PP\n");
    roff_line (out, text);
}

void roff_term (plv_buf_t *out, const char *term, const char *meaning)
{
    text_put (out, ".TP\n.B ");
    roff_line (out, term);
    roff_line (out, meaning);
}
