/*  Updates as Telegram sends them, and what becomes of them. In the texts here ' stands for ".  */
#include "telegram/update.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANN "'from':{'id':7,'is_bot':false,'first_name':'Ann','language_code':'de'}"
#define HOME "'chat':{'id':7,'type':'private','first_name':'Ann'}"
#define TEAM "'chat':{'id':-10012345678901,'type':'supergroup','title':'Team'}"
#define ME "{'id':99,'is_bot':true,'first_name':'P','username':'pal_bot'}"

static const bot_t bot = {.id = 99, .username = "Pal_Bot"};
static const bot_t curious = {.id = 99, .username = "Pal_Bot", .hears_all = true};

static void parse (update_t *update, const bot_t *who, const char *format, ...)
{
    char text[8192];
    va_list arguments;
    va_start (arguments, format);
    vsnprintf (text, sizeof text, format, arguments);
    va_end (arguments);
    for (char *at = text; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    update_parse (update, pal_text (text), who);
}

/*  A message of Ann's with these fields.  */
static void message (update_t *update, const char *chat, const char *fields)
{
    parse (update, &bot, "{'update_id':5,'message':{'message_id':3,'date':1700000000,%s,%s,%s}}",
           ANN, chat, fields);
}

static void check_text (const pal_text_t text, const char *expected)
{
    if (!pal_text_is (text, expected))
        fail_msg ("'%.*s' instead of '%s'", PAL_ARG (text), expected);
}

static json_t *json_of (pal_text_t text)
{
    json_t *json = json_loadb (text.size ? text.data : "", text.size, 0, NULL);
    assert_non_null (json);
    return json;
}

static void check_fact (const update_t *update, const char *name, const char *expected)
{
    json_t *metadata = json_of (update->event.metadata);
    const char *value = json_string_value (json_object_get (metadata, name));
    if (expected)
        assert_string_equal (value ? value : "(none)", expected);
    else
        assert_null (json_object_get (metadata, name));
    json_decref (metadata);
}

static void check_nothing (update_t *update, const char *why)
{
    assert_int_equal (update->act, UPDATE_NOTHING);
    assert_string_equal (update->why, why);
    update_free (update);
}

static void a_message_has_all_its_parts (void **state)
{
    update_t update;
    message (&update, HOME, "'text':'hello'");
    assert_int_equal (update.act, UPDATE_PUBLISH);
    assert_int_equal (update.update_id, 5);
    assert_int_equal (update.event.type, PAL_CHAT_MESSAGE);
    check_text (update.event.conversation, "7");
    check_text (update.event.user_id, "7");
    check_text (update.event.platform_id, "99:7:3");
    check_text (update.event.message_text, "hello");
    assert_true (update.event.timestamp_us == 1700000000000000);
    assert_int_equal (update.event.attachments.size, 0);
    assert_false (update.group);
    check_fact (&update, "first_name", "Ann");
    check_fact (&update, "language", "de");
    check_fact (&update, "chat_type", "private");
    check_fact (&update, "addressed", "private");
    check_fact (&update, "command", NULL);
    update_free (&update);
    (void) state;
}

static void check_addressed (const char *fields, address_how_t how, const char *text)
{
    update_t update;
    message (&update, TEAM, fields);
    if (update.addressed != how)
        fail_msg ("%s: %s", fields, address_name (update.addressed));
    bool meant = how != ADDRESS_NONE && how != ADDRESS_OTHER;
    assert_int_equal (update.act, meant ? UPDATE_PUBLISH : UPDATE_NOTHING);
    if (meant) {
        check_text (update.event.message_text, text);
        check_text (update.event.conversation, "-10012345678901");
        check_fact (&update, "addressed", address_name (how));
        check_fact (&update, "chat_title", "Team");
    }
    assert_true (update.group);
    update_free (&update);
}

static void in_groups_only_what_is_meant_for_the_bot_counts (void **state)
{
    check_addressed ("'text':'hello'", ADDRESS_NONE, NULL);
    check_addressed ("'text':'/help me','entities':[{'type':'bot_command','offset':0,'length':5}]",
                     ADDRESS_COMMAND, "/help me");
    check_addressed (
        "'text':'/help@PAL_bot me','entities':[{'type':'bot_command','offset':0,'length':13}]",
        ADDRESS_COMMAND, "/help me");
    check_addressed (
        "'text':'/help@other','entities':[{'type':'bot_command','offset':0,'length':11}]",
        ADDRESS_OTHER, NULL);
    check_addressed ("'text':'see /help','entities':[{'type':'bot_command','offset':4,'length':5}]",
                     ADDRESS_NONE, NULL);
    check_addressed ("'text':'@pal_bot, hi','entities':[{'type':'mention','offset':0,'length':8}]",
                     ADDRESS_MENTION, "hi");
    check_addressed ("'text':'@pal_bot','entities':[{'type':'mention','offset':0,'length':8}]",
                     ADDRESS_MENTION, "@pal_bot");
    check_addressed (
        "'text':'\xf0\x9f\x98\x80 hi @pal_bot!','entities':[{'type':'mention','offset':6,'length':8}]",
        ADDRESS_MENTION, "\xf0\x9f\x98\x80 hi @pal_bot!");
    check_addressed ("'text':'@pal_bott hi','entities':[{'type':'mention','offset':0,'length':9}]",
                     ADDRESS_NONE, NULL);
    check_addressed (
        "'text':'Pal hi','entities':[{'type':'text_mention','offset':0,'length':3,'user':" ME "}]",
        ADDRESS_MENTION, "hi");
    check_addressed ("'text':'why?','reply_to_message':{'message_id':2,'from':" ME "}",
                     ADDRESS_REPLY, "why?");
    check_addressed ("'text':'x','reply_to_message':{'message_id':2,'from':" ME
                     ",'forum_topic_created':{}}",
                     ADDRESS_NONE, NULL);
    (void) state;
}

static void a_bot_that_hears_all_publishes_all_but_commands_for_others (void **state)
{
    update_t update;
    parse (&update, &curious, "{'update_id':5,'message':{'message_id':3,%s,%s,'text':'hello'}}",
           ANN, TEAM);
    assert_int_equal (update.act, UPDATE_PUBLISH);
    check_fact (&update, "addressed", "");
    update_free (&update);
    parse (&update, &curious,
           "{'update_id':5,'message':{'message_id':3,%s,%s,'text':'/a@b_bot','entities':[{'type':"
           "'bot_command','offset':0,'length':8}]}}",
           ANN, TEAM);
    check_nothing (&update, "for another bot");
    (void) state;
}

static void commands_are_named (void **state)
{
    update_t update;
    message (&update, HOME,
             "'text':'/start abc','entities':[{'type':'bot_command','offset':0,'length':6}]");
    check_text (update.command, "start");
    check_text (update.event.message_text, "/start abc");
    check_fact (&update, "command", "start");
    update_free (&update);
    (void) state;
}

static void files_are_references (void **state)
{
    update_t update;
    message (
        &update, HOME,
        "'caption':'look','photo':[{'file_id':'s','file_unique_id':'us','width':90,'height':60},"
        "{'file_id':'l','file_unique_id':'ul','width':800,'height':600,'file_size':1234}],"
        "'media_group_id':'g1'");
    assert_int_equal (update.act, UPDATE_PUBLISH);
    check_text (update.event.message_text, "look");
    check_text (update.event.attachments,
                "[{\"kind\":\"photo\",\"mime_type\":\"image/jpeg\",\"file_id\":\"l\","
                "\"file_unique_id\":\"ul\",\"size\":1234,\"width\":800,\"height\":600}]");
    check_fact (&update, "album", "g1");
    update_free (&update);
    message (&update, HOME,
             "'document':{'file_id':'d','file_unique_id':'ud','file_name':'a.pdf','mime_type':"
             "'application/pdf','file_size':99,'thumbnail':{'file_id':'t'}}");
    check_text (update.event.attachments,
                "[{\"kind\":\"document\",\"mime_type\":\"application/pdf\",\"file_id\":\"d\","
                "\"file_unique_id\":\"ud\",\"name\":\"a.pdf\",\"size\":99}]");
    check_text (update.event.message_text, "");
    update_free (&update);
    message (&update, HOME, "'animation':{'file_id':'a'},'document':{'file_id':'d'}");
    check_text (update.event.attachments,
                "[{\"kind\":\"animation\",\"mime_type\":\"video/mp4\",\"file_id\":\"a\"}]");
    update_free (&update);
    message (&update, HOME, "'location':{'latitude':52.5,'longitude':13.25}");
    check_text (update.event.attachments,
                "[{\"latitude\":52.5,\"longitude\":13.25,\"kind\":\"location\"}]");
    update_free (&update);
    message (&update, HOME, "'sticker':{'file_id':'s','emoji':'\xf0\x9f\x91\x8d'}");
    check_text (update.event.message_text, "\xf0\x9f\x91\x8d");
    update_free (&update);
    (void) state;
}

static void what_has_neither_words_nor_a_file_says_what_it_is (void **state)
{
    static const struct {
        const char *fields, *attachments, *text;
    } rows[] = {
        {"'dice':{'emoji':'\xf0\x9f\x8e\xb2','value':4}",
         "[{\"emoji\":\"\xf0\x9f\x8e\xb2\",\"value\":4,\"kind\":\"dice\"}]", "\xf0\x9f\x8e\xb2"},
        {"'poll':{'id':'1','question':'Which one?','question_entities':[{'type':'bold','offset':0,"
         "'length':5}],'options':[{'persistent_id':'a','text':'VTI','voter_count':1},{'text':'BND'}],"
         "'is_closed':false,'correct_option_ids':[1],'type':'quiz'}",
         "[{\"id\":\"1\",\"question\":\"Which one?\",\"options\":[\"VTI\",\"BND\"],\"type\":\"quiz\","
         "\"kind\":\"poll\"}]",
         ""},
        {"'checklist':{'title':'To do','tasks':[{'id':1,'text':'buy'},{'id':2,'text':'hold'}]}",
         "[{\"title\":\"To do\",\"tasks\":[\"buy\",\"hold\"],\"kind\":\"checklist\"}]", ""},
        {"'story':{'chat':{'id':4},'id':9}", "[{\"id\":9,\"kind\":\"story\"}]", ""},
        {"'game':{'title':'G','description':'D','photo':[{'file_id':'p'}]}",
         "[{\"title\":\"G\",\"description\":\"D\",\"kind\":\"game\"}]", ""},
        {"'invoice':{'title':'T','currency':'EUR','total_amount':100}",
         "[{\"title\":\"T\",\"currency\":\"EUR\",\"total_amount\":100,\"kind\":\"invoice\"}]", ""},
        {"'paid_media':{'star_count':5,'paid_media':[{'type':'preview'}]},'caption':'see'",
         "[{\"star_count\":5,\"kind\":\"paid_media\"}]", "see"},
        {"'giveaway':{'chats':[{'id':1}],'winner_count':2}",
         "[{\"winner_count\":2,\"kind\":\"giveaway\"}]", ""},
        {"'rich_message':{'blocks':[{'type':'paragraph','text':'hello'}]}",
         "[{\"blocks\":[\"hello\"],\"kind\":\"rich_message\"}]", ""},
        {"'rich_message':{'blocks':[{'text':'half of it'},{'text':{'type':'bold','text':'x'}}]}",
         "[{\"kind\":\"rich_message\"}]", ""},
    };
    update_t update;
    for (size_t at = 0; at < sizeof rows / sizeof *rows; at++) {
        message (&update, HOME, rows[at].fields);
        assert_int_equal (update.act, UPDATE_PUBLISH);
        check_text (update.event.attachments, rows[at].attachments);
        check_text (update.event.message_text, rows[at].text);
        update_free (&update);
    }
    message (&update, HOME, "'poll':'no object','dice':[]");
    check_nothing (&update, "nothing was written");
    (void) state;
}

static void what_a_message_answers_is_told (void **state)
{
    update_t update;
    message (&update, HOME,
             "'text':'why?','reply_to_message':{'message_id':2,'text':'because','from':" ME
             "},'quote':{'text':'cause'},'forward_origin':{'type':'user'},'message_thread_id':8,"
             "'is_topic_message':true");
    json_t *metadata = json_of (update.event.metadata);
    assert_int_equal (json_integer_value (json_object_get (metadata, "answers")), 2);
    assert_int_equal (json_integer_value (json_object_get (metadata, "thread_id")), 8);
    assert_true (json_is_true (json_object_get (metadata, "answers_bot")));
    assert_true (json_is_true (json_object_get (metadata, "forwarded")));
    json_decref (metadata);
    check_fact (&update, "answers_text", "because");
    check_fact (&update, "quote", "cause");
    assert_int_equal (update.thread, 8);
    check_text (update.event.platform_id, "99:7:3:t8");
    assert_int_equal (update_topic (update.event.platform_id), 8);
    assert_int_equal (update_topic (pal_text ("99:7:3")), 0);
    assert_int_equal (update_topic (pal_text ("99:ct8")), 0);
    assert_int_equal (update_topic (pal_text (NULL)), 0);
    update_free (&update);
    (void) state;
}

static void an_edit_is_another_event (void **state)
{
    update_t update;
    parse (
        &update, &bot,
        "{'update_id':6,'edited_message':{'message_id':3,'date':1700000000,'edit_date':1700000100,%s,"
        "%s,'text':'changed'}}",
        ANN, HOME);
    assert_int_equal (update.event.type, PAL_CHAT_EDIT);
    check_text (update.event.platform_id, "99:7:3:e1700000100:6");
    assert_true (update.event.timestamp_us == 1700000100000000);
    check_text (update.event.message_text, "changed");
    update_free (&update);
    (void) state;
}

static void a_button_is_an_action (void **state)
{
    update_t update;
    parse (
        &update, &bot,
        "{'update_id':8,'callback_query':{'id':'4711',%s,'chat_instance':'1','data':'buy:VTI:x','message':"
        "{'message_id':4,'date':1,%s,'from':" ME
        ",'text':'pick','reply_markup':{'inline_keyboard':[[{'text':"
        "'A','callback_data':'a'},{'text':'Buy','callback_data':'buy:VTI:x'}]]}}}}",
        ANN, TEAM);
    assert_int_equal (update.act, UPDATE_PUBLISH);
    assert_int_equal (update.event.type, PAL_CHAT_ACTION);
    check_text (update.event.platform_id, "99:c4711");
    check_text (update.event.conversation, "-10012345678901");
    check_text (update.event.user_id, "7");
    check_text (update.event.body, "{\"action\":\"buy\",\"value\":\"VTI:x\"}");
    check_text (update.callback_query, "4711");
    assert_int_equal (update.message_id, 4);
    assert_true (update.event.timestamp_us == 0);
    check_fact (&update, "label", "Buy");
    update_free (&update);
    parse (&update, &bot,
           "{'update_id':8,'callback_query':{'id':'1',%s,'inline_message_id':'x','data':'a'}}",
           ANN);
    check_text (update.callback_query, "1");
    check_nothing (&update, "a button without a message or data");
    (void) state;
}

static void check_reaction (const char *before, const char *after, const char *body)
{
    update_t update;
    parse (
        &update, &bot,
        "{'update_id':9,'message_reaction':{%s,'message_id':4,'user':{'id':7,'is_bot':false,'first_name':"
        "'Ann'},'date':1700000000,'old_reaction':[%s],'new_reaction':[%s]}}",
        HOME, before, after);
    if (!body) {
        check_nothing (&update, "no reaction has changed");
        return;
    }
    assert_int_equal (update.event.type, PAL_CHAT_REACTION);
    check_text (update.event.platform_id, "99:7:4:r7:1700000000:9");
    check_text (update.event.body, body);
    update_free (&update);
}

static void reactions_come_and_go (void **state)
{
    const char *up = "{'type':'emoji','emoji':'U'}", *heart = "{'type':'emoji','emoji':'H'}";
    check_reaction ("", up, "{\"reaction\":\"U\",\"removed\":false}");
    check_reaction (up, heart, "{\"reaction\":\"H\",\"removed\":false}");
    check_reaction (heart, "", "{\"reaction\":\"H\",\"removed\":true}");
    check_reaction ("", "{'type':'custom_emoji','custom_emoji_id':'77'}",
                    "{\"reaction\":\"77\",\"removed\":false}");
    check_reaction (up, up, NULL);
    (void) state;
}

static void the_bot_learns_where_it_may_write (void **state)
{
    const struct {
        const char *member;
        bool reachable;
    } cases[] = {{"'status':'kicked'", false},
                 {"'status':'member'", true},
                 {"'status':'left'", false},
                 {"'status':'administrator'", true},
                 {"'status':'restricted','can_send_messages':false", false},
                 {"'status':'restricted','can_send_messages':true", true}};
    for (size_t at = 0; at < sizeof cases / sizeof *cases; at++) {
        update_t update;
        parse (&update, &bot,
               "{'update_id':1,'my_chat_member':{%s,%s,'date':1,'new_chat_member':{%s}}}", HOME,
               ANN, cases[at].member);
        assert_int_equal (update.act, UPDATE_MEMBERSHIP);
        assert_int_equal (update.chat, 7);
        assert_int_equal (update.reachable, cases[at].reachable);
        update_free (&update);
    }
    (void) state;
}

static void both_words_of_a_migration_are_one (void **state)
{
    const char *words[] = {
        "'chat':{'id':-5,'type':'group'},'migrate_to_chat_id':-1001234567890",
        "'chat':{'id':-1001234567890,'type':'supergroup'},'migrate_from_chat_id':-5"};
    for (size_t at = 0; at < 2; at++) {
        update_t update;
        parse (&update, &bot, "{'update_id':1,'message':{'message_id':1,'date':1,%s,%s}}", ANN,
               words[at]);
        assert_int_equal (update.act, UPDATE_MIGRATE);
        assert_true (update.old_chat == -5 && update.new_chat == -1001234567890);
        update_free (&update);
    }
    (void) state;
}

static void who_writes_in_the_name_of_the_group_is_the_group (void **state)
{
    update_t update;
    message (&update, HOME,
             "'from':{'id':1087968824,'is_bot':true},'sender_chat':{'id':-55},'text':'x'");
    check_text (update.event.user_id, "-55");
    update_free (&update);
    message (&update, HOME, "'from':{'id':5,'is_bot':true},'text':'x'");
    check_nothing (&update, "from a bot");
    (void) state;
}

static void what_is_not_for_us_is_passed_over (void **state)
{
    update_t update;
    message (&update, HOME, "'new_chat_members':[{'id':7}]");
    check_nothing (&update, "nothing was written");
    message (&update, "'chat':{'id':-1001,'type':'channel'}", "'text':'x'");
    check_nothing (&update, "in a channel");
    message (&update, TEAM, "'is_automatic_forward':true,'text':'x'");
    check_nothing (&update, "forwarded by Telegram");
    parse (&update, &bot, "{'update_id':3,'poll':{}}");
    assert_int_equal (update.update_id, 3);
    check_nothing (&update, "of a kind that was not asked for");
    (void) state;
}

static void what_is_malformed_is_passed_over (void **state)
{
    static const char *const odd[] = {
        "",
        "{",
        "[]",
        "1",
        "{}",
        "{'update_id':'5'}",
        "{'update_id':-5}",
        "{'update_id':5,'message':null}",
        "{'update_id':5,'message':[]}",
        "{'update_id':5,'message':{'chat':{}}}",
        "{'update_id':5,'message':{'chat':{'id':1,'type':'private'}}}",
        "{'update_id':5,'message':{'chat':{'id':1,'type':'private'},'from':{'id':2},'text':'x'}}",
        "{'update_id':5,'callback_query':{}}",
        "{'update_id':5,'message_reaction':{}}",
        "{'update_id':5,'my_chat_member':{'chat':{'id':1,'type':'private'}}}",
    };
    for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
        update_t update;
        parse (&update, &bot, "%s", odd[at]);
        assert_int_equal (update.act, UPDATE_NOTHING);
        assert_non_null (update.why);
        assert_int_equal (update.update_id, strstr (odd[at], "'update_id':5,") ? 5 : -1);
        update_free (&update);
    }
    (void) state;
}

