/* draw — fresh noise: uniform and normal come from the counter-based generator, the other distributions by
 * inversion or transformation of those. The position of a draw counts the elements of the context, so that
 * every element has noise of its own; the site is the place in the program as inlined. */
#include "internal.h"

static IrTerm position(Sema *s, const Val *shape) {
    IrTerm at = ir_int(s->ir, 0);
    for (uint32_t k = s->active_base; k < s->active.n; k++) {
        IrIdx i = s->active.at[k];
        at = ir_add(s->ir, ir_mul(s->ir, at, ir_int(s->ir, (int64_t)ir_index(s->ir, i)->extent)),
                    ir_idx(s->ir, i));
    }
    for (uint32_t k = 0; k < shape->rank; k++) {
        IrIdx i = shape->axis[k].idx;
        at = ir_add(s->ir, ir_mul(s->ir, at, ir_int(s->ir, (int64_t)ir_index(s->ir, i)->extent)),
                    ir_idx(s->ir, i));
    }
    return at;
}

/* The number of this place as inlined: the draw and the chain of calls that led to it. The same place has the
 * same number whenever it is elaborated again. */
static uint32_t site_of(Sema *s, const Expr *e) {
    uint64_t key = (uint64_t)(uintptr_t)e * 0x9E3779B97F4A7C15u;
    for (const CallFrame *at = s->call; at; at = at->up)
        key = (key ^ (key >> 29) ^ ((uint64_t)at->span.file << 48) ^ ((uint64_t)at->span.start << 20) ^
               at->span.end) *
              0xBF58476D1CE4E5B9u;
    for (uint32_t k = 0; k < s->sites.n; k++)
        if (s->sites.at[k] == key) return k + 1;
    vec_push(&s->sites, key);
    return s->sites.n;
}

typedef struct Noise {
    Sema *s;
    const Val *shape;
    const Expr *at;
} Noise;

static IrTerm uniform01(const Noise *n) {
    return ir_draw(n->s->ir, IR_DRAW_UNIFORM, site_of(n->s, n->at), position(n->s, n->shape));
}
static IrTerm normal01(const Noise *n) {
    return ir_draw(n->s->ir, IR_DRAW_NORMAL, site_of(n->s, n->at), position(n->s, n->shape));
}

/* −log(1 − u): a standard exponential. */
static IrTerm exponential01(const Noise *n) {
    IrProgram *p = n->s->ir;
    return ir_neg(p, ir_op1(p, IR_LOG1P, ir_neg(p, uniform01(n))));
}

typedef struct DrawKind {
    const char *name;
    uint8_t n_args;
    IrTerm (*make)(const Noise *, const IrTerm *);
    bool optional; /* the first argument is 0 when it is left out */
} DrawKind;

static IrTerm affine(const Noise *n, IrTerm at, IrTerm scale, IrTerm noise) {
    return ir_add(n->s->ir, at, ir_mul(n->s->ir, scale, noise));
}

