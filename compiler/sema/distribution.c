/* distribution — `y[j] ~ normal(mu, sigma)`: −log density, summed over the indices on the left, as a part of
 * the potential. Needs: the table distributions.def. Gives: one term per statement; arguments are checked for
 * number, shape and, where they are constants, domain. */
#include "distribution.h"

#define SQ(term) square(p, term)
#define LOG_PI 1.1447298858494001741

static IrTerm square(IrProgram *p, IrTerm t) { return ir_mul(p, t, t); }

static IrTerm log_uniform(IrProgram *p, IrTerm x, IrTerm a, IrTerm b) {
    IrTerm inside = F2(AND, F2(LE, a, x), F2(LE, x, b));
    return F3(SELECT, inside, NEG(F1(LOG, SUB(b, a))), C(-INFINITY));
}

/* log I₀(κ) = logsumexp over θ of κ cos θ − log M on M equal angles: the trapezoidal rule of
 * I₀(κ) = (1/2π) ∫ e^(κ cos θ) dθ, whose error is 2 I_M(κ). */
static IrTerm log_bessel_i0(IrProgram *p, IrTerm k) {
    enum { M = 256 };
    IrIdx i = ir_fresh(p, M, 0);
    IrTerm angle = MUL(C(2 * M_PI / M), ir_to_real(p, ir_idx(p, i)));
    return SUB(ir_reduce(p, IR_LOGSUMEXP, i, 0, MUL(k, F1(COS, angle))), C(log(M)));
}

static IrTerm log_bernoulli(IrProgram *p, IrTerm x, IrTerm a) {
    return F3(SELECT, F2(LT, C(0.5), x), F1(LOG, a), F1(LOG1P, NEG(a)));
}

static IrTerm log_neg_binomial(IrProgram *p, IrTerm x, IrTerm mean, IrTerm phi) {
    IrTerm total = F1(LOG, ADD(mean, phi));
    IrTerm choose = SUB(SUB(F1(LGAMMA, ADD(x, phi)), F1(LGAMMA, phi)), F1(LGAMMA, ADD(x, C(1))));
    IrTerm success = MUL(x, SUB(F1(LOG, mean), total)), failure = MUL(phi, SUB(F1(LOG, phi), total));
    return ADD(choose, ADD(success, failure));
}

/* ---- the table ---- */

typedef enum ValueKind { KIND_REAL, KIND_INT } ValueKind;
typedef struct Distribution {
    const char *name;
    ValueKind kind;
    uint8_t rank;
    const char *args;
    IrTerm (*scalar)(IrProgram *p, IrTerm x, IrTerm a, IrTerm b, IrTerm c);
    DensityFn tensor;
} Distribution;

#define SCALAR(name, kind, args, term)                                                                       \
    static IrTerm density_##name##_of(IrProgram *p, IrTerm x, IrTerm a, IrTerm b, IrTerm c) {                \
        (void)a, (void)b, (void)c;                                                                           \
        return term;                                                                                         \
    }
#define TENSOR(...)
#include "distributions.def"
#undef SCALAR
#undef TENSOR

static const Distribution table[] = {
#define SCALAR(name, kind, args, term) {#name, KIND_##kind, 0, args, density_##name##_of, NULL},
#define TENSOR(name, kind, rank, args, fn) {#name, KIND_##kind, rank, args, NULL, fn},
#include "distributions.def"
#undef SCALAR
#undef TENSOR
};
#define N_TABLE (sizeof table / sizeof *table)

static const Distribution *find(const char *name) {
    for (size_t k = 0; k < N_TABLE; k++)
        if (!strcmp(table[k].name, name)) return &table[k];
    return NULL;
}

/* One argument of the list in the table: "scale>0", "mean[]", "probability01". */
typedef struct ArgSpec {
    char name[32];
    uint8_t rank;
    bool positive, unit;
    bool optional; /* the first argument only: 0 when it is left out */
} ArgSpec;

static uint32_t parse_args(const char *text, ArgSpec *spec) {
    uint32_t n = 0;
    while (*text) {
        ArgSpec *arg = &spec[n++];
        *arg = (ArgSpec){0};
        size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz");
        memcpy(arg->name, text, length);
        text += length;
        if (!strncmp(text, "[,]", 3)) arg->rank = 2, text += 3;
        if (!strncmp(text, "[]", 2)) arg->rank = 1, text += 2;
        if (!strncmp(text, ">0", 2)) arg->positive = true, text += 2;
        if (!strncmp(text, "=0", 2)) arg->optional = true, text += 2;
        if (!strncmp(text, "01", 2)) arg->unit = true, text += 2;
        text += strspn(text, ", ");
    }
    return n;
}

