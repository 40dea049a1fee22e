/* Small operations of functions that are called often: linear algebra as code, written out and as loops; sums and
 * arrays written out. */
#include "rig.h"

#define EXTENT(...)                                                                                          \
    (uint64_t[]) { __VA_ARGS__ }

static IrTerm idx(Rig *r, IrIdx i) { return ir_idx(r->ir, i); }

/* Every operation for n unknowns, on a matrix whose elimination needs exchanges and on one that is positive
 * definite. */
static void linear_algebra_of(uint64_t n, IrElem elem) {
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    r->func.often = true;
    IrDef a = rig_input(r, IR_ROLE_COORD, elem, 2, EXTENT(n, n), 0);
    IrDef b = rig_input(r, IR_ROLE_COORD, elem, 1, EXTENT(n), 0);
    r->start[0][0] *= n > 1 ? 1e-3 : 1;
    IrIdx i = ir_fresh(ir, n, 0), j = ir_fresh(ir, n, 0), k = ir_fresh(ir, n, 0);
    IrTerm gram =
        ir_reduce(ir, IR_SUM, k, 0,
                  ir_mul(ir, rig_read2(r, a, idx(r, i), idx(r, k)), rig_read2(r, a, idx(r, j), idx(r, k))));
    IrTerm one = ir_bracket(ir, idx(r, i), idx(r, j));
    IrDef spd = ir_define(ir, 0, elem, (IrIdx[]){i, j}, 2, ir_add(ir, gram, one));
    IrDef chol = ir_linalg(ir, IR_CHOLESKY, spd, 0);
    const IrDef all[] = {chol,
                         ir_linalg(ir, IR_SOLVE, a, b),
                         ir_linalg(ir, IR_SOLVE, a, spd),
                         ir_linalg(ir, IR_SOLVE_SPD, spd, b),
                         ir_linalg(ir, IR_SOLVE_SPD, spd, a),
                         ir_linalg(ir, IR_SOLVE_LOWER, chol, b),
                         ir_linalg(ir, IR_SOLVE_LOWER, chol, a),
                         ir_linalg(ir, IR_SOLVE_LOWER_T, chol, b),
                         ir_linalg(ir, IR_SOLVE_LOWER_T, chol, a),
                         ir_linalg(ir, IR_INVERSE, a, 0),
                         ir_linalg(ir, IR_LOGDET, spd, 0)};
    for (size_t d = 0; d < sizeof all / sizeof *all; d++) {
        uint64_t extent[2] = {n, n};
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, elem, ir_def(ir, all[d])->rank, extent, 0);
        rig_assign(r, out, rig_whole(r, all[d]));
    }
    /* a random matrix of 16 rows has a condition of some hundreds, in f32 of 2^-24 each */
    r->tolerance = elem == IR_F32 ? 2e-2 : 1e-10;
    rig_check(r, 1);
}

static void linear_algebra(void **state) {
    (void)state;
    const uint64_t sizes[] = {1, 2, 3, 5, 8, 11, 16, 17};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        linear_algebra_of(sizes[s], IR_F64);
        if (sizes[s] <= 5)
            linear_algebra_of(sizes[s], IR_F32);
    }
}

/* No call is left where unknowns are few. */
static void no_calls(void **state) {
    (void)state;
    for (uint64_t n = 2; n <= 18; n += 16) {
        Rig *r = rig_new(false);
        r->func.often = true;
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(n, n), 0);
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 2, EXTENT(n, n), 0);
        rig_assign(r, out, rig_whole(r, ir_linalg(r->ir, IR_INVERSE, a, 0)));
        rig_compile(r);
        uint32_t calls = 0, loops = 0;
        const PlanFunc *f = plan_func(r->plan, 0);
        for (uint32_t v = 1; v < f->nodes.n; v++) {
            calls += f->nodes.at[v].kind == PLAN_CALL;
            loops += f->nodes.at[v].kind == PLAN_LOOP;
        }
        assert_int_equal(calls, n > 16);
        assert_int_equal(loops > 0, n > 16);
        rig_free(r);
    }
}

