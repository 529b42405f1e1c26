/*  core_fuzz -- any bytes as what peers, the disk and the clock do to a live core
    Nothing reaches a CHECK, what the core sends is what wire.def says, and after a restart its state is the one
    that was stored.  */

#include "core_say.h"

#include "base/check.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

enum { TIME_MOST_US = 300000000, OPS_MOST = 3000 };

static void raw_packet (world_t *world, unsigned slot, feed_t *feed)
{
    plv_buf_t packet = {0};
    plv_view_t bytes = feed_bytes (feed);
    if (bytes.size % 4)
        plv_packet_begin (&packet);
    plv_buf_add_view (&packet, bytes);
    world_packet (world, slot, plv_buf_view (&packet));
    plv_buf_free (&packet);
}

/*  One frame or two; with `spoilt` a byte is another one.  */
static void valid_packet (world_t *world, unsigned slot, feed_t *feed, unsigned kind, bool spoilt)
{
    plv_buf_t packet = {0};
    plv_packet_begin (&packet);
    say (world, slot, kind, feed, &packet);
    if (spoilt) {
        say (world, slot, feed_byte (feed), feed, &packet);
        size_t at = (size_t) feed_byte (feed) << 8 | feed_byte (feed);
        packet.data[at % packet.size] ^= feed_byte (feed);
    }
    world_packet (world, slot, plv_buf_view (&packet));
    plv_buf_free (&packet);
}

/*  From a millisecond to minutes, with a clock that jumps now and then.  */
static void pass_time (world_t *world, uint8_t byte)
{
    int64_t step_us = 1000ll << (byte % 16);
    int64_t jump_us = byte >= 0xf0 ? ((int64_t) byte - 0xf8) * 5000000000 : 0;
    world_time (world, step_us < TIME_MOST_US ? step_us : TIME_MOST_US, jump_us);
}

static void now_and_then (world_t *world, unsigned slot, feed_t *feed, unsigned op)
{
    switch (op) {
    case 0:
        world_gone (world, slot);
        break;
    case 1:
        pass_time (world, feed_byte (feed));
        break;
    case 2:
        world_turn (world, false);
        break;
    case 3:
        world_commit (world);
        break;
    case 4:
        world_turn (world, true);
        break;
    case 5:
        world_rows (world, plv_view (NULL, 0));
        break;
    case 6:
        world_rows (world, feed_bytes (feed));
        break;
    case 7:
        world_policy (world, feed_byte (feed));
        break;
    case 8:
        world_restart (world);
        break;
    case 9:
        raw_packet (world, slot, feed);
        break;
    case 10:
        valid_packet (world, slot, feed, feed_byte (feed), true);
        break;
    case 11:
        if (feed_byte (feed) == 0xff)
            world_step (world, (input_t){.type = INPUT_DRAIN});
        break;
    default: /* a whole turn, as the shell makes them */
        world_turn (world, false);
        world_commit (world);
        world_rows (world, plv_view (NULL, 0));
    }
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    feed_t feed = {.at = data, .end = size ? data + size : data};
    world_t world;
    world_init (&world);
    for (unsigned ops = 0; feed.at < feed.end && ops < OPS_MOST; ops++) {
        uint8_t op = feed_byte (&feed), slot = feed_byte (&feed) % WORLD_SLOTS;
        if (op < 8 * (SAY_KINDS + 4))
            valid_packet (&world, slot, &feed, op % SAY_KINDS, false);
        else
            now_and_then (&world, slot, &feed, op % 16);
    }
    world_step (&world, (input_t){.type = INPUT_STOP});
    world_turn (&world, true);
    world_commit (&world);
    world_restart (&world);
    world_free (&world);
    return 0;
}
