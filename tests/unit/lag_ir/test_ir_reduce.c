/* Reductions: random ones against a plain loop over the opened body; alpha-equivalence; capture; what delta
 * elimination and counting have to reach. */
#include "random_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

typedef struct Red {
    Session *session;
    IrProgram *p;
    IrEnv *env;
    IrDef v, A, rows;
    uint64_t n;
} Red;

static void red_start(Red *r, uint64_t seed) {
    Rng rng = {seed};
    *r = (Red){.session = session_new(), .n = 3 + seed % 4};
    IrProgram *p = r->p = ir_new(r->session);
    r->env = ir_env_new(p);
    r->v = ir_input(p, name_of(r->session->names, "v"), IR_ROLE_DATA, IR_F64, 1, &r->n);
    r->A = ir_input(p, name_of(r->session->names, "A"), IR_ROLE_DATA, IR_F64, 2, (uint64_t[]){r->n, r->n});
    r->rows = ir_input(p, name_of(r->session->names, "rows"), IR_ROLE_DATA, IR_I64, 1, &r->n);
    double values[64];
    for (int k = 0; k < 64; k++)
        values[k] = rng_real(&rng, -2, 2);
    ir_env_set(r->env, r->A, values);
    ir_env_set(r->env, r->v, values + 10);
    for (int k = 0; k < 64; k++)
        values[k] = rng_below(&rng, (uint32_t)r->n);
    ir_env_set(r->env, r->rows, values);
}

static void red_end(Red *r) {
    ir_env_free(r->env);
    ir_free(r->p);
    session_free(r->session);
}

/* A condition on k and i of the kinds derivatives make. */
static IrTerm random_guard(Red *r, Rng *rng, IrTerm k, IrTerm i) {
    IrProgram *p = r->p;
    IrTerm c = ir_int(p, (int64_t)rng_below(rng, 5) - 2), n = ir_int(p, (int64_t)r->n);
    switch (rng_below(rng, 13)) {
    case 0: return ir_op2(p, IR_EQ, k, i);
    case 1: return ir_op2(p, IR_EQ, k, ir_add(p, i, c));
    case 2: return ir_op2(p, IR_EQ, ir_add(p, ir_mul(p, ir_int(p, 2), k), c), i);
    case 3: return ir_op2(p, IR_EQ, ir_op2(p, IR_IMOD, ir_add(p, k, c), n), i);
    case 4: return ir_op2(p, IR_EQ, ir_op2(p, IR_IMOD, ir_sub(p, c, k), n), i);
    case 5: return ir_op2(p, IR_LE, k, ir_add(p, i, c));
    case 6: return ir_op2(p, IR_LT, i, ir_add(p, k, c));
    case 7: return ir_op2(p, IR_NE, k, i);
    case 8: return ir_op2(p, IR_EQ, ir_read(p, r->rows, &k, 1), i);
    case 9: return ir_op2(p, IR_EQ, ir_op2(p, IR_IDIV, k, ir_int(p, 2)), i);
    case 10: return ir_op2(p, IR_EQ, ir_op2(p, IR_IMOD, ir_add(p, k, c), ir_int(p, 2)), i);
    case 11: return ir_op2(p, IR_EQ, ir_op2(p, IR_IDIV, ir_sub(p, c, k), ir_int(p, 2)), ir_neg(p, i));
    default: return ir_op2(p, IR_EQ, k, ir_read(p, r->rows, &i, 1));
    }
}

static double loop(Red *r, IrOp op, IrIdx k, IrTerm guard, IrTerm body, const int64_t *at) {
    double sum = op == IR_PROD ? 1 : op == IR_MAXIMUM ? -INFINITY : op == IR_MINIMUM ? INFINITY : 0, best = 0;
    bool first = true, ok;
    for (uint64_t j = 0; j < r->n; j++) {
        IrTerm to = ir_int(r->p, (int64_t)j);
        if (guard && ir_eval(r->env, ir_subst(r->p, guard, &k, &to, 1), at, &ok) == 0)
            continue;
        double v = ir_eval(r->env, ir_subst(r->p, body, &k, &to, 1), at, &ok);
        if (op == IR_ARGMAX && (first || v > best)) {
            best = v;
            sum = (double)j;
        }
        sum = op == IR_SUM         ? sum + v
              : op == IR_PROD      ? sum * v
              : op == IR_MAXIMUM   ? fmax(sum, v)
              : op == IR_MINIMUM   ? fmin(sum, v)
              : op == IR_LOGSUMEXP ? sum + exp(v)
                                   : sum;
        first = false;
    }
    return op == IR_LOGSUMEXP ? log(sum) : sum;
}

