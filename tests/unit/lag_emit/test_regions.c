/* Loops inside of a region, which recursions and equations are: cut into pieces for threads like loops outside, with the value
 * of the reference evaluator, and the same bits on any number of threads. */
#include "../../../runtime/core/core.h"
#include "rig.h"

#define N 60000
#define EXTENT(...)                                                                                          \
    (uint64_t[]) { __VA_ARGS__ }

static IrTerm axis(Rig *r, uint32_t k, uint64_t extent) { return ir_idx(r->ir, ir_axis(r->ir, k, extent)); }

static IrDef random_vector(Rig *r) { return rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(N), 0); }

static void output(Rig *r, IrDef d) {
    IrDefInfo info = *ir_def(r->ir, d);
    rig_assign(r, rig_input(r, IR_ROLE_OUTPUT, IR_F64, info.rank, info.extent, 0), rig_whole(r, d));
}

/* Parallel loops that stand in another loop. */
static uint32_t parallel_inside(const PlanFunc *f) {
    uint32_t n = 0;
    for (uint32_t k = 1; k < f->loops.n; k++)
        n += f->loops.at[k].parallel && f->scopes.at[f->loops.at[k].scope].parent != 1;
    return n;
}

/* Runs once on one thread and once on three from the same memory. */
static void check(Rig *r, uint32_t n_parallel) {
    rig_compile(r);
    assert_int_equal(parallel_inside(plan_func(r->plan, 0)), n_parallel);
    uint64_t bytes = plan_memory(r->plan);
    char *before = malloc(bytes), *after = malloc(bytes);
    double *values[RIG_INPUTS];
    memcpy(before, r->frame.mem, bytes);
    assert_int_equal(rig_call(r, 1), 0);
    memcpy(after, r->frame.mem, bytes);
    memcpy(r->frame.mem, before, bytes);
    r->frame.pool = rt_pool_new(3);
    assert_int_equal(rig_call(r, 1), 0);
    rt_pool_free(r->frame.pool);
    for (uint32_t i = 0; i < r->n_inputs; i++) {
        PlanPlace place;
        if (plan_place(r->plan, r->input[i], &place))
            assert_memory_equal(r->frame.mem + place.offset, after + place.offset, place.bytes);
        values[i] = r->start[i];
    }
    rig_reference(r, values, 1);
    rig_compare(r, values);
    free(before);
    free(after);
    rig_free(r);
}

/* y[k, i] = sin(y[k−1, i]) x[i] + mean_j sin(x[j] y[k−1, j]): an elementwise loop and a sum for every row. */
static void rows(bool backward) {
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    IrDef x = random_vector(r), first = random_vector(r);
    IrScan scan = {.count = 4, .lags = 1, .backward = backward, .counter = ir_counter(ir, 0, !backward, backward ? 2 : 3)};
    scan.before[0] = ir_before(ir, 0, IR_F64, 1, EXTENT(N));
    IrIdx i = ir_fresh(ir, N, 0), j = ir_fresh(ir, N, 0), one = ir_fresh(ir, 1, 0);
    IrTerm at = ir_idx(ir, i), other = ir_idx(ir, j);
    IrTerm product = ir_mul(ir, rig_read1(r, x, other), rig_read1(r, scan.before[0], other));
    IrTerm mean = ir_div(ir, ir_reduce(ir, IR_SUM, j, 0, ir_op1(ir, IR_SIN, product)), ir_real(ir, N));
    IrTerm own = ir_mul(ir, ir_op1(ir, IR_SIN, rig_read1(r, scan.before[0], at)), rig_read1(r, x, at));
    scan.row = ir_define(ir, 0, IR_F64, &i, 1, ir_add(ir, own, mean));
    scan.start = ir_define(ir, 0, IR_F64, (IrIdx[]){one, i}, 2, rig_read1(r, first, at));
    output(r, ir_scan(ir, 0, &scan));
    check(r, 2);
}

static void test_rows(void **state) {
    (void)state;
    rows(false);
    rows(true);
}

/* A row that is a sum is stored by what adds its pieces: y[k, i] = y[k−1, i] + Σ_j sin(x[j] + y[k−1, i])/N, i < 2. */
static void test_row_of_sums(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    IrDef x = random_vector(r);
    IrScan scan = {.count = 4, .lags = 1, .counter = ir_counter(ir, 0, 1, 3)};
    scan.before[0] = ir_before(ir, 0, IR_F64, 1, EXTENT(2));
    IrIdx i = ir_fresh(ir, 2, 0), j = ir_fresh(ir, N, 0), one = ir_fresh(ir, 1, 0);
    IrTerm angle = ir_add(ir, rig_read1(r, x, ir_idx(ir, j)), rig_read1(r, scan.before[0], ir_idx(ir, i)));
    IrTerm sum = ir_reduce(ir, IR_SUM, j, 0, ir_mul(ir, ir_real(ir, 1.0 / N), ir_op1(ir, IR_SIN, angle)));
    scan.row = ir_define(ir, 0, IR_F64, &i, 1, sum);
    scan.start = ir_define(ir, 0, IR_F64, (IrIdx[]){one, i}, 2, rig_read1(r, x, ir_idx(ir, i)));
    output(r, ir_scan(ir, 0, &scan));
    check(r, 1);
}

/* u = 0.3 + mean_j sin(u x[j]), by Newton's method. */
static void test_equation(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    IrDef x = random_vector(r), u = ir_unknown(ir, 0, 1), start = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(1), 0);
    IrIdx j = ir_fresh(ir, N, 0), of[2] = {ir_axis(ir, 0, 1), ir_axis(ir, 1, 1)};
    IrTerm zero = ir_int(ir, 0), xj = rig_read1(r, x, ir_idx(ir, j)), angle = ir_mul(ir, rig_read1(r, u, zero), xj);
    IrTerm scale = ir_real(ir, 1.0 / N);
    IrTerm mean = ir_mul(ir, scale, ir_reduce(ir, IR_SUM, j, 0, ir_op1(ir, IR_SIN, angle)));
    IrTerm slope = ir_mul(ir, scale, ir_reduce(ir, IR_SUM, j, 0, ir_mul(ir, xj, ir_op1(ir, IR_COS, angle))));
    IrTerm r_of_u = ir_sub(ir, ir_sub(ir, ir_read(ir, u, (IrTerm[]){axis(r, 0, 1)}, 1), ir_real(ir, 0.3)), mean);
    IrDef residual = ir_define(ir, 0, IR_F64, of, 1, r_of_u);
    IrDef jacobian = ir_define(ir, 0, IR_F64, of, 2, ir_sub(ir, ir_real(ir, 1), slope));
    output(r, ir_root(ir, 0, u, residual, jacobian, start));
    check(r, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_row_of_sums),
        cmocka_unit_test(test_equation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
