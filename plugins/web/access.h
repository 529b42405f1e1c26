/*  access -- the API keys: who may do what
    OWNS    its list; the texts are the conf's
    THREAD  the host's loop
    FAILS   access_read with a sentence for the operator
    COST    one comparison a key: every key is compared, so that the time tells nothing

    The secret has one key a line, `KEY [SCOPES [NAME]]`: scopes are chat and operate with a comma between
    them, chat when none are given; the name appears in logs and metrics. Lines that begin with # are comments.
    As long as no key has the scope chat, whoever can connect may chat. Operating always needs a key.  */

#ifndef WEB_ACCESS_H
#define WEB_ACCESS_H

#include "sdk/adapter.h"

typedef enum { SCOPE_NONE = 0, SCOPE_CHAT = 1, SCOPE_OPERATE = 2 } scope_t;

typedef struct {
    pal_text_t secret;
    pal_text_t name; /* empty: "key" and the number of its line */
    unsigned line;
    unsigned scopes;
} access_key_t;

typedef struct {
    access_key_t *keys;
    size_t count;
    unsigned scopes; /* of all keys */
} access_t;

/*  0, or -1: host->fail has been told why.  */
int access_read (access_t *self, const pal_host_t *host, pal_text_t secret);
void access_free (access_t *self);

/*  NULL: no key is these bytes.  */
const access_key_t *access_find (const access_t *self, const pal_host_t *host, pal_text_t given);

/*  Does a path of this scope need a key?  */
bool access_needs_key (const access_t *self, scope_t scope);

#endif
