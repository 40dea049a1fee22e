/* harness — a program of the language compiled and ready to step. */
#include "harness.h"

#include "linalg/linalg.h"

#include <stdlib.h>

double bench_now(void) {
    return rt_now();
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *values, size_t n) {
    qsort(values, n, sizeof *values, by_value);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static void say(void *context, const RtSaying *saying) {
    (void)context;
    fprintf(stderr, "%s\n", saying->text);
}

static void *find_symbol(void *jit, const char *name) { return jit_symbol(jit, name); }

void bench_open(Bench *bench, const char *path, uint32_t threads) {
    *bench = (Bench){.session = session_new(), .options = {.file = path, .threads = threads, .quiet = true}};
    bench->model = load_model(bench->session, &bench->options, NULL);
    if (bench->model && !diag_error_count(bench->session) && bench->model->n_runs)
        bench->mech = mech_derive(bench->session, bench->model, &bench->model->runs[0]);
    if (bench->mech)
        bench->code = code_build(bench->session, bench->model, bench->mech, &bench->options);
    if (driver_finish(bench->session, &bench->options) != EXIT_OK || !bench->code)
        exit(1);
    bench->host = rt_host_new(&(RtHostOptions){.path = path, .text = "", .quiet = true, .say = say,
                                               .directory = load_directory(bench->session, &bench->options)});
    bench->run = (Execution){.host = bench->host, .options = &bench->host->options, .arena = bench->host->arena,
                             .spec = describe_run(bench->session, bench->model, bench->mech, bench->code),
                             .symbol = find_symbol, .code = bench->code->jit};
    if (bench->run.spec->uses_library)
        rt_blas_load();
    if (!execution_open(&bench->run))
        exit(1);
    rt_flush_denormals(bench->run.spec->trains);
    RtRun *run = &bench->run.run;
    if (run->init(run->frame) || (run->prepare && run->prepare(run->frame)))
        exit(1);
}

void bench_step(Bench *bench, uint64_t k) {
    RtRun *run = &bench->run.run;
    if (run->time)
        *run->time = (double)(k - 1) * run->h;
    if (run->step_number)
        *run->step_number = (double)k;
    if (run->batches)
        rt_batches_next(run->batches, run->rows);
    run->frame->draw_step = k;
    if (run->step(run->frame))
        exit(1);
}

void bench_rhs(Bench *bench) {
    RtRun *run = &bench->run.run;
    if (run->rhs(run->frame))
        exit(1);
}

void bench_close(Bench *bench) {
    execution_close(&bench->run);
    rt_host_end(bench->host);
    code_free(bench->code);
    model_free(bench->model);
    session_free(bench->session);
}
