#include "advisor/catalogue/catalogue.h"

#include "advisor/catalogue/classify.h"
#include "advisor/catalogue/csv.h"
#include "advisor/catalogue/plain.h"

#include <math.h>
#include <sqlite3.h>
#include <stdlib.h>

typedef enum {
    COLUMN_SYMBOL,
    COLUMN_NAME,
    COLUMN_CLASS,
    COLUMN_REGION,
    COLUMN_CURRENCY,
    COLUMN_FEE,
    COLUMN_TAGS,
    COLUMN_AS_OF,
    COLUMN_GROUP, /* of a list that has no asset_class: what classify goes by, beside the name */
    COLUMN_CATEGORY,
    COLUMN_COUNT_,
} column_t;

enum { SEARCH_BYTES_MAX = 77 };

/*  What lists call their columns, the usual name first.  */
enum { COLUMN_NAMES = 5 };
static const char *const COLUMNS[COLUMN_COUNT_][COLUMN_NAMES] = {
    [COLUMN_SYMBOL] = {"symbol", "ticker", "code"},
    [COLUMN_NAME] = {"name", "fund", "fund_name", "security"},
    [COLUMN_CLASS] = {"asset_class"},
    [COLUMN_REGION] = {"region"},
    [COLUMN_CURRENCY] = {"currency"},
    [COLUMN_FEE] = {"expense_ratio", "fee", "ter", "ongoing_charge", "expense ratio"},
    [COLUMN_TAGS] = {"tags"},
    [COLUMN_AS_OF] = {"fee_as_of"},
    [COLUMN_GROUP] = {"category_group", "group", "sector", "asset class"},
    [COLUMN_CATEGORY] = {"category", "type", "kind", "focus"},
};

struct catalogue {
    char *file;
    product_t *products;
    size_t count;
    size_t room;
    sqlite3 *db;
    sqlite3_stmt *insert_symbol;
    sqlite3_stmt *insert_text;
    sqlite3_stmt *find;
    sqlite3_stmt *search;
};

static plv_err_t sql_failed (const catalogue_t *self, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_IO, "%s: SQLite: %s", self->file, sqlite3_errmsg (self->db));
}

static plv_err_t open_index (catalogue_t *self, plv_fail_t *ret_fail)
{
    static const char SCHEMA[] =
        "CREATE TABLE product (id INTEGER PRIMARY KEY, symbol TEXT NOT NULL UNIQUE COLLATE NOCASE);"
        "CREATE VIRTUAL TABLE words USING fts5 (name, kind, region, tags, content='',"
        " tokenize='porter unicode61 remove_diacritics 2');";
    const struct {
        sqlite3_stmt **stmt;
        const char *sql;
    } statements[] = {
        {&self->insert_symbol, "INSERT INTO product (id, symbol) VALUES (?1, ?2)"},
        {&self->insert_text,
         "INSERT INTO words (rowid, name, kind, region, tags) VALUES (?1, ?2, ?3, ?4, ?5)"},
        {&self->find, "SELECT id FROM product WHERE symbol = ?1"},
        {&self->search, "SELECT rowid FROM words WHERE words MATCH ?1 ORDER BY rank, rowid"},
    };
    int flags =
        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2 (":memory:", &self->db, flags, NULL) != SQLITE_OK
        || sqlite3_exec (self->db, SCHEMA, NULL, NULL, NULL) != SQLITE_OK)
        return sql_failed (self, ret_fail);
    for (size_t i = 0; i < sizeof statements / sizeof *statements; i++)
        if (sqlite3_prepare_v3 (self->db, statements[i].sql, -1, SQLITE_PREPARE_PERSISTENT,
                                statements[i].stmt, NULL)
            != SQLITE_OK)
            return sql_failed (self, ret_fail);
    return ERR_OK;
}

static int run (sqlite3_stmt *stmt)
{
    int code = sqlite3_step (stmt);
    sqlite3_reset (stmt);
    return code;
}