/* Fills a with diag(1 … n), element (at, at) replaced. */
static void diagonal(Rig *r, uint64_t n, uint64_t at, double value) {
    for (uint64_t i = 0; i < n * n; i++)
        r->start[0][i] = i % (n + 1) ? 0 : (double)(i / n + 1);
    r->start[0][at * (n + 1)] = value;
}

static void statuses(void **state) {
    (void)state;
    static const struct {
        IrLinalg fn;
        double value;
        RtStatus want;
    } cases[] = {
        {IR_CHOLESKY, 0, RT_NOT_POSITIVE_DEFINITE}, {IR_CHOLESKY, -1, RT_NOT_POSITIVE_DEFINITE},
        {IR_CHOLESKY, NAN, RT_NOT_POSITIVE_DEFINITE}, {IR_SOLVE_SPD, 0, RT_NOT_POSITIVE_DEFINITE},
        {IR_SOLVE_SPD, -1, RT_NOT_POSITIVE_DEFINITE}, {IR_SOLVE_SPD, NAN, RT_NOT_POSITIVE_DEFINITE},
        {IR_SOLVE, 0, RT_SINGULAR},                   {IR_SOLVE, -1, RT_OK},
        {IR_SOLVE_LOWER, 0, RT_SINGULAR},             {IR_SOLVE_LOWER_T, 0, RT_SINGULAR},
        {IR_INVERSE, 0, RT_SINGULAR},                 {IR_LOGDET, 0, RT_SINGULAR},
        {IR_LOGDET, -1, RT_NOT_FINITE},               {IR_LOGDET, 3, RT_OK},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        for (uint64_t n = 3; n <= 15; n += 12) {
            Rig *r = rig_new(false);
            r->func.often = true;
            IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(n, n), 0);
            IrDef b = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(n), 0);
            diagonal(r, n, n - 2, cases[c].value);
            bool two = cases[c].fn != IR_CHOLESKY && cases[c].fn != IR_INVERSE && cases[c].fn != IR_LOGDET;
            IrDef d = ir_linalg(r->ir, cases[c].fn, a, two ? b : 0);
            IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, ir_def(r->ir, d)->rank, EXTENT(n, n), 0);
            rig_assign(r, out, rig_whole(r, d));
            rig_compile(r);
            assert_int_equal(rig_call(r, 1), cases[c].want);
            if (cases[c].want)
                assert_int_equal(r->frame.bad, d);
            rig_free(r);
        }
}

/* Sums inside sums whose ranges move, conditions, largest elements, in place. */
static void written_out(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    uint64_t n = 5;
    r->func.often = true;
    IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(n), 0);
    IrDef y = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(n), 0);
    IrDef largest = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 0, NULL, 0);
    IrDef where = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 0, NULL, 0);
    IrIdx j = ir_fresh(ir, n, 0), k = ir_fresh(ir, n, 0), l = ir_fresh(ir, n, 0);
    IrTerm i = ir_idx(ir, ir_axis(ir, 0, n));
    IrTerm upto = ir_reduce(ir, IR_SUM, k, ir_op2(ir, IR_LE, idx(r, k), idx(r, j)), rig_read1(r, x, idx(r, k)));
    IrTerm sums = ir_reduce(ir, IR_SUM, j, ir_op2(ir, IR_LE, i, idx(r, j)),
                            ir_op1(ir, IR_SIN, ir_mul(ir, upto, rig_read1(r, y, idx(r, j)))));
    rig_assign(r, x, ir_add(ir, sums, rig_whole(r, x)));
    rig_assign(r, y, ir_mul(ir, rig_whole(r, x), rig_read1(r, y, ir_sub(ir, ir_int(ir, 4), i))));
    rig_assign(r, largest, ir_reduce(ir, IR_MAXIMUM, l, 0, rig_read1(r, y, idx(r, l))));
    rig_assign(r, where, ir_to_real(ir, ir_reduce(ir, IR_ARGMAX, l, 0, rig_read1(r, y, idx(r, l)))));
    rig_check(r, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linear_algebra),
        cmocka_unit_test(no_calls),
        cmocka_unit_test(statuses),
        cmocka_unit_test(written_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