static IrTerm draw_uniform(const Noise *n, const IrTerm *a) {
    return affine(n, a[0], ir_sub(n->s->ir, a[1], a[0]), uniform01(n));
}
static IrTerm draw_normal(const Noise *n, const IrTerm *a) { return affine(n, a[0], a[1], normal01(n)); }
static IrTerm draw_lognormal(const Noise *n, const IrTerm *a) {
    return ir_op1(n->s->ir, IR_EXP, affine(n, a[0], a[1], normal01(n)));
}
static IrTerm draw_half_normal(const Noise *n, const IrTerm *a) {
    return ir_mul(n->s->ir, a[0], ir_op1(n->s->ir, IR_ABS, normal01(n)));
}
static IrTerm draw_exponential(const Noise *n, const IrTerm *a) {
    return ir_div(n->s->ir, exponential01(n), a[0]);
}
/* tan(π(u − ½)) */
static IrTerm cauchy01(const Noise *n) {
    IrProgram *p = n->s->ir;
    IrTerm centred = ir_sub(p, uniform01(n), ir_real(p, 0.5));
    return ir_op1(p, IR_TAN, ir_mul(p, ir_real(p, M_PI), centred));
}
static IrTerm draw_cauchy(const Noise *n, const IrTerm *a) { return affine(n, a[0], a[1], cauchy01(n)); }
static IrTerm draw_half_cauchy(const Noise *n, const IrTerm *a) {
    return affine(n, a[0], a[1], ir_op1(n->s->ir, IR_ABS, cauchy01(n)));
}
/* −sign(w) log(1 − 2|w|), w uniform in (−½, ½) */
static IrTerm draw_laplace(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    IrTerm w = ir_sub(p, uniform01(n), ir_real(p, 0.5));
    IrTerm size = ir_op1(p, IR_LOG1P, ir_mul(p, ir_real(p, -2), ir_op1(p, IR_ABS, w)));
    return affine(n, a[0], a[1], ir_neg(p, ir_mul(p, ir_op1(p, IR_SIGN, w), size)));
}
static IrTerm draw_logistic(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    IrTerm u = uniform01(n);
    return affine(n, a[0], a[1], ir_sub(p, ir_op1(p, IR_LOG, u), ir_op1(p, IR_LOG1P, ir_neg(p, u))));
}
static IrTerm draw_gumbel(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    return affine(n, a[0], a[1], ir_neg(p, ir_op1(p, IR_LOG, exponential01(n))));
}
static IrTerm draw_weibull(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    return ir_mul(p, a[1], ir_pow(p, exponential01(n), ir_div(p, ir_real(p, 1), a[0])));
}
static IrTerm draw_pareto(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    return ir_mul(p, a[0], ir_op1(p, IR_EXP, ir_div(p, exponential01(n), a[1])));
}
static IrTerm draw_bernoulli(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    return ir_select(p, ir_op2(p, IR_LT, uniform01(n), a[0]), ir_int(p, 1), ir_int(p, 0));
}
static IrTerm draw_bernoulli_logit(const Noise *n, const IrTerm *a) {
    IrTerm probability = ir_op1(n->s->ir, IR_SIGMOID, a[0]);
    return draw_bernoulli(n, &probability);
}
static IrTerm draw_spin(const Noise *n, const IrTerm *a) {
    IrProgram *p = n->s->ir;
    (void)a;
    return ir_select(p, ir_op2(p, IR_LT, uniform01(n), ir_real(p, 0.5)), ir_int(p, -1), ir_int(p, 1));
}

static const DrawKind kinds[] = {
    {"uniform", 2, draw_uniform, false},
    {"normal", 2, draw_normal, false},
    {"lognormal", 2, draw_lognormal, false},
    {"half_normal", 1, draw_half_normal, false},
    {"exponential", 1, draw_exponential, false},
    {"cauchy", 2, draw_cauchy, false},
    {"half_cauchy", 2, draw_half_cauchy, .optional = true},
    {"laplace", 2, draw_laplace, false},
    {"logistic", 2, draw_logistic, false},
    {"gumbel", 2, draw_gumbel, false},
    {"weibull", 2, draw_weibull, false},
    {"pareto", 2, draw_pareto, false},
    {"bernoulli", 1, draw_bernoulli, false},
    {"bernoulli_logit", 1, draw_bernoulli_logit, false},
    {"spin", 0, draw_spin, false},
};
#define N_KINDS (sizeof kinds / sizeof *kinds)

static Val unknown(Sema *s, const Expr *call, const char *name) {
    const char *names[N_KINDS];
    for (size_t k = 0; k < N_KINDS; k++) names[k] = kinds[k].name;
    Diag *d = sema_error(s, DIAG_DISTRIBUTION, call->span, "nothing can be drawn from `%s`", name);
    const char *near = diag_nearest(name, names, N_KINDS);
    if (near) sema_help(s, d, "did you mean `%s`?", near);
    return val_poison();
}

