#include "core/effects.h"

#include "base/bytes.h"

#include "base/alloc.h"
#include "base/check.h"
#include "wire/mp.h"

#include <stdlib.h>

void effects_init (effects_t *self)
{
    memset (self, 0, sizeof *self);
    self->log_least = LOG_INFO;
}

static void packets_free (effects_packets_t *self)
{
    for (size_t i = 0; i < self->capacity; i++) {
        plv_buf_free (&self->items[i].bytes);
        for (int kind = 0; kind < ACK_COUNT_; kind++)
            plv_buf_free (&self->items[i].acks[kind]);
    }
    free (self->items);
}

void effects_free (effects_t *self)
{
    packets_free (&self->held);
    packets_free (&self->prompt);
    plv_buf_free (&self->journal);
    plv_buf_free (&self->rows);
    plv_buf_free (&self->closes);
    plv_buf_free (&self->accepted);
    plv_buf_free (&self->logs);
    plv_buf_free (&self->checkpoint_dir);
    plv_buf_free (&self->orders);
    for (size_t i = 0; i < self->scan_capacity; i++) {
        plv_buf_free (&self->scans[i].from);
        plv_buf_free (&self->scans[i].to);
    }
    free (self->scans);
    memset (self, 0, sizeof *self);
}

void effects_clear_prompt (effects_t *self)
{
    self->prompt.turn = 0;
    self->prompt.count = 0;
    self->scan_count = 0;
    self->checkpoint_token = 0;
    plv_buf_clear (&self->closes);
    plv_buf_clear (&self->logs);
    plv_buf_clear (&self->checkpoint_dir);
    plv_buf_clear (&self->orders);
}

void effects_clear (effects_t *self)
{
    effects_clear_prompt (self);
    self->held.turn = 0;
    self->held.count = 0;
    self->sync = false;
    plv_buf_clear (&self->journal);
    plv_buf_clear (&self->rows);
    plv_buf_clear (&self->accepted);
}

static effects_packet_t *packet_add (effects_packets_t *packets, uint32_t peer)
{
    if (packets->count == packets->capacity) {
        size_t capacity = packets->capacity ? packets->capacity * 2 : 16;
        packets->items = plv_realloc (packets->items, capacity * sizeof *packets->items);
        memset (packets->items + packets->capacity, 0,
                (capacity - packets->capacity) * sizeof *packets->items);
        packets->capacity = capacity;
    }
    effects_packet_t *packet = &packets->items[packets->count++];
    packet->peer = peer;
    packet->only_acks = false;
    plv_buf_clear (&packet->bytes);
    plv_packet_begin (&packet->bytes);
    for (int kind = 0; kind < ACK_COUNT_; kind++) {
        plv_buf_clear (&packet->acks[kind]);
        packet->ack_count[kind] = 0;
    }
    return packet;
}

/*  A packet that is full is left as it is and another one is begun.  */
static bool packet_has_room (const effects_packet_t *packet)
{
    size_t size = packet->bytes.size;
    for (int kind = 0; kind < ACK_COUNT_; kind++)
        size += packet->acks[kind].size;
    return size < PACKET_BYTES_FULL;
}

effects_packet_t *effects_packet (effects_packets_t *packets, uint32_t peer, effects_slot_t *slot)
{
    if (slot->turn == packets->turn && packet_has_room (&packets->items[slot->at]))
        return &packets->items[slot->at];
    effects_packet_t *packet = packet_add (packets, peer);
    slot->turn = packets->turn;
    slot->at = (uint32_t) (packet - packets->items);
    return packet;
}

void effects_ack (effects_packet_t *packet, effects_ack_t kind, uint64_t number)
{
    plv_mp_put_u64 (&packet->acks[kind], number);
    packet->ack_count[kind]++;
}

static void seal_packet (effects_packet_t *packet)
{
    static const plv_verb_t verb_of[ACK_COUNT_] = {
        [ACK_STORED] = VERB_STORED,
        [ACK_SETTLED] = VERB_SETTLED,
        [ACK_COMMITTED] = VERB_COMMITTED,
    };

    for (int kind = 0; kind < ACK_COUNT_; kind++) {
        if (packet->ack_count[kind] == 0)
            continue;
        plv_buf_check (&packet->acks[kind]);
        packet->only_acks = packet->only_acks || packet->bytes.size == PLV_PACKET_HEAD_BYTES;
        size_t mark = plv_frame_begin (&packet->bytes, verb_of[kind]);
        plv_mp_put_array (&packet->bytes, packet->ack_count[kind]);
        plv_buf_add_view (&packet->bytes, plv_buf_view (&packet->acks[kind]));
        plv_frame_end (&packet->bytes, mark);
        packet->ack_count[kind] = 0;
    }
    plv_buf_check (&packet->bytes);
}

void effects_seal (effects_t *self)
{
    for (size_t i = 0; i < self->held.count; i++)
        seal_packet (&self->held.items[i]);
    for (size_t i = 0; i < self->prompt.count; i++)
        seal_packet (&self->prompt.items[i]);
    for (size_t i = 0; i < self->scan_count; i++) {
        plv_buf_check (&self->scans[i].from);
        plv_buf_check (&self->scans[i].to);
    }
    plv_buf_check (&self->journal);
    plv_buf_check (&self->rows);
    plv_buf_check (&self->closes);
    plv_buf_check (&self->accepted);
    plv_buf_check (&self->checkpoint_dir);
    plv_buf_check (&self->orders);
}

