/* Folding keeps values: random terms through the folding constructors against the same operations on plain
 * numbers, and a table of rewrites that have to happen. */
#include "random_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#define VARS 5

typedef struct Fold {
    Session *session;
    IrProgram *p;
    IrEnv *env;
    Rng rng;
    IrDef def[VARS];
    double at[VARS];
    bool odd; /* a plain value on the way was not finite */
} Fold;

static void fold_start(Fold *f, uint64_t seed) {
    f->session = session_new();
    f->p = ir_new(f->session);
    f->env = ir_env_new(f->p);
    f->odd = false;
    f->rng = (Rng){seed};
    for (int k = 0; k < VARS; k++) {
        char text[3] = {(char)('a' + k), 0};
        f->def[k] = ir_scalar_input(f->p, name_of(f->session->names, text), IR_ROLE_HYPER);
        f->at[k] = rng_real(&f->rng, 0.3, 2);
        ir_env_set(f->env, f->def[k], &f->at[k]);
    }
}

static void fold_end(Fold *f) {
    ir_env_free(f->env);
    ir_free(f->p);
    session_free(f->session);
}

static IrTerm var(Fold *f, int k) { return ir_read0(f->p, f->def[k]); }
static IrTerm num(Fold *f, double v) { return ir_real(f->p, v); }

/* A term and the value its operations give one by one. */
typedef struct Both {
    IrTerm t;
    double v;
} Both;

static Both random_any(Fold *f, int depth);

static Both random_real(Fold *f, int depth) {
    Both b = random_any(f, depth);
    f->odd |= !isfinite(b.v);
    return b;
}

static double negative(double x) { return -x; }
static double logistic(double x) { return 1 / (1 + exp(-x)); }
static double soft(double x) { return x > 30 ? x : log1p(exp(x)); }
static double positive(double x) { return x > 0 ? x : 0; }
static double side(double x) { return (x > 0) - (x < 0); }

typedef struct One {
    IrOp op;
    double (*value)(double x);
} One;

static Both random_any(Fold *f, int depth) {
    static const One ones[16] = {
        {IR_NEG, negative},  {IR_SQRT, sqrt},   {IR_EXP, exp},          {IR_LOG, log},
        {IR_SIN, sin},       {IR_COS, cos},     {IR_TANH, tanh},        {IR_ABS, fabs},
        {IR_EXPM1, expm1},   {IR_LOG1P, log1p}, {IR_SIGMOID, logistic}, {IR_SOFTPLUS, soft},
        {IR_RELU, positive}, {IR_SIGN, side},   {IR_ATAN, atan},        {IR_ERF, erf}};
    static const double constants[] = {0, 1, -1, 2, 0.5, 3, -0.25};
    IrProgram *p = f->p;
    if (depth == 0) {
        int k = (int)rng_below(&f->rng, VARS + 2);
        double c = constants[rng_below(&f->rng, 7)];
        return k < VARS ? (Both){var(f, k), f->at[k]} : (Both){num(f, c), c};
    }
    Both a = random_real(f, depth - 1), b = random_real(f, depth - 1);
    switch (rng_below(&f->rng, 9)) {
    case 0: return (Both){ir_add(p, a.t, b.t), a.v + b.v};
    case 1: return (Both){ir_sub(p, a.t, b.t), a.v - b.v};
    case 2:
    case 3: return (Both){ir_mul(p, a.t, b.t), a.v * b.v};
    case 4:
    case 5: return (Both){ir_div(p, a.t, b.t), a.v / b.v};
    case 6: {
        static const double powers[] = {2, 3, -1, 0.5, -2, 1.5};
        double e = powers[rng_below(&f->rng, 6)];
        return (Both){ir_pow(p, a.t, num(f, e)), pow(a.v, e)};
    }
    case 7: {
        IrTerm cond = ir_op2(p, IR_LT, a.t, b.t);
        Both c = random_real(f, depth - 1);
        IrTerm zero = rng_below(&f->rng, 2) ? num(f, 0) : b.t;
        return (Both){ir_select(p, cond, c.t, zero), a.v < b.v ? c.v : zero == b.t ? b.v : 0};
    }
    default: {
        const One *one = &ones[rng_below(&f->rng, 16)];
        return (Both){ir_op1(p, one->op, a.t), one->value(a.v)};
    }
    }
}

