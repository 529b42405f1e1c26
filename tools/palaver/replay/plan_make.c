#include "palaver/replay/plan.h"

#include "base/alloc.h"
#include "base/build.h"
#include "base/clock.h"
#include "palaver/new_file.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"
#include "wire/mp.h"

#include <inttypes.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint64_t number;
    const char *why;
} skip_t;

typedef struct {
    const sending_t *sending;
    new_file_t target; /* without a file: a dry run */
    crypto_hash_sha256_state hash;
    plv_buf_t line;
    uint64_t entries, unknown, kind;
    int64_t oldest_us, newest_us;
    skip_t *skips;
    size_t skip_count;
} maker_t;

static void flush_line (maker_t *self)
{
    plv_buf_check (&self->line);
    crypto_hash_sha256_update (&self->hash, self->line.data, self->line.size);
    FILE *file = self->target.file;
    if (file)
        fwrite (self->line.data, 1, self->line.size, file);
    plv_buf_clear (&self->line);
}

static void put_key (plv_buf_t *out, const char *before, const char *key)
{
    text_putf (out, "%s\"%s\": ", before, key);
}

static void put_text (plv_buf_t *out, const char *before, const char *key, plv_view_t text)
{
    put_key (out, before, key);
    json_put_text (out, text);
}

static void put_time (plv_buf_t *out, const char *before, const char *key, int64_t us)
{
    char text[TEXT_TIME_BYTES];
    text_time (us, true, text);
    put_text (out, before, key, plv_view_str (text));
}

static void put_filters (plv_buf_t *out, const call_t *call)
{
    plv_buf_t map = {0};
    filter_t filter = filter_of (call);
    filter_put (&filter, &map);
    put_key (out, ",\n ", "filters");
    json_put_shown (out, plv_buf_view (&map));
    filter_free (&filter);
    plv_buf_free (&map);
}

static void put_head (maker_t *self, asker_t *asker)
{
    const sending_t *sending = self->sending;
    plv_buf_t *out = &self->line;
    text_put (out, "{\"palaver_plan\": 1");
    put_time (out, ",\n ", "made", plv_clock_wall_us ());
    put_text (out, ",\n ", "by", plv_view_str (call_who (sending->call)));
    put_text (out, ",\n ", "palaver", plv_view_str (plv_build_version));
    put_text (out, ",\n ", "broker", plv_view_str (asker->where.run));
    put_filters (out, sending->call);
    put_text (out, ",\n ", "order", plv_view_str ("as accepted; within a session always"));
    put_text (out, ",\n ", "age",
              plv_view_str ("events go whatever their age; an answer must arrive within "
                            "delivery.not_after_s from when it is sent again"));
    text_putf (out, ",\n \"allow_duplicates\": %s", sending->allow_duplicates ? "true" : "false");
    if (sending->per_second)
        text_putf (out, ",\n \"rate\": %" PRId64, sending->per_second);
    if (sending->at_a_time)
        text_putf (out, ",\n \"concurrency\": %zu", sending->at_a_time);
    if (sending->to)
        put_text (out, ",\n ", "to", plv_view_str (sending->to));
    if (sending->text)
        put_text (out, ",\n ", "message_text", plv_view_str (sending->text));
    text_put (out, ",\n \"entries\": [");
    flush_line (self);
}

static void skip (maker_t *self, uint64_t number, const char *why)
{
    if ((self->skip_count & (self->skip_count + 1)) == 0)
        self->skips = plv_realloc (self->skips, (2 * self->skip_count + 2) * sizeof *self->skips);
    self->skips[self->skip_count++] = (skip_t){.number = number, .why = why};
}

/*  Why it would not go; NULL: it goes.  */
static const char *why_not (maker_t *self, plv_view_t letter)
{
    plv_view_t type = plv_mp_find_str (letter, "type");
    const sending_t *sending = self->sending;
    if (!sending->allow_duplicates
        && plv_view_is (plv_mp_find_str (letter, "outcome"), "unknown")) {
        self->unknown++;
        return "unknown";
    }
    if ((sending->to && plv_view_is (type, "chat.response"))
        || (sending->text && !plv_view_is (type, "chat.message"))) {
        self->kind++;
        return "kind";
    }
    return NULL;
}

/*  Events go to a service, answers to their adapter.  */
static plv_view_t target_of (const sending_t *sending, plv_view_t letter)
{
    bool answer = plv_view_is (plv_mp_find_str (letter, "type"), "chat.response");
    return sending->to ? plv_view_str (sending->to)
                       : plv_mp_find_str (letter, answer ? "adapter" : "service");
}

static bool put_entry (void *arg, plv_view_t letter)
{
    maker_t *self = arg;
    plv_buf_t *out = &self->line;
    letter_t one = letters_read (letter);
    int64_t accepted_us = (int64_t) ask_number (letter, "accepted_us");
    const char *why = why_not (self, letter);
    if (why) {
        skip (self, one.number, why);
        return true;
    }
    text_putf (out, "%s\n  {\"number\": %" PRIu64, self->entries ? "," : "", one.number);
    put_text (out, ", ", "id", plv_mp_find_str (letter, "id"));
    text_putf (out, ", \"attempts\": %" PRIu64, one.attempts);
    put_time (out, ", ", "accepted", accepted_us);
    put_time (out, ", ", "dead", one.dead_us);
    put_text (out, ", ", "type", plv_mp_find_str (letter, "type"));
    put_text (out, ", ", "session_id", plv_mp_find_str (letter, "session_id"));
    put_text (out, ", ", "target", target_of (self->sending, letter));
    text_put (out, "}");
    flush_line (self);
    if (!self->entries || accepted_us < self->oldest_us)
        self->oldest_us = accepted_us;
    if (accepted_us > self->newest_us)
        self->newest_us = accepted_us;
    self->entries++;
    return !self->target.file || !ferror (self->target.file);
}

