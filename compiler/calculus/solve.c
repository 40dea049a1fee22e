/* solve — second derivatives, affine decomposition in one quantity, and the numeric check of a gradient. */
#include "calculus_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

IrDef calc_hessian(IrProgram *p, IrTerm t, IrDef x, IrDef y) {
    IrDef gradient;
    uint32_t n = ir_def(p, x)->rank, m = ir_def(p, y)->rank;
    if (n + m > IR_MAX_RANK) {
        diag_error(ir_session(p), DIAG_DERIVATIVE_RANK, ir_def(p, x)->span,
                   "a second derivative with %u and %u indices needs more than %d", n, m, IR_MAX_RANK);
        return 0;
    }
    if (!t || !calc_gradient(p, t, &x, 1, &gradient))
        return 0;
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    calc_open_axes(p, x, axes, subs);
    calc_open_axes(p, y, axes + n, subs + n);
    IrTerm second = calc_partial(p, ir_at_subs(p, gradient, subs), y, subs + n);
    return second ? ir_define(p, 0, ir_def(p, x)->elem, axes, n + m, second) : 0;
}

/* ---- affine decomposition ------------------------------------------------------------------------------ */

typedef struct Line {
    IrTerm a, b;
    bool moves;
} Line; /* a + b·x */

static bool line_of(IrProgram *p, IrTerm t, IrTerm x, Line *out);

/* a·x + b through one operation; false when it is not affine in x. */
static bool combine(IrProgram *p, const IrNode *n, const Line *in, IrTerm t, Line *out) {
    const Line *u = &in[0], *v = &in[1], *w = &in[2];
    *out = (Line){t, ir_real(p, 0), false};
    if (!u->moves && (!n->arg[1] || !v->moves) && (!n->arg[2] || !w->moves))
        return true;
    out->moves = true;
    if (n->op == IR_ADD) {
        *out = (Line){ir_add(p, u->a, v->a), ir_add(p, u->b, v->b), true};
    } else if (n->op == IR_SUB) {
        *out = (Line){ir_sub(p, u->a, v->a), ir_sub(p, u->b, v->b), true};
    } else if (n->op == IR_NEG) {
        *out = (Line){ir_neg(p, u->a), ir_neg(p, u->b), true};
    } else if (n->op == IR_MUL && !(u->moves && v->moves)) {
        const Line *moving = v->moves ? v : u, *factor = v->moves ? u : v;
        *out = (Line){ir_mul(p, moving->a, factor->a), ir_mul(p, moving->b, factor->a), true};
    } else if (n->op == IR_DIV && !v->moves) {
        *out = (Line){ir_div(p, u->a, v->a), ir_div(p, u->b, v->a), true};
    } else if (n->op == IR_SELECT && !u->moves) {
        *out = (Line){ir_select(p, u->a, v->a, w->a), ir_select(p, u->a, v->b, w->b), true};
    } else {
        return false;
    }
    return true;
}

typedef struct OccursWalk {
    IrTerm x;
    bool found;
} OccursWalk;

static bool visit_occurs(const IrProgram *p, void *context, IrTerm t) {
    OccursWalk *w = context;
    (void)p;
    w->found |= t == w->x;
    return t > w->x && !w->found;
}

/* Whether x occurs at or below t, reductions entered. */
static bool occurs(const IrProgram *p, IrTerm t, IrTerm x) {
    OccursWalk w = {x, false};
    ir_walk(p, t, visit_occurs, &w);
    return w.found;
}

/* A sum over k of a + b·x is Σa + (Σb)·x, as x does not depend on k. */
static bool line_of_sum(IrProgram *p, IrTerm t, IrTerm x, Line *out) {
    IrIdx k;
    IrTerm guard, body;
    Line inner;
    if (!occurs(p, t, x)) {
        *out = (Line){t, ir_real(p, 0), false};
        return true;
    }
    if (ir_node(p, t)->op != IR_SUM)
        return false;
    ir_open(p, t, &k, &guard, &body);
    if ((guard && occurs(p, guard, x)) || !line_of(p, body, x, &inner))
        return false;
    *out = (Line){ir_reduce(p, IR_SUM, k, guard, inner.a), ir_reduce(p, IR_SUM, k, guard, inner.b),
                  inner.moves};
    return true;
}

