#include "palaver/ask/filter.h"

#include "wire/mp.h"

typedef struct {
    option_id_t option;
    const char *key;
} row_t;

static const row_t rows[] = {
    {OPTION_PLATFORM, "platform"}, {OPTION_ADAPTER, "adapter"},
    {OPTION_SESSION, "session"},   {OPTION_USER, "user"},
    {OPTION_SERVICE, "service"},   {OPTION_ROUTE, "route"},
    {OPTION_TYPE, "type"},         {OPTION_REASON, "reason"},
    {OPTION_OUTCOME, "outcome"},   {OPTION_CODE, "code"},
    {OPTION_TEXT, "text"},         {OPTION_FINGERPRINT, "fingerprint"},
    {OPTION_SINCE, "since_us"},    {OPTION_UNTIL, "until_us"},
    {OPTION_ATTEMPTS, "attempts"}, {OPTION_ID, "id"},
    {OPTION_WHAT, "what"},         {OPTION_LIVE, "live"},
    {OPTION_TEXTS, "texts"},
};

filter_t filter_of (const call_t *call)
{
    filter_t self = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        option_kind_t kind = option_rows[rows[i].option].kind;
        if (!call_has (call, rows[i].option))
            continue;
        plv_mp_put_text (&self.pairs, rows[i].key);
        if (kind == KIND_NUMBER || kind == KIND_TIME)
            plv_mp_put_i64 (&self.pairs, call->number[rows[i].option]);
        else if (kind == KIND_FLAG)
            plv_mp_put_bool (&self.pairs, true);
        else
            plv_mp_put_text (&self.pairs, call->text[rows[i].option]);
        self.count++;
    }
    plv_buf_check (&self.pairs);
    return self;
}

void filter_free (filter_t *self)
{
    plv_buf_free (&self->pairs);
}

void filter_put (const filter_t *self, plv_buf_t *map)
{
    plv_mp_put_map (map, self->count);
    plv_buf_add_view (map, plv_buf_view (&self->pairs));
}
