/*  content -- what is not passed on to agents: forbidden text, too long a text, a platform that may
    not send
    OWNS    the compiled rules, freed by content_destroy
    THREAD  core only
    FAILS   content_new with ERR_CONF: "content.rules: RULE: reason at offset N"
    COST    check: under a microsecond for the default rules over 500 bytes; a hostile text ends at
            the match limit  */

#ifndef CORE_CONTENT_H
#define CORE_CONTENT_H

#include "base/conf/conf.h"
#include "base/view.h"

typedef enum {
    CONTENT_OK,
    CONTENT_MATCH, /* a rule matches */
    CONTENT_LIMIT, /* a rule could not be decided within content.match_limit: rejected as well */
    CONTENT_LONG,  /* more than content.chars characters */
} content_result_t;

typedef struct content content_t;

/*  Keeps nothing of `conf` but copies.  */
plv_err_t content_new (const plv_conf_t *conf, content_t **ret_content, plv_fail_t *ret_fail);
void content_destroy (content_t **self_p);

/*  `text`: UTF-8. `ret_rule` (may be NULL) gets the rule's text with MATCH and LIMIT; it lives as
    long as `self`.  */
content_result_t content_check (content_t *self, plv_view_t text, const char **ret_rule);

/*  Is the platform in content.platforms, or is that list empty?  */
bool content_platform_allowed (const content_t *self, plv_view_t platform);

/*  "ok", "content", "match_limit", "length": the reason in logs and metrics.  */
const char *content_result_name (content_result_t result);

#endif