/* Where the plain values are finite the folded one must agree. Folding may cancel what would overflow or be
 * 0/0, so a term with a plain value that is not finite says nothing. 1e-6: cancellation may lose half the
 * digits either way. */
static void real_terms_keep_their_value(void **state) {
    (void)state;
    int compared = 0;
    for (uint64_t seed = 1; seed <= 3000; seed++) {
        Fold f;
        fold_start(&f, seed);
        Both b = random_real(&f, 1 + (int)(seed % 4));
        bool ok;
        double v = ir_eval(f.env, b.t, NULL, &ok);
        assert_true(ok);
        if (!f.odd && fabs(b.v) < 1e8) {
            double error = fabs(v - b.v) / fmax(1, fabs(b.v));
            if (!(error < 1e-6)) {
                Buf out = {0};
                ir_print_term(f.p, b.t, &out);
                fail_msg("seed %llu: %s is %.17g, not %.17g", (unsigned long long)seed, out.at, v, b.v);
            }
            compared++;
        }
        fold_end(&f);
    }
    assert_true(compared > 1000);
}

typedef struct Whole {
    IrTerm t;
    int64_t v;
} Whole;

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return q - (a % b != 0 && (a < 0) != (b < 0));
}

static Whole random_int(IrProgram *p, Rng *rng, const IrIdx *idx, const int64_t *at, int depth) {
    if (depth == 0) {
        uint32_t k = rng_below(rng, 4);
        int64_t c = (int64_t)rng_below(rng, 9) - 4;
        return k < 3 ? (Whole){ir_idx(p, idx[k]), at[k]} : (Whole){ir_int(p, c), c};
    }
    Whole a = random_int(p, rng, idx, at, depth - 1), b = random_int(p, rng, idx, at, depth - 1);
    int64_t c = (int64_t)rng_below(rng, 7) - 3, m = 1 + (int64_t)rng_below(rng, 6);
    switch (rng_below(rng, 8)) {
    case 0: return (Whole){ir_add(p, a.t, b.t), a.v + b.v};
    case 1: return (Whole){ir_sub(p, a.t, b.t), a.v - b.v};
    case 2: return (Whole){ir_mul(p, a.t, ir_int(p, c)), a.v * c};
    case 3: return (Whole){ir_op2(p, IR_IDIV, a.t, ir_int(p, m)), floor_div(a.v, m)};
    case 4: return (Whole){ir_op2(p, IR_IMOD, a.t, ir_int(p, m)), a.v - m * floor_div(a.v, m)};
    case 5: return (Whole){ir_op2(p, IR_MIN, a.t, b.t), a.v < b.v ? a.v : b.v};
    case 6: return (Whole){ir_op2(p, IR_MAX, a.t, b.t), a.v > b.v ? a.v : b.v};
    default: {
        static const IrOp ops[] = {IR_EQ, IR_NE, IR_LT, IR_LE};
        IrOp op = ops[rng_below(rng, 4)];
        bool holds = op == IR_EQ   ? a.v == b.v
                     : op == IR_NE ? a.v != b.v
                     : op == IR_LT ? a.v < b.v
                                   : a.v <= b.v;
        IrTerm cond = ir_op2(p, op, a.t, b.t);
        if (rng_below(rng, 2)) {
            cond = ir_op1(p, IR_NOT, cond);
            holds = !holds;
        }
        Whole other = random_int(p, rng, idx, at, depth - 1);
        return (Whole){ir_select(p, cond, other.t, ir_int(p, c)), holds ? other.v : c};
    }
    }
}

