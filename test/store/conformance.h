/*  conformance -- what every store promises, as tests
    OWNS    nothing
    THREAD  that of the test
    FAILS   the test program
    COST    a second or two  */

#ifndef STORE_CONFORMANCE_H
#define STORE_CONFORMANCE_H

#include "subject.h"

/*  Runs the whole suite; the number of failed tests.  */
int conformance_run (const subject_kind_t *kind);

#endif
