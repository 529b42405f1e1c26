#include "core_say.h"

#include "core/ask/command.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <stdio.h>

uint8_t feed_byte (feed_t *self)
{
    return self->at < self->end ? *self->at++ : 0;
}

plv_view_t feed_bytes (feed_t *self)
{
    size_t size = feed_byte (self);
    if (size > (size_t) (self->end - self->at))
        size = (size_t) (self->end - self->at);
    self->at += size;
    return plv_view (self->at - size, size);
}

/*  What peers say in the way of words: short, long, cut at a limit within a character, and not UTF-8 at all.  */
static plv_view_t text_of (feed_t *feed, bool utf8)
{
    static const char *const fixed[] = {"",         "/c price",   "hello",   "<script>x</script>",
                                        "/c price", "late",       "timeout", "llm_unavailable",
                                        "merged",   "on load = x"};
    static char longs[4][3000];
    uint8_t byte = feed_byte (feed);
    if (byte < sizeof fixed / sizeof fixed[0])
        return plv_view_str (fixed[byte]);
    if (byte < 0x20) { /* two bytes a character, shifted by one or not */
        char *text = longs[byte % 4];
        size_t size = 60u + (byte % 8) * 300u;
        for (size_t i = 0; i < size; i++)
            text[i] = (i + byte) % 2 ? '\xa4' : '\xc3';
        text[0] = 'x';
        size_t from = byte % 2 ? 0 : 1;
        while (size && !plv_utf8_valid (plv_view (text + from, size - from)))
            size--;
        return plv_view (text + from, size - from);
    }
    plv_view_t text = feed_bytes (feed);
    while (utf8 && text.size && !plv_utf8_valid (text))
        text.size--;
    return text;
}

static void put_any (plv_buf_t *buf, feed_t *feed, unsigned depth)
{
    uint8_t byte = feed_byte (feed);
    switch (byte % 10) {
    case 0:
        plv_mp_put_nil (buf);
        return;
    case 1:
        plv_mp_put_bool (buf, byte & 16);
        return;
    case 2:
        plv_mp_put_u64 (buf, (uint64_t) feed_byte (feed) << (byte / 10 * 8 % 64));
        return;
    case 3:
        plv_mp_put_i64 (buf, -(int64_t) byte);
        return;
    case 4:
        plv_mp_put_double (buf, byte);
        return;
    case 5:
        plv_mp_put_bin (buf, feed_bytes (feed));
        return;
    case 6:
        plv_mp_put_str (buf, text_of (feed, false));
        return;
    default:
        break;
    }
    unsigned count = depth ? byte / 10 % 4 : 0;
    if (byte % 10 == 7)
        plv_mp_put_array (buf, count);
    else
        plv_mp_put_map (buf, count);
    for (unsigned i = 0; i < count; i++) {
        if (byte % 10 != 7)
            plv_mp_put_str (buf, text_of (feed, false));
        put_any (buf, feed, depth - 1);
    }
}

static uint64_t pick (const world_ring_t *ring, feed_t *feed)
{
    uint8_t byte = feed_byte (feed);
    if (byte >= 0xf0)
        return (uint64_t) byte << 56 | feed_byte (feed);
    return ring->numbers[(ring->next + WORLD_RING - 1 - byte % WORLD_RING) % WORLD_RING]
           + byte / 128;
}

static void put_ring (plv_buf_t *buf, const world_ring_t *ring, feed_t *feed)
{
    unsigned count = feed_byte (feed) % 5;
    plv_mp_put_text (buf, "holding");
    plv_mp_put_array (buf, count);
    for (unsigned i = 0; i < count; i++)
        plv_mp_put_u64 (buf, pick (ring, feed));
}

static void put_services (plv_buf_t *buf, uint8_t byte)
{
    plv_mp_put_text (buf, "services");
    plv_mp_put_array (buf, byte % 3);
    if (byte % 3 > 0)
        plv_mp_put_text (buf, byte & 4 ? "b" : "a");
    if (byte % 3 > 1)
        plv_mp_put_text (buf, byte & 8 ? "b" : "c");
}

static void say_hello (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    static const char *const roles[] = {"adapter", "agent", "tool", "guest"};
    world_slot_t *place = &world->slots[slot];
    uint8_t byte = feed_byte (feed), incarnation[16] = {0};
    unsigned role = place->allowed == FROM_WORKER ? 1 : place->allowed == FROM_TOOL ? 2 : 0;
    if (byte >= 0xe0)
        role = byte % 4;
    snprintf (place->name, sizeof place->name, byte == 0xdf ? "bad name" : "n%u", byte % 3);
    incarnation[0] = feed_byte (feed) % 3;
    plv_mp_put_text (buf, roles[role]);
    plv_mp_put_text (buf, place->name);
    plv_mp_put_str (buf, text_of (feed, true));
    plv_mp_put_u64 (buf, byte);
    plv_mp_put_map (buf, 8);
    put_services (buf, (uint8_t) (feed_byte (feed) + 1));
    plv_mp_pair_u64 (buf, "credit", feed_byte (feed) % 16);
    plv_mp_pair_u64 (buf, "history", byte % 5);
    plv_mp_put_text (buf, "incarnation");
    plv_mp_put_bin (buf, plv_view (incarnation, sizeof incarnation));
    put_ring (buf, role == 1 ? &world->leases : &world->deliveries, feed);
    plv_mp_put_text (buf, "deduplicates");
    plv_mp_put_bool (buf, byte & 32);
    plv_mp_put_text (buf, "batch");
    uint8_t size = feed_byte (feed);
    plv_mp_put_map (buf, 2);
    plv_mp_pair_u64 (buf, "size", size % 2 ? size % 8 : 0);
    plv_mp_pair_u64 (buf, "wait_ms", size);
    plv_mp_put_text (buf, "cache_keys");
    plv_mp_put_array (buf, 1);
    plv_mp_put_str (buf, byte & 64 ? plv_view_str ("k1") : text_of (feed, false));
}

