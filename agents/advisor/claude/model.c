#include "advisor/claude/model.h"

#include "advisor/claude/attempt.h"
#include "advisor/claude/breaker.h"
#include "advisor/claude/budget.h"
#include "advisor/claude/limiter.h"
#include "base/clock.h"
#include "base/format.h"
#include "base/rng.h"

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

enum {
    LOOK_US = 50000,
    BACKOFF_US = 500000,
    BACKOFF_MOST_US = 8000000,
    SETTLE_US = 10000000, /* from a call's deadline to the moment when its cost is known, at most */
    HEADERS = 4,
    LINE_BYTES = 640
};

struct model {
    const settings_t *settings;
    http_t *http;
    budget_t *budget;
    char *headers[HEADERS];
    model_log_t *log;
    void *log_arg;
    pthread_mutex_t lock; /* of what follows */
    limiter_t limiter;
    breaker_t breaker;
    plv_rng_t rng;
};

/*  One call, with all its attempts.  */
typedef struct {
    model_t *model;
    const model_ask_t *ask;
    bill_t *bill;
    plv_buf_t body;
    int64_t most;       /* what an attempt can cost at most */
    budget_hold_t hold; /* for the attempt under way */
    int64_t max_tokens;
    bool said; /* words have gone out: another attempt stays silent */
} run_t;

/* --------------------------------------------------------------- life */

static plv_err_t budget_path (const char *given, char **ret_path)
{
    const char *state = getenv ("STATE_DIRECTORY"), *xdg = getenv ("XDG_STATE_HOME"),
               *home = getenv ("HOME");
    char *path = NULL;
    int size = -1;
    if (given[0])
        size = asprintf (&path, "%s", given);
    else if (state && *state)
        size = asprintf (&path, "%s/advisor-budget", state);
    else if (xdg && *xdg)
        size = asprintf (&path, "%s/palaver/advisor-budget", xdg);
    else if (home && *home)
        size = asprintf (&path, "%s/.local/state/palaver/advisor-budget", home);
    *ret_path = size < 0 ? NULL : path;
    return *ret_path ? ERR_OK : ERR_NOENT;
}

static void make_folders (char *path)
{
    for (char *slash = strchr (path + 1, '/'); slash; slash = strchr (slash + 1, '/')) {
        *slash = '\0';
        mkdir (path, 0700);
        *slash = '/';
    }
}

/*  A budget that was asked for in a file of its own must work; the standard file may be out of reach.  */
static plv_err_t open_budget (model_t *self, plv_fail_t *ret_fail)
{
    const settings_t *set = self->settings;
    int64_t most = (int64_t) (set->day_usd * 1e6);
    char *path = NULL;
    plv_err_t err = ERR_OK;
    if (strcmp (set->budget_file, "memory") != 0 && !budget_path (set->budget_file, &path)) {
        if (!set->budget_file[0])
            make_folders (path);
        err = budget_new (path, most, &self->budget, ret_fail);
    }
    if (!self->budget && (!err || !set->budget_file[0])) {
        if (self->log && strcmp (set->budget_file, "memory") != 0)
            self->log (self->log_arg, "claude.budget_file: no place for it, so the day's cost is "
                                      "counted in this process alone");
        err = budget_new (NULL, most, &self->budget, ret_fail);
    }
    free (path);
    return err;
}

static bool make_headers (model_t *self)
{
    const settings_t *set = self->settings;
    bool bearer = strcmp (set->auth, "bearer") == 0;
    return asprintf (&self->headers[0], "content-type: application/json") >= 0
           && asprintf (&self->headers[1], "accept: text/event-stream") >= 0
           && asprintf (&self->headers[2], "anthropic-version: %s", set->version) >= 0
           && asprintf (&self->headers[3], bearer ? "authorization: Bearer %s" : "x-api-key: %s",
                        set->secret)
                  >= 0;
}

plv_err_t model_new (const settings_t *settings, model_log_t *log, void *log_arg,
                     model_t **ret_model, plv_fail_t *ret_fail)
{
    uint64_t seed;
    model_t *self = calloc (1, sizeof *self);
    if (!self || sodium_init () < 0 || pthread_mutex_init (&self->lock, NULL)) {
        free (self);
        return plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    }
    randombytes_buf (&seed, sizeof seed);
    self->rng = plv_rng_seed (seed);
    self->settings = settings;
    self->log = log;
    self->log_arg = log_arg;
    self->breaker.most = (unsigned) settings->breaker_failures;
    self->breaker.pause_us = (int64_t) settings->breaker_ms * 1000;
    plv_err_t err = make_headers (self) ? ERR_OK : plv_fail (ret_fail, ERR_NOMEM, "out of memory");
    if (!err)
        err = open_budget (self, ret_fail);
    if (!err)
        err = http_new ((unsigned) settings->conversations, &self->http, ret_fail);
    if (err)
        model_destroy (&self);
    else
        *ret_model = self;
    return err;
}

