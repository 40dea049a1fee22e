/* rig — systems and dynamics built by hand, the way sema hands them over, for tests of mechanics alone. */
#ifndef RIG_H
#define RIG_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mechanics/mechanics.h"

enum { RIG_MOST = 8 };

typedef struct Rig {
    Session *session;
    IrProgram *p;
    Model model;
    SemaRun run;
    SemaVar vars[RIG_MOST];
    SemaBody bodies[RIG_MOST];
    SemaState states[RIG_MOST];
    SemaHyper hypers[RIG_MOST];
    SemaForce forces[RIG_MOST];
    SemaFlow flows[RIG_MOST];
    SemaWord words[64];
    IrDef flow_target[RIG_MOST][4];
    IrTerm flow_rate[RIG_MOST][4];
    IrEnv *env;
    MechRun *mech;
} Rig;

static __attribute__((unused)) Name rig_name(Rig *r, const char *text) {
    return name_intern_ident(r->session->names, text, strlen(text));
}

static __attribute__((unused)) Rig *rig_new(void) {
    Rig *r = calloc(1, sizeof *r);
    r->session = session_new();
    r->p = ir_new(r->session);
    r->model.ir = r->p;
    r->run = (SemaRun){.vars = r->vars,
                       .bodies = r->bodies,
                       .states = r->states,
                       .hypers = r->hypers,
                       .forces = r->forces,
                       .flows = r->flows};
    uint32_t file = source_add(r->session, "test.lag", "system s\n", 9);
    r->run.span = r->run.dynamics_span = r->run.system_span = (Span){file, 0, 6};
    r->run.dynamics = rig_name(r, "dynamics");
    r->run.system = rig_name(r, "system");
    r->run.time = ir_scalar_input(r->p, rig_name(r, "t"), IR_ROLE_TIME);
    r->run.step = ir_scalar_input(r->p, rig_name(r, "k"), IR_ROLE_STEP);
    r->run.energy = ir_scalar_input(r->p, rig_name(r, "energy"), IR_ROLE_NONE);
    return r;
}

static __attribute__((unused)) void rig_free(Rig *r) {
    ir_env_free(r->env);
    ir_free(r->p);
    session_free(r->session);
    free(r);
}

/* A coordinate with its velocity and momentum. */
static __attribute__((unused)) SemaBody *rig_coord(Rig *r, const char *name, uint32_t rank,
                                                   const uint64_t *extent) {
    uint32_t n = r->run.n_bodies++;
    r->run.n_vars++;
    Name id = rig_name(r, name);
    SemaBody *b = &r->bodies[n];
    *b = (SemaBody){.name = id, .span = r->run.system_span, .first = n, .n = 1};
    b->q = ir_input(r->p, id, IR_ROLE_COORD, IR_F64, rank, extent);
    b->v = ir_input(r->p, id, IR_ROLE_VELOCITY, IR_F64, rank, extent);
    b->p = ir_input(r->p, id, IR_ROLE_MOMENTUM, IR_F64, rank, extent);
    r->vars[n] = (SemaVar){.name = id, .span = b->span, .kind = DECL_COORD, .q = b->q, .v = b->v};
    return b;
}

static __attribute__((unused)) IrTerm rig_hyper(Rig *r, const char *name, double value) {
    Name id = rig_name(r, name);
    IrDef d = ir_scalar_input(r->p, id, IR_ROLE_HYPER);
    r->hypers[r->run.n_hypers++] = (SemaHyper){id, r->run.span, d, value};
    return ir_read0(r->p, d);
}

static __attribute__((unused)) IrTerm rig_let(Rig *r, const char *name, IrTerm value) {
    IrDef d = ir_define(r->p, rig_name(r, name), IR_F64, NULL, 0, value);
    ir_mark_flex(r->p, d);
    return ir_read0(r->p, d);
}

/* ½ Σ weight[i] x[i]² over a rank-1 definition; `weight` over axis 0, 0: 1. */
static __attribute__((unused)) IrTerm rig_half_squares(Rig *r, IrDef x, IrTerm weight) {
    IrProgram *p = r->p;
    uint64_t n = ir_def(p, x)->extent[0];
    IrIdx i = ir_fresh(p, n, rig_name(r, "i")), axis = ir_axis(p, 0, n);
    IrTerm at = ir_idx(p, i), v = ir_read(p, x, &at, 1), t = ir_mul(p, v, v);
    if (weight)
        t = ir_mul(p, ir_subst(p, weight, &axis, &at, 1), t);
    return ir_mul(p, ir_real(p, 0.5), ir_reduce(p, IR_SUM, i, 0, t));
}

