/* bench_ensemble — many chains of pendulums from different starts by dop853, ten seconds each, on one thread: as `run … over`
 * and as single runs one after the other, in turns.
 *
 *   bench_ensemble FILE N COPIES [RUN]   FILE: where the programs are written; N: links of each chain; RUN: in the place of
 *                                        `dop853(rtol = 1e-9, atol = 1e-9)`
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 9 };

static const char program[] =
    "const g = 9.81, N = %d\n"
    "coord θ[N] = 2.0\n"
    "let x[i : N] = sum[j : N | j <= i](sin(θ[j]))\n"
    "let y[i : N] = -sum[j : N | j <= i](cos(θ[j]))\n"
    "system pendulum {\n"
    "  kinetic   = 1/2 * sum[i](x'[i]^2 + y'[i]^2)\n"
    "  potential = g * sum[i](y[i])\n}\n"
    "run %s on pendulum for 10";

typedef struct Alone {
    Bench bench;
    int copies, copy; /* how many; which is next */
} Alone;

/* Of the processor: other work on the machine does not count. */
static double processor_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void set_start(void *context) {
    Alone *a = context;
    const RtBlock *block = &a->bench.run.run.y[0];
    double *angle = (double *)(void *)(a->bench.run.frame.mem + block->offset);
    for (uint64_t i = 0; i < block->n; i++)
        angle[i] = 2 + 0.5 * a->copy / a->copies;
}

static double alone(Alone *a) {
    RtRun *run = &a->bench.run.run;
    run->started = set_start;
    run->context = a;
    double begun = processor_time();
    for (a->copy = 0; a->copy < a->copies; a->copy++)
        if (rt_run_method(run).status)
            exit(1);
    return processor_time() - begun;
}

static double together(Bench *bench) {
    volatile sig_atomic_t stop = 0;
    double begun = processor_time();
    if (copies_run(&bench->run, &stop))
        exit(1);
    return processor_time() - begun;
}

static void write_program(const char *path, int links, const char *dynamics, int copies) {
    FILE *file = fopen(path, "w");
    if (!file)
        exit(1);
    fprintf(file, program, links, dynamics);
    if (copies)
        fprintf(file, " over %d copies { θ from 2 + 0.5 * copy / copies }\n", copies);
    fclose(file);
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    int links = atoi(argv[2]);
    Alone one = {.copies = atoi(argv[3])};
    Bench many;
    const char *dynamics = argc > 4 ? argv[4] : "dop853(rtol = 1e-9, atol = 1e-9)";
    write_program(argv[1], links, dynamics, 0);
    bench_open(&one.bench, argv[1], 1);
    write_program(argv[1], links, dynamics, one.copies);
    bench_open(&many, argv[1], 1);
    many.run.page = &many.host->page;
    outputs_open(&many.run);
    const int32_t *lanes = many.run.spec->lanes_count ? jit_symbol(many.code->jit, many.run.spec->lanes_count) : NULL;
    double seconds[2][ROUNDS], ratio[ROUNDS];
    for (int r = 0; r < ROUNDS; r++) {
        seconds[0][r] = alone(&one);
        seconds[1][r] = together(&many);
        ratio[r] = seconds[0][r] / seconds[1][r];
    }
    printf("N = %d, %d copies: alone %.3f ms each, together in %u lanes %.3f ms each, ratio %.2f\n", links, one.copies,
           1e3 * bench_median(seconds[0], ROUNDS) / one.copies, lanes ? (unsigned)*lanes : 1, 1e3 * bench_median(seconds[1], ROUNDS) / one.copies,
           bench_median(ratio, ROUNDS));
    outputs_close(&many.run);
    bench_close(&many);
    bench_close(&one.bench);
    return 0;
}
