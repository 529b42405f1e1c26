#include "palaver/doc/generate.h"

#include <stddef.h>

static const generated_t files[] = {
    {.what = "man", .path = "tools/palaver/man/palaver.1", .put = generate_man},
    {.what = "conf", .put = generate_conf},
    {.what = "bash", .path = "tools/palaver/completion/palaver", .put = generate_bash},
    {.what = "zsh", .path = "tools/palaver/completion/_palaver", .put = generate_zsh},
    {.what = "fish", .path = "tools/palaver/completion/palaver.fish", .put = generate_fish},
};

const generated_t *generated_at (size_t index)
{
    return index < sizeof files / sizeof *files ? &files[index] : NULL;
}
