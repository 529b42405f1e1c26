#include "core/policy/policy.h"

#include "base/alloc.h"

#include <stdlib.h>

plv_err_t policy_new (plv_conf_t **conf_p, policy_t **ret_policy, plv_fail_t *ret_fail)
{
    policy_t *self = plv_alloc_zero (1, sizeof *self);
    plv_err_t err = content_new (*conf_p, &self->content, ret_fail);
    if (!err)
        err = route_table_new (*conf_p, &self->routes, ret_fail);
    if (err) {
        policy_destroy (&self);
        return err;
    }
    self->conf = *conf_p;
    *conf_p = NULL;
    *ret_policy = self;
    return ERR_OK;
}

void policy_destroy (policy_t **self_p)
{
    policy_t *self = *self_p;
    if (!self)
        return;
    route_table_destroy (&self->routes);
    content_destroy (&self->content);
    plv_conf_destroy (&self->conf);
    free (self);
    *self_p = NULL;
}