/* ---- arguments ---- */

static bool check_domain(Density *d, const ArgSpec *spec, uint32_t k) {
    double value;
    if (d->arg[k].rank || !ir_is_const(d->s->ir, d->arg[k].body, &value)) return true;
    if (spec->positive && !(value > 0)) {
        sema_error(d->s, DIAG_DISTRIBUTION_ARG, d->arg_span[k], "the %s of `%s` is positive, and this is %g",
                   spec->name, d->name, value);
        return false;
    }
    if (spec->unit && !(value > 0 && value < 1)) {
        sema_error(d->s, DIAG_DISTRIBUTION_ARG, d->arg_span[k],
                   "the %s of `%s` lies between 0 and 1, and this is %g", spec->name, d->name, value);
        return false;
    }
    return true;
}

bool distribution_exists(const char *name) { return find(name) != NULL; }

bool distribution_names_fit(Sema *s, const char *name, const Expr *call) {
    ArgSpec spec[MAX_DIST_ARGS];
    const Distribution *dist = find(name);
    uint32_t want = dist ? parse_args(dist->args, spec) : 0, n = call->call.args.n;
    uint32_t skip = want && spec[0].optional && n + 1 == want;
    for (uint32_t k = 0; k < n && k + skip < want; k++) {
        const Arg *arg = &call->call.args.at[k];
        if (!arg->name || !strcmp(name_ascii(s->session->names, arg->name), spec[k + skip].name)) continue;
        Diag *e = sema_error(s, DIAG_DISTRIBUTION_ARG, arg->span, "this argument of `%s` is its %s, not `%s`", name,
                             spec[k + skip].name, sema_name(s, arg->name));
        Buf form = {0};
        for (uint32_t a = 0; a < want; a++) buf_printf(&form, "%s%s", a ? ", " : "", spec[a].name);
        sema_help(s, e, "the arguments go by their places: `%s(%s)`", name, form.at);
        buf_free(&form);
        return false;
    }
    return true;
}

static bool lower_args(Density *d, const Distribution *dist, const Expr *call) {
    ArgSpec spec[MAX_DIST_ARGS];
    uint32_t want = parse_args(dist->args, spec), n = call->call.args.n;
    uint32_t skip = want && spec[0].optional && n + 1 == want;
    if (n + skip != want) {
        Diag *e =
            sema_error(d->s, DIAG_DISTRIBUTION_ARG, call->span, "`%s` takes %u argument%s, and %u %s given",
                       d->name, want, want == 1 ? "" : "s", n, n == 1 ? "is" : "are");
        Buf form = {0};
        for (uint32_t k = 0; k < want; k++) buf_printf(&form, "%s%s", k ? ", " : "", spec[k].name);
        sema_help(d->s, e, "write `%s(%s)`", d->name, form.at);
        buf_free(&form);
        return false;
    }
    bool ok = distribution_names_fit(d->s, d->name, call);
    if (skip) d->arg[0] = val_real(d->s, 0);
    for (uint32_t k = 0; k < n; k++) {
        const Expr *e = call->call.args.at[k].value;
        d->arg_span[k + skip] = e->span;
        d->arg[k + skip] = sema_real_expr(d->s, d->scope, e);
        const Val *v = &d->arg[k + skip];
        if (!val_ok(v)) {
            ok = false;
        } else if (dist->tensor && v->rank == 0 && spec[k + skip].rank == 1 && d->x.rank == 1) {
            d->arg[k + skip].rank = 1; /* one number for all elements */
            d->arg[k + skip].axis[0] = d->x.axis[0];
        } else if (dist->tensor && v->rank != spec[k + skip].rank) {
            static const char *const shapes[] = {"a number", "a vector", "a matrix"};
            sema_error(d->s, DIAG_DISTRIBUTION_ARG, e->span, "the %s of `%s` is %s, and this is %s",
                       spec[k + skip].name, d->name, shapes[spec[k + skip].rank], sema_shape_text(d->s, v));
            ok = false;
        } else {
            ok = check_domain(d, &spec[k + skip], k + skip) && ok;
        }
    }
    return ok;
}

