/* Taylor coefficients by recursion against those by repeated differentiation: c_k = D^k y / k!, where D is the derivative
 * along the motion. Every operation of op.def, powers, linear systems, random programs; and what is refused. */
#include "../lag_ir/random_program.h"
#include "domains.h"

#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_Y = 3, MOST_ORDER = 8 };

/* A motion y' = rate(y, t). */
typedef struct Motion {
    Session *session;
    IrProgram *p;
    IrEnv *env;
    IrDef y[MOST_Y], dy[MOST_Y], time;
    IrTerm rate[MOST_Y];
    uint32_t n;
    double c[MOST_Y][MOST_ORDER + 1][64];
} Motion;

static void start(Motion *m) {
    *m = (Motion){.session = session_new()};
    m->p = ir_new(m->session);
    m->env = ir_env_new(m->p);
    double t = 0.7;
    m->time = ir_scalar_input(m->p, name_of(m->session->names, "t"), IR_ROLE_TIME);
    ir_env_set(m->env, m->time, &t);
}

static void end(Motion *m) {
    ir_env_free(m->env);
    ir_free(m->p);
    session_free(m->session);
}

static IrDef add_y(Motion *m, uint32_t rank, const uint64_t *extent, const double *values) {
    uint32_t b = m->n++;
    m->y[b] = ir_input(m->p, 0, IR_ROLE_COORD, IR_F64, rank, extent);
    m->dy[b] = ir_input(m->p, 0, IR_ROLE_OUTPUT, IR_F64, rank, extent);
    ir_env_set(m->env, m->y[b], values);
    return m->y[b];
}

/* ---- by recursion ---- */

static void evaluate(Motion *m, IrDef shape, IrTerm value, double *out) {
    const IrDefInfo info = *ir_def(m->p, shape);
    int64_t at[IR_MAX_RANK] = {0};
    bool ok = true;
    for (uint64_t i = 0; i < ir_size(m->p, shape); i++) {
        out[i] = ir_eval(m->env, value, at, &ok);
        assert_true(ok);
        for (uint32_t k = info.rank; k-- > 0;) {
            if (++at[k] < (int64_t)info.extent[k])
                break;
            at[k] = 0;
        }
    }
}

/* Values of the targets; of windows, in the table of which they are part. */
static void execute(Motion *m, const CalcJet *jet, const IrAssign *at, uint32_t n, double *left, double *right) {
    double **values = calloc(n, sizeof *values);
    for (uint32_t i = 0; i < n; i++) {
        values[i] = calloc(ir_size(m->p, at[i].target) + 1, sizeof **values);
        evaluate(m, at[i].target, at[i].value, values[i]);
    }
    for (uint32_t i = 0; i < n; i++) {
        const IrDefInfo info = *ir_def(m->p, at[i].target);
        if (info.kind == IR_DEF_VIEW)
            memcpy((info.parent == jet->left ? left : right) + info.offset, values[i],
                   ir_size(m->p, at[i].target) * sizeof(double));
        else
            ir_env_set(m->env, at[i].target, values[i]);
        free(values[i]);
    }
    free(values);
}

static bool by_recursion(Motion *m, int order) {
    CalcJet jet;
    IrProgram *p = m->p;
    if (!calc_jet(p, m->y, m->dy, m->rate, m->n, m->time, &jet))
        return false;
    uint64_t n = jet.sums ? ir_size(p, jet.sums) : 0;
    assert_int_equal(n % 8, 0);
    double *left = calloc((n + 1) * (size_t)(order + 1), sizeof *left);
    double *right = calloc((n + 1) * (size_t)(order + 1), sizeof *right), *sums = calloc(n + 1, sizeof *sums);
    for (uint32_t b = 0; b < m->n; b++)
        memcpy(m->c[b][0], ir_eval_def(m->env, m->y[b]), ir_size(p, m->y[b]) * sizeof(double));
    execute(m, &jet, jet.first, jet.n_first, left, right);
    for (int k = 0; k < order; k++) {
        for (uint32_t b = 0; b < m->n; b++)
            for (uint64_t i = 0; i < ir_size(p, m->y[b]); i++)
                m->c[b][k + 1][i] = ir_eval_def(m->env, m->dy[b])[i] / (k + 1);
        double next = k + 1, inverse = 1 / next;
        ir_env_set(m->env, jet.order, &next);
        ir_env_set(m->env, jet.inverse, &inverse);
        for (uint64_t i = 0; i < n; i++) {
            sums[i] = 0;
            for (int j = 1; j <= k; j++)
                sums[i] += left[(uint64_t)j * n + i] * right[(uint64_t)(k + 1 - j) * n + i];
        }
        if (n)
            ir_env_set(m->env, jet.sums, sums);
        for (uint32_t b = 0; b < m->n; b++)
            ir_env_set(m->env, jet.rows[b], m->c[b][k + 1]);
        execute(m, &jet, jet.next, jet.n_next, left + (uint64_t)(k + 1) * n, right + (uint64_t)(k + 1) * n);
    }
    free(left);
    free(right);
    free(sums);
    Buf out = {0};
    if (!ir_check(p, &out))
        fail_msg("%s", out.at);
    return true;
}

