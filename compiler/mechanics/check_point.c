/* check_point — where the checks look: random points near the start, random directions, and what terms do along them.
 *
 * needs: a Check      gives: numbers of the reference evaluator      changes: the evaluator's inputs */
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Step of a difference, relative to the present scale. At scale 1 the truncation is 1e-11 and the rounding 1e-13 for functions
 * that change over lengths of order 1. */
static const double nudge = 2e-3;

double check_uniform(Check *c) { /* splitmix64 */
    uint64_t z = c->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

static double symmetric(Check *c) { return 2 * check_uniform(c) - 1; }

double check_draw(void *context, IrDrawKind kind, uint32_t site, int64_t position) {
    (void)site;
    (void)position;
    Check *c = context;
    double u = check_uniform(c);
    return kind == IR_DRAW_UNIFORM ? u : sqrt(-2 * log(u + 1e-300)) * cos(6.283185307179586 * check_uniform(c));
}

double *check_values(Check *c, IrDef d) {
    uint64_t n = ir_size(c->p, d);
    double *x = base_calloc(n ? n : 1, sizeof *x);
    const double *known = ir_eval_def(c->env, d);
    if (known)
        memcpy(x, known, n * sizeof *x);
    else
        c->complete = false;
    return x;
}

static const SemaData *find_data(const Check *c, IrDef d) {
    for (uint32_t i = 0; i < c->m->model->n_data; i++) {
        if (c->m->model->data[i].def == d)
            return &c->m->model->data[i];
    }
    return NULL;
}

/* Data stand for themselves by numbers of their kind: subscripts within their limit, bytes, rows of the
 * batch. */
static double data_value(Check *c, const IrDefInfo *info, const SemaData *data) {
    uint64_t limit = data && data->limit         ? data->limit
                   : info->role == IR_ROLE_BATCH ? c->m->run->batch_of
                   : info->elem == IR_U8         ? 256
                                                 : 2;
    if (info->elem == IR_F64 || info->elem == IR_F32)
        return data && data->limit ? floor(check_uniform(c) * (double)limit) : symmetric(c);
    return floor(check_uniform(c) * (double)(limit ? limit : 1));
}

static double state_value(Check *c, const IrDefInfo *info) {
    return info->role == IR_ROLE_STEP ? 1 + floor(9 * check_uniform(c))
         : info->role == IR_ROLE_TIME ? 0.5 + 2 * check_uniform(c)
                                      : 0.2 + check_uniform(c);
}

static void set_input(Check *c, IrDef d) {
    IrDefInfo info = *ir_def(c->p, d);
    uint64_t n = ir_size(c->p, d);
    double *x = base_calloc(n ? n : 1, sizeof *x);
    const SemaData *data = find_data(c, d);
    bool is_data = info.role == IR_ROLE_DATA || info.role == IR_ROLE_BATCH;
    for (uint64_t i = 0; i < n; i++)
        x[i] = is_data                                                        ? data_value(c, &info, data)
             : info.role == IR_ROLE_MOMENTUM || info.role == IR_ROLE_VELOCITY ? symmetric(c)
                                                                              : state_value(c, &info);
    ir_env_set(c->env, d, x);
    free(x);
}

static void set_inputs(Check *c) {
    const SemaRun *run = c->m->run;
    for (IrDef d = 1; d <= ir_def_count(c->p); d++) {
        const IrDefInfo *info = ir_def(c->p, d);
        if (info->kind == IR_DEF_INPUT && info->role != IR_ROLE_OUTPUT && info->role != IR_ROLE_HYPER)
            set_input(c, d);
    }
    for (uint32_t i = 0; i < run->n_hypers; i++)
        ir_env_set(c->env, run->hypers[i].def, &run->hypers[i].value);
}

void check_move(Check *c, IrDef d, double scale, const double *w) {
    uint64_t n = ir_size(c->p, d);
    double *x = check_values(c, d);
    for (uint64_t i = 0; i < n; i++)
        x[i] += w ? scale * w[i] : scale * symmetric(c) * (1 + fabs(x[i]));
    ir_env_set(c->env, d, x);
    free(x);
}

bool check_set_point(Check *c) {
    set_inputs(c);
    if (!mech_apply(c->p, c->env, &c->m->out->init))
        return false;
    for (uint32_t a = 0; a < c->m->n; a++) {
        const MechBody *b = &c->m->bodies[a];
        check_move(c, b->q, 0.1, NULL);
        if (!c->m->out->first_order)
            check_move(c, c->m->stores_p ? b->p : b->v, 0.5, NULL);
    }
    for (uint32_t i = 0; i < c->m->run->n_states; i++)
        set_input(c, c->m->run->states[i].s);
    if (c->m->mixed && c->m->mixed->n_algebraic) /* a random point does not satisfy the conditions */
        return mech_apply(c->p, c->env, &c->m->out->hold->project);
    return true;
}

Direction check_direction(Check *c) {
    Direction d = {base_calloc(c->m->n, sizeof *d.w)};
    for (uint32_t a = 0; a < c->m->n; a++) {
        uint64_t n = c->m->bodies[a].size;
        d.w[a] = base_calloc(n ? n : 1, sizeof **d.w);
        for (uint64_t i = 0; i < n; i++)
            d.w[a][i] = symmetric(c) / sqrt((double)n);
    }
    return d;
}

void check_free_direction(Check *c, Direction d) {
    for (uint32_t a = 0; a < c->m->n; a++)
        free(d.w[a]);
    free(d.w);
}

IrDef check_variable(const MechBody *b, Along along) {
    return along == ALONG_Q ? b->q : along == ALONG_V ? b->v : b->p;
}

static void shift(Check *c, Along along, const Direction *d, double scale) {
    for (uint32_t a = 0; a < c->m->n; a++)
        check_move(c, check_variable(&c->m->bodies[a], along), scale, d->w[a]);
}

double check_evaluate(Check *c, IrTerm scalar) {
    bool ok = true;
    double value = scalar ? ir_eval(c->env, scalar, NULL, &ok) : 0;
    c->complete = c->complete && ok;
    return value;
}

double check_slope(Check *c, IrTerm scalar, Along along, const Direction *d) {
    if (!scalar)
        return 0;
    static const double at[4] = {1, -1, 2, -2}, weight[4] = {8, -8, -1, 1};
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        shift(c, along, d, at[k] * nudge * c->scale);
        sum += weight[k] * check_evaluate(c, scalar);
        shift(c, along, d, -at[k] * nudge * c->scale);
    }
    return sum / (12 * nudge * c->scale);
}

double check_project(Check *c, IrTerm (*get)(const MechBody *), const Direction *d) {
    Mech *m = (Mech *)(uintptr_t)c->m;
    double sum = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm t = get(b);
        if (!t)
            continue;
        double *x = check_values(c, mech_define(m, NULL, IR_F64, b->rank, b->extent, t));
        for (uint64_t i = 0; i < b->size; i++)
            sum += x[i] * d->w[a][i];
        free(x);
    }
    return sum;
}
