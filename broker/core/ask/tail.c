#include "core/ask/tail.h"

#include "base/alloc.h"
#include "core/ask/command.h"
#include "core/ask/control_answer.h"
#include "core/ask/tails.h"
#include "core/internal.h"
#include "core/state/live.h"
#include "core/text.h"
#include "wire/mask.h"
#include "wire/mp.h"

#include <stdlib.h>

enum { TEXTS_MAX = 20, UNMASKED_BYTES = 2 * TAIL_TEXT_BYTES_MAX, PART_BYTES = 128 * 1024 };

static const char *const names[] = {
#define TAIL(name, text, meaning) [TAIL_##name] = (text),
#include "wire/tail.def"
#undef TAIL
};

/*  What is told; views and texts are good for the step. An empty text is left out.  */
typedef struct {
    tail_what_t what;
    uint64_t number;
    uint32_t attempt;
    int64_t age_ms; /* since it was accepted */
    plv_envelope_t envelope;
    plv_view_t session;
    plv_view_t body;
    struct {
        const char *key;
        plv_view_t text;
    } texts[TEXTS_MAX];
    uint32_t text_count;
    char id[PLV_ID_TEXT_BYTES], reply_to[PLV_ID_TEXT_BYTES], reply_id[PLV_ID_TEXT_BYTES];
} line_t;

static void add_view (line_t *line, const char *key, plv_view_t text)
{
    if (text.size == 0 || line->text_count == TEXTS_MAX)
        return;
    line->texts[line->text_count].key = key;
    line->texts[line->text_count++].text = text;
}

static void add_text (line_t *line, const char *key, const char *text)
{
    add_view (line, key, plv_view_str (text));
}

static bool is (plv_view_t wanted, plv_view_t found)
{
    return wanted.size == 0 || plv_view_equal (wanted, found);
}

static bool same_id (const plv_id_t *one, const plv_id_t *other)
{
    return memcmp (one->bytes, other->bytes, sizeof one->bytes) == 0;
}

static bool takes (const tail_t *tail, const line_t *line)
{
    const plv_envelope_t *envelope = &line->envelope;
    return (line->what != TAIL_LIVE || tail->live) && is (tail->session, line->session)
           && is (tail->platform, envelope->platform) && is (tail->adapter, envelope->adapter)
           && is (tail->user, envelope->user_id) && is (tail->type, envelope->type)
           && is (tail->what, plv_view_str (names[line->what]))
           && (!tail->has_id || same_id (&tail->id, &envelope->id)
               || (envelope->has_reply_to && same_id (&tail->id, &envelope->reply_to)));
}

/*  What was written: cut, and without what looks like a secret. False when nothing was.  */
static bool text_of (plv_view_t body, plv_buf_t *text)
{
    static const char *const keys[] = {"message_text", "response_text", "delta", "action"};
    plv_view_t found = {0};
    for (size_t i = 0; body.size && found.size == 0 && i < sizeof keys / sizeof *keys; i++)
        found = plv_mp_find_str (body, keys[i]);
    plv_mask_put_text (text, text_cut (found, UNMASKED_BYTES));
    plv_buf_check (text);
    text->size = text_cut (plv_buf_view (text), TAIL_TEXT_BYTES_MAX).size;
    return text->size > 0;
}

static void write_line (const line_t *line, int64_t at_us, const plv_buf_t *text, plv_buf_t *out)
{
    plv_mp_put_map (out, 5 + line->text_count + (text->size ? 1 : 0));
    plv_mp_pair_i64 (out, "at_us", at_us);
    plv_mp_pair_text (out, "what", names[line->what]);
    plv_mp_pair_i64 (out, "number", (int64_t) line->number);
    plv_mp_pair_i64 (out, "attempt", line->attempt);
    plv_mp_pair_i64 (out, "age_ms", line->age_ms);
    for (uint32_t i = 0; i < line->text_count; i++) {
        plv_mp_put_text (out, line->texts[i].key);
        plv_mp_put_str (out, line->texts[i].text);
    }
    if (text->size) {
        plv_mp_pair_str (out, "text", plv_buf_view (text));
    }
    plv_buf_check (out);
}