/*  Offsets that lie, and marks that are none, change nothing.  */
static void entities_that_lie_do_no_harm (void **state)
{
    static const char *const odd[] = {
        "{'type':'mention','offset':-1,'length':8}",
        "{'type':'mention','offset':0,'length':-8}",
        "{'type':'mention','offset':9223372036854775807,'length':9223372036854775807}",
        "{'type':'bot_command','offset':0,'length':8}",
        "{'type':'mention'}",
        "7",
        "null",
        "{'type':7,'offset':0,'length':8}",
        "{'type':'text_mention','offset':0,'length':1}",
    };
    for (size_t at = 0; at < sizeof odd / sizeof *odd; at++) {
        char fields[256];
        update_t update;
        snprintf (fields, sizeof fields, "'text':'@pal_bot','entities':[%s]", odd[at]);
        message (&update, TEAM, fields);
        check_nothing (&update, "not meant for the bot");
    }
    (void) state;
}

static void ids_are_the_same_again_and_never_of_two (void **state)
{
    static const char *const different[] = {
        "{'update_id':1,'message':{'message_id':3,'date':9,%s,%s,'text':'x'}}",
        "{'update_id':2,'message':{'message_id':4,'date':9,%s,%s,'text':'x'}}",
        "{'update_id':3,'edited_message':{'message_id':3,'edit_date':9,%s,%s,'text':'x'}}",
        "{'update_id':4,'edited_message':{'message_id':3,'edit_date':9,%s,%s,'text':'x'}}",
    };
    enum { COUNT = sizeof different / sizeof *different };
    update_t updates[COUNT], again;
    for (size_t at = 0; at < COUNT; at++) {
        parse (&updates[at], &bot, different[at], ANN, HOME);
        parse (&again, &bot, different[at], ANN, HOME);
        assert_true (pal_text_equal (updates[at].event.platform_id, again.event.platform_id));
        for (size_t before = 0; before < at; before++)
            assert_false (
                pal_text_equal (updates[at].event.platform_id, updates[before].event.platform_id));
        update_free (&again);
    }
    for (size_t at = 0; at < COUNT; at++)
        update_free (&updates[at]);
    (void) state;
}

