/* A function for several copies at once: the bits of each copy are those of the function alone. */
#include "rig.h"

#define EXTENT(...)                                                                                          \
    (uint64_t[]) { __VA_ARGS__ }

typedef int32_t (*Lanes)(RtFrame *frame, int32_t *status);

static IrTerm idx(Rig *r, IrIdx i) { return ir_idx(r->ir, i); }

static JitCode *compile(Rig *r) {
    EmitModule *module =
        emit_module(r->session, r->plan, &(EmitOptions){.verify = true, .features = r->features});
    assert_non_null(module);
    return jit_compile(r->session, module, NULL);
}

/* Runs every lane alone and all together from different starts; inputs are scaled by `spread` in the last lane. */
static void same_bits(Rig *r, double spread, const RtStatus *want) {
    r->func.copies = true;
    rig_compile(r);
    JitCode *code = compile(r);
    assert_non_null(code);
    const int32_t *count = jit_symbol(code, "step_lanes_count");
    Lanes lanes = (Lanes)(uintptr_t)jit_symbol(code, "step_lanes");
    RtFunction alone = (RtFunction)(uintptr_t)jit_symbol(code, "step");
    assert_true(count && lanes && alone);
    uint64_t bytes = plan_memory(r->plan);
    char *all = aligned_alloc(64, (size_t)*count * ((bytes + 63) / 64 * 64));
    memset(all, 0, (size_t)*count * bytes);
    char **one = calloc((size_t)*count, sizeof *one);
    int32_t status[16], alone_status[16];
    uint64_t seeds[16];
    for (int32_t l = 0; l < *count; l++) {
        one[l] = aligned_alloc(64, (bytes + 63) / 64 * 64);
        memset(one[l], 0, bytes);
        for (uint32_t i = 0; i < r->n_inputs; i++) {
            PlanPlace place;
            if (!plan_place(r->plan, r->input[i], &place) || place.is_data)
                continue;
            uint64_t size = plan_elem_bytes(place.elem);
            for (uint64_t k = 0; k < ir_size(r->ir, r->input[i]); k++) {
                double v = r->start[i][k] * (l + 1 == *count ? spread : 1 + 0.25 * l);
                rig_put(one[l] + place.offset + k * size, place.elem, &v, 1);
                rig_put(all + (uint64_t)*count * (place.offset + k * size) + (uint64_t)l * size, place.elem, &v, 1);
            }
        }
        seeds[l] = 7 + ((uint64_t)l << 31);
        RtFrame frame = {.mem = one[l], .data = r->data, .seed = seeds[l], .draw_step = 3};
        alone_status[l] = alone(&frame);
    }
    RtFrame frame = {.mem = all, .data = r->data, .seeds = seeds, .draw_step = 3};
    assert_int_equal(lanes(&frame, status), 0);
    for (int32_t l = 0; l < *count; l++) {
        assert_int_equal(status[l], alone_status[l]);
        if (want)
            assert_int_equal(status[l], want[l + 1 == *count]);
        for (uint32_t i = 0; i < r->n_inputs && !status[l]; i++) {
            PlanPlace place;
            if (!plan_place(r->plan, r->input[i], &place) || place.is_data)
                continue;
            uint64_t size = plan_elem_bytes(place.elem);
            for (uint64_t k = 0; k < ir_size(r->ir, r->input[i]); k++)
                assert_memory_equal(one[l] + place.offset + k * size,
                                    all + (uint64_t)*count * (place.offset + k * size) + (uint64_t)l * size, size);
        }
        free(one[l]);
    }
    free(one);
    free(all);
    jit_free(code);
    rig_free(r);
}