static __attribute__((unused)) IrTerm rig_at(Rig *r, IrDef x, int64_t i) {
    IrTerm at = ir_int(r->p, i);
    return ir_read(r->p, x, &at, 1);
}

/* x[i] over axis 0. */
static __attribute__((unused)) IrTerm rig_axis(Rig *r, IrDef x) {
    IrTerm at = ir_idx(r->p, ir_axis(r->p, 0, ir_def(r->p, x)->extent[0]));
    return ir_read(r->p, x, &at, 1);
}

/* The word "p/2 q p/2": parts separated by blanks, `/n` or `*x` a fraction. */
static __attribute__((unused)) void rig_word(Rig *r, const char *text) {
    uint32_t n = 0;
    char copy[256];
    snprintf(copy, sizeof copy, "%s", text);
    for (char *save, *part = strtok_r(copy, " ", &save); part; part = strtok_r(NULL, " ", &save)) {
        double fraction = 1;
        char *mark = strpbrk(part, "/*");
        if (mark) {
            fraction = *mark == '/' ? 1 / strtod(mark + 1, NULL) : strtod(mark + 1, NULL);
            *mark = '\0';
        }
        r->words[n++] = (SemaWord){
            .span = r->run.dynamics_span, .part = rig_name(r, part), .fraction = fraction, .count = 1};
    }
    r->run.word = (SemaWord){.span = r->run.dynamics_span, .count = 1, .body = r->words, .n = n};
}

static __attribute__((unused)) void rig_flow(Rig *r, const char *name, IrDef target, IrTerm rate) {
    uint32_t n = r->run.n_flows++;
    r->flow_target[n][0] = target;
    r->flow_rate[n][0] = rate;
    static bool gradually[] = {false};
    r->flows[n] = (SemaFlow){.name = rig_name(r, name), .span = r->run.dynamics_span, .target = r->flow_target[n],
                             .rate = r->flow_rate[n], .at_once = gradually, .n = 1};
}

static __attribute__((unused)) bool rig_said(Rig *r, const char *code) {
    FILE *out = tmpfile();
    diag_print_all(r->session, out, false, false);
    long n = ftell(out);
    char *text = calloc(1, (size_t)n + 1);
    rewind(out);
    bool found = fread(text, 1, (size_t)n, out) == (size_t)n && strstr(text, code);
    if (!found)
        fprintf(stderr, "expected %s, said: %s\n", code, text);
    free(text);
    fclose(out);
    return found;
}

/* Derives; on failure shows what was said. */
static __attribute__((unused)) MechRun *rig_derive(Rig *r) {
    r->mech = mech_derive(r->session, &r->model, &r->run);
    if (!r->mech)
        diag_print_all(r->session, stderr, false, false);
    return r->mech;
}

/* ---- running with the reference evaluator ---- */

static __attribute__((unused)) void rig_set(Rig *r, IrDef d, const double *values) {
    ir_env_set(r->env, d, values);
}

static __attribute__((unused)) void rig_set1(Rig *r, IrDef d, double value) { ir_env_set(r->env, d, &value); }

static __attribute__((unused)) double rig_get(Rig *r, IrDef d, uint64_t i) {
    const double *x = ir_eval_def(r->env, d);
    assert_non_null(x);
    return x[i];
}

static __attribute__((unused)) void rig_start(Rig *r) {
    r->env = ir_env_new(r->p);
    for (uint32_t i = 0; i < r->run.n_hypers; i++)
        rig_set1(r, r->hypers[i].def, r->hypers[i].value);
    rig_set1(r, r->run.time, 0);
    rig_set1(r, r->run.step, 0);
    assert_true(mech_apply(r->p, r->env, &r->mech->init));
}

/* Step number k = 1, 2, …, as the runtime makes it. */
static __attribute__((unused)) void rig_step(Rig *r, uint64_t k) {
    double length = r->mech->step_size * r->mech->advance;
    rig_set1(r, r->run.time, (double)(k - 1) * length);
    rig_set1(r, r->run.step, (double)k);
    assert_true(mech_apply(r->p, r->env, &r->mech->step));
    rig_set1(r, r->run.time, (double)k * length);
}

static __attribute__((unused)) void rig_close(double a, double b, double relative, const char *what) {
    double scale = fmax(fmax(fabs(a), fabs(b)), 1e-300);
    if (!(fabs(a - b) <= relative * scale)) {
        fprintf(stderr, "%s: %.17g and %.17g differ by %.3g relative\n", what, a, b, fabs(a - b) / scale);
        fail();
    }
}

#endif
