/* Recursions as machine code: values, gradients and tangents against the reference evaluator, for every form of recursion,
 * in functions that are called once, often, or again and again while what they depend on moves. */
#include "rig.h"

#include "../../../compiler/calculus/calculus.h"
#include "../lag_ir/scans.h"

#define N 15

typedef enum Kind { ONCE, OFTEN, CYCLIC, KINDS } Kind;

static Rig *start(const ScanText *text, bool fast, Kind kind, IrDef *loss) {
    Rig *r = rig_new(fast);
    if (!ir_read_text(r->ir, text->text))
        fail_msg("%s: does not read", text->name);
    *loss = ir_def_count(r->ir);
    r->func.often = kind == OFTEN;
    r->func.cyclic = kind == CYCLIC;
    r->input[0] = 1;
    r->start[0] = malloc(N * sizeof(double));
    for (int k = 0; k < N; k++)
        r->start[0][k] = 0.55 + 0.35 * rig_random(r);
    r->n_inputs = 1;
    return r;
}

static void output(Rig *r, IrDef value) {
    IrDefInfo info = *ir_def(r->ir, value);
    rig_assign(r, rig_input(r, IR_ROLE_OUTPUT, IR_F64, info.rank, info.extent, 0), rig_whole(r, value));
}

static void check(const ScanText *text, bool fast, Kind kind) {
    IrDef loss, q = 1, grad;
    Rig *r = start(text, fast, kind, &loss);
    IrProgram *ir = r->ir;
    uint64_t size = N;
    IrDef v = rig_input(r, IR_ROLE_COORD, IR_F64, 1, &size, 0);
    IrTerm t = ir_read0(ir, loss);
    assert_true(calc_gradient(ir, t, &q, 1, &grad));
    CalcSeed seed = {q, v};
    IrDef tangent = calc_tangent_def(ir, loss, &seed, 1), turned = calc_tangent_def(ir, grad, &seed, 1);
    output(r, loss);
    output(r, grad);
    output(r, tangent);
    output(r, turned);
    IrTerm at = ir_idx(ir, ir_axis(ir, 0, N));
    if (kind == CYCLIC) { /* a step of descent, and the loss again */
        rig_assign(r, q, ir_sub(ir, ir_read(ir, q, &at, 1),
                                ir_mul(ir, ir_real(ir, 0.01), ir_read(ir, grad, &at, 1))));
        output(r, loss);
    }
    for (IrDef d = 1, n = ir_def_count(ir); d <= n; d++) /* and every recursion itself */
        if (ir_def(ir, d)->kind == IR_DEF_SCAN && d < loss && ir_def(ir, d)->rank < 3)
            if (ir_def(ir, d)->extent[0] != 3) /* the one inside of another */
                output(r, d);
    rig_check(r, kind == CYCLIC ? 3 : 1);
}

static void every_recursion(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof scan_texts / sizeof *scan_texts; k++)
        for (int fast = 0; fast < 2; fast++)
            for (int kind = 0; kind < KINDS; kind++)
                check(&scan_texts[k], fast, (Kind)kind);
}

/* y[k] = x[k] + c y[k−1] over 100,000 rows: the memory of value and gradient is a few numbers a row. */
static void long_recursion(void **state) {
    (void)state;
    uint64_t rows = 100000;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, &rows, 0);
    IrDef c = rig_input(r, IR_ROLE_COORD, IR_F64, 0, NULL, 0), grad[2];
    IrScan scan = {.count = rows, .lags = 1, .counter = ir_counter(ir, 0, 1, (int64_t)rows - 1)};
    scan.before[0] = ir_before(ir, 0, IR_F64, 0, NULL);
    IrTerm k = ir_read0(ir, scan.counter);
    scan.row = ir_define(ir, 0, IR_F64, NULL, 0,
                         ir_add(ir, ir_read(ir, x, &k, 1), ir_mul(ir, ir_read0(ir, c), ir_read0(ir, scan.before[0]))));
    IrIdx one = ir_fresh(ir, 1, 0), i = ir_fresh(ir, rows, 0);
    IrTerm zero = ir_int(ir, 0), at = ir_idx(ir, i);
    scan.start = ir_define(ir, 0, IR_F64, &one, 1, ir_read(ir, x, &zero, 1));
    IrDef y = ir_scan(ir, 0, &scan);
    IrTerm value = ir_read(ir, y, &at, 1);
    IrTerm loss = ir_reduce(ir, IR_SUM, i, 0, ir_mul(ir, value, value));
    assert_true(calc_gradient(ir, loss, (IrDef[]){x, c}, 2, grad));
    rig_assign(r, rig_input(r, IR_ROLE_OUTPUT, IR_F64, 0, NULL, 0), loss);
    output(r, grad[0]);
    output(r, grad[1]);
    r->start[1][0] = 0.999;
    r->tolerance = 1e-9;
    rig_compile(r);
    assert_true(plan_memory(r->plan) < 8 * 8 * rows);
    assert_int_equal(rig_call(r, 1), 0);
    PlanPlace place[3];
    double *y_ref = malloc(rows * sizeof *y_ref), *l = malloc(rows * sizeof *l), sum = 0, slope = 0;
    for (uint64_t n = 0; n < rows; n++) {
        y_ref[n] = r->start[0][n] + (n ? 0.999 * y_ref[n - 1] : 0);
        sum += y_ref[n] * y_ref[n];
    }
    for (uint64_t n = rows; n-- > 0;) {
        l[n] = 2 * y_ref[n] + (n + 1 < rows ? 0.999 * l[n + 1] : 0);
        slope += n ? l[n] * y_ref[n - 1] : 0;
    }
    for (int n = 0; n < 3; n++)
        assert_true(plan_place(r->plan, r->input[2 + n], &place[n]));
    const double *got = (const double *)(r->frame.mem + place[1].offset);
    assert_true(fabs(*(double *)(r->frame.mem + place[0].offset) - sum) < 1e-9 * sum); /* sums of 1e5 terms */
    assert_true(fabs(*(double *)(r->frame.mem + place[2].offset) - slope) < 1e-9 * fabs(slope));
    for (uint64_t n = 0; n < rows; n++)
        assert_true(fabs(got[n] - l[n]) < 1e-9 * (1 + fabs(l[n])));
    free(y_ref);
    free(l);
    rig_free(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_recursion),
        cmocka_unit_test(long_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
