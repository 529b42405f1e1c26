#include "core/policy/content.h"

#include "base/alloc.h"
#include "core/policy/rules.h"

#include <stdlib.h>

struct content {
    rules_t *rules;
    char **texts; /* of the rules, in their order */
    char **platforms;
    size_t platform_count;
    uint64_t chars_max;
};

static char **content_copy (const plv_conf_list_t *list)
{
    char **copy = plv_alloc_zero (list->count + 1, sizeof *copy);
    for (size_t i = 0; i < list->count; i++)
        copy[i] = plv_strdup (list->items[i]);
    return copy;
}

static void content_free (char **list)
{
    for (char **item = list; item && *item; item++)
        free (*item);
    free (list);
}

plv_err_t content_new (const plv_conf_t *conf, content_t **ret_content, plv_fail_t *ret_fail)
{
    content_t *self = plv_alloc_zero (1, sizeof *self);
    plv_fail_t fail = {0};
    char place[PLV_CONF_PLACE_BYTES];
    self->rules = rules_new ((uint32_t) conf->content_match_limit);
    self->texts = content_copy (&conf->content_rules);
    self->platforms = content_copy (&conf->content_platforms);
    self->platform_count = conf->content_platforms.count;
    self->chars_max = (uint64_t) conf->content_chars;
    for (size_t i = 0; i < conf->content_rules.count; i++) {
        if (rules_add (self->rules, self->texts[i], &fail) != ERR_OK) {
            content_destroy (&self);
            return plv_fail (ret_fail, fail.code, "%scontent.rules: %.480s",
                             plv_conf_place (conf, conf->rules_line, place), fail.text);
        }
    }
    *ret_content = self;
    return ERR_OK;
}

void content_destroy (content_t **self_p)
{
    content_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    rules_destroy (&self->rules);
    content_free (self->texts);
    content_free (self->platforms);
    free (self);
    *self_p = NULL;
}

/*  Every byte of UTF-8 begins a character but those of the form 10xxxxxx.  */
static uint64_t content_chars (plv_view_t text)
{
    uint64_t chars = 0;
    for (size_t i = 0; i < text.size; i++)
        chars += (text.data[i] & 0xc0) != 0x80;
    return chars;
}

content_result_t content_check (content_t *self, plv_view_t text, const char **ret_rule)
{
    if (text.size > self->chars_max && content_chars (text) > self->chars_max)
        return CONTENT_LONG;
    for (size_t i = 0; i < rules_count (self->rules); i++) {
        rules_answer_t answer = rules_match (self->rules, i, text);
        if (answer == RULES_NO)
            continue;
        if (ret_rule)
            *ret_rule = self->texts[i];
        return answer == RULES_YES ? CONTENT_MATCH : CONTENT_LIMIT;
    }
    return CONTENT_OK;
}

bool content_platform_allowed (const content_t *self, plv_view_t platform)
{
    for (size_t i = 0; i < self->platform_count; i++) {
        if (plv_view_is (platform, self->platforms[i]))
            return true;
    }
    return self->platform_count == 0;
}

const char *content_result_name (content_result_t result)
{
    static const char *const names[] = {
        [CONTENT_OK] = "ok",
        [CONTENT_MATCH] = "content",
        [CONTENT_LIMIT] = "match_limit",
        [CONTENT_LONG] = "length",
    };
    return names[result];
}