/*  ERR_EXISTS for a symbol that is there already.  */
static plv_err_t index_product (catalogue_t *self, const product_t *product, size_t index,
                                plv_fail_t *ret_fail)
{
    assumption_t assumed = assume_of (product->asset_class);
    sqlite3_int64 id = (sqlite3_int64) index + 1;
    sqlite3_bind_int64 (self->insert_symbol, 1, id);
    sqlite3_bind_text (self->insert_symbol, 2, product->symbol, -1, SQLITE_STATIC);
    int code = run (self->insert_symbol);
    if (code == SQLITE_CONSTRAINT)
        return ERR_EXISTS;

    plv_buf_t name = {0};
    plain_add (&name, plv_view_str (product->name));
    const char *texts[] = {assumed.label, product->region, product->tags};
    sqlite3_bind_int64 (self->insert_text, 1, id);
    sqlite3_bind_text (self->insert_text, 2, (const char *) name.data, (int) name.size,
                       SQLITE_STATIC);
    for (int i = 0; i < 3; i++)
        sqlite3_bind_text (self->insert_text, i + 3, texts[i], -1, SQLITE_STATIC);
    bool indexed = !name.failed && code == SQLITE_DONE && run (self->insert_text) == SQLITE_DONE;
    plv_buf_free (&name);
    return indexed ? ERR_OK : sql_failed (self, ret_fail);
}

static plv_err_t parse_fee (plv_view_t field, double *ret_fee)
{
    char text[32], *end;
    if (field.size && field.data[field.size - 1] == '%')
        field.size--;
    if (field.size == 0) {
        *ret_fee = FEE_UNKNOWN;
        return ERR_OK;
    }
    if (field.size >= sizeof text)
        return ERR_SYNTAX;
    memcpy (text, field.data, field.size);
    text[field.size] = '\0';
    double fee = strtod (text, &end);
    if (end == text || *end)
        return ERR_SYNTAX;
    if (!isfinite (fee) || fee < 0 || fee > 20)
        return ERR_RANGE;
    *ret_fee = fee;
    return ERR_OK;
}

/*  Group, class, region and tags: the words by which topics know a product.  */
static void set_topics (product_t *self)
{
    plv_view_t words[CATALOGUE_TAGS_MAX + 3];
    assumption_t assumed = assume_of (self->asset_class);
    size_t count = 0;
    words[count++] = plv_view_str (assume_group_name (assumed.group));
    words[count++] = plv_view_str (assumed.id);
    words[count++] = plv_view_str (self->region);
    for (const char *at = self->tags; *at && count < CATALOGUE_TAGS_MAX + 3;) {
        size_t size = strcspn (at, " ");
        words[count++] = plv_view (at, size);
        at += size + (at[size] == ' ');
    }
    self->topics = topics_of (words, count, false);
    self->holds = topics_of (words, count, true) & ~self->topics;
}

static void derive (product_t *self)
{
    assumption_t assumed = assume_of (self->asset_class);
    double fee = self->fee == FEE_UNKNOWN ? 0 : self->fee;
    self->risk = assumed.risk;
    self->low = assumed.low - fee;
    self->high = assumed.high - fee;
    set_topics (self);
}

static void free_product (product_t *self)
{
    free ((char *) self->symbol);
    free ((char *) self->name);
    free ((char *) self->region);
    free ((char *) self->currency);
    free ((char *) self->tags);
    free ((char *) self->fee_as_of);
}

static bool copy_texts (const csv_t *csv, const int *columns, product_t *product)
{
    const struct {
        const char **to;
        column_t column;
    } texts[] = {
        {&product->symbol, COLUMN_SYMBOL}, {&product->name, COLUMN_NAME},
        {&product->region, COLUMN_REGION}, {&product->currency, COLUMN_CURRENCY},
        {&product->tags, COLUMN_TAGS},     {&product->fee_as_of, COLUMN_AS_OF},
    };
    bool all = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        plv_view_t field = csv_field (csv, columns[texts[i].column]);
        if (columns[texts[i].column] < 0 && texts[i].column == COLUMN_TAGS)
            *texts[i].to = classify_tags (csv_field (csv, columns[COLUMN_NAME]));
        else
            *texts[i].to =
                field.size ? strndup ((const char *) field.data, field.size) : strdup ("");
        all = all && *texts[i].to;
    }
    return all;
}

static plv_err_t make_room (catalogue_t *self)
{
    if (self->count < self->room)
        return ERR_OK;
    size_t room = self->room ? self->room * 2 : 256;
    product_t *products = realloc (self->products, room * sizeof *products);
    if (!products)
        return ERR_NOMEM;
    self->products = products;
    self->room = room;
    return ERR_OK;
}