void model_destroy (model_t **self_p)
{
    if (!self_p || !*self_p)
        return;
    model_t *self = *self_p;
    http_destroy (&self->http);
    budget_destroy (&self->budget);
    for (size_t i = 0; i < HEADERS; i++) {
        if (self->headers[i])
            explicit_bzero (self->headers[i], strlen (self->headers[i]));
        free (self->headers[i]);
    }
    pthread_mutex_destroy (&self->lock);
    free (self);
    *self_p = NULL;
}

const settings_t *model_settings (const model_t *self)
{
    return self->settings;
}

void model_opaque (const model_t *self, plv_view_t user, char ret_word[MODEL_OPAQUE_BYTES])
{
    uint8_t hash[16], key[32];
    const char *secret = self->settings->secret;
    crypto_generichash (key, sizeof key, (const uint8_t *) secret, strlen (secret), NULL, 0);
    crypto_generichash (hash, sizeof hash, user.data, user.size, key, sizeof key);
    sodium_bin2hex (ret_word, MODEL_OPAQUE_BYTES, hash, sizeof hash);
    for (char *c = ret_word; *c; c++) /* letters alone: digits might look like somebody's number */
        *c = (char) (*c <= '9' ? *c - '0' + 'g' : *c);
    explicit_bzero (key, sizeof key);
}

/* --------------------------------------------------------------- money */

int64_t model_price (const settings_t *settings, const usage_t *usage)
{
    double money = (double) usage->input * settings->price_input
                   + (double) usage->cache_write * settings->price_cache_write
                   + (double) usage->cache_read * settings->price_cache_read
                   + (double) usage->output * settings->price_output;
    return (int64_t) (money + 0.999999);
}

/*  Four bytes a token: about as many as a text of English has.  */
static int64_t request_tokens (const run_t *run)
{
    return (int64_t) run->body.size / 4;
}

/*  Two bytes a token: more tokens than any text has.  */
static int64_t most_tokens (const run_t *run)
{
    return (int64_t) run->body.size / 2 + 1;
}

static int64_t most_money (const run_t *run)
{
    const settings_t *set = run->model->settings;
    double price =
        set->price_cache_write > set->price_input ? set->price_cache_write : set->price_input;
    return (int64_t) ((double) most_tokens (run) * price
                      + (double) run->max_tokens * set->price_output + 1);
}

/*  The tokens of a request that was read and not answered are paid for all the same, and so are those of an answer that
    was cut or taken back: how many they were stands at its end, which did not come.  */
static void guess_usage (const run_t *run, const attempt_t *attempt, usage_t *usage)
{
    bool read = attempt->status == 200 || (!attempt->status && attempt->trouble == TROUBLE_SLOW);
    if (read && !usage->input && !usage->cache_read && !usage->cache_write)
        usage->input = request_tokens (run);
    int64_t heard = (int64_t) attempt->message->words / 4;
    if (!attempt->message->complete && usage->output < heard)
        usage->output = heard < run->max_tokens ? heard : run->max_tokens;
}

static void pay (run_t *run, const attempt_t *attempt)
{
    usage_t usage = attempt->message->usage;
    guess_usage (run, attempt, &usage);
    int64_t money = model_price (run->model->settings, &usage);
    int64_t input = usage.input + usage.cache_read + usage.cache_write;
    budget_settle (run->model->budget, &run->hold, money, input + usage.output,
                   plv_clock_wall_us ());
    run->bill->money += money;
    run->bill->input += input;
    run->bill->output += usage.output;
}

/* --------------------------------------------------------------- what the server says about itself */

/*  A count out of anthropic-ratelimit-KIND-WHAT, or -1.  */
static int64_t read_limit (const http_call_t *call, limit_kind_t kind, const char *what)
{
    char name[64], text[HTTP_HEADER_BYTES], *end;
    plv_format (name, sizeof name, "anthropic-ratelimit-%s-%s", limiter_name (kind), what);
    long long count = strtoll (http_header (call, name, text), &end, 10);
    return end == text || count < 0 ? -1 : count;
}

