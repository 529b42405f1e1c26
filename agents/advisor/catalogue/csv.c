#include "advisor/catalogue/csv.h"

#include "wire/mp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

struct csv {
    char *name;
    char *text;
    size_t size;
    size_t at;
    unsigned line;   /* of the byte at `at` */
    unsigned record; /* where the current record begins */
    plv_view_t fields[CSV_COLUMNS_MAX];
    size_t count;
    plv_view_t columns[CSV_COLUMNS_MAX];
    size_t column_count;
};

static plv_err_t wrong (const csv_t *self, unsigned line, plv_err_t code, const char *what,
                        plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, code, "%s:%u: %s", self->name, line, what);
}

/*  CRLF or LF at the reading position.  */
static size_t line_end (const csv_t *self)
{
    if (self->at < self->size && self->text[self->at] == '\n')
        return 1;
    if (self->at + 1 < self->size && self->text[self->at] == '\r'
        && self->text[self->at + 1] == '\n')
        return 2;
    return 0;
}

static void skip_line_end (csv_t *self, size_t bytes)
{
    self->at += bytes;
    self->line++;
}

/*  The content moves to the front as doubled quotes become one; it never grows.  */
static plv_err_t quoted_field (csv_t *self, plv_view_t *ret_field, plv_fail_t *ret_fail)
{
    unsigned opened = self->line;
    char *from = self->text + ++self->at;
    char *to = from;
    while (self->at < self->size) {
        char c = self->text[self->at++];
        if (c == '"') {
            if (self->at >= self->size || self->text[self->at] != '"') {
                *ret_field = plv_view (from, (size_t) (to - from));
                return ERR_OK;
            }
            self->at++;
        } else if (c == '\n') {
            self->line++;
        }
        *to++ = c;
    }
    return wrong (self, opened, ERR_SYNTAX, "a quoted field begins here and never ends", ret_fail);
}

static plv_err_t plain_field (csv_t *self, plv_view_t *ret_field, plv_fail_t *ret_fail)
{
    size_t from = self->at;
    for (; self->at < self->size && self->text[self->at] != ',' && !line_end (self); self->at++)
        if (self->text[self->at] == '"')
            return wrong (self, self->line, ERR_SYNTAX,
                          "a quote inside a field that does not begin with one", ret_fail);
        else if (self->text[self->at] == '\r')
            return wrong (self, self->line, ERR_SYNTAX, "a carriage return alone", ret_fail);
    *ret_field = plv_view (self->text + from, self->at - from);
    return ERR_OK;
}

/*  One field and the comma or line end behind it.  */
static plv_err_t take_field (csv_t *self, bool *ret_more, plv_fail_t *ret_fail)
{
    plv_view_t field;
    bool quoted = self->at < self->size && self->text[self->at] == '"';
    plv_err_t err =
        quoted ? quoted_field (self, &field, ret_fail) : plain_field (self, &field, ret_fail);
    if (err)
        return err;
    if (self->count == CSV_COLUMNS_MAX)
        return wrong (self, self->record, ERR_RANGE, "more than 64 fields", ret_fail);
    self->fields[self->count++] = field;

    size_t ends = line_end (self);
    *ret_more = self->at < self->size && !ends;
    if (*ret_more && self->text[self->at++] != ',')
        return wrong (self, self->line, ERR_SYNTAX, "text behind a closing quote", ret_fail);
    if (ends)
        skip_line_end (self, ends);
    return ERR_OK;
}

static plv_err_t read_record (csv_t *self, plv_fail_t *ret_fail)
{
    for (size_t ends; (ends = line_end (self)) > 0;)
        skip_line_end (self, ends);
    if (self->at == self->size)
        return ERR_NOENT;
    self->record = self->line;
    self->count = 0;
    bool more = true;
    while (more) {
        plv_err_t err = take_field (self, &more, ret_fail);
        if (err)
            return err;
    }
    return ERR_OK;
}

/*  Bytes that no text file holds are found before any of them is looked at.  */
static plv_err_t check_text (csv_t *self, plv_fail_t *ret_fail)
{
    const char *zero = self->size ? memchr (self->text, 0, self->size) : NULL;
    if (!zero && plv_utf8_valid (plv_view (self->text, self->size)))
        return ERR_OK;
    unsigned line = 1;
    for (const char *at = self->text, *end; at < self->text + self->size; at = end + 1, line++) {
        size_t left = self->size - (size_t) (at - self->text);
        end = memchr (at, '\n', left);
        end = end ? end : at + left;
        if (zero ? zero <= end : !plv_utf8_valid (plv_view (at, (size_t) (end - at))))
            break;
    }
    return wrong (self, line, ERR_UTF8, zero ? "a NUL byte" : "not UTF-8: save the file as UTF-8",
                  ret_fail);
}