static void what_is_asked_for_is_what_is_read (void **state)
{
    json_t *names = update_allowed ();
    char *text = json_dumps (names, JSON_COMPACT);
    assert_string_equal (text,
                         "[\"message\",\"edited_message\",\"callback_query\",\"message_reaction\","
                         "\"my_chat_member\"]");
    free (text);
    json_decref (names);
    (void) state;
}

int main (void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test (a_message_has_all_its_parts),
        cmocka_unit_test (in_groups_only_what_is_meant_for_the_bot_counts),
        cmocka_unit_test (a_bot_that_hears_all_publishes_all_but_commands_for_others),
        cmocka_unit_test (commands_are_named),
        cmocka_unit_test (files_are_references),
        cmocka_unit_test (what_has_neither_words_nor_a_file_says_what_it_is),
        cmocka_unit_test (what_a_message_answers_is_told),
        cmocka_unit_test (an_edit_is_another_event),
        cmocka_unit_test (a_button_is_an_action),
        cmocka_unit_test (reactions_come_and_go),
        cmocka_unit_test (the_bot_learns_where_it_may_write),
        cmocka_unit_test (both_words_of_a_migration_are_one),
        cmocka_unit_test (who_writes_in_the_name_of_the_group_is_the_group),
        cmocka_unit_test (what_is_not_for_us_is_passed_over),
        cmocka_unit_test (what_is_malformed_is_passed_over),
        cmocka_unit_test (entities_that_lie_do_no_harm),
        cmocka_unit_test (ids_are_the_same_again_and_never_of_two),
        cmocka_unit_test (what_is_asked_for_is_what_is_read),
    };
    return cmocka_run_group_tests (tests, NULL, NULL);
}
