/*  telegram_fuzz -- any bytes as an update of the Bot API, and as an answer of it
    What is published is whole and has an id, the same each time; what is not says why.  */
/*  WITH: plugins/telegram  */

#include "base/check.h"
#include "telegram/outcome.h"
#include "telegram/update.h"
#include "wire/mp.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static void check_json (pal_text_t text, bool array)
{
    json_t *json = json_loadb (text.data, text.size, JSON_ALLOW_NUL, NULL);
    CHECK (array ? json_is_array (json) : json_is_object (json), "%.*s", PAL_ARG (text));
    json_decref (json);
}

static void check_event (const update_t *update)
{
    const pal_event_t *event = &update->event;
    CHECK (event->conversation.size && event->user_id.size, "nobody, nowhere");
    CHECK (event->platform_id.size && event->platform_id.size < 255, "id");
    CHECK (plv_utf8_valid (plv_view (event->message_text.data, event->message_text.size)), "UTF-8");
    CHECK (event->message_text.size || event->attachments.size || event->body.size,
           "nothing to say");
    check_json (event->metadata, false);
    if (event->attachments.size)
        check_json (event->attachments, true);
    if (event->body.size)
        check_json (event->body, false);
}

static void fuzz_update (pal_text_t text, bool hears_all)
{
    bot_t bot = {.id = 99, .username = "pal_bot", .hears_all = hears_all};
    update_t update, again;
    update_parse (&update, text, &bot);
    update_parse (&again, text, &bot);
    CHECK (update.act == again.act && update.update_id == again.update_id, "twice");
    CHECK (pal_text_equal (update.event.platform_id, again.event.platform_id), "its id");
    CHECK (update.act != UPDATE_FAILED, "memory");
    CHECK (update.act != UPDATE_NOTHING || update.why, "no reason");
    CHECK (update.act == UPDATE_NOTHING || update.update_id >= 0, "cannot be confirmed");
    if (update.act == UPDATE_PUBLISH)
        check_event (&update);
    update_free (&update);
    update_free (&again);
}

static void fuzz_answer (pal_text_t text)
{
    outcome_t outcome;
    uint32_t status = text.size ? (uint32_t) (unsigned char) text.data[0] * 4 : 200;
    pal_answer_t answer = {.ended = PAL_ANSWERED, .status = status, .body = text};
    outcome_read (&outcome, &answer);
    CHECK ((outcome.verdict == VERDICT_SENT) == !outcome.reason[0], "%s", outcome.reason);
    CHECK (*verdict_name (outcome.verdict) && verdict_end (outcome.verdict), "verdict");
    outcome_free (&outcome);
}

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
    pal_text_t text = {(const char *) data, size};
    fuzz_update (text, false);
    fuzz_update (text, true);
    fuzz_answer (text);
    return 0;
}