static void read_limits (model_t *self, const http_call_t *call)
{
    int64_t now_us = plv_clock_mono_us (), wall_us = plv_clock_wall_us (), reset_us;
    for (limit_kind_t kind = 0; kind < LIMIT_KIND_COUNT_; kind++) {
        char name[64], reset[HTTP_HEADER_BYTES];
        int64_t left = read_limit (call, kind, "remaining"),
                most = read_limit (call, kind, "limit");
        plv_format (name, sizeof name, "anthropic-ratelimit-%s-reset", limiter_name (kind));
        if (left < 0 || !limiter_time (http_header (call, name, reset), &reset_us))
            continue;
        if (reset_us > wall_us)
            limiter_told (&self->limiter, kind, left, most > 0 ? most : 0,
                          now_us + reset_us - wall_us);
    }
}

static void learn (run_t *run, const attempt_t *attempt)
{
    model_t *self = run->model;
    int64_t now_us = plv_clock_mono_us ();
    pthread_mutex_lock (&self->lock);
    limiter_done (&self->limiter, request_tokens (run), run->max_tokens);
    if (attempt->call)
        read_limits (self, attempt->call);
    if (attempt->wait_us)
        limiter_close (&self->limiter, now_us + attempt->wait_us);
    if (attempt->fault)
        breaker_bad (&self->breaker, attempt->fatal, attempt->trouble, now_us);
    else if (attempt->trouble == TROUBLE_CANCELLED || !attempt->call)
        breaker_unknown (&self->breaker);
    else
        breaker_good (&self->breaker);
    pthread_mutex_unlock (&self->lock);
}

static void log_attempt (const run_t *run, const attempt_t *attempt)
{
    const message_t *message = attempt->message;
    char line[LINE_BYTES];
    int64_t now_us = plv_clock_mono_us ();
    if (!run->model->log)
        return;
    plv_format (
        line, sizeof line,
        "model call: gen_ai.provider.name=anthropic gen_ai.operation.name=chat "
        "gen_ai.request.model=%s status=%d request_id=%s gen_ai.response.id=%s "
        "gen_ai.response.finish_reasons=%s gen_ai.usage.input_tokens=%lld cached=%lld "
        "gen_ai.usage.output_tokens=%lld first_ms=%lld ms=%lld%s%s%s%s",
        run->model->settings->model, attempt->status, message->request_id, message->id,
        message->stop_reason, (long long) message->usage.input,
        (long long) message->usage.cache_read, (long long) message->usage.output,
        (long long) (attempt->first_us ? (attempt->first_us - attempt->began_us) / 1000 : -1),
        (long long) (now_us - attempt->began_us) / 1000, attempt->trouble ? " error.type=" : "",
        attempt->trouble ? trouble_word (attempt->trouble) : "", attempt->trouble ? " why=" : "",
        attempt->why);
    run->model->log (run->model->log_arg, line);
}

/* --------------------------------------------------------------- a call */

/*  Until `until_us`, or until nobody wants the answer any more.  */
static trouble_t wait_until (const model_ask_t *ask, int64_t until_us)
{
    for (int64_t now_us; (now_us = plv_clock_mono_us ()) < until_us;) {
        int64_t left_us = until_us - now_us < LOOK_US ? until_us - now_us : LOOK_US;
        if (ask->cancelled && ask->cancelled (ask->arg))
            return TROUBLE_CANCELLED;
        nanosleep (&(struct timespec){.tv_nsec = (long) left_us * 1000}, NULL);
    }
    return TROUBLE_NONE;
}

/*  Takes a share of the server's limits, waiting for it if that makes sense, and asks the breaker.  */
static trouble_t enter (run_t *run)
{
    model_t *self = run->model;
    for (;;) {
        int64_t now_us = plv_clock_mono_us ();
        trouble_t trouble = TROUBLE_NONE;
        pthread_mutex_lock (&self->lock);
        bool open = self->breaker.open_until_us > now_us;
        int64_t until_us =
            open ? 0 : limiter_take (&self->limiter, request_tokens (run), run->max_tokens, now_us);
        if (!until_us && !breaker_allows (&self->breaker, now_us)) {
            trouble = (trouble_t) self->breaker.why;
            if (!open)
                limiter_done (&self->limiter, request_tokens (run), run->max_tokens);
        }
        pthread_mutex_unlock (&self->lock);
        if (trouble || !until_us)
            return trouble;
        if (until_us >= run->ask->deadline_us)
            return TROUBLE_BUSY;
        if ((trouble = wait_until (run->ask, until_us)) != TROUBLE_NONE)
            return trouble;
    }
}

/*  What the server takes for the request alone, of which it may have read all.  */
static int64_t read_price (const run_t *run)
{
    const usage_t usage = {.input = request_tokens (run)};
    return model_price (run->model->settings, &usage);
}

