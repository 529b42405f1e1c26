#include "web/page.h"

#include <string.h>

/*  Nothing but our own files, no inline script, no frame around it.  */
static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

const page_file_t *page_find (pal_text_t path)
{
    for (const page_file_t *file = page_files; file->path; file++) {
        if (pal_text_is (path, file->path))
            return file;
    }
    return NULL;
}

/*  Is it one of those that the browser has already? "*" is any (RFC 9110, 13.1.2).  */
static bool is_known (const asker_t *asker, const page_file_t *file)
{
    char bytes[512];
    pal_text_t known = asker_header (asker, "if-none-match", bytes, sizeof bytes);
    return pal_text_is (known, "*")
           || (known.size && memmem (known.data, known.size, file->etag, strlen (file->etag)));
}

void page_serve (asker_t *asker, const page_file_t *file)
{
    bool known = is_known (asker, file);
    asker_answer_t answer = {
        .status = known ? 304 : 200,
        .type = known ? "" : file->type,
        .cache = "no-cache",
        .body = {file->data, known ? 0 : file->size},
        .more = {{pal_text ("etag"), pal_text (file->etag)},
                 {pal_text ("content-security-policy"), pal_text (policy)},
                 {pal_text ("referrer-policy"), pal_text ("no-referrer")},
                 {pal_text ("x-frame-options"), pal_text ("DENY")},
                 {pal_text ("cross-origin-opener-policy"), pal_text ("same-origin")},
                 {pal_text ("permissions-policy"),
                  pal_text ("camera=(), geolocation=(), microphone=(), payment=()")}},
        .more_count = 6,
    };
    asker_answer (asker, &answer);
}