static void put_tail (maker_t *self, char ret_hash[PLAN_HASH_TEXT_BYTES])
{
    uint8_t hash[crypto_hash_sha256_BYTES];
    plv_buf_t *out = &self->line;
    text_putf (out, "\n ],\n \"skipped\": [");
    for (size_t i = 0; i < self->skip_count; i++) {
        text_putf (out, "%s\n  {\"number\": %" PRIu64 ", \"why\": \"%s\"}", i ? "," : "",
                   self->skips[i].number, self->skips[i].why);
        flush_line (self);
    }
    text_putf (out, "\n ],\n \"counts\": {\"entries\": %" PRIu64 ", \"unknown\": %" PRIu64,
               self->entries, self->unknown);
    text_putf (out, ", \"kind\": %" PRIu64 "}", self->kind);
    put_time (out, ",\n ", "oldest", self->oldest_us);
    put_time (out, ",\n ", "newest", self->newest_us);
    text_put (out, ",\n");
    flush_line (self);
    crypto_hash_sha256_final (&self->hash, hash);
    sodium_bin2hex (ret_hash, PLAN_HASH_TEXT_BYTES, hash, sizeof hash);
    if (self->target.file)
        fprintf (self->target.file, " \"hash\": \"%s\"}\n", ret_hash);
}

static bool is_dry (const maker_t *self)
{
    return call_has (self->sending->call, OPTION_DRY_RUN);
}

/*  A plan that sends nothing is none.  */
static bool is_written (const maker_t *self)
{
    return self->entries && !is_dry (self);
}

static void summary_json (const maker_t *self, const char *path, const char *hash, size_t missing)
{
    plv_buf_t line = {0};
    put_text (&line, "{", "plan", plv_view_str (path));
    put_text (&line, ",", "hash", plv_view_str (hash));
    text_putf (&line, ",\"entries\":%" PRIu64 ",\"unknown\":%" PRIu64, self->entries,
               self->unknown);
    text_putf (&line, ",\"kind\":%" PRIu64 ",\"missing\":%zu", self->kind, missing);
    put_time (&line, ",", "oldest", self->oldest_us);
    put_time (&line, ",", "newest", self->newest_us);
    text_putf (&line, ",\"dry_run\":%s", is_dry (self) ? "true" : "false");
    text_putf (&line, ",\"written\":%s}\n", is_written (self) ? "true" : "false");
    out_flush (&line);
    plv_buf_free (&line);
}

static void summary (const maker_t *self, const char *path, const char *hash, size_t missing)
{
    char oldest[TEXT_TIME_BYTES], newest[TEXT_TIME_BYTES];
    plv_buf_t text = {0};
    text_time (self->oldest_us, false, oldest);
    text_time (self->newest_us, false, newest);
    if (self->entries)
        text_putf (&text, "would send %" PRIu64 " letter%s again, accepted %s to %s\n",
                   self->entries, text_s (self->entries), oldest, newest);
    else
        text_put (&text, "there is nothing to send again\n");
    if (self->unknown)
        text_putf (&text, "leaves out %" PRIu64 " whose outcome is unknown (--allow-duplicates)\n",
                   self->unknown);
    if (self->kind)
        text_putf (&text, "leaves out %" PRIu64 " that are no messages\n", self->kind);
    if (missing)
        text_putf (&text, "%zu are not there\n", missing);
    if (is_written (self))
        text_putf (&text, "plan %.16s: palaver dead replay --apply %s\n", hash, path);
    else
        text_putf (&text, "%sno plan was written\n", is_dry (self) ? "dry run: " : "");
    out_flush (&text);
    plv_buf_free (&text);
}

/*  How the call ends that has found all letters.  */
static ending_t ending_of (const maker_t *self, size_t missing)
{
    if (self->entries == 0)
        return self->skip_count ? END_PARTLY : END_NOTHING;
    return missing ? END_PARTLY : END_OK;
}

ending_t plan_make (const sending_t *sending, asker_t *asker, const char *path)
{
    maker_t maker = {.sending = sending};
    char hash[PLAN_HASH_TEXT_BYTES] = "";
    size_t missing = 0;
    crypto_hash_sha256_init (&maker.hash);
    ending_t end = is_dry (&maker) ? END_OK : new_file_begin (&maker.target, path);
    if (end)
        goto done;
    put_head (&maker, asker);
    end = letters_find (sending->call, asker, true, put_entry, &maker, &missing);
    if (!end)
        put_tail (&maker, hash);
    bool found = !end;
    end = new_file_end (&maker.target, end || maker.entries ? end : END_NOTHING);
    if (found && (!end || !maker.entries)) {
        if (sending->call->out.json)
            summary_json (&maker, path, hash, missing);
        else
            summary (&maker, path, hash, missing);
        end = ending_of (&maker, missing);
    }
done:
    free (maker.skips);
    plv_buf_free (&maker.line);
    return end;
}