static bool lower_value(Density *d, const Distribution *dist, const Expr *lhs) {
    Sema *s = d->s;
    d->x = sema_expr(s, d->scope, lhs);
    d->x_span = lhs->span;
    if (d->x.kind == VAL_POISON) return false;
    if (!val_ok(&d->x)) {
        sema_error(s, DIAG_TYPE, lhs->span, "a number has a distribution, and this is %s",
                   sema_shape_text(s, &d->x));
        return false;
    }
    if (dist->tensor && d->x.rank != dist->rank) {
        static const char *const shapes[] = {"integers, one at a time", "a vector", "a matrix"};
        Diag *e = sema_error(s, DIAG_SHAPE, lhs->span, "`%s` is a distribution of %s, and this is %s",
                             d->name, shapes[dist->rank], sema_shape_text(s, &d->x));
        if (d->x.rank > dist->rank)
            sema_help(s, e, "name the index that runs over the samples: `y[n] ~ …` or `y[n, :] ~ …`");
        return false;
    }
    IrType type = val_type(s, &d->x);
    if (dist->kind == KIND_INT && type == IR_REAL) {
        Diag *e = sema_error(s, DIAG_TYPE, lhs->span,
                             "`%s` is a distribution of integers, and this is a real number", d->name);
        sema_help(s, e, "declare the data as int");
        return false;
    }
    if (type == IR_BOOL) d->x.body = ir_select(s->ir, d->x.body, ir_int(s->ir, 1), ir_int(s->ir, 0));
    if (!dist->tensor || dist->kind == KIND_REAL) d->x = val_to_real(s, d->x);
    return true;
}

/* ---- densities of numbers, over whole tensors too ---- */

static Val scalar_density(Density *d, const Distribution *dist, uint32_t n_args) {
    Sema *s = d->s;
    Val shape = d->x;
    IrTerm arg[MAX_DIST_ARGS] = {0};
    for (uint32_t k = 0; k < n_args; k++) {
        const Val *v = &d->arg[k];
        if (v->rank && shape.rank && !val_same_shape(s, &shape, v)) {
            Diag *e = sema_error(s, DIAG_SHAPE, d->arg_span[k],
                                 "this argument is %s, and what is distributed is %s", sema_shape_text(s, v),
                                 sema_shape_text(s, &shape));
            sema_note(s, e, d->x_span, "%s", sema_shape_text(s, &shape));
            return val_poison();
        }
        if (v->rank && !shape.rank) {
            sema_error(s, DIAG_SHAPE, d->arg_span[k],
                       "this argument is %s, and what is distributed is a number", sema_shape_text(s, v));
            return val_poison();
        }
        arg[k] = v->rank ? val_aligned(s, &shape, v) : v->body;
    }
    shape.body = dist->scalar(s->ir, shape.body, arg[0], arg[1], arg[2]);
    return shape;
}

static Val density(Density *d, const Distribution *dist, const Expr *lhs, const Expr *call) {
    bool ok = lower_value(d, dist, lhs);
    ArgSpec spec[MAX_DIST_ARGS];
    if (!lower_args(d, dist, call) || !ok) return val_poison();
    return dist->tensor ? dist->tensor(d) : scalar_density(d, dist, parse_args(dist->args, spec));
}

/* ---- the statement ---- */

static IrTerm unknown(Sema *s, const Expr *call, const char *name) {
    const char *names[N_TABLE];
    for (size_t k = 0; k < N_TABLE; k++) names[k] = table[k].name;
    Diag *d = sema_error(s, DIAG_DISTRIBUTION, call->span, "unknown distribution `%s`", name);
    const char *near = diag_nearest(name, names, N_TABLE);
    if (near) sema_help(s, d, "did you mean `%s`?", near);
    return 0;
}

IrTerm sema_tilde(Sema *s, Scope *scope, const Stmt *st) {
    const Expr *lhs = st->tilde.lhs, *call = st->tilde.dist;
    if (lhs->kind == EXPR_ERROR || call->kind != EXPR_CALL) return 0;
    const char *name = name_ascii(s->session->names, call->call.callee->name.name);
    const Distribution *dist = find(name);
    if (!dist) return unknown(s, call, name);
    IndexOpen b = {0};
    index_open(s, scope, lhs, &b);
    IndexVar vars[IR_MAX_RANK];
    IrIdx idx[IR_MAX_RANK];
    const Expr *roots[2] = {lhs, call};
    index_vars(s, scope, b.at, b.n, vars);
    if (b.n && !index_infer(s, scope, vars, b.n, roots, 2)) return 0;
    Density d = {.s = s, .scope = scope_new(s, SCOPE_LOCAL, scope), .st = st, .name = name};
    for (uint32_t k = 0; k < b.n; k++) idx[k] = index_enter(s, d.scope, &vars[k]);
    Val v = density(&d, dist, lhs, call);
    index_leave(s, b.n);
    if (!val_ok(&v)) return 0;
    IrTerm total = v.body;
    for (uint32_t k = v.rank; k-- > 0;) total = ir_reduce(s->ir, IR_SUM, v.axis[k].idx, 0, total);
    for (uint32_t k = b.n; k-- > 0;) total = ir_reduce(s->ir, IR_SUM, idx[k], 0, total);
    return ir_neg(s->ir, total);
}