/* ---- by differentiation ---- */

static void compare(Motion *m, int order, double tolerance, const char *what) {
    IrProgram *p = m->p;
    CalcSeed seed[MOST_Y + 1];
    IrDef rate[MOST_Y];
    for (uint32_t b = 0; b < m->n; b++) {
        const IrDefInfo info = *ir_def(p, m->y[b]);
        IrIdx axes[IR_MAX_RANK];
        for (uint32_t k = 0; k < info.rank; k++)
            axes[k] = ir_axis(p, k, info.extent[k]);
        rate[b] = ir_define(p, 0, IR_F64, axes, info.rank, m->rate[b]);
        seed[b] = (CalcSeed){m->y[b], rate[b]};
    }
    seed[m->n] = (CalcSeed){m->time, ir_define(p, 0, IR_F64, NULL, 0, ir_real(p, 1))};
    double factorial = 1;
    for (int k = 1; k <= order; k++) {
        factorial *= k;
        for (uint32_t b = 0; b < m->n; b++) {
            const double *want = ir_eval_def(m->env, rate[b]);
            double size = 0;
            for (uint64_t i = 0; i < ir_size(p, m->y[b]); i++)
                size = fmax(size, fabs(want[i] / factorial));
            for (uint64_t i = 0; i < ir_size(p, m->y[b]); i++)
                if (!(fabs(m->c[b][k][i] - want[i] / factorial) <= tolerance * (1 + size)))
                    fail_msg("%s: coefficient %d of y%u[%llu] is %.17g instead of %.17g", what, k, b,
                             (unsigned long long)i, m->c[b][k][i], want[i] / factorial);
        }
        for (uint32_t b = 0; b < m->n && k < order; b++)
            rate[b] = calc_tangent_def(p, rate[b], seed, m->n + 1);
    }
}

/* ---- operations ---- */

/* x' = op(x, y), y' = ½ cos x + t/5: both operands move. */
static bool move_by(Motion *m, const Domain *d, const double *at) {
    start(m);
    IrProgram *p = m->p;
    IrTerm x = ir_read0(p, add_y(m, 0, NULL, &at[0])), y = ir_read0(p, add_y(m, 0, NULL, &at[1]));
    IrTerm operand[2] = {x, y};
    if (d->fixed)
        operand[d->fixed - 1] = ir_real(p, floor(at[d->fixed - 1]));
    if (d->op == IR_SELECT)
        m->rate[0] = ir_select(p, ir_op2(p, IR_LT, x, ir_real(p, 0.25)), ir_op1(p, IR_SIN, x), ir_mul(p, y, x));
    else if (ir_op_arity(d->op) == 1)
        m->rate[0] = ir_op1(p, d->op, operand[0]);
    else
        m->rate[0] = ir_op2(p, d->op, operand[0], operand[1]);
    IrTerm t = ir_read0(p, m->time);
    m->rate[1] = ir_add(p, ir_mul(p, ir_real(p, 0.5), ir_op1(p, IR_COS, x)), ir_mul(p, ir_real(p, 0.2), t));
    return by_recursion(m, 6);
}

/* 1e-10: six derivatives, each a sum of some hundred terms of order one, against recursions without cancellation. */
static void every_operation(void **state) {
    (void)state;
    Rng rng = {3};
    Motion *m = malloc(sizeof *m);
    uint32_t done = 0, refused = 0;
    for (int op = IR_NONE + 1; op < IR_OP_COUNT; op++) {
        const Domain *d = ir_op_arity((IrOp)op) ? domain_of((IrOp)op) : NULL;
        if (!d || d->kind == LOGIC)
            continue;
        for (int round = 0; round < 3; round++) {
            double at[2] = {rng_real(&rng, d->lo[0], d->hi[0]), rng_real(&rng, d->lo[1], d->hi[1])};
            bool known = move_by(m, d, at);
            bool never = op == IR_GAMMA || op == IR_LGAMMA || op == IR_POLYGAMMA; /* ψ, ψ', ψ'' … have no end */
            if (known == never)
                fail_msg("%s: %s", ir_op_name((IrOp)op), never ? "is not refused" : "has no recursion");
            if (known)
                compare(m, 6, 1e-10, ir_op_name((IrOp)op));
            done += known;
            refused += !known;
            end(m);
        }
    }
    assert_int_equal(refused, 9);
    assert_true(done > 100);
    free(m);
}

