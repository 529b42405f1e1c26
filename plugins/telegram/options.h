/*  options -- the plugin's conf, read once
    OWNS    its lists; texts are lent by the host until close
    THREAD  the host's loop
    FAILS   options_read: with host->fail and what is wrong
    COST    none that matters  */

#ifndef TELEGRAM_OPTIONS_H
#define TELEGRAM_OPTIONS_H

#include "telegram/ids.h"

#include "sdk/adapter.h"

typedef enum { QUOTE_GROUPS, QUOTE_ALWAYS, QUOTE_NEVER } quote_t;

typedef struct {
    pal_text_t token, api_root;
    bool webhook;
    uint32_t poll_s;
    pal_text_t webhook_url;
    ids_t allow, deny;
    bool groups_hear_all;
    pal_text_t start_text, ai_notice;
    quote_t quote;
    bool typing, stream;
    uint32_t typing_s, draft_ms, edit_ms, hold_s, timeout_s;
    uint32_t per_s, chat_per_s, group_per_min;
    uint32_t recommendations;
} options_t;

enum { OPTIONS_KEYS = 27 };
extern const pal_key_t options_keys[OPTIONS_KEYS];

/*  0, or what host->fail returned.  */
int options_read (options_t *self, const pal_host_t *host);
void options_free (options_t *self);

/*  Is this chat, or this user, in the list of those who are denied? `user` 0: not known.  */
bool options_deny (const options_t *self, int64_t chat, int64_t user);

/*  Is one of them in the list of those who are allowed, or is there none?  */
bool options_allow (const options_t *self, int64_t chat, int64_t user);

#endif
