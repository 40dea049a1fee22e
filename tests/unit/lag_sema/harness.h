/* harness — a program lowered in memory and its quantities computed by the reference evaluator. */
#ifndef TEST_SEMA_HARNESS_H
#define TEST_SEMA_HARNESS_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sema/sema.h"

typedef struct Lowered {
    Session *session;
    Model *model;
    IrEnv *env;
} Lowered;

/* Noise for tests: a well mixed function of site and position; normal numbers by Box and Muller. */
static inline double test_uniform(uint64_t key) {
    key += 0x9E3779B97F4A7C15u;
    key = (key ^ (key >> 30)) * 0xBF58476D1CE4E5B9u;
    key = (key ^ (key >> 27)) * 0x94D049BB133111EBu;
    return ((double)((key ^ (key >> 31)) >> 11) + 0.5) * 0x1p-53;
}

static inline double test_draw(void *context, IrDrawKind kind, uint32_t site, int64_t position) {
    (void)context;
    uint64_t key = ((uint64_t)site << 40) + (uint64_t)position;
    double u = test_uniform(key);
    if (kind == IR_DRAW_UNIFORM) return u;
    return sqrt(-2 * log(u)) * cos(2 * M_PI * test_uniform(~key));
}

/* Elements of a term over AXIS indices of the given shape, row-major. */
static inline double *elements(Lowered *l, IrTerm t, IrDef like) {
    IrDefInfo info = *ir_def(l->model->ir, like);
    uint64_t n = ir_size(l->model->ir, like);
    double *out = calloc(n + 1, sizeof *out);
    for (uint64_t e = 0; e < n && t; e++) {
        int64_t at[IR_MAX_RANK] = {0};
        uint64_t rest = e;
        for (uint32_t k = info.rank; k-- > 0; rest /= info.extent[k])
            at[k] = (int64_t)(rest % info.extent[k]);
        bool ok;
        out[e] = ir_eval(l->env, t, at, &ok);
        assert_true(ok);
    }
    return out;
}

static inline void set_from(Lowered *l, IrDef d, IrTerm t) {
    double *values = elements(l, t, d);
    ir_env_set(l->env, d, values);
    free(values);
}

/* Sets hyper-parameters, time 0, step 1, coordinates and velocities to their start, of the first run. */
static inline void set_start(Lowered *l) {
    SemaRun *run = &l->model->runs[0];
    double zero = 0, one = 1;
    ir_env_set(l->env, run->time, &zero);
    ir_env_set(l->env, run->step, &one);
    for (uint32_t k = 0; k < run->n_hypers; k++)
        ir_env_set(l->env, run->hypers[k].def, &run->hypers[k].value);
    for (uint32_t k = 0; k < run->n_states; k++) set_from(l, run->states[k].s, run->states[k].start);
    for (uint32_t k = 0; k < run->n_vars; k++) {
        if (run->block) continue;
        set_from(l, run->vars[k].q, run->vars[k].init);
        if (run->vars[k].v) set_from(l, run->vars[k].v, run->vars[k].init_v);
    }
    for (uint32_t k = 0; run->block && k < run->n_bodies; k++) {
        uint64_t n = ir_size(l->model->ir, run->bodies[k].q), at = 0;
        double *q = calloc(n, sizeof *q), *v = calloc(n, sizeof *v);
        for (uint32_t i = 0; i < run->n_vars; i++) {
            double *init = elements(l, run->vars[i].init, run->vars[i].q);
            uint64_t size = ir_size(l->model->ir, run->vars[i].q);
            memcpy(q + at, init, size * sizeof *q);
            at += size;
            free(init);
        }
        ir_env_set(l->env, run->bodies[k].q, q);
        ir_env_set(l->env, run->bodies[k].v, v);
        free(q);
        free(v);
    }
}

/* Lowers a program; without errors when `clean`. */
static inline Lowered lower_with(const char *text, const SemaOptions *options, bool clean) {
    Lowered l = {.session = session_new()};
    File *file = ast_parse(l.session, source_add(l.session, "test.lag", text, strlen(text)));
    l.model = sema_analyze(l.session, file, options);
    if (clean && diag_error_count(l.session)) {
        diag_print_all(l.session, stderr, false, false);
        fail_msg("unexpected errors in: %s", text);
    }
    Buf why = {0};
    if (!ir_check(l.model->ir, &why)) fail_msg("%s", why.at);
    buf_free(&why);
    l.env = ir_env_new(l.model->ir);
    ir_env_set_draw(l.env, test_draw, NULL);
    if (clean && l.model->n_runs) set_start(&l);
    return l;
}

static inline Lowered lower(const char *text) { return lower_with(text, NULL, true); }

static inline void release(Lowered *l) {
    ir_env_free(l->env);
    model_free(l->model);
    session_free(l->session);
}

/* The program `text`, with one coordinate of its own moving freely, and what `expression` is in it. */
static inline Lowered lower_recording(const char *text, const char *expression) {
    Buf buf = {0};
    buf_printf(&buf,
               "%s\ncoord free_ = 0\nsystem system_ { kinetic = 1/2 * free_'^2 }\n"
               "run leapfrog on system_ for 1 { record %s }\n",
               text, expression);
    Lowered l = lower(buf.at);
    buf_free(&buf);
    return l;
}

static inline const double *recorded(Lowered *l, uint32_t record) {
    const double *values = ir_eval_def(l->env, l->model->runs[0].records[record].value);
    assert_non_null(values);
    return values;
}

static inline double value_in(const char *text, const char *expression) {
    Lowered l = lower_recording(text, expression);
    double value = recorded(&l, 0)[0];
    release(&l);
    return value;
}

/* Equal within a few roundings of the largest intermediate result: 1e-12 relative, 1e-13 near zero. */
static inline void assert_near(double found, double expected, const char *what) {
    if (fabs(found - expected) <= 1e-12 * fabs(expected) + 1e-13) return;
    fail_msg("%s: %.17g instead of %.17g", what, found, expected);
}

#endif
