/*  frame_fuzz -- any bytes as a packet
    What is read stays inside the packet, and a frame written again from what was read reads the same.  */

#include "base/check.h"
#include "wire/frame.h"
#include "wire/mp.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void put_arg (plv_buf_t *buf, char type, const plv_arg_t *arg)
{
    if (arg->nil) {
        plv_mp_put_nil (buf);
        return;
    }
    switch (type | 0x20) {
    case 'u':
        plv_mp_put_u64 (buf, arg->number);
        break;
    case 't':
        plv_mp_put_bool (buf, arg->number);
        break;
    case 's':
        plv_mp_put_str (buf, arg->bytes);
        break;
    case 'b':
        plv_mp_put_bin (buf, arg->bytes);
        break;
    default:
        plv_buf_add_view (buf, arg->bytes);
    }
}

static void check_same (const plv_frame_t *a, const plv_frame_t *b, const plv_verb_info_t *info)
{
    CHECK (a->verb == b->verb, "verb");
    for (unsigned i = 0; i < info->args; i++) {
        CHECK (a->arg[i].nil == b->arg[i].nil, "nil %u", i);
        CHECK (a->arg[i].number == b->arg[i].number, "number %u", i);
        CHECK (plv_view_equal (a->arg[i].bytes, b->arg[i].bytes), "bytes %u", i);
    }
}

static void write_again (const plv_frame_t *frame)
{
    const plv_verb_info_t *info = plv_verb_info ((unsigned) frame->verb);
    plv_buf_t buf = {0};
    plv_packet_begin (&buf);
    size_t mark = plv_frame_begin (&buf, frame->verb);
    for (unsigned i = 0; i < info->args; i++)
        put_arg (&buf, info->types[i], &frame->arg[i]);
    plv_frame_end (&buf, mark);

    plv_packet_reader_t reader;
    plv_frame_t again;
    plv_fail_t fail;
    CHECK (!plv_packet_open (plv_buf_view (&buf), &reader, &fail), "%s", fail.text);
    CHECK (!plv_packet_next (&reader, &again, &fail), "%s", fail.text);
    check_same (frame, &again, info);
    CHECK (plv_packet_next (&reader, &again, &fail) == ERR_NOENT, "one frame");
    plv_buf_free (&buf);
}

static void check_inside (plv_view_t part, const uint8_t *data, size_t size)
{
    CHECK (!part.size || (part.data >= data && part.data + part.size <= data + size), "outside");
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    plv_packet_reader_t reader;
    plv_frame_t frame;
    plv_fail_t fail;
    if (plv_packet_open (plv_view (data, size), &reader, &fail))
        return 0;
    while (!plv_packet_next (&reader, &frame, &fail)) {
        check_inside (frame.raw, data, size);
        for (unsigned i = 0; i < plv_verb_info ((unsigned) frame.verb)->args; i++)
            check_inside (frame.arg[i].bytes, data, size);
        write_again (&frame);
    }
    return 0;
}