static void reductions_keep_their_value(void **state) {
    (void)state;
    static const IrOp ops[] = {IR_SUM,     IR_SUM,     IR_SUM,       IR_PROD,
                               IR_MAXIMUM, IR_MINIMUM, IR_LOGSUMEXP, IR_ARGMAX};
    for (uint64_t seed = 1; seed <= 600; seed++) {
        Red r;
        red_start(&r, seed);
        IrProgram *p = r.p;
        Rng rng = {seed * 77};
        IrIdx k = ir_fresh(p, r.n, 0), axis = ir_axis(p, 0, r.n);
        IrTerm kk = ir_idx(p, k), i = ir_idx(p, axis), subs[2] = {i, kk};
        IrTerm guard = random_guard(&r, &rng, kk, i);
        if (rng_below(&rng, 2))
            guard = ir_op2(p, IR_AND, guard, random_guard(&r, &rng, kk, i));
        IrTerm factors[4] = {ir_read(p, r.v, &kk, 1), ir_read(p, r.v, &i, 1), ir_read(p, r.A, subs, 2),
                             ir_real(p, -3)};
        IrTerm body = ir_mul(p, factors[rng_below(&rng, 4)], factors[rng_below(&rng, 4)]);
        if (rng_below(&rng, 3) == 0)
            body = ir_add(p, body, factors[rng_below(&rng, 4)]);
        if (rng_below(&rng, 4) == 0)
            body = ir_select(p, random_guard(&r, &rng, kk, i), body, ir_real(p, 0));
        IrOp op = ops[rng_below(&rng, 8)];
        IrTerm t = ir_reduce(p, op, k, guard, body);
        for (int64_t at = 0; at < (int64_t)r.n; at++) {
            bool ok;
            double want = loop(&r, op, k, guard, body, &at), got = ir_eval(r.env, t, &at, &ok);
            assert_true(ok);
            /* sums of at most six values of order ten: a few roundings */
            if (!(got == want || fabs(got - want) <= 1e-12 * (1 + fabs(want)))) {
                Buf out = {0};
                ir_print_term(p, t, &out);
                fail_msg("seed %llu at %lld: %s is %.17g, not %.17g", (unsigned long long)seed, (long long)at,
                         out.at, got, want);
            }
        }
        Buf out = {0};
        if (!ir_check(p, &out))
            fail_msg("seed %llu: %s", (unsigned long long)seed, out.at);
        red_end(&r);
    }
}

/* Random definitions built twice with other FRESH indices: one definition, and so one reference. */
static void alpha_equivalent_terms_are_one(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        Session *s = session_new();
        RandomProgram g;
        rp_make(&g, s, seed, 2, 3);
        Rng keep = g.rng;
        IrDef first = rp_define(&g, 77, 4);
        for (int skip = 0; skip < 3; skip++) /* other serial numbers */
            ir_fresh(g.p, 2, 0);
        g.rng = keep;
        IrDef second = rp_define(&g, 77, 4);
        assert_int_equal(first, second);
        ir_free(g.p);
        session_free(s);
    }
}

/* Opening and closing a reduction gives the same reference back. */
static void open_close_is_the_identity(void **state) {
    (void)state;
    uint32_t tested = 0;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        Session *s = session_new();
        RandomProgram g;
        rp_make(&g, s, seed, 4, 4);
        uint32_t n = ir_term_count(g.p);
        for (IrTerm t = 1; t <= n; t++) {
            IrNode node = *ir_node(g.p, t);
            uint32_t free_n, hanging = 0;
            const IrIdx *set = ir_set(g.p, node.free, &free_n);
            for (uint32_t k = 0; k < free_n; k++)
                hanging += ir_index(g.p, set[k])->kind == IR_BOUND;
            if (!ir_op_is_reduce((IrOp)node.op) || hanging)
                continue;
            IrIdx i;
            IrTerm guard, body;
            ir_open(g.p, t, &i, &guard, &body);
            assert_int_equal(ir_reduce(g.p, (IrOp)node.op, i, guard, body), t);
            tested++;
        }
        ir_free(g.p);
        session_free(s);
    }
    assert_true(tested > 500);
}

