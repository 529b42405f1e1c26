#include "base/conf/conf_syntax.h"

#include "base/conf/conf_lex.h"
#include "base/format.h"
#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

enum { PATH_BYTES = 256 };

typedef struct {
    const char *file;
    plv_conf_lex_t lex;
    plv_buf_t *out;
    size_t copied; /* bytes of the text that are in `out` */
    char path[PATH_BYTES];
    int depth;
    plv_fail_t *fail;
} syntax_t;

typedef struct {
    plv_view_t name;
    int line;
} seen_t;

static plv_err_t read_members (syntax_t *self, char closing, int opened);

static plv_err_t refuse (syntax_t *self, const char *format, ...)
    __attribute__ ((format (printf, 2, 3)));

static plv_err_t refuse (syntax_t *self, const char *format, ...)
{
    char words[192];
    va_list arguments;
    va_start (arguments, format);
    plv_format_list (words, sizeof words, format, arguments);
    va_end (arguments);
    return plv_fail (self->fail, ERR_CONF, "%s:%d: %s%s%s", self->file, self->lex.word_line,
                     self->path, *self->path ? ": " : "", words);
}

/*  `wanted` was not there; what is there may be a secret without its quotes, and is not repeated.  */
static plv_err_t refuse_token (syntax_t *self, const char *wanted)
{
    if (self->lex.token == TOKEN_WRONG)
        return refuse (self, "%s", self->lex.wrong);
    if (self->lex.token == TOKEN_END)
        return refuse (self, "%s is missing at the end of the file", wanted);
    return refuse (self, "%s is missing here", wanted);
}

static void next (syntax_t *self)
{
    plv_conf_lex_next (&self->lex);
    if (self->lex.wide) {
        plv_buf_add (self->out, self->lex.text.data + self->copied, self->lex.at - self->copied);
        plv_buf_add_u8 (self->out, 'L');
        self->copied = self->lex.at;
    }
}

/*  Makes the path longer, for the time that `size` bytes of it are not cut off again.  */
static void enter (syntax_t *self, const char *format, ...) __attribute__ ((format (printf, 2, 3)));

static void enter (syntax_t *self, const char *format, ...)
{
    size_t size = strlen (self->path);
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (self->path + size, sizeof self->path - size, format, arguments);
    va_end (arguments);
}

static bool takes_scalar (syntax_t *self)
{
    plv_conf_token_t token = self->lex.token;
    if (token == TOKEN_STRING) {
        while (self->lex.token == TOKEN_STRING)
            next (self);
        return true;
    }
    if (token != TOKEN_INT && token != TOKEN_FLOAT && token != TOKEN_BOOL)
        return false;
    next (self);
    return true;
}

static plv_err_t read_value (syntax_t *self);

/*  What stands between [ ] or ( ): values with commas between them.  */
static plv_err_t read_items (syntax_t *self, char closing)
{
    size_t size = strlen (self->path);
    next (self);
    for (size_t at = 0; !plv_conf_lex_is (&self->lex, closing) || at; at++) {
        enter (self, "[%zu]", at);
        plv_err_t err = ERR_OK;
        if (closing == ')')
            err = read_value (self);
        else if (!takes_scalar (self))
            err = refuse_token (self, "a text, a number, true or false");
        if (err)
            return err;
        self->path[size] = 0;
        if (plv_conf_lex_is (&self->lex, closing))
            break;
        if (!plv_conf_lex_is (&self->lex, ','))
            return refuse_token (self, closing == ')' ? "a comma or the closing )"
                                                      : "a comma or the closing ]");
        next (self);
    }
    next (self);
    return ERR_OK;
}

static plv_err_t read_value (syntax_t *self)
{
    if (takes_scalar (self))
        return ERR_OK;
    if (self->lex.token == TOKEN_NAME)
        return refuse (self, "a text stands in double quotes");
    if (self->lex.token != TOKEN_MARK || !strchr ("{[(", *self->lex.word.data))
        return refuse_token (self, "a value");
    if (self->depth == CONF_DEPTH_MAX)
        return refuse (self, "groups and lists are nested more than %d deep", CONF_DEPTH_MAX);
    self->depth++;
    plv_err_t err;
    int opened = self->lex.word_line;
    if (plv_conf_lex_is (&self->lex, '{')) {
        next (self);
        err = read_members (self, '}', opened);
        next (self);
    } else {
        err = read_items (self, plv_conf_lex_is (&self->lex, '[') ? ']' : ')');
    }
    self->depth--;
    return err;
}