static void int_terms_keep_their_value(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrEnv *env = ir_env_new(p);
    Rng rng = {7};
    IrIdx idx[3] = {ir_axis(p, 0, 5), ir_axis(p, 1, 7), ir_axis(p, 2, 3)};
    for (int round = 0; round < 6000; round++) {
        int64_t at[3] = {rng_below(&rng, 5), rng_below(&rng, 7), rng_below(&rng, 3)};
        Whole w = random_int(p, &rng, idx, at, 1 + round % 4);
        bool ok;
        double v = ir_eval(env, w.t, at, &ok);
        assert_true(ok);
        if (v != (double)w.v) {
            Buf out = {0};
            ir_print_term(p, w.t, &out);
            fail_msg("round %d: %s at %lld %lld %lld is %g, not %lld", round, out.at, (long long)at[0],
                     (long long)at[1], (long long)at[2], v, (long long)w.v);
        }
        int64_t lo, hi;
        if (ir_int_range(p, w.t, &lo, &hi))
            assert_true(lo <= w.v && w.v <= hi);
    }
    ir_env_free(env);
    ir_free(p);
    session_free(s);
}

/* ---- rewrites that have to happen ---------------------------------------------------------------------- */

static void same(Fold *f, IrTerm got, IrTerm want) {
    if (got == want)
        return;
    Buf a = {0}, b = {0};
    ir_print_term(f->p, got, &a);
    ir_print_term(f->p, want, &b);
    fail_msg("%s is not %s", a.at, b.at);
}

static void algebra(void **state) {
    (void)state;
    Fold f;
    fold_start(&f, 1);
    IrProgram *p = f.p;
    IrTerm x = var(&f, 0), y = var(&f, 1), z = var(&f, 2), one = num(&f, 1), two = num(&f, 2),
           three = num(&f, 3);
    same(&f, ir_add(p, x, num(&f, 0)), x);
    same(&f, ir_mul(p, x, num(&f, 0)), num(&f, 0));
    same(&f, ir_mul(p, one, x), x);
    same(&f, ir_neg(p, ir_neg(p, x)), x);
    same(&f, ir_sub(p, x, x), num(&f, 0));
    same(&f, ir_div(p, x, x), one);
    same(&f, ir_div(p, ir_mul(p, three, x), three), x);
    same(&f, ir_div(p, ir_mul(p, num(&f, 0.1), x), num(&f, 0.1)), x);
    same(&f, ir_mul(p, x, x), ir_pow(p, x, two));
    same(&f, ir_mul(p, ir_mul(p, x, y), ir_mul(p, y, x)), ir_mul(p, ir_pow(p, x, two), ir_pow(p, y, two)));
    same(&f, ir_pow(p, ir_op1(p, IR_SQRT, x), two), x);
    same(&f, ir_div(p, ir_mul(p, x, y), ir_mul(p, y, z)), ir_div(p, x, z));
    same(&f, ir_div(p, ir_pow(p, x, three), ir_mul(p, x, y)), ir_div(p, ir_pow(p, x, two), y));
    same(&f, ir_add(p, x, ir_mul(p, two, x)), ir_mul(p, three, x));
    same(&f, ir_add(p, ir_div(p, x, three), ir_div(p, ir_mul(p, two, x), three)), x);
    same(&f, ir_sub(p, ir_add(p, x, y), x), y);
    same(&f, ir_add(p, ir_sub(p, x, y), y), x);
    same(&f, ir_sub(p, ir_neg(p, x), y), ir_neg(p, ir_add(p, x, y)));
    same(&f, ir_neg(p, ir_sub(p, x, y)), ir_sub(p, y, x));
    same(&f, ir_mul(p, ir_neg(p, x), ir_neg(p, y)), ir_mul(p, x, y));
    same(&f, ir_op1(p, IR_COS, ir_neg(p, x)), ir_op1(p, IR_COS, x));
    same(&f, ir_op1(p, IR_SIN, ir_sub(p, y, x)), ir_neg(p, ir_op1(p, IR_SIN, ir_sub(p, x, y))));
    fold_end(&f);
}