static void put_body (plv_buf_t *buf, const char *key, feed_t *feed)
{
    plv_buf_t body = {0};
    uint8_t byte = feed_byte (feed);
    if (byte < 0xf0) {
        plv_mp_put_map (&body, 2);
        plv_mp_put_text (&body, key);
        plv_mp_put_str (&body, text_of (feed, true));
        plv_mp_put_text (&body, byte & 1 ? "metadata" : "recommendations");
        if (byte & 2)
            put_any (&body, feed, 3);
        else
            plv_mp_put_map (&body, 0);
    } else {
        put_any (&body, feed, 4);
    }
    plv_mp_put_bin (buf, plv_buf_view (&body));
    plv_buf_free (&body);
}

static void put_envelope (const world_t *world, unsigned slot, feed_t *feed, plv_event_type_t type,
                          plv_buf_t *buf)
{
    uint8_t byte = feed_byte (feed), platform_id = feed_byte (feed);
    const char *platform = byte & 16 ? "web" : "telegram";
    char session[16], id[8];
    snprintf (session, sizeof session, "%s_%u", byte & 64 ? "web" : platform, byte % 16);
    snprintf (id, sizeof id, "%u", platform_id);
    plv_envelope_t envelope = {
        .id = plv_id_make (world->now.wall_us, byte),
        .type_code = type,
        .platform = plv_view_str (platform),
        .adapter = plv_view_str (world->slots[slot].name),
        .session_id = plv_view_str (session),
        .user_id = plv_view_str (byte & 32 ? "u1" : "u2"),
        .timestamp = world->now.wall_us,
        .platform_id = platform_id < 0x80 ? plv_view (NULL, 0) : plv_view_str (id),
    };
    plv_envelope_write (buf, &envelope);
}

static void say_publish (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    uint8_t byte = feed_byte (feed);
    plv_event_type_t type =
        byte < 0xc0 ? EVENT_CHAT_MESSAGE : (plv_event_type_t) (1 + byte % (EVENT_COUNT_ - 1));
    plv_mp_put_u64 (buf, byte);
    put_envelope (world, slot, feed, type, buf);
    put_body (buf, "message_text", feed);
}

static void say_reply (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    (void) slot;
    plv_mp_put_u64 (buf, pick (&world->leases, feed));
    put_body (buf, "response_text", feed);
    uint8_t byte = feed_byte (feed);
    if (byte % 2) {
        plv_mp_put_nil (buf);
        return;
    }
    plv_buf_t state = {0};
    plv_mp_put_map (&state, 2);
    plv_mp_put_text (&state, "k1");
    put_any (&state, feed, 2);
    plv_mp_put_str (&state, text_of (feed, byte < 0xf0));
    put_any (&state, feed, 2);
    plv_mp_put_map (buf, 1);
    plv_mp_put_text (buf, "state");
    plv_mp_put_bin (buf, plv_buf_view (&state));
    plv_buf_free (&state);
}

static void say_nack (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    (void) slot;
    plv_mp_put_u64 (buf, pick (&world->leases, feed));
    uint8_t byte = feed_byte (feed);
    plv_mp_put_bool (buf, byte % 8 == 0);
    if (byte & 16)
        plv_mp_put_nil (buf);
    else
        plv_mp_put_u64 (buf, (uint64_t) byte << (byte & 32 ? 50 : 0));
    plv_mp_put_str (buf, text_of (feed, true));
    plv_mp_put_str (buf, text_of (feed, true));
}

static void say_step (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    static const uint8_t zeros[STEP_BYTES_MAX + 1];
    (void) slot;
    plv_mp_put_u64 (buf, pick (&world->leases, feed));
    plv_mp_put_str (buf, text_of (feed, true));
    uint8_t byte = feed_byte (feed);
    plv_mp_put_bin (buf, plv_view (zeros, byte < 0xf0 ? byte : STEP_BYTES_MAX + byte % 2));
}