static void append (core_t *self, tail_t *tail, const line_t *line)
{
    plv_buf_t text = {0};
    size_t before = tail->lines.size;
    /* once there was no room there is a gap, until what came before it has been sent */
    if (tail->lost || tail->line_count == TAIL_LINES_MAX || before >= TAIL_BYTES_MAX) {
        tail->lost++;
        count (self, COUNTER_TAIL_LINES_LOST);
        return;
    }
    if (tail->texts)
        text_of (line->body, &text);
    write_line (line, self->now.wall_us, &text, &tail->lines);
    tail->line_count++;
    plv_buf_free (&text);
}

/*  What every line says of the event.  */
static void add_envelope (line_t *line)
{
    const plv_envelope_t *envelope = &line->envelope;
    plv_id_format (&envelope->id, line->id);
    add_text (line, "id", line->id);
    if (envelope->has_reply_to) {
        plv_id_format (&envelope->reply_to, line->reply_to);
        add_text (line, "reply_to", line->reply_to);
    }
    add_view (line, "type", envelope->type);
    add_view (line, "platform", envelope->platform);
    add_view (line, "adapter", envelope->adapter);
    add_view (line, "session_id", line->session);
    add_view (line, "user_id", envelope->user_id);
}

static void tell (core_t *self, const line_t *line)
{
    for (plv_node_t *node = self->tails.next; node != &self->tails; node = node->next) {
        tail_t *tail = PLV_OF (node, tail_t, node);
        if (takes (tail, line))
            append (self, tail, line);
    }
}

static tail_what_t what_of (const record_t *record, const entry_t *entry)
{
    switch (record->type) {
    case RECORD_ACCEPT:
        return TAIL_ACCEPTED;
    case RECORD_MERGE:
    case RECORD_JOIN:
        return TAIL_MERGED;
    case RECORD_ATTEMPT:
        return entry && entry->kind == ENTRY_REPLY ? TAIL_DELIVERING : TAIL_DISPATCHED;
    case RECORD_ATTEMPT_END:
        return TAIL_FAILED;
    case RECORD_REPLY:
        return TAIL_ANSWERED;
    case RECORD_SENT:
        return TAIL_DELIVERED;
    case RECORD_DEAD:
        return TAIL_DEAD;
    case RECORD_REPLAY:
    case RECORD_RESEND:
        return TAIL_REPLAYED;
    case RECORD_DISCARD:
        return TAIL_DISCARDED;
    case RECORD_IMPORT:
        return TAIL_IMPORTED;
    case RECORD_SUPERSEDED:
        return TAIL_INTERRUPTED;
    default:
        return TAIL_COUNT_;
    }
}

static bool read_event (line_t *line, const record_t *record, const entry_t *entry)
{
    if (record->parsed)
        line->envelope = *record->parsed;
    else if (plv_envelope_parse (entry ? entry_envelope (entry) : record->envelope, &line->envelope,
                                 NULL))
        return false;
    line->session = line->envelope.session_id;
    line->body = record->body.size || !entry ? record->body : entry_body (entry);
    return true;
}

/*  A failure that ends an attempt, or a whole event.  */
static void add_failure (line_t *line, const record_t *record)
{
    bool dead = line->what == TAIL_DEAD;
    how_t how = (how_t) (dead ? record->attempt : record->code);
    if (dead)
        add_text (line, "reason", dead_reason ((dead_why_t) record->code));
    if (how != HOW_OPEN)
        add_text (line, "how", how_text (how));
    add_view (line, "code", record->extra);
    add_view (line, "why", record->why);
}