static void stable_forms(void **state) {
    (void)state;
    Fold f;
    fold_start(&f, 2);
    IrProgram *p = f.p;
    IrTerm x = var(&f, 0), y = var(&f, 1), one = num(&f, 1), ex = ir_op1(p, IR_EXP, x);
    same(&f, ir_op1(p, IR_LOG, ex), x);
    same(&f, ir_op1(p, IR_EXP, ir_op1(p, IR_LOG, x)), x);
    same(&f, ir_op1(p, IR_LOG, ir_div(p, one, x)), ir_neg(p, ir_op1(p, IR_LOG, x)));
    same(&f, ir_op1(p, IR_EXP, ir_neg(p, ir_op1(p, IR_LOG, x))), ir_div(p, one, x));
    same(&f, ir_op1(p, IR_EXP, ir_mul(p, y, ir_op1(p, IR_LOG, x))), ir_pow(p, x, y));
    same(&f, ir_op1(p, IR_LOG, ir_add(p, one, ex)), ir_op1(p, IR_SOFTPLUS, x));
    same(&f, ir_op1(p, IR_LOG, ir_add(p, x, one)), ir_op1(p, IR_LOG1P, x));
    same(&f, ir_sub(p, ex, one), ir_op1(p, IR_EXPM1, x));
    same(&f, ir_mul(p, ex, ir_op1(p, IR_EXP, ir_neg(p, x))), one);
    same(&f, ir_div(p, one, ir_add(p, one, ir_op1(p, IR_EXP, ir_neg(p, x)))), ir_op1(p, IR_SIGMOID, x));
    same(&f, ir_op1(p, IR_LOG, ir_op1(p, IR_SIGMOID, x)), ir_neg(p, ir_op1(p, IR_SOFTPLUS, ir_neg(p, x))));
    uint64_t n = 6;
    IrDef v = ir_input(p, name_of(f.session->names, "v"), IR_ROLE_DATA, IR_F64, 1, &n);
    IrIdx k = ir_fresh(p, n, 0), i = ir_fresh(p, n, 0);
    IrTerm kk = ir_idx(p, k), ii = ir_idx(p, i), vk = ir_read(p, v, &kk, 1), vi = ir_read(p, v, &ii, 1);
    IrTerm sum = ir_reduce(p, IR_SUM, k, 0, ir_op1(p, IR_EXP, vk));
    IrTerm lse = ir_reduce(p, IR_LOGSUMEXP, k, 0, vk);
    same(&f, ir_op1(p, IR_LOG, sum), lse);
    same(&f, ir_op1(p, IR_LOG, ir_div(p, ir_op1(p, IR_EXP, vi), sum)), ir_sub(p, vi, lse)); /* log softmax */
    fold_end(&f);
}

/* The hyper-parameters of a linear relaxation with rate γ = −ln β over a unit step. */
static void relaxation_coefficients(void **state) {
    (void)state;
    Fold f;
    fold_start(&f, 3);
    IrProgram *p = f.p;
    IrTerm beta = var(&f, 0), force = var(&f, 1), mom = var(&f, 2), one = num(&f, 1);
    IrTerm gamma = ir_neg(p, ir_op1(p, IR_LOG, beta));
    IrTerm decay = ir_op1(p, IR_EXP, ir_neg(p, ir_mul(p, gamma, one)));
    same(&f, decay, beta);
    IrTerm gain = ir_div(p, ir_sub(p, one, decay), gamma);
    IrTerm next = ir_add(p, ir_mul(p, decay, mom), ir_mul(p, gain, force));
    IrTerm want = ir_sub(p, ir_mul(p, beta, mom),
                         ir_mul(p, ir_div(p, ir_sub(p, one, beta), ir_op1(p, IR_LOG, beta)), force));
    same(&f, next, want);
    IrTerm rate = ir_op1(p, IR_LOG, ir_div(p, one, beta));
    same(&f, ir_op1(p, IR_EXP, ir_neg(p, rate)), beta);
    fold_end(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_terms_keep_their_value),
        cmocka_unit_test(int_terms_keep_their_value),
        cmocka_unit_test(algebra),
        cmocka_unit_test(stable_forms),
        cmocka_unit_test(relaxation_coefficients),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
