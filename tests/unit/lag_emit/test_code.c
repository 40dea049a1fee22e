/* Small programs of every shape against the reference evaluator. */
#include "rig.h"

static void one_elementwise(void **state) {
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        Rig *r = rig_new(fast);
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 1, (uint64_t[]){1000}, 0);
        IrDef b = rig_input(r, IR_ROLE_MOMENTUM, IR_F64, 1, (uint64_t[]){1000}, 0);
        IrTerm x = rig_whole(r, a), y = rig_whole(r, b);
        rig_assign(r, a, ir_add(r->ir, ir_mul(r->ir, x, ir_real(r->ir, 0.5)), ir_op1(r->ir, IR_EXP, y)));
        rig_assign(r, b, ir_mul(r->ir, rig_whole(r, a), y));
        rig_check(r, 3);
    }
}

static void one_sum(void **state) {
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        Rig *r = rig_new(fast);
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 1, (uint64_t[]){1000}, 0);
        IrDef s = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 0, NULL, 0);
        IrIdx i = ir_fresh(r->ir, 1000, 0);
        IrTerm x = rig_read1(r, a, ir_idx(r->ir, i));
        rig_assign(r, s, ir_reduce(r->ir, IR_SUM, i, 0, ir_mul(r->ir, x, x)));
        rig_assign(r, a, ir_mul(r->ir, rig_whole(r, a), ir_read0(r->ir, s)));
        rig_check(r, 2);
    }
}

static void one_product(void **state) {
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        Rig *r = rig_new(fast);
        IrProgram *ir = r->ir;
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, (uint64_t[]){30, 40}, 0);
        IrDef b = rig_input(r, IR_ROLE_COORD, IR_F64, 2, (uint64_t[]){40, 50}, 0);
        IrDef c = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 2, (uint64_t[]){30, 50}, 0);
        IrDef t = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 2, (uint64_t[]){50, 30}, 0);
        IrIdx k = ir_fresh(ir, 40, 0);
        IrTerm i = ir_idx(ir, ir_axis(ir, 0, 30)), j = ir_idx(ir, ir_axis(ir, 1, 50)), kk = ir_idx(ir, k);
        IrTerm ab = ir_reduce(ir, IR_SUM, k, 0, ir_mul(ir, rig_read2(r, a, i, kk), rig_read2(r, b, kk, j)));
        rig_assign(r, c, ir_op1(ir, IR_TANH, ir_add(ir, ab, ir_real(ir, 0.25))));
        IrTerm ti = ir_idx(ir, ir_axis(ir, 0, 50)), tj = ir_idx(ir, ir_axis(ir, 1, 30));
        k = ir_fresh(ir, 40, 0);
        kk = ir_idx(ir, k);
        rig_assign(r, t,
                   ir_reduce(ir, IR_SUM, k, 0, ir_mul(ir, rig_read2(r, a, tj, kk), rig_read2(r, b, kk, ti))));
        rig_check(r, 1);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_elementwise),
        cmocka_unit_test(one_sum),
        cmocka_unit_test(one_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