static void add_details (line_t *line, const record_t *record)
{
    switch (line->what) {
    case TAIL_DISPATCHED:
    case TAIL_DELIVERING:
    case TAIL_REPLAYED:
        add_view (line, "who", record->who);
        add_view (line, "why", record->why);
        add_view (line, "plan", record->plan);
        break;
    case TAIL_DISCARDED:
    case TAIL_IMPORTED:
        add_view (line, "who", record->who);
        add_view (line, "why", record->why);
        break;
    case TAIL_FAILED:
    case TAIL_DEAD:
        add_failure (line, record);
        break;
    case TAIL_ANSWERED:
        if (record->flags & REPLY_FALLBACK)
            add_text (line, "how", "fallback");
        if (record->flags & REPLY_CACHED)
            add_text (line, "how", "cached");
        plv_id_format (&record->id, line->reply_id);
        add_text (line, "reply_id", line->reply_id);
        break;
    case TAIL_DELIVERED:
        add_view (line, "platform_id", record->name);
        break;
    case TAIL_INTERRUPTED:
        add_view (line, "why", record->why);
        break;
    default:
        break;
    }
}

void tail_tell (core_t *self, const record_t *record)
{
    const entry_t *entry = entry_get (self, record->number);
    line_t line = {.what = what_of (record, entry), .number = record->number};
    if (line.what == TAIL_COUNT_ || !read_event (&line, record, entry))
        return;
    line.attempt = record->type == RECORD_ATTEMPT ? record->attempt : entry ? entry->attempts : 0;
    line.age_ms = entry ? (self->now.wall_us - entry->accepted_us) / 1000 : 0;
    add_envelope (&line);
    add_view (&line, "route", entry ? label_view (entry->route) : record->name);
    add_details (&line, record);
    /* the fallback of a letter is not what died */
    if (line.what == TAIL_DEAD && entry)
        line.body = entry_body (entry);
    tell (self, &line);
}

void tail_tell_live (core_t *self, const plv_envelope_t *envelope, plv_view_t body)
{
    line_t line = {
        .what = TAIL_LIVE, .envelope = *envelope, .session = envelope->session_id, .body = body};
    add_envelope (&line);
    tell (self, &line);
}

static void send_part (core_t *self, peer_t *peer, const tail_t *tail, uint32_t count, size_t bytes,
                       bool more)
{
    plv_buf_t *buf = frame_held (self, peer);
    size_t mark = plv_frame_begin (buf, VERB_RESULT);
    plv_mp_put_u64 (buf, tail->request);
    plv_mp_put_bool (buf, more);
    plv_mp_put_text (buf, "ok");
    plv_mp_put_map (buf, 2);
    plv_mp_pair_i64 (buf, "lost", count == tail->line_count ? (int64_t) tail->lost : 0);
    plv_mp_put_text (buf, "items");
    plv_mp_put_array (buf, count);
    plv_buf_add (buf, tail->lines.data, bytes);
    plv_frame_end (buf, mark);
}

/*  The lines that the tool has room for, at most a part's worth.  */
static uint32_t next_lines (const tail_t *tail, size_t *ret_bytes)
{
    plv_mp_t at = plv_mp (plv_buf_view (&tail->lines));
    uint32_t most = TAIL_UNREAD_LINES_MAX - tail->unread, count = 0;
    size_t size = 0;
    for (; count < tail->line_count && count < most && size < PART_BYTES; count++) {
        plv_mp_skip (&at, NULL);
        size = (size_t) (at.at - tail->lines.data);
    }
    *ret_bytes = size;
    return count;
}

static void drop_front (plv_buf_t *buf, size_t bytes)
{
    if (bytes < buf->size)
        memmove (buf->data, buf->data + bytes, buf->size - bytes);
    buf->size -= bytes;
}

static void flush (core_t *self, tail_t *tail)
{
    peer_t *peer = plv_map_u64_get (&self->peers, tail->peer);
    uint32_t count;
    size_t bytes;
    while ((count = next_lines (tail, &bytes)) || tail->news) {
        send_part (self, peer, tail, count, bytes, true);
        drop_front (&tail->lines, bytes);
        tail->line_count -= count;
        tail->unread += count;
        tail->lost = tail->line_count ? tail->lost : 0;
        tail->news = false;
    }
}