/* Substituting a term that itself binds an index must not catch the index bound around it. */
static void substitution_does_not_capture(void **state) {
    (void)state;
    Red r;
    red_start(&r, 5);
    IrProgram *p = r.p;
    IrIdx k = ir_fresh(p, r.n, 0), j = ir_fresh(p, r.n, 0), axis = ir_axis(p, 0, r.n);
    IrTerm kk = ir_idx(p, k), jj = ir_idx(p, j), i = ir_idx(p, axis), subs[2] = {i, kk}, row[2] = {jj, jj};
    IrTerm sum = ir_reduce(p, IR_SUM, k, 0, ir_read(p, r.A, subs, 2));     /* Σ_k A[i, k] */
    IrTerm where = ir_reduce(p, IR_ARGMAX, j, 0, ir_read(p, r.A, row, 2)); /* argmax_j A[j, j] */
    IrTerm t = ir_subst(p, sum, &axis, &where, 1);
    bool ok;
    int64_t at = (int64_t)ir_eval(r.env, where, NULL, &ok);
    double want = ir_eval(r.env, sum, &at, &ok), got = ir_eval(r.env, t, NULL, &ok);
    assert_true(ok);
    assert_float_equal(got, want, 0);
    Buf out = {0};
    assert_true(ir_check(p, &out));
    red_end(&r);
}

static bool has_reduction(const IrProgram *p, IrTerm t) { return ir_node(p, t)->height > 0; }

static void deltas_are_eliminated(void **state) {
    (void)state;
    Red r;
    red_start(&r, 9);
    IrProgram *p = r.p;
    IrIdx k = ir_fresh(p, r.n, 0);
    IrTerm kk = ir_idx(p, k), i = ir_idx(p, ir_axis(p, 0, r.n)), n = ir_int(p, (int64_t)r.n),
           one = ir_int(p, 1);
    IrTerm vk = ir_read(p, r.v, &kk, 1), vi = ir_read(p, r.v, &i, 1);
    assert_int_equal(ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_bracket(p, kk, i), vk)), vi);
    IrTerm shifted = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_bracket(p, ir_add(p, kk, one), i), vk));
    assert_int_equal(ir_node(p, shifted)->op, IR_SELECT); /* v[i − 1] where 1 ≤ i */
    IrTerm around = ir_op2(p, IR_IMOD, ir_add(p, kk, one), n);
    IrTerm periodic = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_bracket(p, around, i), vk));
    assert_int_equal(ir_node(p, periodic)->op, IR_READ); /* always in range */
    IrTerm row = ir_read(p, r.rows, &kk, 1);
    IrTerm scatter = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_bracket(p, row, i), vk));
    assert_int_equal(ir_node(p, scatter)->op, IR_SUM); /* a gather cannot be solved for */
    IrTerm gather = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, ir_bracket(p, kk, ir_read(p, r.rows, &i, 1)), vk));
    assert_false(has_reduction(p, gather));
    IrTerm count = ir_reduce(p, IR_SUM, k, ir_op2(p, IR_LE, i, kk), ir_real(p, 1));
    assert_int_equal(count, ir_to_real(p, ir_sub(p, n, i)));
    /* Σ_k [k div 2 = i, k mod 2 = 1] v[k]: a reshaped axis read at one place is one element */
    IrTerm two = ir_int(p, 2), row_of = ir_op2(p, IR_EQ, ir_op2(p, IR_IDIV, kk, two), i);
    IrTerm column = ir_op2(p, IR_EQ, ir_op2(p, IR_IMOD, kk, two), one);
    assert_false(has_reduction(p, ir_reduce(p, IR_SUM, k, ir_op2(p, IR_AND, row_of, column), vk)));
    IrTerm pool = ir_reduce(p, IR_SUM, k, row_of, vk);
    assert_true(!has_reduction(p, pool)
                || ir_index(p, ir_node(p, ir_node(p, pool)->arg[1])->arg[0])->extent == 2);
    IrTerm invariant = ir_reduce(p, IR_SUM, k, 0, ir_mul(p, vi, vk));
    assert_int_equal(invariant, ir_mul(p, vi, ir_reduce(p, IR_SUM, k, 0, vk)));
    red_end(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reductions_keep_their_value), cmocka_unit_test(alpha_equivalent_terms_are_one),
        cmocka_unit_test(open_close_is_the_identity),  cmocka_unit_test(substitution_does_not_capture),
        cmocka_unit_test(deltas_are_eliminated),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