/* A point on the unit sphere of n dimensions: n normal numbers over their length. */
static Val draw_sphere(Sema *s, Scope *scope, const Expr *e) {
    const Expr *call = e->draw.dist;
    int64_t n;
    if (call->call.args.n != 1) {
        sema_error(s, DIAG_DISTRIBUTION_ARG, call->span, "`uniform_sphere` takes the number of dimensions");
        return val_poison();
    }
    if (!sema_const_int(s, scope, call->call.args.at[0].value, &n, "a number of dimensions"))
        return val_poison();
    if (n < 1) {
        sema_error(s, DIAG_EXTENT, call->span, "a sphere has at least one dimension, and this is %lld",
                   (long long)n);
        return val_poison();
    }
    Val v = {.kind = VAL_TENSOR, .rank = 1};
    v.axis[0] = (Axis){.idx = ir_fresh(s->ir, (uint64_t)n, 0), .full = (uint64_t)n};
    Noise noise = {s, &v, e};
    v.body = normal01(&noise);
    v = val_define(s, v, 0, e->span, scope);
    if (!val_ok(&v)) return v;
    Val square = val_fresh_axes(s, &v);
    square.body = ir_mul(s->ir, square.body, square.body);
    square = val_define(s, sema_reduce_whole(s, REDUCE_SUM, square, e->span), 0, e->span, scope);
    if (val_ok(&square)) v.body = ir_div(s->ir, v.body, ir_op1(s->ir, IR_SQRT, square.body));
    return v;
}

Val sema_draw(Sema *s, Scope *scope, const Expr *e) {
    const Expr *call = e->draw.dist;
    if (!call || call->kind != EXPR_CALL) return val_poison();
    if (call->call.callee->name.name == name_of(s->session->names, "uniform_sphere"))
        return draw_sphere(s, scope, e);
    const char *name = name_ascii(s->session->names, call->call.callee->name.name);
    const DrawKind *kind = NULL;
    for (size_t k = 0; k < N_KINDS && !kind; k++)
        if (!strcmp(kinds[k].name, name)) kind = &kinds[k];
    if (!kind) return unknown(s, call, name);
    uint32_t n = call->call.args.n;
    /* `normal(0, 1)` and `uniform(0, 1)` may leave their arguments out. */
    bool no_location = kind->optional && n + 1 == kind->n_args;
    if (n != kind->n_args && !(n == 0 && kind->n_args == 2) && !no_location) {
        sema_error(s, DIAG_DISTRIBUTION_ARG, call->span, "`%s` takes %u argument%s, and %u %s given", name,
                   kind->n_args, kind->n_args == 1 ? "" : "s", n, n == 1 ? "is" : "are");
        return val_poison();
    }
    if (!distribution_names_fit(s, name, call)) return val_poison();
    IrTerm args[2] = {ir_real(s->ir, 0), ir_real(s->ir, 1)};
    Val shape = {.kind = VAL_TENSOR}, vals[2];
    for (uint32_t k = 0; k < n; k++) {
        vals[k] = sema_real_expr(s, scope, call->call.args.at[k].value);
        if (!val_ok(&vals[k])) return val_poison();
        if (shape.rank && vals[k].rank && !val_same_shape(s, &shape, &vals[k])) {
            sema_error(s, DIAG_SHAPE, call->span, "the arguments of `%s` are %s and %s", name,
                       sema_shape_text(s, &shape), sema_shape_text(s, &vals[k]));
            return val_poison();
        }
        if (!shape.rank) shape = vals[k];
    }
    for (uint32_t k = 0; k < n; k++)
        args[k + no_location] = vals[k].rank ? val_aligned(s, &shape, &vals[k]) : vals[k].body;
    Noise noise = {s, &shape, e};
    shape.body = kind->make(&noise, args);
    return shape;
}