/* Powers with a number above: whole ones are right at 0 too. */
static void powers(void **state) {
    (void)state;
    static const double exponents[] = {2, 3, 5, 7, 0.5, 1.5, -0.5, -1, -2, -3, -5, 2.3, -1.7};
    Motion *m = malloc(sizeof *m);
    for (size_t k = 0; k < sizeof exponents / sizeof *exponents; k++)
        for (int zero = 0; zero < 2; zero++) {
            bool whole = exponents[k] > 0 && exponents[k] == floor(exponents[k]);
            double at[2] = {zero && whole ? 0 : 1.3, 0.4};
            char what[40];
            start(m);
            IrProgram *p = m->p;
            IrTerm x = ir_read0(p, add_y(m, 0, NULL, &at[0])), y = ir_read0(p, add_y(m, 0, NULL, &at[1]));
            m->rate[0] = ir_add(p, ir_pow(p, x, ir_real(p, exponents[k])), y);
            m->rate[1] = ir_mul(p, ir_pow(p, x, ir_real(p, exponents[k])), ir_op1(p, IR_EXP, y));
            snprintf(what, sizeof what, "power %g", exponents[k]);
            assert_true(by_recursion(m, 6));
            compare(m, 6, 1e-10, what);
            end(m);
        }
    free(m);
}

/* ---- linear systems ---- */

/* x' = A(x)⁻¹ b(x), A[i,j] = [i = j] (3 + sin x_i) + cos(x_i − x_j) and its lower triangle. */
static void linear_systems(void **state) {
    (void)state;
    static const IrLinalg fns[] = {IR_SOLVE, IR_SOLVE_SPD, IR_SOLVE_LOWER, IR_SOLVE_LOWER_T, IR_INVERSE};
    const uint64_t n = 3;
    const double at[] = {0.3, -0.8, 1.1};
    Motion *m = malloc(sizeof *m);
    for (size_t f = 0; f < sizeof fns / sizeof *fns; f++) {
        start(m);
        IrProgram *p = m->p;
        IrDef x = add_y(m, 1, &n, at);
        IrIdx i = ir_fresh(p, n, 0), j = ir_fresh(p, n, 0);
        IrTerm ii = ir_idx(p, i), jj = ir_idx(p, j), xi = ir_read(p, x, &ii, 1), xj = ir_read(p, x, &jj, 1);
        IrTerm entry = ir_add(p, ir_mul(p, ir_bracket(p, ii, jj), ir_add(p, ir_real(p, 3), ir_op1(p, IR_SIN, xi))),
                              ir_op1(p, IR_COS, ir_sub(p, xi, xj)));
        IrDef a = ir_define(p, 0, IR_F64, (IrIdx[]){i, j}, 2, entry);
        IrDef b = ir_define(p, 0, IR_F64, &i, 1, ir_mul(p, xi, ir_read0(p, m->time)));
        IrDef solved = ir_linalg(p, fns[f], a, fns[f] == IR_INVERSE ? 0 : b);
        IrTerm axis = ir_idx(p, ir_axis(p, 0, n)), two[2] = {axis, ir_int(p, 1)};
        m->rate[0] = ir_read(p, solved, two, fns[f] == IR_INVERSE ? 2 : 1);
        assert_true(by_recursion(m, 5));
        compare(m, 5, 1e-10, "linear system");
        end(m);
    }
    free(m);
}

/* ---- random programs ---- */

/* The gradient flow of a random loss. 1e-8: differences between two orders of summation of derivatives that grow by a factor of
 * ten with each order. */
static void random_programs(void **state) {
    (void)state;
    uint32_t done = 0;
    Motion *m = malloc(sizeof *m);
    for (uint64_t seed = 400; seed < 440; seed++) {
        RandomProgram g;
        char what[40];
        *m = (Motion){.session = session_new()};
        rp_make(&g, m->session, seed, 3, 2);
        m->p = g.p;
        m->env = ir_env_new(g.p);
        rp_set(&g, m->env);
        double t = 0;
        m->time = ir_scalar_input(g.p, 0, IR_ROLE_TIME);
        ir_env_set(m->env, m->time, &t);
        uint64_t size = ir_size(g.p, g.block);
        IrDef gradient;
        assert_true(calc_gradient(g.p, g.loss, &g.block, 1, &gradient));
        m->n = 1;
        m->y[0] = g.block;
        m->dy[0] = ir_input(g.p, 0, IR_ROLE_OUTPUT, IR_F64, 1, &size);
        IrTerm at = ir_idx(g.p, ir_axis(g.p, 0, size));
        m->rate[0] = ir_neg(g.p, ir_read(g.p, gradient, &at, 1));
        snprintf(what, sizeof what, "seed %llu", (unsigned long long)seed);
        if (size <= 64 && by_recursion(m, 3)) {
            compare(m, 3, 1e-8, what);
            done++;
        }
        end(m);
    }
    assert_true(done >= 20);
    free(m);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_operation),
        cmocka_unit_test(powers),
        cmocka_unit_test(linear_systems),
        cmocka_unit_test(random_programs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