/* Sums with moving ranges, linear algebra, functions of our own and of the C library, conditions, both precisions. */
static void everything(uint64_t n, bool often, IrElem elem, double spread, const char *features) {
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    r->func.often = often;
    r->features = features;
    IrDef x = rig_input(r, IR_ROLE_COORD, elem, 1, EXTENT(n), 0);
    IrDef c = rig_input(r, IR_ROLE_DATA, IR_F64, 1, EXTENT(n), 0);
    IrDef out = rig_input(r, IR_ROLE_OUTPUT, elem, 1, EXTENT(n), 0);
    IrDef whole = rig_input(r, IR_ROLE_OUTPUT, elem, 0, NULL, 0);
    IrDef sums = rig_input(r, IR_ROLE_OUTPUT, elem, 1, EXTENT(n), 0);
    IrIdx i = ir_fresh(ir, n, 0), j = ir_fresh(ir, n, 0), k = ir_fresh(ir, n, 0);
    IrTerm xi = rig_read1(r, x, idx(r, i)), xj = rig_read1(r, x, idx(r, j)), a = ir_idx(ir, ir_axis(ir, 0, n));
    IrTerm entry = ir_add(ir, ir_op1(ir, IR_COS, ir_sub(ir, xi, xj)),
                          ir_mul(ir, ir_real(ir, 3), ir_bracket(ir, idx(r, i), idx(r, j))));
    IrDef m = ir_define(ir, 0, elem, (IrIdx[]){i, j}, 2, entry);
    IrTerm xk = rig_read1(r, x, idx(r, k)), ck = rig_read1(r, c, idx(r, k));
    IrTerm f = ir_select(ir, ir_op2(ir, IR_LT, xk, ck), ir_add(ir, ir_op1(ir, IR_TANH, xk), ir_op1(ir, IR_EXP, xk)),
                         ir_add(ir, ir_op1(ir, IR_SIN, ir_mul(ir, xk, xk)), ir_op1(ir, IR_LOG, ir_op1(ir, IR_ABS, xk))));
    IrDef force = ir_define(ir, 0, elem, &k, 1, f);
    if (often && n <= 16)
        rig_assign(r, out, rig_whole(r, ir_linalg(ir, IR_SOLVE_SPD, m, force)));
    else
        rig_assign(r, out, rig_whole(r, force));
    IrIdx p = ir_fresh(ir, n, 0), q = ir_fresh(ir, n, 0), s = ir_fresh(ir, n, 0);
    rig_assign(r, whole, ir_add(ir, ir_reduce(ir, IR_MAXIMUM, p, 0, rig_read1(r, x, idx(r, p))),
                                ir_reduce(ir, IR_SUM, s, 0, ir_op2(ir, IR_POW, ir_op1(ir, IR_ABS, rig_read1(r, x, idx(r, s))), ir_real(ir, 1.3)))));
    rig_assign(r, sums, ir_reduce(ir, IR_SUM, q, ir_op2(ir, IR_LE, a, idx(r, q)), ir_op1(ir, IR_SQRT, ir_op1(ir, IR_ABS, rig_read1(r, x, idx(r, q))))));
    same_bits(r, spread, NULL);
}

static void bits(void **state) {
    (void)state;
    const uint64_t sizes[] = {1, 2, 5, 11, 16, 40};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (int often = 0; often < 2; often++) {
            everything(sizes[s], often, IR_F64, 0.7, NULL);
            everything(sizes[s], often, IR_F32, 0.7, NULL);
        }
    everything(5, true, IR_F64, 1e7, NULL); /* the last lane goes round the circle millions of times */
    everything(5, true, IR_F64, NAN, NULL);
    everything(5, true, IR_F64, 0.7, "+avx,+avx2,+fma");
    everything(5, true, IR_F64, 0.7, "+sse2");
}

/* Each copy has the noise of its own seed. */
static void noise(void **state) {
    (void)state;
    static const char *const features[] = {NULL, "+avx,+avx2,+fma", "+sse2"};
    for (int f = 0; f < 3; f++) {
        Rig *r = rig_new(false);
        IrProgram *ir = r->ir;
        r->features = features[f];
        IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(5), 0);
        IrDef y = rig_input(r, IR_ROLE_COORD, IR_F32, 1, EXTENT(40), 0);
        IrTerm i = ir_idx(ir, ir_axis(ir, 0, 5)), j = ir_idx(ir, ir_axis(ir, 0, 40));
        rig_assign(r, x, ir_mul(ir, rig_whole(r, x), ir_draw(ir, IR_DRAW_NORMAL, 1, i)));
        rig_assign(r, y, ir_add(ir, rig_whole(r, y), ir_draw(ir, IR_DRAW_UNIFORM, 2, j)));
        same_bits(r, 3, NULL);
    }
}

/* A lane that fails says so, and the others go on. */
static void statuses(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    r->func.often = true;
    IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(3, 3), 0);
    IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 2, EXTENT(3, 3), 0);
    for (int i = 0; i < 9; i++)
        r->start[0][i] = i % 4 ? 0.1 : 2;
    rig_assign(r, out, rig_whole(r, ir_linalg(r->ir, IR_CHOLESKY, a, 0)));
    same_bits(r, -1, (RtStatus[]){RT_OK, RT_NOT_POSITIVE_DEFINITE});
}

/* What differs between copies in more than numbers has no lanes. */
static void left_out(void **state) {
    (void)state;
    for (int what = 1; what < 3; what++) {
        Rig *r = rig_new(false);
        IrProgram *ir = r->ir;
        IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(40), 0);
        IrDef at = rig_input(r, IR_ROLE_STATE, IR_I64, 0, NULL, 40);
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(40, 40), 0);
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, EXTENT(40), 0);
        IrIdx i = ir_fresh(ir, 40, 0);
        IrTerm where = ir_reduce(ir, IR_ARGMAX, i, 0, rig_read1(r, x, idx(r, i)));
        (void)at;
        r->func.copies = true;
        rig_assign(r, out, what == 1 ? rig_whole(r, ir_linalg(ir, IR_SOLVE, a, x))
                                       : ir_mul(ir, rig_whole(r, x), ir_to_real(ir, where)));
        rig_compile(r);
        JitCode *code = compile(r);
        assert_non_null(code);
        assert_non_null(jit_symbol(code, "step"));
        assert_null(jit_symbol(code, "step_lanes"));
        jit_free(code);
        rig_free(r);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits),
        cmocka_unit_test(noise),
        cmocka_unit_test(statuses),
        cmocka_unit_test(left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
