#include "web/models.h"

#include "web/web.h"

#include <string.h>

enum { NAME_BYTES_MAX = 64 };

bool models_next (pal_text_t *list, pal_text_t *ret_name, pal_text_t *ret_command)
{
    pal_text_t word;
    size_t name = 0;
    bool found = text_next_word (list, &word);
    while (name < word.size && word.data[name] != '=')
        name++;
    *ret_name = (pal_text_t){word.data, name};
    *ret_command = name < word.size ? (pal_text_t){word.data + name + 1, word.size - name - 1}
                                    : (pal_text_t){NULL, 0};
    return found;
}

static bool name_good (pal_text_t name)
{
    for (size_t at = 0; at < name.size; at++) {
        char byte = name.data[at];
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z')
            && !(byte >= '0' && byte <= '9') && !strchr ("._:-", byte))
            return false;
    }
    return name.size && name.size <= NAME_BYTES_MAX;
}

const char *models_fault (pal_text_t list)
{
    pal_text_t name, command;
    size_t count = 0;
    while (models_next (&list, &name, &command)) {
        if (!name_good (name))
            return "models: a name takes letters, digits, '.', '_', ':' and '-', at most 64";
        if (command.data && (command.size < 2 || command.data[0] != '/'))
            return "models: a command begins with /";
        count++;
    }
    return count ? NULL : "models: names at least one";
}

bool models_find (pal_text_t list, pal_text_t name, pal_text_t *ret_command)
{
    pal_text_t one;
    while (models_next (&list, &one, ret_command)) {
        if (pal_text_equal (one, name))
            return true;
    }
    return false;
}

static void write_model (text_t *out, const web_t *web, pal_text_t name)
{
    text_add (out, "{\"id\":");
    text_add_quoted (out, name);
    text_addf (out, ",\"object\":\"model\",\"created\":%lld,\"owned_by\":\"palaver\"}",
               (long long) (web->since_us / 1000000));
}

void models_unknown (asker_t *asker, pal_text_t name)
{
    text_t detail = {0};
    if (name.size <= NAME_BYTES_MAX) {
        text_add (&detail, "model: there is no ");
        text_add_view (&detail, name);
        text_add (&detail, "; GET /v1/models lists those that there are");
    }
    asker_problem (asker, PROBLEM_NO_MODEL, text_view (&detail), 0);
    text_free (&detail);
}

void route_models_list (asker_t *asker, const request_t *request)
{
    pal_text_t list = asker->web->models, name, command;
    text_t body = {0};
    (void) request;
    text_add (&body, "{\"object\":\"list\",\"data\":[");
    for (bool first = true; models_next (&list, &name, &command); first = false) {
        text_add (&body, first ? "" : ",");
        write_model (&body, asker->web, name);
    }
    text_add (&body, "]}\n");
    asker_json (asker, 200, text_view (&body));
    text_free (&body);
}

void route_models_show (asker_t *asker, const request_t *request)
{
    pal_text_t command;
    text_t body = {0};
    if (!models_find (asker->web->models, request->part, &command)) {
        models_unknown (asker, request->part);
        return;
    }
    write_model (&body, asker->web, request->part);
    asker_json (asker, 200, text_view (&body));
    text_free (&body);
}
