/* bench_ensemble — many double pendulums from different starts by dop853, ten seconds each: in lanes and one after the
 * other, on one thread, and whether both give the same bits.
 *
 *   bench_ensemble FILE N COPIES   FILE: where the program is written; N: links of each pendulum
 */
#include "harness.h"

#include "../../compiler/jit/jit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7 };

static const char program[] =
    "const g = 9.81, N = %d\n"
    "coord θ[N] = 2.0\n"
    "let x[i : N] = sum[j : N | j <= i](sin(θ[j]))\n"
    "let y[i : N] = -sum[j : N | j <= i](cos(θ[j]))\n"
    "system pendulum {\n"
    "  kinetic   = 1/2 * sum[i](x'[i]^2 + y'[i]^2)\n"
    "  potential = g * sum[i](y[i])\n}\n"
    "run dop853(rtol = 1e-9, atol = 1e-9) on pendulum for 10\n";

typedef struct Ensemble {
    RtRun *run;
    RtFrame frame; /* memory of all lanes */
    int32_t (*rhs)(RtFrame *frame, int32_t *status);
    unsigned lanes;
    size_t n;
    int copies;
} Ensemble;

/* Of the processor: other work on the machine does not count. */
static double processor_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static RtStatus one(void *context, double t, const double *y, double *dy) {
    RtRun *run = ((Ensemble *)context)->run;
    char *mem = run->frame->mem;
    (void)t;
    for (uint32_t b = 0; b < run->n_y; y += run->y[b].n, b++)
        memcpy(mem + run->y[b].offset, y, run->y[b].n * sizeof *y);
    int32_t status = run->rhs(run->frame);
    for (uint32_t b = 0; b < run->n_y; dy += run->dy[b].n, b++)
        memcpy(dy, mem + run->dy[b].offset, run->dy[b].n * sizeof *dy);
    return (RtStatus)status;
}

/* Rows of all lanes, eight numbers at a time. */
static void copy_rows(double *to, const double *from, size_t rows, unsigned lanes) {
    size_t n = rows * lanes, i = 0;
    for (; i + 8 <= n; i += 8)
        memcpy(to + i, from + i, 8 * sizeof *to);
    memcpy(to + i, from + i, (n - i) * sizeof *to);
}

static void all(void *context, const double *t, const double *y, double *dy, int32_t *status) {
    Ensemble *e = context;
    const RtRun *run = e->run;
    (void)t;
    for (uint32_t b = 0; b < run->n_y; y += run->y[b].n * e->lanes, b++)
        copy_rows((double *)(e->frame.mem + run->y[b].offset * e->lanes), y, run->y[b].n, e->lanes);
    e->rhs(&e->frame, status);
    for (uint32_t b = 0; b < run->n_y; dy += run->dy[b].n * e->lanes, b++)
        copy_rows(dy, (const double *)(e->frame.mem + run->dy[b].offset * e->lanes), run->dy[b].n, e->lanes);
}

static RtIntegrator *copy_of(Ensemble *e, int number) {
    double y[32] = {0};
    RtMessage message;
    RtOde ode = {.n = e->n, .rhs = one, .context = e};
    for (size_t i = 0; i < e->n / 2; i++)
        y[i] = 2 + 0.5 * number / e->copies;
    return rt_ode_new(e->run->method, &ode, &e->run->tolerance, 0, 10, y, &message);
}

static void alone(Ensemble *e, double *ends) {
    for (int c = 0; c < e->copies; c++) {
        RtIntegrator *g = copy_of(e, c);
        while (!rt_ode_done(g))
            if (rt_ode_step(g))
                exit(1);
        memcpy(ends + (size_t)c * e->n, rt_ode_state(g), e->n * sizeof *ends);
        rt_ode_free(g);
    }
}

static void together(Ensemble *e, double *ends) {
    RtIntegrator *copy[RT_MAX_LANES] = {NULL};
    RtLaneResult result[RT_MAX_LANES];
    RtIntegrator *first = copy_of(e, 0);
    RtLanes *g = rt_lanes_new(first, e->lanes, all, e);
    int in[RT_MAX_LANES], next = 0, left = e->copies;
    while (left > 0) {
        for (unsigned l = 0; l < e->lanes; l++)
            if (!copy[l] && next < e->copies) {
                in[l] = next;
                copy[l] = copy_of(e, next++);
                if (rt_lanes_enter(g, l, copy[l]))
                    exit(1);
            }
        rt_lanes_try(g, result);
        for (unsigned l = 0; l < e->lanes; l++) {
            if (result[l] == RT_LANE_FAILED)
                exit(1);
            if (!copy[l] || !rt_ode_done(copy[l]))
                continue;
            rt_lanes_leave(g, l);
            memcpy(ends + (size_t)in[l] * e->n, rt_ode_state(copy[l]), e->n * sizeof *ends);
            rt_ode_free(copy[l]);
            copy[l] = NULL;
            left--;
        }
    }
    rt_lanes_free(g);
    rt_ode_free(first);
}

int main(int argc, char **argv) {
    if (argc < 4)
        return 2;
    int links = atoi(argv[2]);
    FILE *file = fopen(argv[1], "w");
    if (!file)
        return 1;
    fprintf(file, program, links);
    fclose(file);
    Bench bench;
    bench_open(&bench, argv[1], 1);
    const Plan *plan = bench.code->plan;
    EmitModule *module = emit_module(bench.session, plan, &(EmitOptions){.lanes = "rhs"});
    JitCode *code = module ? jit_compile(bench.session, module, NULL) : NULL;
    const int32_t *lanes = code ? jit_symbol(code, "rhs_lanes_count") : NULL;
    if (!lanes)
        return 1;
    Ensemble e = {.run = &bench.run.run, .lanes = (unsigned)*lanes, .copies = atoi(argv[3]), .n = 2 * (size_t)links};
    e.frame = *e.run->frame;
    e.frame.mem = rt_alloc(plan_memory(plan) * e.lanes);
    memset(e.frame.mem, 0, plan_memory(plan) * e.lanes);
    e.rhs = (int32_t(*)(RtFrame *, int32_t *))(uintptr_t)jit_symbol(code, "rhs_lanes");
    double seconds[2][ROUNDS], *ends[2];
    for (int k = 0; k < 2; k++)
        ends[k] = calloc(e.n * (size_t)e.copies, sizeof(double));
    for (int r = 0; r < ROUNDS; r++) {
        double t0 = processor_time();
        alone(&e, ends[0]);
        double t1 = processor_time();
        together(&e, ends[1]);
        seconds[0][r] = t1 - t0;
        seconds[1][r] = processor_time() - t1;
    }
    double a = bench_median(seconds[0], ROUNDS), b = bench_median(seconds[1], ROUNDS);
    bool same = memcmp(ends[0], ends[1], e.n * (size_t)e.copies * sizeof(double)) == 0;
    printf("N = %d, %d copies: alone %.3f ms each, in %u lanes %.3f ms each, ratio %.2f, %s bits\n", links, e.copies,
           1e3 * a / e.copies, e.lanes, 1e3 * b / e.copies, a / b, same ? "the same" : "NOT THE SAME");
    bench_close(&bench);
    return !same;
}
