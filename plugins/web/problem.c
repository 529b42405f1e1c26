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

void problem_openai (text_t *out, problem_t problem, pal_text_t detail)
{
    const char *code = problems[problem].code;
    text_add (out, "{\"error\":{\"message\":");
    text_add_quoted (out, detail.size ? detail : pal_text (problems[problem].meaning));
    text_addf (out, ",\"type\":\"%s\",\"param\":null,\"code\":", problems[problem].kind);
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