static plv_err_t note_name (syntax_t *self, plv_buf_t *names)
{
    seen_t seen = {.name = self->lex.word, .line = self->lex.word_line};
    const seen_t *others = (const seen_t *) (const void *) names->data;
    size_t count = names->size / sizeof seen;
    for (size_t at = 0; at < count; at++)
        if (plv_view_equal (others[at].name, seen.name))
            return refuse (self, "given twice; the first is on line %d", others[at].line);
    if (count == CONF_GROUP_KEYS_MAX)
        return refuse (self, "more than %d keys in one group", CONF_GROUP_KEYS_MAX);
    plv_buf_add (names, &seen, sizeof seen);
    return names->failed ? plv_fail (self->fail, ERR_NOMEM, "%s: out of memory", self->file)
                         : ERR_OK;
}

/*  NAME = VALUE, and what may stand behind it.  */
static plv_err_t read_member (syntax_t *self, plv_buf_t *names)
{
    plv_err_t err = note_name (self, names);
    if (err)
        return err;
    next (self);
    if (!plv_conf_lex_is (&self->lex, '=') && !plv_conf_lex_is (&self->lex, ':'))
        return refuse_token (self, "an = behind the name");
    next (self);
    err = read_value (self);
    if (!err && (plv_conf_lex_is (&self->lex, ';') || plv_conf_lex_is (&self->lex, ',')))
        next (self);
    return err;
}

/*  All of a group up to `closing`, or of the file when `closing` is 0.  */
static plv_err_t read_members (syntax_t *self, char closing, int opened)
{
    plv_buf_t names = {0};
    plv_err_t err = ERR_OK;
    size_t size = strlen (self->path);
    while (!err && self->lex.token == TOKEN_NAME) {
        enter (self, "%s%.*s", size ? "." : "", PLV_VIEW_ARG (self->lex.word));
        err = read_member (self, &names);
        if (!err)
            self->path[size] = 0;
    }
    plv_buf_free (&names);
    if (err)
        return err;
    bool ended = closing ? plv_conf_lex_is (&self->lex, closing) : self->lex.token == TOKEN_END;
    if (ended)
        return ERR_OK;
    if (closing && self->lex.token == TOKEN_END)
        return refuse (self, "the group that begins on line %d has no closing }", opened);
    return refuse_token (self, "the name of a key");
}

static plv_err_t check_bytes (const char *file, plv_view_t text, plv_fail_t *ret_fail)
{
    int line = 1;
    if (text.size > CONF_FILE_BYTES_MAX)
        return plv_fail (ret_fail, ERR_CONF, "%s: larger than %d bytes", file, CONF_FILE_BYTES_MAX);
    for (size_t at = 0, size; at < text.size; at += size) {
        size = plv_utf8_size (text.data + at, text.size - at);
        if (!size)
            return plv_fail (ret_fail, ERR_CONF, "%s:%d: not UTF-8", file, line);
        line += text.data[at] == '\n';
    }
    return ERR_OK;
}

plv_err_t plv_conf_syntax (const char *file, plv_view_t text, plv_buf_t *ret_text,
                           plv_fail_t *ret_fail)
{
    static const char mark[] = "\xef\xbb\xbf"; /* editors on Windows begin a file with it */
    if (text.size >= 3 && memcmp (text.data, mark, 3) == 0)
        text = plv_view (text.data + 3, text.size - 3);
    plv_err_t err = check_bytes (file, text, ret_fail);
    if (err)
        return err;
    syntax_t self = {.file = file, .lex = plv_conf_lex (text), .out = ret_text, .fail = ret_fail};
    next (&self);
    err = read_members (&self, 0, 1);
    if (err)
        return err;
    plv_buf_add (ret_text, text.data + self.copied, text.size - self.copied);
    plv_buf_add (ret_text, "\n", 2);
    return ret_text->failed ? plv_fail (ret_fail, ERR_NOMEM, "%s: out of memory", file) : ERR_OK;
}
