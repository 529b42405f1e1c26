/*  simulate -- thousands of seeded runs of the real core in a simulated world

    simulate [--seeds N] [--from SEED]     runs N seeds (default 1000)
    simulate --seed SEED                   runs one, and tells what happens in it
    simulate --self-test                   plants each bug of sabotage.def, and wants every one caught
    simulate --sabotage NAME --seed SEED   one seed with that bug

    Exit code: 0 everything held, 1 something did not, 2 wrong command line.  */

#include "sim/sim.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SELF_TEST_SEEDS = 400, SHOWN_FAILURES = 5 };

static const char *const names[SABOTAGE_COUNT_] = {
#define SABOTAGE(name, text, meaning) [SABOTAGE_##name] = (text),
#include "sim/sabotage.def"
#undef SABOTAGE
};

typedef struct {
    uint64_t seeds;
    uint64_t from;
    bool one;
    bool self_test;
    sabotage_t sabotage;
} choice_t;

static bool run_seed (uint64_t seed, sabotage_t sabotage, bool loud, bool *ret_sabotaged)
{
    sim_t *sim = sim_new (seed, sabotage, loud);
    bool held = sim_run (sim);
    if (!held && sabotage == SABOTAGE_NONE)
        printf ("seed %llu: %s\n", (unsigned long long) seed, sim->why);
    else if (!held && loud)
        printf ("caught: %s\n", sim->why);
    if (ret_sabotaged)
        *ret_sabotaged = sim->sabotaged;
    sim_destroy (&sim);
    return held;
}

static int run_many (const choice_t *choice)
{
    uint64_t failed = 0, seed = choice->from;
    for (; seed < choice->from + choice->seeds && failed < SHOWN_FAILURES; seed++)
        failed += !run_seed (seed, SABOTAGE_NONE, false, NULL);
    printf ("%llu passed, %llu failed\n", (unsigned long long) (seed - choice->from - failed),
            (unsigned long long) failed);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/*  How many seeds it takes until a planted bug is caught; 0: it is not.  */
static unsigned seeds_until_caught (sabotage_t kind)
{
    for (unsigned seed = 1; seed <= SELF_TEST_SEEDS; seed++)
        if (!run_seed (seed, kind, false, NULL))
            return seed;
    return 0;
}

static int self_test (void)
{
    unsigned missed = 0;
    for (int kind = SABOTAGE_NONE + 1; kind < SABOTAGE_COUNT_; kind++) {
        unsigned seeds = seeds_until_caught ((sabotage_t) kind);
        if (seeds)
            printf ("ok %s: caught by seed %u\n", names[kind], seeds);
        else
            printf ("not ok %s: %d seeds did not notice\n", names[kind], SELF_TEST_SEEDS);
        missed += seeds == 0;
    }
    return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static bool find_sabotage (const char *name, sabotage_t *ret_sabotage)
{
    for (int kind = 0; kind < SABOTAGE_COUNT_; kind++) {
        if (strcmp (names[kind], name) == 0) {
            *ret_sabotage = (sabotage_t) kind;
            return true;
        }
    }
    return false;
}

static bool parse (int argc, char **argv, choice_t *choice)
{
    static const struct option options[] = {
        {"seeds", required_argument, NULL, 'n'},    {"from", required_argument, NULL, 'f'},
        {"seed", required_argument, NULL, 's'},     {"self-test", no_argument, NULL, 't'},
        {"sabotage", required_argument, NULL, 'b'}, {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long (argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 'n':
            choice->seeds = strtoull (optarg, NULL, 10);
            break;
        case 'f':
            choice->from = strtoull (optarg, NULL, 10);
            break;
        case 's':
            choice->from = strtoull (optarg, NULL, 10);
            choice->one = true;
            break;
        case 't':
            choice->self_test = true;
            break;
        case 'b':
            if (!find_sabotage (optarg, &choice->sabotage))
                return false;
            break;
        default:
            return false;
        }
    }
    return optind == argc;
}

int main (int argc, char **argv)
{
    choice_t choice = {.seeds = 1000, .from = 1};
    if (!parse (argc, argv, &choice)) {
        fprintf (stderr, "usage: simulate [--seeds N] [--from SEED] | --seed SEED | --self-test\n");
        return 2;
    }
    if (choice.self_test)
        return self_test ();
    if (choice.one)
        return run_seed (choice.from, choice.sabotage, true, NULL) ? EXIT_SUCCESS : EXIT_FAILURE;
    return run_many (&choice);
}