static trouble_t afford (run_t *run)
{
    if (run->ask->money_left >= 0 && run->bill->money + run->most > run->ask->money_left)
        return TROUBLE_BUDGET;
    int64_t wall_us = plv_clock_wall_us ();
    const budget_call_t call = {
        .most = run->most,
        .least = read_price (run),
        .until_us = wall_us + run->ask->deadline_us - plv_clock_mono_us () + SETTLE_US};
    if (!budget_reserve (run->model->budget, &call, wall_us, &run->hold))
        return TROUBLE_BUDGET;
    return TROUBLE_NONE;
}

/*  Like 0.5 s, 1 s, 2 s ... 8 s, less up to a quarter; or what the server says.  */
static int64_t backoff_us (model_t *self, const attempt_t *attempt, unsigned tries)
{
    int64_t wait_us = BACKOFF_US << (tries < 5 ? tries : 5);
    if (attempt->wait_us)
        return attempt->wait_us;
    if (wait_us > BACKOFF_MOST_US)
        wait_us = BACKOFF_MOST_US;
    pthread_mutex_lock (&self->lock);
    wait_us -= (int64_t) plv_rng_below (&self->rng, (uint64_t) wait_us / 4);
    pthread_mutex_unlock (&self->lock);
    return wait_us;
}

static void send_and_read (run_t *run, attempt_t *attempt)
{
    plv_fail_t fail;
    const http_request_t request = {.url = run->model->settings->url,
                                    .headers = (const char *const *) run->model->headers,
                                    .header_count = HEADERS,
                                    .body = plv_buf_view (&run->body),
                                    .connect_ms = (unsigned) run->model->settings->connect_ms};
    if (http_start (run->model->http, &request, &attempt->call, &fail)) {
        attempt->trouble = TROUBLE_DOWN;
        plv_format (attempt->why, sizeof attempt->why, "%s", fail.text);
        return;
    }
    attempt_read (attempt);
}

/*  One attempt; true when another one may follow, after `ret_wait_us`.  */
static bool try_once (run_t *run, unsigned tries, message_t *message, trouble_t *ret_trouble,
                      int64_t *ret_wait_us)
{
    if (plv_clock_mono_us () >= run->ask->deadline_us) {
        *ret_trouble = TROUBLE_SLOW;
        return false;
    }
    if ((*ret_trouble = afford (run)) != TROUBLE_NONE)
        return false;
    if ((*ret_trouble = enter (run)) != TROUBLE_NONE) {
        budget_settle (run->model->budget, &run->hold, 0, 0, plv_clock_wall_us ());
        return false;
    }
    attempt_t attempt = {
        .settings = run->model->settings, .ask = run->ask, .message = message, .says = !run->said};
    run->bill->attempts++;
    send_and_read (run, &attempt);
    pay (run, &attempt);
    learn (run, &attempt);
    log_attempt (run, &attempt);
    if (message->request_id[0])
        plv_format (run->bill->request_id, sizeof run->bill->request_id, "%s", message->request_id);
    run->said |= attempt.has_said;
    *ret_trouble = attempt.trouble;
    *ret_wait_us = backoff_us (run->model, &attempt, tries);
    bool again = attempt.trouble && attempt.retry;
    http_end (&attempt.call);
    attempt_free (&attempt);
    return again;
}

static bool encode (run_t *run, json_t *body)
{
    json_object_set_new (body, "stream", json_true ());
    char *text = json_dumps (body, JSON_COMPACT);
    plv_buf_add_view (&run->body, plv_view_str (text));
    run->max_tokens = json_integer_value (json_object_get (body, "max_tokens"));
    run->most = most_money (run);
    free (text);
    return text && !run->body.failed;
}

trouble_t model_call (model_t *self, json_t *body, const model_ask_t *ask, message_t *message,
                      bill_t *bill)
{
    run_t run = {.model = self, .ask = ask, .bill = bill};
    trouble_t trouble = encode (&run, body) ? TROUBLE_NONE : TROUBLE_DOWN;
    unsigned most = (unsigned) self->settings->retries;
    for (unsigned tries = 0; !trouble; tries++) {
        int64_t wait_us = 0;
        message_free (message);
        bool again = try_once (&run, tries, message, &trouble, &wait_us);
        if (!trouble || !again || tries == most)
            break;
        int64_t until_us = plv_clock_mono_us () + wait_us;
        if (until_us >= ask->deadline_us)
            break;
        trouble = wait_until (ask, until_us);
    }
    plv_buf_free (&run.body);
    return trouble;
}