static void say_delivered (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    static const char *const outcomes[] = {"sent",    "not_sent", "refused",
                                           "unknown", "sent",     "perhaps"};
    (void) slot;
    plv_mp_put_u64 (buf, pick (&world->deliveries, feed));
    uint8_t byte = feed_byte (feed);
    plv_mp_put_text (buf, outcomes[byte < 0xf8 ? byte % 5 : 5]);
    plv_mp_put_str (buf, text_of (feed, true));
    if (byte & 64)
        plv_mp_put_nil (buf);
    else
        plv_mp_put_u64 (buf, (uint64_t) byte << (byte & 32 ? 50 : 0));
    plv_mp_put_str (buf, text_of (feed, true));
}

static void put_numbers (plv_buf_t *buf, feed_t *feed)
{
    unsigned count = feed_byte (feed) % 24;
    plv_mp_put_text (buf, "numbers");
    plv_mp_put_array (buf, count);
    for (unsigned i = 0; i < count; i++)
        plv_mp_put_u64 (buf, count > 12 ? i + 1 : feed_byte (feed));
}

static void say_control (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    char session[16];
    (void) world;
    (void) slot;
    uint8_t byte = feed_byte (feed);
    snprintf (session, sizeof session, "web_%u", byte / 16);
    plv_mp_put_u64 (buf, byte);
    if (byte < 0xf8)
        plv_mp_put_text (buf, command_name ((command_t) (byte % COMMAND_COUNT_)));
    else
        plv_mp_put_str (buf, text_of (feed, true));
    plv_mp_put_map (buf, 7);
    put_numbers (buf, feed);
    plv_mp_pair_u64 (buf, "number", feed_byte (feed));
    plv_mp_pair_u64 (buf, "limit", feed_byte (feed) % 4);
    plv_mp_put_text (buf, "session");
    if (byte & 64)
        plv_mp_put_str (buf, text_of (feed, false));
    else
        plv_mp_put_text (buf, session);
    plv_mp_put_text (buf, "who");
    plv_mp_put_str (buf, text_of (feed, false));
    plv_mp_put_text (buf, "reason");
    plv_mp_put_str (buf, text_of (feed, false));
    plv_mp_put_text (buf, "dir");
    plv_mp_put_text (buf, byte & 32 ? "/x" : "");
}

static void say_live (world_t *world, unsigned slot, feed_t *feed, plv_buf_t *buf)
{
    put_envelope (world, slot, feed, EVENT_CHAT_DELTA, buf);
    put_body (buf, "delta", feed);
}

/*  Arguments of the types that the verb has, and of any value.  */
static void put_args (const world_t *world, const plv_verb_info_t *info, feed_t *feed,
                      plv_buf_t *buf)
{
    for (unsigned i = 0; i < info->args; i++) {
        uint8_t byte = feed_byte (feed);
        char type = info->types[i];
        if (type < 'a' && byte % 4 == 0) {
            plv_mp_put_nil (buf);
            continue;
        }
        switch (type | 0x20) {
        case 'u':
            plv_mp_put_u64 (buf, byte < 0x40 ? pick (&world->leases, feed)
                                             : (uint64_t) byte << (byte % 64));
            break;
        case 't':
            plv_mp_put_bool (buf, byte & 1);
            break;
        case 's':
            plv_mp_put_str (buf, text_of (feed, true));
            break;
        case 'b':
            plv_mp_put_bin (buf, feed_bytes (feed));
            break;
        case 'a':
            plv_mp_put_array (buf, 1);
            put_any (buf, feed, 4);
            break;
        default:
            plv_mp_put_map (buf, 1);
            plv_mp_put_str (buf, text_of (feed, false));
            put_any (buf, feed, 4);
        }
    }
}

void say (world_t *world, unsigned slot, unsigned kind, feed_t *feed, plv_buf_t *packet)
{
    typedef void (*say_fn) (world_t * world, unsigned slot, feed_t *feed, plv_buf_t *buf);
    static const struct {
        plv_verb_t verb;
        say_fn fn; /* none: whatever the types allow */
    } kinds[SAY_KINDS] = {
        {VERB_HELLO, say_hello},
        {VERB_PUBLISH, say_publish},
        {VERB_REPLY, say_reply},
        {VERB_NACK, say_nack},
        {VERB_STEP, say_step},
        {VERB_DELIVERED, say_delivered},
        {VERB_CONTROL, say_control},
        {VERB_LIVE, say_live},
        {VERB_CREDIT, NULL},
        {VERB_PING, NULL},
        {VERB_BYE, NULL},
        {VERB_ERROR, NULL},
    };
    plv_verb_t verb = kinds[kind % SAY_KINDS].verb;
    say_fn fn = kinds[kind % SAY_KINDS].fn;
    if (verb == VERB_ERROR) { /* any verb */
        do
            verb = (plv_verb_t) (1 + feed_byte (feed) % 31);
        while (!plv_verb_info (verb) && feed->at < feed->end);
        if (!plv_verb_info (verb))
            verb = VERB_PING;
    }
    size_t mark = plv_frame_begin (packet, verb);
    if (fn)
        fn (world, slot, feed, packet);
    else
        put_args (world, plv_verb_info (verb), feed, packet);
    plv_frame_end (packet, mark);
}
