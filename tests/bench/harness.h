/* harness — a program of the language compiled and ready to step, inside a benchmark's own process, so that it can be
 * timed in turns with a peer written in C. */
#ifndef LAG_BENCH_HARNESS_H
#define LAG_BENCH_HARNESS_H

#include "driver/driver.h"
#include "program/execution.h"

typedef struct Bench {
    Session *session;
    Options options;
    Model *model;
    MechRun *mech;
    Code *code;
    RtHost *host;
    Execution run;
} Bench;

/* Compiles run 0 of the program at `path` for `threads` threads and sets it to its start. Exits with the compiler's
 * messages when that is not possible. */
void bench_open(Bench *bench, const char *path, uint32_t threads);
/* One step of a word; `k` from 1. */
void bench_step(Bench *bench, uint64_t k);
/* One evaluation of the right-hand side of a method. */
void bench_rhs(Bench *bench);
void bench_close(Bench *bench);

double bench_now(void);                          /* seconds */
double bench_median(double *values, size_t n);   /* sorts them */

#endif