void effects_close (effects_t *self, uint32_t peer)
{
    plv_buf_add (&self->closes, &peer, sizeof peer);
}

enum { ORDER_HEAD_BYTES = 16 };

void effects_order (effects_t *self, uint64_t token, uint32_t command, plv_view_t arguments)
{
    uint8_t head[ORDER_HEAD_BYTES];
    plv_put_u64 (head, token);
    plv_put_u32 (head + 8, command);
    plv_put_u32 (head + 12, (uint32_t) arguments.size);
    plv_buf_add (&self->orders, head, sizeof head);
    plv_buf_add_view (&self->orders, arguments);
}

bool effects_order_next (const effects_t *self, size_t *at, effects_order_t *ret_order)
{
    if (*at >= self->orders.size)
        return false;
    const uint8_t *head = self->orders.data + *at;
    *ret_order = (effects_order_t){
        .token = plv_get_u64 (head),
        .command = plv_get_u32 (head + 8),
        .arguments = plv_view (head + ORDER_HEAD_BYTES, plv_get_u32 (head + 12)),
    };
    *at += ORDER_HEAD_BYTES + ret_order->arguments.size;
    return true;
}

effects_scan_t *effects_scan (effects_t *self, uint64_t token, plv_row_view_t view, uint32_t limit)
{
    if (self->scan_count == self->scan_capacity) {
        size_t capacity = self->scan_capacity ? self->scan_capacity * 2 : 4;
        self->scans = plv_realloc (self->scans, capacity * sizeof *self->scans);
        memset (self->scans + self->scan_capacity, 0,
                (capacity - self->scan_capacity) * sizeof *self->scans);
        self->scan_capacity = capacity;
    }
    effects_scan_t *scan = &self->scans[self->scan_count++];
    scan->token = token;
    scan->view = view;
    scan->limit = limit;
    scan->journal = false;
    plv_buf_clear (&scan->from);
    plv_buf_clear (&scan->to);
    return scan;
}

void effects_scan_journal (effects_t *self, uint64_t token, uint64_t from, uint64_t to,
                           uint32_t limit)
{
    effects_scan_t *scan = effects_scan (self, token, VIEW_META, limit);
    scan->journal = true;
    scan->from_seq = from;
    scan->to_seq = to;
}

/*  A line is: u8 id, u8 field count, then per field: const char * name, u8 type, and either an int64_t or
    a u32 length with the bytes and a NUL.  */
void effects_log_fields (effects_t *self, plv_log_id_t id, const plv_field_t *fields, size_t count)
{
    if (plv_log_id_level (id) < self->log_least)
        return;
    CHECK (count <= EFFECTS_FIELDS_MAX, "%zu fields", count);
    plv_buf_add_u8 (&self->logs, (uint8_t) id);
    plv_buf_add_u8 (&self->logs, (uint8_t) count);
    for (size_t i = 0; i < count; i++) {
        const plv_field_t *field = &fields[i];
        plv_buf_add (&self->logs, &field->name, sizeof field->name);
        plv_buf_add_u8 (&self->logs, field->type == FIELD_INT ? FIELD_INT : FIELD_VIEW);
        if (field->type == FIELD_INT) {
            plv_buf_add (&self->logs, &field->number, sizeof field->number);
            continue;
        }
        plv_view_t text = field->type == FIELD_STR ? plv_view_str (field->text) : field->view;
        uint32_t size = (uint32_t) text.size;
        plv_buf_add (&self->logs, &size, sizeof size);
        plv_buf_add_view (&self->logs, text);
    }
    plv_buf_check (&self->logs);
}

static const uint8_t *take (const effects_t *self, size_t *at, void *into, size_t size)
{
    const uint8_t *from = self->logs.data + *at;
    if (into)
        memcpy (into, from, size);
    *at += size;
    return from;
}

bool effects_log_next (const effects_t *self, size_t *at, plv_log_id_t *ret_id,
                       plv_field_t ret_fields[EFFECTS_FIELDS_MAX], size_t *ret_count)
{
    if (*at >= self->logs.size)
        return false;
    uint8_t head[2];
    take (self, at, head, sizeof head);
    for (size_t i = 0; i < head[1]; i++) {
        plv_field_t *field = &ret_fields[i];
        uint8_t type;
        uint32_t size;
        memset (field, 0, sizeof *field);
        take (self, at, &field->name, sizeof field->name);
        take (self, at, &type, sizeof type);
        field->type = (plv_field_type_t) type;
        if (type == FIELD_INT) {
            take (self, at, &field->number, sizeof field->number);
        } else {
            take (self, at, &size, sizeof size);
            field->view = plv_view (take (self, at, NULL, size), size);
        }
    }
    *ret_id = (plv_log_id_t) head[0];
    *ret_count = head[1];
    return true;
}