static bool line_of(IrProgram *p, IrTerm t, IrTerm x, Line *out) {
    IrTerms list = {0};
    bool ok = true;
    ir_list_below(p, t, &list);
    Line *lines = base_calloc(list.n, sizeof *lines);
    for (uint32_t k = 0; k < list.n && ok; k++) {
        IrTerm u = list.at[k], operands[IR_MAX_RANK];
        IrNode node = *ir_node(p, u);
        lines[k] = (Line){u, ir_real(p, 0), false};
        if (u == x) {
            lines[k] = (Line){ir_real(p, 0), ir_real(p, 1), true};
            continue;
        }
        if (ir_op_is_reduce((IrOp)node.op)) {
            ok = line_of_sum(p, u, x, &lines[k]);
            continue;
        }
        uint32_t n = ir_operands(p, u, operands);
        Line in[IR_MAX_RANK] = {{0}};
        bool moves = false;
        for (uint32_t j = 0; j < n; j++) {
            in[j] = lines[ir_position(&list, operands[j])];
            moves |= in[j].moves;
        }
        if (moves)
            ok = node.op != IR_READ && n <= 3 && combine(p, &node, in, u, &lines[k]);
    }
    if (ok)
        *out = lines[list.n - 1];
    free(lines);
    vec_free(&list);
    return ok;
}

bool calc_linear(IrProgram *p, IrTerm t, IrTerm x, IrTerm *a, IrTerm *b) {
    Line line;
    if (!t || !line_of(p, t, x, &line))
        return false;
    *a = line.a;
    *b = line.b;
    return true;
}

/* ---- numeric check ------------------------------------------------------------------------------------- */

/* Values of the root INPUT x lies in, and where in them x begins. */
typedef struct Stored {
    IrDef root;
    uint64_t first, size;
    double *at;
} Stored;

static double value_at(IrEnv *env, IrTerm t, Stored *s, uint64_t place, double v) {
    bool ok;
    double before = s->at[place];
    s->at[place] = v;
    ir_env_set(env, s->root, s->at);
    s->at[place] = before;
    return ir_eval(env, t, NULL, &ok);
}

double calc_check_gradient(IrProgram *p, IrEnv *env, IrTerm t, IrDef x, double *where) {
    IrDef gradient;
    double worst = 0, scale = 0;
    uint64_t size = ir_size(p, x), count;
    Stored s = {0};
    s.root = calc_storage(p, x, &s.first, &count);
    s.size = ir_size(p, s.root);
    const double *values = ir_eval_def(env, s.root), *g;
    if (!values || ir_def(p, s.root)->kind != IR_DEF_INPUT || !calc_gradient(p, t, &x, 1, &gradient)
        || !(g = ir_eval_def(env, gradient)))
        return NAN;
    s.at = base_calloc(s.size + 1, sizeof *s.at);
    double *slope = base_calloc(size + 1, sizeof *slope);
    memcpy(s.at, ir_eval_def(env, s.root), sizeof *s.at * s.size);
    memcpy(slope, g, sizeof *slope * size);
    for (uint64_t k = 0; k < size; k++)
        scale = fmax(scale, fabs(slope[k]));
    for (uint64_t k = 0; k < size && !isnan(worst); k++) {
        double x0 = s.at[s.first + k],
               h = 6e-6 * fmax(1, fabs(x0)); /* ε^(1/3): truncation and rounding in balance */
        double up = value_at(env, t, &s, s.first + k, x0 + h),
               down = value_at(env, t, &s, s.first + k, x0 - h);
        double numeric = (up - down) / (2 * h);
        double error = fabs(numeric - slope[k]) / fmax(fmax(fabs(numeric), scale), 1e-8);
        if (error > worst || isnan(error)) {
            worst = error;
            if (where)
                *where = (double)k;
        }
    }
    ir_env_set(env, s.root, s.at);
    free(s.at);
    free(slope);
    return worst;
}
