/* Folding of integer formulas at the ends of the integers: pairs of comparisons with constants, and sums under a
 * comparison, a quotient or an extreme. Wherever the formula as written stays inside 64 bits, the folded term has its
 * value. The evaluator computes the folded term; plain C says what it should be. */
#include "edges.h"

/* A program with x[k] = int_edges[k], into which folding does not look. */
typedef struct Whole {
    Rig *rig;
    IrEnv *env;
    IrTerm x, index; /* the input, and the index k of it */
} Whole;

static void whole_start(Whole *w) {
    Rig *r = w->rig = rig_new(false);
    w->index = ir_idx(r->ir, ir_axis(r->ir, 0, N_INT));
    w->x = whole_input(r, int_edges, N_INT, w->index);
    w->env = ir_env_new(r->ir);
    for (uint32_t k = 0; k < r->n_inputs; k++)
        ir_env_set(w->env, r->input[k], r->start[k]);
}

static void whole_end(Whole *w) {
    ir_env_free(w->env);
    rig_free(w->rig);
}

static double at_element(const Whole *w, IrTerm t, uint64_t k) {
    return ir_eval(w->env, t, &(int64_t){(int64_t)k}, NULL);
}

/* ---- pairs of comparisons ---- */

enum { N_FORMS = 6 };

static IrTerm compared(IrProgram *p, int form, IrTerm x, int64_t c) {
    static const IrOp ops[N_FORMS] = {IR_EQ, IR_NE, IR_LT, IR_LE, IR_LT, IR_LE};
    IrTerm t = ir_int(p, c);
    return form < 4 ? ir_op2(p, ops[form], x, t) : ir_op2(p, ops[form], t, x);
}

static bool holds(int form, int64_t x, int64_t c) {
    const bool is[N_FORMS] = {x == c, x != c, x < c, x <= c, c < x, c <= x};
    return is[form];
}

/* Both comparisons hold, and not both: what one says about the other is used. */
static void pairs(void **state) {
    (void)state;
    Whole w;
    whole_start(&w);
    IrProgram *p = w.rig->ir;
    for (int pair = 0; pair < N_FORMS * N_FORMS * N_INT * N_INT; pair++) {
        int f = pair % N_FORMS, g = pair / N_FORMS % N_FORMS, rest = pair / (N_FORMS * N_FORMS);
        int64_t c = int_edges[rest % N_INT], d = int_edges[rest / N_INT];
        IrTerm both = ir_op2(p, IR_AND, compared(p, f, w.x, c), compared(p, g, w.x, d));
        for (uint64_t k = 0; k < N_INT; k++)
            if (at_element(&w, both, k) != (holds(f, int_edges[k], c) && holds(g, int_edges[k], d)))
                fail_msg("forms %d of %lld and %d of %lld are not what both say of %lld", f, (long long)c, g,
                         (long long)d, (long long)int_edges[k]);
    }
    whole_end(&w);
}

/* ---- sums ---- */

/* Whether u·x + c stays inside 64 bits, and what it is. */
static bool sum_of(int64_t u, int64_t x, int64_t c, int64_t *sum) {
    int64_t product;
    return !__builtin_mul_overflow(u, x, &product) && !__builtin_add_overflow(product, c, sum);
}

/* (u·x + c) op m, for x an input of any value or an index. */
static void check_sum(const Whole *w, IrOp op, bool is_index, int64_t u, int64_t c, int64_t m) {
    IrProgram *p = w->rig->ir;
    IrTerm x = is_index ? w->index : w->x;
    IrTerm sum = ir_add(p, ir_mul(p, ir_int(p, u), x), ir_int(p, c));
    IrTerm t = ir_op2(p, op, sum, ir_int(p, m)), turned = ir_op2(p, op, ir_int(p, m), sum);
    for (uint64_t k = 0; k < N_INT; k++) {
        int64_t v;
        double want[2];
        if (!sum_of(u, is_index ? (int64_t)k : int_edges[k], c, &v))
            continue;
        assert_true(ir_is_const(p, ir_op2(p, op, ir_int(p, v), ir_int(p, m)), &want[0]));
        assert_true(ir_is_const(p, ir_op2(p, op, ir_int(p, m), ir_int(p, v)), &want[1]));
        if (at_element(w, t, k) != want[0] || at_element(w, turned, k) != want[1])
            fail_msg("%s of %lld x + %lld and %lld, x %s %llu: %.17g, turned %.17g; should be %.17g, %.17g",
                     ir_op_name(op), (long long)u, (long long)c, (long long)m, is_index ? "index" : "element",
                     (unsigned long long)k, at_element(w, t, k), at_element(w, turned, k), want[0], want[1]);
    }
}

static void sums(void **state) {
    (void)state;
    static const int64_t factors[] = {1, -1, 6, INT64_MAX / 8};
    static const IrOp ops[] = {IR_IDIV, IR_IMOD, IR_EQ, IR_LT, IR_LE, IR_MAX};
    Whole w;
    whole_start(&w);
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++)
        for (size_t f = 0; f < sizeof factors / sizeof *factors; f++)
            for (int pair = 0; pair < N_INT * N_INT; pair++)
                for (int is_index = 0; is_index < 2; is_index++)
                    check_sum(&w, ops[o], is_index, factors[f], int_edges[pair % N_INT],
                              int_edges[pair / N_INT]);
    whole_end(&w);
}

/* A remainder by 0 is 0, inside another one too. */
static void no_divisor(void **state) {
    (void)state;
    Whole w;
    whole_start(&w);
    IrProgram *p = w.rig->ir;
    IrTerm zero = ir_int(p, 0), inner = ir_op2(p, IR_IMOD, w.x, zero);
    assert_int_equal(inner, zero);
    assert_int_equal(ir_op2(p, IR_IDIV, w.x, zero), zero);
    assert_int_equal(ir_op2(p, IR_IMOD, inner, ir_int(p, 5)), zero);
    whole_end(&w);
}

/* |x| of the lowest integer is itself: a range that has it is not known to be positive. */
static void size_of_the_lowest(void **state) {
    (void)state;
    Whole w;
    whole_start(&w);
    IrProgram *p = w.rig->ir;
    IrTerm low = ir_sub(p, ir_int(p, -INT64_MAX), ir_op2(p, IR_MIN, w.index, ir_int(p, 1)));
    IrTerm t = ir_op2(p, IR_LE, ir_int(p, 0), ir_op1(p, IR_ABS, low));
    assert_true(at_element(&w, t, 0) == 1);
    assert_true(at_element(&w, t, 1) == 0);
    whole_end(&w);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs),
        cmocka_unit_test(sums),
        cmocka_unit_test(no_divisor),
        cmocka_unit_test(size_of_the_lowest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