static plv_err_t read_header (csv_t *self, plv_fail_t *ret_fail)
{
    if (self->size >= 3 && memcmp (self->text, "\xef\xbb\xbf", 3) == 0)
        self->at = 3;
    plv_err_t err = read_record (self, ret_fail);
    if (err == ERR_NOENT)
        return wrong (self, 1, ERR_SYNTAX, "the file is empty: it needs a line with column names",
                      ret_fail);
    if (!err) {
        memcpy (self->columns, self->fields, sizeof self->columns);
        self->column_count = self->count;
    }
    return err;
}

/*  Takes `text`, which is freed on failure too.  */
static plv_err_t start (char *text, size_t size, const char *name, csv_t **ret_csv,
                        plv_fail_t *ret_fail)
{
    csv_t *self = calloc (1, sizeof *self);
    if (self)
        *self = (csv_t){.name = strdup (name), .text = text, .size = size, .line = 1};
    if (!self || !self->name) {
        free (self);
        free (text);
        return plv_fail (ret_fail, ERR_NOMEM, "%s: out of memory", name);
    }
    plv_err_t err = check_text (self, ret_fail);
    if (!err)
        err = read_header (self, ret_fail);
    if (err)
        csv_destroy (&self);
    else
        *ret_csv = self;
    return err;
}

plv_err_t csv_new (plv_view_t text, const char *name, csv_t **ret_csv, plv_fail_t *ret_fail)
{
    char *copy = malloc (text.size + 1);
    if (!copy)
        return plv_fail (ret_fail, ERR_NOMEM, "%s: out of memory", name);
    if (text.size)
        memcpy (copy, text.data, text.size);
    return start (copy, text.size, name, ret_csv, ret_fail);
}

/*  The rest of `in`, at most CSV_BYTES_MAX bytes of it.  */
static plv_err_t read_all (FILE *in, char **ret_text, size_t *ret_size)
{
    size_t size = 0, room = 256 * 1024;
    char *text = malloc (room);
    plv_err_t err = text ? ERR_OK : ERR_NOMEM;
    while (!err) {
        size_t got = fread (text + size, 1, room - size, in);
        size += got;
        if (got == 0)
            break;
        if (size > CSV_BYTES_MAX)
            err = ERR_RANGE;
        char *more = !err && size == room ? realloc (text, room * 2) : text;
        if (!more)
            err = ERR_NOMEM;
        else if (!err && size == room)
            text = more, room *= 2;
    }
    if (!err && ferror (in))
        err = plv_err_of_errno (errno);
    if (err) {
        free (text);
        return err;
    }
    *ret_text = text;
    *ret_size = size;
    return ERR_OK;
}

plv_err_t csv_open (const char *file, csv_t **ret_csv, plv_fail_t *ret_fail)
{
    FILE *in = fopen (file, "rbe");
    if (!in)
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", file, strerror (errno));
    char *text = NULL;
    size_t size = 0;
    plv_err_t err = read_all (in, &text, &size);
    fclose (in);
    if (err)
        return plv_fail (ret_fail, err, "%s: %s", file,
                         err == ERR_RANGE ? "larger than 64 MiB" : plv_err_text (err));
    return start (text, size, file, ret_csv, ret_fail);
}

void csv_destroy (csv_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    free ((*self_p)->name);
    free ((*self_p)->text);
    free (*self_p);
    *self_p = NULL;
}

int csv_column (const csv_t *self, const char *name)
{
    for (size_t i = 0; i < self->column_count; i++)
        if (self->columns[i].size == strlen (name)
            && strncasecmp ((const char *) self->columns[i].data, name, strlen (name)) == 0)
            return (int) i;
    return -1;
}

size_t csv_columns (const csv_t *self)
{
    return self->column_count;
}

plv_err_t csv_next (csv_t *self, plv_fail_t *ret_fail)
{
    plv_err_t err = read_record (self, ret_fail);
    if (!err && self->count != self->column_count)
        return plv_fail (ret_fail, ERR_SYNTAX, "%s:%u: %zu fields where the first line has %zu",
                         self->name, self->record, self->count, self->column_count);
    return err;
}

plv_view_t csv_field (const csv_t *self, int column)
{
    return column >= 0 && (size_t) column < self->count ? self->fields[column] : plv_view (NULL, 0);
}

unsigned csv_line (const csv_t *self)
{
    return self->record;
}

const char *csv_name (const csv_t *self)
{
    return self->name;
}