static asset_class_t class_of_words (const csv_t *csv, const int *columns)
{
    char kind[256];
    plv_view_t group = csv_field (csv, columns[COLUMN_GROUP]);
    plv_view_t category = csv_field (csv, columns[COLUMN_CATEGORY]);
    int size = snprintf (kind, sizeof kind, PLV_VIEW_FMT " " PLV_VIEW_FMT, PLV_VIEW_ARG (group),
                         PLV_VIEW_ARG (category));
    return classify (
        csv_field (csv, columns[COLUMN_NAME]),
        plv_view (kind, (size_t) size < sizeof kind ? (size_t) size : sizeof kind - 1));
}

static plv_err_t read_class (const csv_t *csv, const int *columns, asset_class_t *ret_class,
                             plv_fail_t *ret_fail)
{
    plv_view_t field = csv_field (csv, columns[COLUMN_CLASS]);
    if (columns[COLUMN_CLASS] < 0) {
        *ret_class = class_of_words (csv, columns);
        return ERR_OK;
    }
    int asset_class = assume_find (field);
    if (asset_class < 0)
        return plv_fail (ret_fail, ERR_RANGE,
                         "%s:%u: asset_class \"" PLV_VIEW_FMT "\" is not in assumptions.def",
                         csv_name (csv), csv_line (csv), PLV_VIEW_ARG (field));
    *ret_class = (asset_class_t) asset_class;
    return ERR_OK;
}

/*  Checks what the record says and fills everything but the texts.  */
static plv_err_t parse_record (const csv_t *csv, const int *columns, product_t *ret_product,
                               plv_fail_t *ret_fail)
{
    plv_view_t symbol = csv_field (csv, columns[COLUMN_SYMBOL]);
    plv_view_t fee = csv_field (csv, columns[COLUMN_FEE]);
    if (symbol.size == 0 || symbol.size > 16 || csv_field (csv, columns[COLUMN_NAME]).size == 0)
        return plv_fail (ret_fail, ERR_SYNTAX,
                         "%s:%u: a symbol (1 to 16 characters) and a name "
                         "are needed",
                         csv_name (csv), csv_line (csv));
    plv_err_t err = read_class (csv, columns, &ret_product->asset_class, ret_fail);
    if (err)
        return err;
    err = parse_fee (fee, &ret_product->fee);
    if (err)
        return plv_fail (ret_fail, err,
                         "%s:%u: expense_ratio \"" PLV_VIEW_FMT
                         "\" is not a number of per cent from 0 to 20",
                         csv_name (csv), csv_line (csv), PLV_VIEW_ARG (fee));
    return ERR_OK;
}

static plv_err_t add_record (catalogue_t *self, const csv_t *csv, const int *columns,
                             plv_fail_t *ret_fail)
{
    product_t product = {.fee = FEE_UNKNOWN};
    plv_err_t err = parse_record (csv, columns, &product, ret_fail);
    if (err)
        return err;
    if (self->count == CATALOGUE_PRODUCTS_MAX)
        return plv_fail (ret_fail, ERR_FULL, "%s:%u: more than %d products", self->file,
                         csv_line (csv), CATALOGUE_PRODUCTS_MAX);
    if (make_room (self) || !copy_texts (csv, columns, &product)) {
        free_product (&product);
        return plv_fail (ret_fail, ERR_NOMEM, "%s: out of memory", self->file);
    }
    derive (&product);
    err = index_product (self, &product, self->count, ret_fail);
    if (err == ERR_EXISTS)
        plv_fail (ret_fail, err, "%s:%u: the symbol %s is there already", self->file,
                  csv_line (csv), product.symbol);
    if (err)
        free_product (&product);
    else
        self->products[self->count++] = product;
    return err;
}

static plv_err_t find_columns (const csv_t *csv, int columns[COLUMN_COUNT_], plv_fail_t *ret_fail)
{
    for (int i = 0; i < COLUMN_COUNT_; i++) {
        columns[i] = -1;
        for (int name = 0; name < COLUMN_NAMES && COLUMNS[i][name] && columns[i] < 0; name++)
            columns[i] = csv_column (csv, COLUMNS[i][name]);
        if (columns[i] < 0 && i <= COLUMN_NAME)
            return plv_fail (ret_fail, ERR_SYNTAX, "%s:1: there is no column \"%s\"",
                             csv_name (csv), COLUMNS[i][0]);
    }
    return ERR_OK;
}

