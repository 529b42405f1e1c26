#include "sdk/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void plv_settings_free (settings_t *self)
{
    free (self->endpoint);
    free (self->name);
    free (self->build);
    plv_buf_free (&self->encoded);
    explicit_bzero (self->secret_key, sizeof self->secret_key);
    *self = (settings_t){0};
}

static const char *or_environment (const char *value, const char *name)
{
    return value && value[0] ? value : getenv (name);
}

static bool good_name (const char *name)
{
    static const char LETTERS[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
    size_t size = strlen (name);
    return size > 0 && size <= NAME_BYTES_MAX && strspn (name, LETTERS) == size;
}

static plv_err_t copy_text (const char *text, const char *what, char **ret_copy,
                            plv_fail_t *ret_fail)
{
    if (strlen (text) > NAME_BYTES_MAX || !plv_utf8_valid (plv_view_str (text)) || !text[0])
        return plv_fail (ret_fail, ERR_ARG, "%s must be 1 to %d bytes of UTF-8", what,
                         NAME_BYTES_MAX);
    *ret_copy = strdup (text);
    return *ret_copy ? ERR_OK : plv_fail (ret_fail, ERR_NOMEM, "out of memory");
}

static plv_err_t make_endpoint (const plv_agent_options_t *options, settings_t *self,
                                plv_fail_t *ret_fail)
{
    const char *endpoint = or_environment (options->endpoint, "PALAVER_AGENTS");
    const char *run = getenv ("XDG_RUNTIME_DIR");
    if (endpoint && endpoint[0]) {
        self->endpoint = strdup (endpoint);
    } else if (run && run[0]) {
        if (asprintf (&self->endpoint, "ipc://%s/palaver/agents.ipc", run) < 0)
            self->endpoint = NULL;
    } else {
        return plv_fail (ret_fail, ERR_ARG, "no endpoint: give one, or set PALAVER_AGENTS");
    }
    return self->endpoint ? ERR_OK : plv_fail (ret_fail, ERR_NOMEM, "out of memory");
}

/*  Other machines are spoken with under CURVE only, so a tcp endpoint needs both key files.  */
static plv_err_t make_keys (const plv_agent_options_t *options, settings_t *self,
                            plv_fail_t *ret_fail)
{
    if (strncmp (self->endpoint, "tcp://", 6))
        return ERR_OK;
    const char *own = or_environment (options->cert, "PALAVER_CERT");
    const char *broker = or_environment (options->broker_cert, "PALAVER_BROKER_CERT");
    if (!own || !broker)
        return plv_fail (ret_fail, ERR_ARG,
                         "%s needs keys: set PALAVER_CERT and PALAVER_BROKER_CERT to key files",
                         self->endpoint);
    plv_err_t err = plv_cert_read (own, self->public_key, self->secret_key, ret_fail);
    return err ? err : plv_cert_read (broker, self->broker_key, NULL, ret_fail);
}

static plv_err_t put_texts (settings_t *self, const char *key, const char *const *texts,
                            size_t count, plv_fail_t *ret_fail)
{
    plv_mp_put_text (&self->encoded, key);
    plv_mp_put_array (&self->encoded, (uint32_t) count);
    for (size_t i = 0; i < count; i++) {
        plv_view_t text = plv_view_str (texts[i]);
        if (!text.size || text.size > NAME_BYTES_MAX || !plv_utf8_valid (text))
            return plv_fail (ret_fail, ERR_ARG, "%s: each must be 1 to %d bytes of UTF-8", key,
                             NAME_BYTES_MAX);
        plv_mp_put_str (&self->encoded, text);
    }
    self->pairs++;
    return ERR_OK;
}

static void put_number (settings_t *self, const char *key, uint64_t number)
{
    plv_mp_put_text (&self->encoded, key);
    plv_mp_put_u64 (&self->encoded, number);
    self->pairs++;
}

static void put_batch (settings_t *self, unsigned wait_ms)
{
    plv_mp_put_text (&self->encoded, "batch");
    plv_mp_put_map (&self->encoded, 2);
    plv_mp_pair_u64 (&self->encoded, "size", self->batch_size);
    plv_mp_pair_u64 (&self->encoded, "wait_ms", wait_ms ? wait_ms : 1000);
    self->pairs++;
}

static plv_err_t bad_name (const char *what, const char *name, plv_fail_t *ret_fail)
{
    return plv_fail (
        ret_fail, ERR_ARG,
        "%s is called \"%.80s\": a name has 1 to %d letters, digits, dots, dashes and underscores",
        what, name, NAME_BYTES_MAX);
}

/*  The option map of HELLO; see words.def.  */
static plv_err_t encode (const plv_agent_options_t *options, settings_t *self, plv_fail_t *ret_fail)
{
    static const char *const STANDARD[] = {"advisor"};
    bool some = options->service_count > 0;
    if (options->service_count > SERVICES_MAX)
        return plv_fail (ret_fail, ERR_ARG, "%zu services, and %d are allowed",
                         options->service_count, SERVICES_MAX);
    for (size_t i = 0; i < options->service_count; i++) {
        if (!good_name (options->services[i]))
            return bad_name ("a service", options->services[i], ret_fail);
    }
    plv_err_t err = put_texts (self, "services", some ? options->services : STANDARD,
                               some ? options->service_count : 1, ret_fail);
    if (!err && options->cache_key_count)
        err =
            put_texts (self, "cache_keys", options->cache_keys, options->cache_key_count, ret_fail);
    if (err)
        return err;

    unsigned credit = options->credit;
    if (credit < self->threads)
        credit = self->threads;
    if (credit < self->batch_size)
        credit = self->batch_size;
    put_number (self, "credit", credit);
    if (options->history != PLV_HISTORY_ALL)
        put_number (self, "history", options->history < 0 ? 0 : (uint64_t) options->history);
    if (self->batch_size > 1)
        put_batch (self, options->batch_wait_ms);
    return self->encoded.failed ? plv_fail (ret_fail, ERR_NOMEM, "out of memory") : ERR_OK;
}

static plv_err_t check_options (const plv_agent_options_t *options, plv_fail_t *ret_fail)
{
    if (options->name && !good_name (options->name))
        return bad_name ("the worker", options->name, ret_fail);
    if (options->threads > CREDIT_MAX || options->credit > CREDIT_MAX
        || options->batch_size > CREDIT_MAX)
        return plv_fail (ret_fail, ERR_ARG, "threads, credit and batch_size are at most %d",
                         CREDIT_MAX);
    if (options->history > HISTORY_TURNS_MAX)
        return plv_fail (ret_fail, ERR_ARG, "history is at most %d turns", HISTORY_TURNS_MAX);
    return ERR_OK;
}

plv_err_t plv_settings_make (const plv_agent_options_t *options, settings_t *ret_settings,
                             plv_fail_t *ret_fail)
{
    settings_t self = {.threads = options->threads ? options->threads : 1,
                       .batch_size = options->batch_size ? options->batch_size : 1,
                       .keep_signals = options->keep_signals,
                       .log = options->log,
                       .log_arg = options->log_arg};
    plv_err_t err = check_options (options, ret_fail);
    if (!err)
        err = copy_text (options->name ? options->name : "agent", "name", &self.name, ret_fail);
    if (!err)
        err =
            copy_text (options->build ? options->build : "unknown", "build", &self.build, ret_fail);
    if (!err)
        err = make_endpoint (options, &self, ret_fail);
    if (!err)
        err = make_keys (options, &self, ret_fail);
    if (!err)
        err = encode (options, &self, ret_fail);
    if (err)
        plv_settings_free (&self);
    else
        *ret_settings = self;
    return err;
}
