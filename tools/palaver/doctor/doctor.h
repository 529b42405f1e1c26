/*  doctor -- what is wrong with this installation, and what to do about it
    OWNS    the configuration, the broker's answers and the rows, freed by doctor_free
    THREAD  main
    FAILS   never: what cannot be looked at is a finding
    COST    some system calls, twenty small synced writes and a few questions to the broker

    Each check says one or more findings; checks.def lists them.  */

#ifndef PALAVER_DOCTOR_H
#define PALAVER_DOCTOR_H

#include "base/conf/conf.h"
#include "palaver/ask/ask.h"

typedef enum { FINDING_OK, FINDING_SKIPPED, FINDING_WARNING, FINDING_PROBLEM } finding_t;

typedef struct {
    call_t *call;
    const char *check; /* the one that is running */
    plv_conf_t *conf;  /* the defaults when the file cannot be loaded */
    char *conf_file;   /* NULL: there is none, and that is fine */
    char *data;        /* NULL: nobody knows where */
    bool runs;         /* the broker: there is somebody behind its socket, */
    bool closed;       /* nor may this user look whether there is */
    bool answers;      /* it answers, and `asker` is open */
    asker_t asker;
    plv_buf_t status;   /* the broker's answer to status; empty: none */
    plv_view_t process; /* of that: where its conf, data and plugins are; empty: not told */
    table_t table;
    unsigned count[FINDING_PROBLEM + 1];
} doctor_t;

/*  The advice where somebody else may not look.  */
#define DOCTOR_BE_THE_USER "run the doctor as the broker's user"

/*  Runs every check and prints what was found.  */
void doctor_run (doctor_t *self, call_t *call);
void doctor_free (doctor_t *self);

/*  `advice`: what to do; "" when there is nothing to do.  */
void doctor_say (doctor_t *self, finding_t finding, const char *advice, const char *format, ...)
    __attribute__ ((format (printf, 4, 5)));

/*  Asks the broker, if it runs, who and where it is: before the first check.  */
void doctor_meet (doctor_t *self);
/*  A path that the broker goes by; NULL when it did not say. To be freed.  */
char *doctor_broker_path (const doctor_t *self, const char *key);

#define CHECK(function, name, meaning) void check_##function (doctor_t *doctor);
#include "palaver/doctor/checks.def"

#endif
