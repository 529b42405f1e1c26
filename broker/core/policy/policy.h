/*  policy -- a configuration, compiled: what the core goes by until the next reload
    OWNS    the conf, the content rules, the routes
    THREAD  core only
    FAILS   policy_new with ERR_CONF, and the conf stays the caller's
    COST    at start and at reload only  */

#ifndef CORE_POLICY_H
#define CORE_POLICY_H

#include "base/conf/conf.h"
#include "core/policy/content.h"
#include "core/policy/route.h"

typedef struct {
    plv_conf_t *conf;
    content_t *content;
    route_table_t *routes;
} policy_t;

/*  Takes `conf` on success.  */
plv_err_t policy_new (plv_conf_t **conf_p, policy_t **ret_policy, plv_fail_t *ret_fail);
void policy_destroy (policy_t **self_p);

#endif
