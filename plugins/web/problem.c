#include "web/problem.h"

static const struct {
    uint32_t status;
    const char *slug, *kind, *code, *title, *meaning;
} problems[] = {
#define PROBLEM(name, status, slug, kind, code, title, meaning)                                    \
    {status, slug, kind, code, title, meaning},
#include "web/problem.def"
#undef PROBLEM
};

uint32_t problem_status (problem_t problem)
{
    return problems[problem].status;
}

void problem_begin (text_t *out, problem_t problem, pal_text_t detail)
{
    text_addf (out, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%u,\"detail\":",
               problems[problem].slug, problems[problem].title, problems[problem].status);
    text_add_quoted (out, detail.size ? detail : pal_text (problems[problem].meaning));
}

/*  Our details begin with the name of the parameter that they are about: "model: ...".  */
static void add_param (text_t *out, pal_text_t detail)
{
    size_t size = 0;
    while (size < detail.size
           && (detail.data[size] == '_' || (detail.data[size] >= 'a' && detail.data[size] <= 'z')))
        size++;
    text_add (out, ",\"param\":");
    if (size > 0 && size < detail.size && detail.data[size] == ':')
        text_add_quoted (out, (pal_text_t){detail.data, size});
    else
        text_add (out, "null");
}

void problem_openai (text_t *out, problem_t problem, pal_text_t detail)
{
    const char *code = problems[problem].code;
    text_add (out, "{\"error\":{\"message\":");
    text_add_quoted (out, detail.size ? detail : pal_text (problems[problem].meaning));
    add_param (out, detail);
    text_addf (out, ",\"type\":\"%s\",\"code\":", problems[problem].kind);
    if (*code)
        text_add_quoted (out, pal_text (code));
    else
        text_add (out, "null");
    text_add (out, "}}");
}

bool problem_explain (text_t *out, pal_text_t slug)
{
    for (size_t at = 0; at < PROBLEM_COUNT_; at++) {
        if (!pal_text_is (slug, problems[at].slug))
            continue;
        text_addf (out, "{\"type\":\"/problems/%s\",\"title\":\"%s\",\"status\":%u,\"meaning\":",
                   problems[at].slug, problems[at].title, problems[at].status);
        text_add_quoted (out, pal_text (problems[at].meaning));
        text_add (out, "}\n");
        return true;
    }
    return false;
}
