#include "web/access.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64 };

static const struct {
    scope_t scope;
    const char *name;
} scopes[] = {{SCOPE_CHAT, "chat"}, {SCOPE_OPERATE, "operate"}};

/*  What stands before the next of `ends`, which is taken away with it.  */
static pal_text_t take_until (pal_text_t *text, const char *ends)
{
    size_t size = 0;
    while (size < text->size && !strchr (ends, text->data[size]))
        size++;
    pal_text_t taken = {text->data, size};
    size_t skip = size < text->size ? size + 1 : size;
    *text = (pal_text_t){text->data + skip, text->size - skip};
    return taken;
}

static pal_text_t take_word (pal_text_t *line)
{
    pal_text_t word = {0};
    while (line->size && !word.size)
        word = take_until (line, " \t\r");
    return word;
}

static bool read_scopes (pal_text_t list, unsigned *ret_scopes)
{
    *ret_scopes = list.size ? 0 : SCOPE_CHAT;
    while (list.size) {
        pal_text_t word = take_until (&list, ",");
        unsigned before = *ret_scopes;
        for (size_t at = 0; at < sizeof scopes / sizeof *scopes; at++) {
            if (pal_text_is (word, scopes[at].name))
                *ret_scopes |= scopes[at].scope;
        }
        if (*ret_scopes == before)
            return false;
    }
    return true;
}

static bool name_good (pal_text_t name)
{
    for (size_t at = 0; at < name.size; at++) {
        char byte = name.data[at];
        if (!(byte >= 'a' && byte <= 'z') && !(byte >= 'A' && byte <= 'Z')
            && !(byte >= '0' && byte <= '9') && !strchr ("._-", byte))
            return false;
    }
    return name.size <= NAME_BYTES_MAX;
}

static int read_line (access_t *self, const pal_host_t *host, pal_text_t line, unsigned number)
{
    access_key_t key = {.line = number, .secret = take_word (&line)};
    if (!key.secret.size || key.secret.data[0] == '#')
        return 0;
    if (!read_scopes (take_word (&line), &key.scopes))
        return host->fail (host, "api_keys line %u: scopes are chat, operate or chat,operate",
                           number);
    key.name = take_word (&line);
    if (!name_good (key.name) || take_word (&line).size)
        return host->fail (
            host, "api_keys line %u: a name takes letters, digits, '.', '_' and '-', at most %d",
            number, NAME_BYTES_MAX);
    access_key_t *keys = realloc (self->keys, (self->count + 1) * sizeof *keys);
    if (!keys)
        return host->fail (host, "out of memory");
    self->keys = keys;
    self->keys[self->count++] = key;
    self->scopes |= key.scopes;
    return 0;
}

int access_read (access_t *self, const pal_host_t *host, pal_text_t secret)
{
    int failed = 0;
    for (unsigned number = 1; secret.size && !failed; number++) {
        pal_text_t line = take_until (&secret, "\n");
        failed = read_line (self, host, line, number);
    }
    return failed;
}

void access_free (access_t *self)
{
    free (self->keys);
    *self = (access_t){0};
}

const access_key_t *access_find (const access_t *self, const pal_host_t *host, pal_text_t given)
{
    const access_key_t *found = NULL;
    for (size_t at = 0; at < self->count; at++) {
        if (host->same_secret (host, self->keys[at].secret, given))
            found = &self->keys[at];
    }
    return found;
}

bool access_needs_key (const access_t *self, scope_t scope)
{
    return scope == SCOPE_OPERATE || (scope == SCOPE_CHAT && (self->scopes & SCOPE_CHAT));
}
