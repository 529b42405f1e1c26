#include "palaver/replay/plan.h"

#include "palaver/show/text.h"
#include "palaver/show/when.h"
#include "wire/json.h"
#include "wire/mp.h"

#include <errno.h>
#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>
#include <stdlib.h>
#include <string.h>

/*  Lines are those that plan_make writes: the hash says that nobody else has.  */
static const char entries_line[] = " \"entries\": [\n", hash_begin[] = " \"hash\": \"";

typedef struct {
    char *text;
    size_t room;
    ssize_t size;
} line_t;

static bool read_line (plan_t *self, line_t *line)
{
    line->size = getline (&line->text, &line->room, self->file);
    return line->size > 0;
}

static bool is_entry (const char *line)
{
    return strncmp (line, "  {\"number\": ", 13) == 0 && strstr (line, "\"attempts\": ");
}

/*  Everything before the entries is a JSON object when its end is put right.  */
static bool read_head (plan_t *self, crypto_hash_sha256_state *hash)
{
    line_t line = {0};
    plv_buf_t text = {0};
    bool found = false;
    while (!found && read_line (self, &line)) {
        crypto_hash_sha256_update (hash, (const uint8_t *) line.text, (size_t) line.size);
        found = strcmp (line.text, entries_line) == 0;
        plv_buf_add (&text, line.text, found ? 0 : (size_t) line.size);
    }
    while (text.size && strchr (",\n", text.data[text.size - 1]))
        text.size--;
    plv_buf_add_u8 (&text, '}');
    found = found && !plv_json_to_mp (&self->head, plv_buf_view (&text), PLV_JSON_OBJECT, NULL)
            && ask_number (plv_buf_view (&self->head), "palaver_plan") == 1;
    free (line.text);
    plv_buf_free (&text);
    return found;
}

/*  The rest, up to the hash; whether that is right.  */
static bool check_rest (plan_t *self, crypto_hash_sha256_state *hash)
{
    uint8_t digest[crypto_hash_sha256_BYTES];
    line_t line = {0};
    bool good = false;
    while (read_line (self, &line)) {
        if (strncmp (line.text, hash_begin, sizeof hash_begin - 1) == 0) {
            const char *said = line.text + sizeof hash_begin - 1;
            crypto_hash_sha256_final (hash, digest);
            sodium_bin2hex (self->hash, sizeof self->hash, digest, sizeof digest);
            good = strncmp (said, self->hash, sizeof self->hash - 1) == 0
                   && strcmp (said + sizeof self->hash - 1, "\"}\n") == 0
                   && !read_line (self, &line);
            break;
        }
        crypto_hash_sha256_update (hash, (const uint8_t *) line.text, (size_t) line.size);
        self->entries += is_entry (line.text);
    }
    free (line.text);
    return good;
}

static void keep_text (const plan_t *self, const char *key, plv_buf_t *text)
{
    plv_view_t found = plv_mp_find_str (plv_buf_view (&self->head), key);
    if (!found.size)
        return;
    plv_buf_add_view (text, found);
    plv_buf_add_u8 (text, 0);
    plv_buf_check (text);
}

ending_t plan_open (const char *path, plan_t *ret_plan)
{
    plan_t self = {.file = fopen (path, "re")};
    crypto_hash_sha256_state hash;
    crypto_hash_sha256_init (&hash);
    if (!self.file) {
        say ("%s: cannot be read: %s", path, strerror (errno));
        return END_PARTLY;
    }
    if (!read_head (&self, &hash)) {
        say ("%s: this is no plan of palaver dead replay --plan, or one of another version", path);
        plan_close (&self);
        return END_PARTLY;
    }
    long begin = ftell (self.file);
    if (!check_rest (&self, &hash) || begin < 0 || fseek (self.file, begin, SEEK_SET)) {
        say ("%s: its hash is wrong: it was changed after it was made, or is not whole; nothing "
             "was done",
             path);
        plan_close (&self);
        return END_PARTLY;
    }
    memcpy (self.name, self.hash, sizeof self.name - 1);
    keep_text (&self, "to", &self.to);
    keep_text (&self, "message_text", &self.text);
    *ret_plan = self;
    return END_OK;
}

void plan_close (plan_t *self)
{
    if (self->file)
        fclose (self->file);
    plv_buf_free (&self->head);
    plv_buf_free (&self->to);
    plv_buf_free (&self->text);
    *self = (plan_t){0};
}

void plan_settings (const plan_t *self, sending_t *sending)
{
    plv_view_t head = plv_buf_view (&self->head);
    plv_mp_t value;
    if (plv_mp_find (head, "allow_duplicates", &value))
        plv_mp_bool (&value, &sending->allow_duplicates);
    if (!sending->per_second)
        sending->per_second = (int64_t) ask_number (head, "rate");
    if (!sending->at_a_time)
        sending->at_a_time = ask_number (head, "concurrency");
    sending->to = self->to.size ? (const char *) self->to.data : NULL;
    sending->text = self->text.size ? (const char *) self->text.data : NULL;
    sending->plan = self->name;
}

/*  False: this line is no entry.  */
static bool read_entry (const line_t *line, letter_t *ret_letter)
{
    plv_buf_t map = {0};
    size_t size = (size_t) line->size;
    char dead[64] = "";
    while (size && strchr (",\n", line->text[size - 1]))
        size--;
    bool good = is_entry (line->text)
                && !plv_json_to_mp (&map, plv_view (line->text, size), PLV_JSON_OBJECT, NULL);
    if (good) {
        plv_view_t text = plv_mp_find_str (plv_buf_view (&map), "dead");
        snprintf (dead, sizeof dead, PLV_VIEW_FMT, PLV_VIEW_ARG (text));
        *ret_letter = letters_read (plv_buf_view (&map));
        good = when_read (dead, 0, &ret_letter->dead_us);
    }
    plv_buf_free (&map);
    return good;
}

size_t plan_next (plan_t *self, letter_t *letters, size_t most)
{
    line_t line = {0};
    size_t count = 0;
    while (count < most && read_line (self, &line) && read_entry (&line, &letters[count]))
        count++;
    free (line.text);
    return count;
}
