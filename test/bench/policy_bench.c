/*  policy_bench [IDS] -- what the policies of the core cost, in nanoseconds a call
    IDS: platform ids to remember, 2000000 unless told.  */

#include "base/clock.h"
#include "base/rng.h"
#include "core/flow/backoff.h"
#include "core/flow/breaker.h"
#include "core/policy/cache.h"
#include "core/policy/compliance.h"
#include "core/policy/content.h"
#include "core/policy/rate.h"
#include "core/policy/route.h"
#include "core/state/dedup.h"
#include "core/timers.h"
#include "wire/mp.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CALLS = 1000000, USERS = 100000, TEXT_BYTES = 500, LONG_BYTES = 16384 };

static const uint8_t SECRET[16] = "a secret of 16 b";
static const char PROSE[] =
    "What should I do with ten thousand euros of savings? I would put them into "
    "funds that are not too risky, such as one on the whole world. ";

static void report (const char *what, int64_t begin_us, uint64_t calls)
{
    double ns = (double) (plv_clock_mono_us () - begin_us) * 1000 / (double) calls;
    printf ("%-52s %10.1f ns\n", what, ns);
}

static void bench_dedup_sweep (dedup_t *dedup, uint64_t ids)
{
    int64_t begin_us = plv_clock_mono_us ();
    uint64_t calls = 0;
    for (; dedup_count (dedup) > ids / 2; calls++)
        dedup_sweep (dedup, 1500);
    report ("dedup sweep, a call of 512 slots, half expired", begin_us, calls);
}

