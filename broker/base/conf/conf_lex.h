/*  conf_lex -- the words of a libconfig text
    OWNS    nothing: words point into the text
    THREAD  that of its owner
    FAILS   with TOKEN_WRONG and a sentence that never repeats the text
    COST    one pass

    libconfig 1.5 reads 4294967297 as 1, takes a comment without an end for the end of the file, and ends the
    program when an @include names a directory. So the text is read by this lexer first: see conf_syntax.h.  */

#ifndef PLV_BASE_CONF_LEX_H
#define PLV_BASE_CONF_LEX_H

#include "base/view.h"

typedef enum {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_STRING,
    TOKEN_INT,
    TOKEN_FLOAT,
    TOKEN_BOOL,
    TOKEN_MARK, /* one of = : ; , { } [ ] ( ) */
    TOKEN_WRONG,
} plv_conf_token_t;

typedef struct {
    plv_view_t text;
    size_t at; /* behind the token */
    int line;  /* of `at` */
    plv_conf_token_t token;
    plv_view_t word;
    int word_line;
    bool wide;         /* a TOKEN_INT that needs 64 bits and has no L */
    const char *wrong; /* of a TOKEN_WRONG; may be `odd` */
    char odd[96];
} plv_conf_lex_t;

plv_conf_lex_t plv_conf_lex (plv_view_t text);

/*  Reads the next token, which it returns too.  */
plv_conf_token_t plv_conf_lex_next (plv_conf_lex_t *self);

static inline bool plv_conf_lex_is (const plv_conf_lex_t *self, char mark)
{
    return self->token == TOKEN_MARK && *self->word.data == (uint8_t) mark;
}

#endif
