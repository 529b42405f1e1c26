#include "wire/frame.h"

#include "base/check.h"
#include "wire/mp.h"

enum { VERB_NUMBERS = 32 };

#define VERB(number, name, from, state, max, types, arguments, meaning)                            \
    static_assert ((number) > 0 && (number) < VERB_NUMBERS, #name " fits into the table");         \
    static_assert (sizeof (types) - 1 <= PLV_FRAME_ARGS_MAX, #name " has a place per argument");   \
    static_assert ((max) + PLV_PACKET_HEAD_BYTES + PLV_FRAME_HEAD_BYTES <= PACKET_BYTES_MAX,       \
                   #name " fits into a packet");                                                   \
    static_assert (FROM_##from == FROM_BROKER || (max) <= FRAME_BYTES_MAX,                         \
                   #name " keeps to what a peer may send");
#include "wire/wire.def"
#undef VERB

static const plv_verb_info_t VERBS[VERB_NUMBERS] = {
#define VERB(number, name_, from_, state_, max, types_, arguments_, meaning_)                      \
    [number] = {.name = #name_,                                                                    \
                .types = (types_),                                                                 \
                .arguments = (arguments_),                                                         \
                .meaning = (meaning_),                                                             \
                .bytes_max = (max),                                                                \
                .from = FROM_##from_,                                                              \
                .state = STATE_##state_,                                                           \
                .args = sizeof (types_) - 1},
#include "wire/wire.def"
#undef VERB
};

const plv_verb_info_t *plv_verb_info (unsigned number)
{
    return number < VERB_NUMBERS && VERBS[number].name ? &VERBS[number] : NULL;
}

const char *plv_verb_name (unsigned number)
{
    const plv_verb_info_t *info = plv_verb_info (number);
    return info ? info->name : "?";
}

bool plv_verb_legal (plv_verb_t verb, unsigned from, plv_conn_state_t state)
{
    const plv_verb_info_t *info = plv_verb_info ((unsigned) verb);
    return info && (info->from & from) && (info->state == STATE_ALWAYS || info->state == state);
}

static plv_err_t wrong_version (const uint8_t *head, plv_fail_t *ret_fail)
{
    return plv_fail (ret_fail, ERR_VERSION,
                     "the peer speaks wire version %u.%u and this side %d.%d: upgrade %s", head[2],
                     head[3], PLV_WIRE_MAJOR, PLV_WIRE_MINOR,
                     head[2] > PLV_WIRE_MAJOR ? "this side" : "the peer");
}

plv_err_t plv_packet_open (plv_view_t packet, plv_packet_reader_t *ret_reader, plv_fail_t *ret_fail)
{
    const uint8_t *head = packet.data;
    if (packet.size > PACKET_BYTES_MAX)
        return plv_fail (ret_fail, ERR_PROTOCOL, "a packet of %zu bytes, and %d are allowed",
                         packet.size, PACKET_BYTES_MAX);
    if (packet.size < PLV_PACKET_HEAD_BYTES || head[0] != 'P' || head[1] != 'V')
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "not a packet: %zu bytes that do not begin with \"PV\" and a version",
                         packet.size);
    if (head[2] != PLV_WIRE_MAJOR)
        return wrong_version (head, ret_fail);
    *ret_reader =
        (plv_packet_reader_t){.packet = packet, .at = PLV_PACKET_HEAD_BYTES, .minor = head[3]};
    return ERR_OK;
}

static const char *type_words (char type)
{
    switch (type | 0x20) {
    case 'u':
        return "an unsigned integer";
    case 't':
        return "a boolean";
    case 's':
        return "a text in UTF-8";
    case 'b':
        return "bytes";
    case 'm':
        return "a whole map";
    default:
        return "a whole array";
    }
}

/*  "0: seq" names the argument; the list in wire.def is separated by ", ".  */
static plv_view_t argument_name (const plv_verb_info_t *info, unsigned index)
{
    const char *name = info->arguments;
    for (; index; index--)
        name = strchr (name, ',') + 2;
    return plv_view (name, strcspn (name, ","));
}

static bool read_arg (plv_mp_t *at, char type, plv_arg_t *arg)
{
    bool flag;
    switch (type) {
    case 'u':
        return plv_mp_u64 (at, &arg->number);
    case 't':
        if (!plv_mp_bool (at, &flag))
            return false;
        arg->number = flag;
        return true;
    case 's':
        return plv_mp_str (at, &arg->bytes) && plv_utf8_valid (arg->bytes);
    case 'b':
        return plv_mp_bin (at, &arg->bytes);
    case 'm':
        return plv_mp_peek (at) == MP_MAP && plv_mp_skip (at, &arg->bytes);
    case 'a':
        return plv_mp_peek (at) == MP_ARRAY && plv_mp_skip (at, &arg->bytes);
    default:
        arg->nil = plv_mp_nil (at);
        return arg->nil || read_arg (at, (char) (type | 0x20), arg);
    }
}

unsigned plv_verb_args_least (const plv_verb_info_t *info)
{
    unsigned least = info->args;
    while (least && info->types[least - 1] < 'a')
        least--;
    return least;
}

/*  Reads the array of arguments; those behind the known ones belong to a later minor version, those that are missing
    are from a peer of an earlier one.  */
static plv_err_t read_args (const plv_verb_info_t *info, plv_frame_t *frame, size_t offset,
                            plv_fail_t *ret_fail)
{
    plv_mp_t at = plv_mp (frame->raw);
    uint32_t count = 0;
    if (!plv_mp_array (&at, &count) || count < plv_verb_args_least (info))
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "frame at byte %zu: %s needs an array of %u arguments", offset, info->name,
                         plv_verb_args_least (info));
    for (unsigned i = 0; i < info->args; i++) {
        frame->arg[i] = (plv_arg_t){.nil = i >= count, .bytes = {.data = at.at}};
        if (i >= count)
            continue;
        if (!read_arg (&at, info->types[i], &frame->arg[i]))
            return plv_fail (ret_fail, ERR_PROTOCOL,
                             "frame at byte %zu: %s: " PLV_VIEW_FMT " (argument %u) is not %s",
                             offset, info->name, PLV_VIEW_ARG (argument_name (info, i)), i + 1,
                             type_words (info->types[i]));
    }
    for (uint32_t i = info->args; i < count; i++) {
        if (!plv_mp_skip (&at, NULL))
            return plv_fail (ret_fail, ERR_PROTOCOL,
                             "frame at byte %zu: %s: argument %u is not msgpack", offset,
                             info->name, i + 1);
    }
    if (!plv_mp_done (&at))
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "frame at byte %zu: %s: %zu bytes too many behind the arguments", offset,
                         info->name, (size_t) (at.end - at.at));
    return ERR_OK;
}

plv_err_t plv_packet_next (plv_packet_reader_t *self, plv_frame_t *ret_frame, plv_fail_t *ret_fail)
{
    const uint8_t *head = self->packet.data + self->at;
    size_t left = self->packet.size - self->at;
    if (!left)
        return ERR_NOENT;
    if (left < PLV_FRAME_HEAD_BYTES)
        return plv_fail (ret_fail, ERR_PROTOCOL, "frame at byte %zu: its head is cut off",
                         self->at);

    const plv_verb_info_t *info = plv_verb_info (head[0]);
    uint32_t size = plv_get_u32 (head + 1);
    if (!info)
        return plv_fail (ret_fail, ERR_PROTOCOL, "frame at byte %zu: there is no verb %u", self->at,
                         head[0]);
    if (size > info->bytes_max)
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "frame at byte %zu: %s of %u bytes, and %u are allowed", self->at,
                         info->name, size, info->bytes_max);
    if (size > left - PLV_FRAME_HEAD_BYTES)
        return plv_fail (ret_fail, ERR_PROTOCOL,
                         "frame at byte %zu: %s of %u bytes, and the packet has %zu left", self->at,
                         info->name, size, left - PLV_FRAME_HEAD_BYTES);

    plv_frame_t frame;
    frame.verb = (plv_verb_t) head[0];
    frame.raw = plv_view (head + PLV_FRAME_HEAD_BYTES, size);
    plv_err_t err = read_args (info, &frame, self->at, ret_fail);
    if (err)
        return err;
    *ret_frame = frame;
    self->at += PLV_FRAME_HEAD_BYTES + size;
    return ERR_OK;
}

void plv_packet_begin (plv_buf_t *self)
{
    static const uint8_t HEAD[PLV_PACKET_HEAD_BYTES] = {'P', 'V', PLV_WIRE_MAJOR, PLV_WIRE_MINOR};
    plv_buf_add (self, HEAD, sizeof HEAD);
}

size_t plv_frame_begin (plv_buf_t *self, plv_verb_t verb)
{
    const plv_verb_info_t *info = plv_verb_info ((unsigned) verb);
    CHECK (info, "verb %d", (int) verb);
    size_t mark = self->size;
    uint8_t head[PLV_FRAME_HEAD_BYTES + 1] = {
        (uint8_t) verb, 0, 0, 0, 0, (uint8_t) (0x90 | info->args)};
    plv_buf_add (self, head, sizeof head);
    return mark;
}

void plv_frame_end (plv_buf_t *self, size_t mark)
{
    if (!self->failed)
        plv_put_u32 (self->data + mark + 1, (uint32_t) (self->size - mark - PLV_FRAME_HEAD_BYTES));
}
