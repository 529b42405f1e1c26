#include "base/alloc.h"
#include "base/clock.h"
#include "palaver/ask/ask.h"
#include "palaver/ask/post.h"
#include "palaver/show/json.h"
#include "palaver/show/text.h"
#include "wire/event.h"
#include "wire/mp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*  All of stdin, or the operands with a blank between them.  */
static void read_text (const call_t *call, plv_buf_t *text)
{
    char block[4096];
    size_t size;
    if (call->operand_count == 1 && strcmp (call->operands[0], "-") == 0) {
        while (text->size <= BODY_BYTES_MAX && (size = fread (block, 1, sizeof block, stdin)) > 0)
            plv_buf_add (text, block, size);
        while (text->size && text->data[text->size - 1] == '\n')
            text->size--;
    } else {
        for (size_t i = 0; i < call->operand_count; i++) {
            text_put (text, i ? " " : "");
            text_put (text, call->operands[i]);
        }
    }
    plv_buf_check (text);
}

/*  Why it cannot be said; NULL: it can, unless it is too long, which is found when it is sent.  */
static const char *what_is_wrong (plv_view_t text)
{
    if (ferror (stdin))
        return strerror (errno);
    if (text.size == 0)
        return "the text is empty";
    if (memchr (text.data, '\0', text.size))
        return "there is a NUL in the text";
    return text.size > BODY_BYTES_MAX || plv_utf8_valid (text) ? NULL : "the text is not UTF-8";
}

static void put_id (plv_buf_t *map, const char *key, const plv_id_t *id)
{
    char text[PLV_ID_TEXT_BYTES];
    plv_id_format (id, text);
    plv_mp_put_text (map, key);
    plv_mp_put_text (map, text);
}

/*  The event as every tool shows it.  */
static void print_json (plv_view_t envelope_bytes, plv_view_t body)
{
    plv_envelope_t envelope;
    plv_buf_t map = {0};
    if (plv_envelope_parse (envelope_bytes, &envelope, NULL))
        return;
    plv_mp_put_map (&map, 8);
    put_id (&map, "id", &envelope.id);
    put_id (&map, "reply_to", &envelope.reply_to);
    plv_mp_pair_str (&map, "type", envelope.type);
    plv_mp_pair_str (&map, "platform", envelope.platform);
    plv_mp_pair_str (&map, "session_id", envelope.session_id);
    plv_mp_pair_str (&map, "user_id", envelope.user_id);
    plv_mp_pair_i64 (&map, "timestamp", envelope.timestamp);
    plv_mp_put_text (&map, "body");
    plv_buf_add_view (&map, body);
    out_json (plv_buf_view (&map));
    plv_buf_free (&map);
}

static void put_disclaimers (plv_buf_t *out, plv_view_t body)
{
    plv_mp_t list;
    plv_view_t text;
    uint32_t count;
    if (!plv_mp_find (body, "disclaimers", &list) || !plv_mp_array (&list, &count))
        return;
    while (count-- && plv_mp_str (&list, &text)) {
        text_put (out, "  ");
        text_put_lines (out, text, 2);
        plv_buf_add_u8 (out, '\n');
    }
}

static void print_text (const out_t *out, plv_view_t body)
{
    plv_buf_t text = {0};
    text_put_lines (&text, plv_mp_find_str (body, "response_text"), 0);
    plv_buf_add_u8 (&text, '\n');
    out_colour (out, &text, "2");
    put_disclaimers (&text, body);
    out_colour (out, &text, "0");
    out_flush (&text);
    plv_buf_free (&text);
}

static void say_other (plv_view_t envelope, plv_view_t body)
{
    (void) envelope;
    plv_view_t text = plv_mp_find_str (body, "response_text");
    say ("an answer to an earlier message was waiting: " PLV_VIEW_FMT, PLV_VIEW_ARG (text));
}

static ending_t failed (const post_t *post, const plv_fail_t *fail)
{
    char id[PLV_ID_TEXT_BYTES];
    plv_id_format (&post->id, id);
    if (!post->open)
        return ask_failed (fail);
    if (fail->code == ERR_TIMEOUT && post->stored)
        say (
            "no answer in time. The message is kept as %s, and its answer waits for the next send as \"%s\"",
            id, post->adapter);
    else if (fail->code == ERR_TIMEOUT)
        say ("the broker did not say in time whether it has kept the message (%s)", id);
    else
        say ("%s", fail->text);
    return END_PARTLY;
}

static ending_t send_it (call_t *call, const message_t *message)
{
    post_t post;
    plv_fail_t fail;
    ending_t end = END_OK;
    post_begin (&post, message);
    post.other = say_other;
    if (post_run (&post, plv_clock_mono_us () + call_timeout_us (call, 60), &fail))
        end = failed (&post, &fail);
    else if (call->out.json)
        print_json (plv_buf_view (&post.envelope), plv_buf_view (&post.body));
    else
        print_text (&call->out, plv_buf_view (&post.body));
    post_free (&post);
    return end;
}

ending_t command_send (call_t *call)
{
    plv_buf_t text = {0}, session = {0};
    where_t where = {0};
    plv_fail_t fail;
    ending_t end;
    message_t message = {
        .adapter = call_text (call, OPTION_ADAPTER, NULL),
        .platform = call_text (call, OPTION_PLATFORM, "cli"),
        .user = call_text (call, OPTION_USER, call_who (call)),
    };
    read_text (call, &text);
    const char *wrong = what_is_wrong (plv_buf_view (&text));
    if (wrong) {
        say ("nothing was said: %s", wrong);
        end = END_USAGE;
        goto done;
    }
    plv_buf_add_u8 (&text, '\0');
    text_putf (&session, "%s_%s", message.platform, message.user);
    plv_buf_add_u8 (&session, '\0');
    plv_buf_check (&text);
    plv_buf_check (&session);
    message.text = (const char *) text.data;
    message.session = call_text (call, OPTION_SESSION, (const char *) session.data);
    if (where_find (call_text (call, OPTION_RUN, NULL), &where, &fail)) {
        end = ask_failed (&fail);
        goto done;
    }
    message.run = where.run;
    end = send_it (call, &message);
done:
    where_free (&where);
    plv_buf_free (&text);
    plv_buf_free (&session);
    return end;
}