static plv_err_t read_products (catalogue_t *self, csv_t *csv, plv_fail_t *ret_fail)
{
    int columns[COLUMN_COUNT_];
    plv_err_t err = find_columns (csv, columns, ret_fail);
    while (!err) {
        err = csv_next (csv, ret_fail);
        if (!err)
            err = add_record (self, csv, columns, ret_fail);
    }
    if (err != ERR_NOENT)
        return err;
    if (self->count == 0)
        return plv_fail (ret_fail, ERR_SYNTAX, "%s: it lists no product", self->file);
    return ERR_OK;
}

plv_err_t catalogue_load (const char *file, catalogue_t **ret_catalogue, plv_fail_t *ret_fail)
{
    csv_t *csv = NULL;
    catalogue_t *self = calloc (1, sizeof *self);
    if (!self || !(self->file = strdup (file))) {
        catalogue_destroy (&self);
        return plv_fail (ret_fail, ERR_NOMEM, "%s: out of memory", file);
    }
    plv_err_t err = csv_open (file, &csv, ret_fail);
    if (!err)
        err = open_index (self, ret_fail);
    if (!err && sqlite3_exec (self->db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK)
        err = sql_failed (self, ret_fail);
    if (!err)
        err = read_products (self, csv, ret_fail);
    if (!err && sqlite3_exec (self->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
        err = sql_failed (self, ret_fail);
    csv_destroy (&csv);
    if (err)
        catalogue_destroy (&self);
    else
        *ret_catalogue = self;
    return err;
}

void catalogue_destroy (catalogue_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    catalogue_t *self = *self_p;
    sqlite3_finalize (self->insert_symbol);
    sqlite3_finalize (self->insert_text);
    sqlite3_finalize (self->find);
    sqlite3_finalize (self->search);
    sqlite3_close (self->db);
    for (size_t i = 0; i < self->count; i++)
        free_product (&self->products[i]);
    free (self->products);
    free (self->file);
    free (self);
    *self_p = NULL;
}

size_t catalogue_size (const catalogue_t *self)
{
    return self->count;
}

const product_t *catalogue_product (const catalogue_t *self, size_t index)
{
    return &self->products[index];
}

int catalogue_find (catalogue_t *self, plv_view_t symbol)
{
    int index = -1;
    sqlite3_bind_text (self->find, 1, (const char *) symbol.data, (int) symbol.size, SQLITE_STATIC);
    if (sqlite3_step (self->find) == SQLITE_ROW)
        index = sqlite3_column_int (self->find, 0) - 1;
    sqlite3_reset (self->find);
    return index;
}

size_t catalogue_search (catalogue_t *self, plv_view_t word, int *ret_hits, size_t room)
{
    plv_buf_t match = {0};
    size_t count = 0;
    if (word.size == 0 || word.size > SEARCH_BYTES_MAX || memchr (word.data, '"', word.size))
        return 0;
    plv_buf_add_view (&match, plv_view_str ("\""));
    plain_add (&match, word);
    plv_buf_add_view (&match, plv_view_str ("\""));
    sqlite3_bind_text (self->search, 1, (const char *) match.data, (int) match.size, SQLITE_STATIC);
    while (!match.failed && sqlite3_step (self->search) == SQLITE_ROW) {
        if (count < room)
            ret_hits[count] = sqlite3_column_int (self->search, 0) - 1;
        count++;
    }
    sqlite3_reset (self->search);
    plv_buf_free (&match);
    return count;
}

/*  A field that needs quotes gets them.  */
static void print_text (FILE *out, const char *text)
{
    if (!text[strcspn (text, ",\"\r\n")]) {
        fputs (text, out);
        return;
    }
    fputc ('"', out);
    for (; *text; text++) {
        if (*text == '"')
            fputc ('"', out);
        fputc (*text, out);
    }
    fputc ('"', out);
}

static void print_product (FILE *out, const product_t *product)
{
    const char *texts[] = {product->symbol, product->name, assume_of (product->asset_class).id,
                           product->region, product->currency};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        print_text (out, texts[i]);
        fputc (',', out);
    }
    if (product->fee != FEE_UNKNOWN)
        fprintf (out, "%.8g", product->fee);
    fprintf (out, ",%s,%d,%.2f,%.2f,", product->fee_as_of, product->risk, product->low,
             product->high);
    print_text (out, product->tags);
    fputc ('\n', out);
}

void catalogue_print (const catalogue_t *self, FILE *out)
{
    fputs ("symbol,name,asset_class,region,currency,expense_ratio,fee_as_of,risk_level,"
           "return_low,return_high,tags\n",
           out);
    for (size_t i = 0; i < self->count; i++)
        print_product (out, &self->products[i]);
}