void tails_flush (core_t *self)
{
    for (plv_node_t *node = self->tails.next; node != &self->tails; node = node->next)
        flush (self, PLV_OF (node, tail_t, node));
}

static void destroy (core_t *self, tail_t **tail_p)
{
    tail_t *tail = *tail_p;
    plv_node_remove (&tail->node);
    self->metrics.gauge[GAUGE_TAILS]--;
    plv_buf_free (&tail->arguments);
    plv_buf_free (&tail->lines);
    free (tail);
    *tail_p = NULL;
}

/*  Of this peer; NULL: of all.  */
void tails_leave (core_t *self, const peer_t *peer)
{
    plv_node_t *next;
    for (plv_node_t *node = self->tails.next; node != &self->tails; node = next) {
        tail_t *tail = PLV_OF (node, tail_t, node);
        next = node->next;
        if (!peer || tail->peer == peer->number)
            destroy (self, &tail);
    }
}

static tail_t *find (core_t *self, const peer_t *peer, uint64_t request)
{
    for (plv_node_t *node = self->tails.next; node != &self->tails; node = node->next) {
        tail_t *tail = PLV_OF (node, tail_t, node);
        if (tail->peer == peer->number && tail->request == request)
            return tail;
    }
    return NULL;
}

static bool read_arguments (tail_t *tail, plv_view_t given)
{
    char text[PLV_ID_TEXT_BYTES] = "";
    plv_buf_add_view (&tail->arguments, given);
    plv_buf_check (&tail->arguments);
    plv_view_t arguments = plv_buf_view (&tail->arguments);
    plv_view_t id = plv_mp_find_str (arguments, "id");
    tail->platform = plv_mp_find_str (arguments, "platform");
    tail->adapter = plv_mp_find_str (arguments, "adapter");
    tail->session = plv_mp_find_str (arguments, "session");
    tail->user = plv_mp_find_str (arguments, "user");
    tail->type = plv_mp_find_str (arguments, "type");
    tail->what = plv_mp_find_str (arguments, "what");
    tail->live = control_flag (arguments, "live");
    tail->texts = control_flag (arguments, "texts");
    tail->has_id = id.size > 0;
    if (!tail->has_id)
        return true;
    if (id.size >= sizeof text)
        return false;
    memcpy (text, id.data, id.size);
    return plv_id_parse (text, &tail->id);
}

static void start (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    if (self->metrics.gauge[GAUGE_TAILS] == TAILS_MAX) {
        control_fail (self, peer, request, ERR_FULL, "%d tails are shown already: end one of them",
                      TAILS_MAX);
        return;
    }
    tail_t *tail = plv_alloc_zero (1, sizeof *tail);
    tail->peer = peer->number;
    tail->request = request;
    tail->news = true;
    plv_list_push (&self->tails, &tail->node);
    self->metrics.gauge[GAUGE_TAILS]++;
    if (read_arguments (tail, arguments))
        return;
    control_fail (self, peer, request, ERR_ARG, "\"id\" is no id of an event");
    destroy (self, &tail);
}

void tail_control (core_t *self, peer_t *peer, uint64_t request, int command, plv_view_t arguments)
{
    tail_t *tail = find (self, peer, request);
    uint64_t read = control_number (arguments, "lines", 0);
    if (command == COMMAND_TAIL && tail)
        control_fail (self, peer, request, ERR_EXISTS, "this request is a tail already");
    else if (command == COMMAND_TAIL)
        start (self, peer, request, arguments);
    else if (!tail)
        control_fail (self, peer, request, ERR_NOENT, "this request is no tail");
    else if (command == COMMAND_TAIL_READ)
        tail->unread -= read < tail->unread ? (uint32_t) read : tail->unread;
    else {
        send_part (self, peer, tail, 0, 0, false);
        destroy (self, &tail);
    }
}
