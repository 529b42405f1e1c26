#include "shell/orders.h"

#include "base/near.h"
#include "core/ask/command.h"
#include "shell/internal.h"
#include "wire/mp.h"

#include <stdio.h>
#include <string.h>

/* ------------------------------------------------------------------ adapters.hosts */

/*  nil when `us` is not a time at all.  */
static void put_seconds (plv_buf_t *body, const char *key, int64_t us, bool is)
{
    plv_mp_put_text (body, key);
    if (is)
        plv_mp_put_i64 (body, us / 1000000);
    else
        plv_mp_put_nil (body);
}

/*  What does not work, or why it does not work yet.  */
static void put_why (plv_buf_t *body, const supervisor_status_t *host, int64_t now_us)
{
    char awaits[128];
    snprintf (awaits, sizeof awaits,
              "waits until process %d has finished what it has in hand: %lld s at most (drain_s)",
              (int) host->awaits, (long long) (host->awaits_us - now_us) / 1000000);
    plv_mp_pair_words (body, "why", host->awaits ? awaits : host->trouble);
}

static void put_host (plv_buf_t *body, const supervisor_status_t *host, int64_t now_us)
{
    bool waits = host->state == SUPERVISED_RESTARTING;
    plv_mp_put_map (body, 13);
    plv_mp_pair_text (body, "name", host->name);
    plv_mp_pair_text (body, "state", supervised_state_name (host->state));
    put_why (body, host, now_us);
    plv_mp_pair_words (body, "platform", host->platform);
    plv_mp_pair_words (body, "version", host->version);
    plv_mp_pair_i64 (body, "pid", host->pid);
    put_seconds (body, "uptime_s", now_us - host->started_us, host->pid != 0);
    put_seconds (body, "state_s", now_us - host->since_us, true);
    plv_mp_pair_i64 (body, "restarts", host->restarts);
    plv_mp_pair_words (body, "asked", supervised_asked_name (host->asked));
    put_seconds (body, "next_s", host->next_us - now_us, waits);
    plv_mp_pair_words (body, "last", host->last);
    put_seconds (body, "last_s", now_us - host->last_us, host->last[0] != 0);
}

static void put_hosts (supervisor_t *supervisor, int64_t now_us, plv_buf_t *body)
{
    supervisor_status_t host;
    uint32_t count = 0;
    for (size_t at = 0; supervisor && supervisor_next (supervisor, &at, &host);)
        count++;
    plv_mp_put_map (body, 1);
    plv_mp_put_text (body, "items");
    plv_mp_put_array (body, count);
    for (size_t at = 0; supervisor && supervisor_next (supervisor, &at, &host);)
        put_host (body, &host, now_us);
}

/* ------------------------------------------------------------------ start, stop, reload */

static const char *refuse (plv_buf_t *body, const char *code, const char *text)
{
    plv_mp_put_map (body, 1);
    plv_mp_pair_words (body, "text", text);
    return code;
}

static const char *unknown (supervisor_t *supervisor, const char *name, plv_buf_t *body)
{
    char text[256];
    supervisor_status_t host;
    plv_near_t near = plv_near (plv_view_str (name));
    if (!supervisor)
        return refuse (body, "NOENT", "this broker watches no plugin directory");
    if (supervisor_is_off (supervisor, name)) {
        snprintf (text, sizeof text,
                  "adapter \"%.64s\" is named in plugins.off: take it out there, and send palaverd "
                  "SIGHUP",
                  name);
        return refuse (body, "NOENT", text);
    }
    for (size_t at = 0; supervisor_next (supervisor, &at, &host);)
        plv_near_offer (&near, plv_view_str (host.name));
    if (near.best.size)
        snprintf (text, sizeof text,
                  "the plugin directory has no adapter \"%.64s\"; did you mean " PLV_VIEW_FMT "?",
                  name, PLV_VIEW_ARG (near.best));
    else
        snprintf (text, sizeof text, "the plugin directory has no adapter \"%.64s\"", name);
    return refuse (body, "NOENT", text);
}

/*  An adapter that is replaced has its part of the file as it is now. A file with anything wrong in it is not taken at
    all, as for SIGHUP; a broker without one has none to read.  */
static const char *read_conf (supervisor_t *supervisor, const char *file, plv_buf_t *body)
{
    plv_conf_t *conf = NULL;
    plv_fail_t fail;
    plv_err_t err = *file ? plv_conf_load (file, &conf, &fail) : ERR_OK;
    if (conf) {
        supervisor_conf_t adapters = broker_adapters_conf (conf);
        supervisor_configure (supervisor, &adapters);
    }
    plv_conf_destroy (&conf);
    return err ? refuse (body, plv_err_name (err), fail.text) : NULL;
}

static bool act (supervisor_t *supervisor, uint32_t command, const char *name, int64_t now_us)
{
    switch (command) {
    case COMMAND_ADAPTERS_START:
        return supervisor_adapter_start (supervisor, name, now_us);
    case COMMAND_ADAPTERS_STOP:
        return supervisor_adapter_stop (supervisor, name, now_us);
    default:
        return supervisor_adapter_restart (supervisor, name, now_us);
    }
}

const char *orders_carry_out (supervisor_t *supervisor, const char *conf_file,
                              const effects_order_t *order, int64_t now_us, plv_buf_t *ret_body)
{
    char name[SUPERVISED_NAME_BYTES];
    plv_view_t asked = plv_mp_find_str (order->arguments, "name");
    if (order->command == COMMAND_ADAPTERS_HOSTS) {
        put_hosts (supervisor, now_us, ret_body);
        return NULL;
    }
    snprintf (name, sizeof name, PLV_VIEW_FMT, PLV_VIEW_ARG (asked));
    const char *wrong = supervisor && order->command == COMMAND_ADAPTERS_RELOAD
                            ? read_conf (supervisor, conf_file, ret_body)
                            : NULL;
    if (wrong)
        return wrong;
    if (!supervisor || asked.size >= sizeof name || !act (supervisor, order->command, name, now_us))
        return unknown (supervisor, name, ret_body);
    plv_mp_put_map (ret_body, 2);
    plv_mp_pair_text (ret_body, "name", name);
    plv_mp_pair_text (ret_body, "status", "success");
    return NULL;
}