/*  Of this thread, so that a busy machine does not count.  */
static int64_t cpu_us (void)
{
    struct timespec now;
    clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t bench_dedup_fill (dedup_t *dedup, const dedup_key_t *keys, uint64_t ids)
{
    int64_t worst_us = 0;
    for (uint64_t i = 0; i < ids; i++) {
        int64_t begin_us = i % 64 ? 0 : cpu_us (); /* a sample, for the clock costs too */
        dedup_add (dedup, &keys[i], 1000 + (uint32_t) (i % 1000));
        int64_t took_us = i % 64 ? 0 : cpu_us () - begin_us;
        worst_us = took_us > worst_us ? took_us : worst_us;
    }
    return worst_us;
}

static void bench_dedup (uint64_t ids)
{
    dedup_t *dedup = dedup_new (SECRET, ids);
    dedup_key_t *keys = malloc (ids * sizeof *keys);
    uint64_t found = 0;
    char id[24];
    int64_t begin_us = plv_clock_mono_us ();
    for (uint64_t i = 0; i < ids; i++) {
        plv_view_t view =
            plv_view (id, (size_t) snprintf (id, sizeof id, "%llu", (unsigned long long) i));
        keys[i] = dedup_key (dedup, plv_view_str ("telegram"), view);
    }
    report ("dedup key (with printing the id)", begin_us, ids);
    begin_us = plv_clock_mono_us ();
    int64_t worst_us = bench_dedup_fill (dedup, keys, ids);
    report ("dedup add, growth included", begin_us, ids);
    printf ("  the slowest of every 64th add: %lld us; %.1f bytes an id\n", (long long) worst_us,
            (double) dedup_bytes (dedup) / (double) ids);
    begin_us = plv_clock_mono_us ();
    for (uint64_t i = 0; i < CALLS; i++)
        found += dedup_has (dedup, &keys[i % ids]);
    report ("dedup has, ids that are there", begin_us, CALLS);
    begin_us = plv_clock_mono_us ();
    for (uint64_t i = 0; i < CALLS; i++) {
        dedup_key_t key = keys[i % ids];
        key.bytes[15] ^= 1;
        found += dedup_has (dedup, &key);
    }
    report ("dedup has, ids that are not", begin_us, CALLS);
    bench_dedup_sweep (dedup, ids);
    printf ("  (%llu found)\n", (unsigned long long) found);
    free (keys);
    dedup_destroy (&dedup);
}

static void bench_rate (void)
{
    rate_t *rate = rate_new (SECRET, 10, 60000000, 10 * USERS);
    plv_rng_t rng = plv_rng_seed (2);
    uint64_t taken = 0;
    char (*users)[16] = malloc (USERS * sizeof *users);
    for (int i = 0; i < USERS; i++)
        snprintf (users[i], sizeof users[i], "%d", 100000 + i);
    int64_t begin_us = plv_clock_mono_us ();
    for (int64_t i = 0; i < CALLS; i++) {
        int64_t retry_us;
        plv_view_t user = plv_view (users[plv_rng_below (&rng, USERS)], 6);
        taken += rate_take (rate, plv_view_str ("telegram"), user, i * 100, &retry_us);
    }
    report ("rate take, 100000 users", begin_us, CALLS);
    printf ("  (%llu taken, %zu users)\n", (unsigned long long) taken, rate_users (rate));
    free (users);
    rate_destroy (&rate);
}

static void bench_text (content_t *content, const char *what, plv_view_t text, uint64_t calls)
{
    content_result_t result = CONTENT_OK;
    int64_t begin_us = plv_clock_mono_us ();
    for (uint64_t i = 0; i < calls; i++)
        result = content_check (content, text, NULL);
    report (what, begin_us, calls);
    if (result != CONTENT_OK)
        printf ("  (%s)\n", content_result_name (result));
}

static void fill (char *text, size_t size, const char *unit)
{
    for (size_t i = 0; i < size; i++)
        text[i] = unit[i % strlen (unit)];
}

static void bench_content (void)
{
    static char *rules[] = {"<script.*?>", "javascript:", "on\\w+\\s*="};
    plv_conf_t conf = {.content_match_limit = 100000,
                       .content_chars = LONG_BYTES,
                       .content_rules = {.items = rules, .count = 3}};
    content_t *content = NULL;
    if (content_new (&conf, &content, NULL) != ERR_OK)
        return;
    char *text = malloc (LONG_BYTES);
    fill (text, LONG_BYTES, PROSE);
    bench_text (content, "content, 3 rules, 500 bytes of prose", plv_view (text, TEXT_BYTES),
                CALLS);
    bench_text (content, "content, 3 rules, 16 KiB of prose", plv_view (text, LONG_BYTES), 10000);
    fill (text, LONG_BYTES, "on");
    memcpy (text + LONG_BYTES - 4, " x =", 4);
    bench_text (content, "content, 3 rules, 16 KiB made to be slow", plv_view (text, LONG_BYTES),
                1000);
    free (text);
    content_destroy (&content);
}

static void bench_compliance (void)
{
    plv_conf_t conf = {
        .compliance_on = true,
        .compliance_version = "1",
        .compliance_investment_advice = "This is general information, not investment advice.",
        .compliance_risk_disclosure = "The value of investments can fall as well as rise.",
        .compliance_regulatory_notice = "You are talking to an automated assistant.",
    };
    plv_buf_t body = {0}, out = {0};
    plv_mp_put_map (&body, 5);
    plv_mp_put_text (&body, "response_text");
    plv_mp_put_text (&body, PROSE);
    plv_mp_put_text (&body, "recommendations");
    plv_mp_put_array (&body, 5);
    for (int i = 0; i < 5; i++) {
        plv_mp_put_map (&body, 2);
        plv_mp_put_text (&body, "product_id");
        plv_mp_put_text (&body, "IE00B4L5Y983");
        plv_mp_put_text (&body, "score");
        plv_mp_put_double (&body, 0.75);
    }
    plv_mp_put_text (&body, "confidence");
    plv_mp_put_double (&body, 0.9);
    plv_mp_put_text (&body, "sources");
    plv_mp_put_array (&body, 0);
    plv_mp_put_text (&body, "processing_time");
    plv_mp_put_double (&body, 1.5);
    int64_t begin_us = plv_clock_mono_us ();
    for (int i = 0; i < CALLS; i++) {
        plv_buf_clear (&out);
        compliance_add (&out, &conf, plv_buf_view (&body));
    }
    report ("compliance, a body with 5 recommendations", begin_us, CALLS);
    printf ("  (%zu bytes in, %zu out)\n", body.size, out.size);
    plv_buf_free (&body);
    plv_buf_free (&out);
}

static void bench_cache (void)
{
    cache_limits_t limits = {.ttl_us = INT64_C (1) << 40, .entries = 10000, .bytes = 64u << 20};
    cache_t *cache = cache_new (SECRET, &limits);
    plv_buf_t key = {0};
    uint64_t hits = 0;
    int64_t begin_us = plv_clock_mono_us ();
    for (int i = 0; i < CALLS; i++) {
        plv_view_t value;
        plv_buf_clear (&key);
        cache_key (&key, (uint32_t) (i % 20000), plv_view_str (PROSE), plv_view (NULL, 0));
        if (cache_get (cache, plv_buf_view (&key), i, &value))
            hits++;
        else if (i % 2)
            cache_put (cache, plv_buf_view (&key), plv_view_str (PROSE), i);
    }
    report ("cache key and get, sometimes put, 138 bytes", begin_us, CALLS);
    printf ("  (%llu hits)\n", (unsigned long long) hits);
    plv_buf_free (&key);
    cache_destroy (&cache);
}

static void bench_route (void)
{
    plv_conf_route_t routes[3] = {
        {.name = "a", .service = "a", .command = "/recommend"},
        {.name = "b", .service = "b", .session = "telegram_-*", .pattern = "\\betf\\b"},
        {.name = "c", .service = "c"},
    };
    plv_conf_t conf = {.routes = routes, .route_count = 3, .content_match_limit = 100000};
    plv_envelope_t event = {.type_code = EVENT_CHAT_MESSAGE,
                            .platform = plv_view_str ("telegram"),
                            .session_id = plv_view_str ("telegram_-100123456")};
    route_table_t *table = NULL;
    int64_t sum = 0;
    if (route_table_new (&conf, &table, NULL) != ERR_OK)
        return;
    int64_t begin_us = plv_clock_mono_us ();
    for (int i = 0; i < CALLS; i++)
        sum += route_match (table, &event, plv_view_str (PROSE));
    report ("route match, 3 routes: command, pattern, all", begin_us, CALLS);
    printf ("  (route %lld)\n", (long long) (sum / CALLS));
    route_table_destroy (&table);
}

static void bench_timers (void)
{
    core_timers_t timers = {0};
    core_timer_t *all = calloc (CALLS, sizeof *all);
    plv_rng_t rng = plv_rng_seed (3);
    int64_t begin_us = plv_clock_mono_us ();
    for (int64_t i = 0; i < CALLS; i++)
        timers_set (&timers, &all[i], i + (int64_t) plv_rng_below (&rng, 1000));
    report ("timers set, up to 1000000 of them", begin_us, CALLS);
    begin_us = plv_clock_mono_us ();
    for (int64_t i = 0; i < CALLS; i++)
        timers_set (&timers, &all[plv_rng_below (&rng, CALLS)], CALLS + i);
    report ("timers reset, at random, with 1000000", begin_us, CALLS);
    begin_us = plv_clock_mono_us ();
    while (timers_pop (&timers, INT64_MAX))
        ;
    report ("timers pop, from 1000000 down", begin_us, CALLS);
    timers_free (&timers);
    free (all);
}

static void bench_breaker (void)
{
    breaker_t breaker = {0};
    breaker_limits_t limits = {.threshold = 5, .open_us = 60000000};
    plv_view_t why = plv_view_str ("nack:llm_unavailable");
    int64_t begin_us = plv_clock_mono_us ();
    for (uint64_t i = 1; i <= CALLS; i++) {
        if (i % 10 == 0)
            breaker_failure (&breaker, i, i, why, (int64_t) i, &limits);
        else
            breaker_success (&breaker, i);
    }
    report ("breaker, a verdict, one in ten a failure", begin_us, CALLS);
    breaker_free (&breaker);
}

int main (int argc, char **argv)
{
    uint64_t ids = argc > 1 ? strtoull (argv[1], NULL, 10) : 2000000;
    bench_dedup (ids ? ids : 1);
    bench_rate ();
    bench_content ();
    bench_compliance ();
    bench_cache ();
    bench_route ();
    bench_timers ();
    bench_breaker ();
    return 0;
}
