/* Every line of rt_abi.def is a call that some program makes: programs with each kind of library call, in
 * both precisions, are compiled for a machine with the widest vectors, and the names searched for in the
 * modules. A line without such a program is dead, and its function with it. */
#include "rig.h"

#include "../../../runtime/rt_abi.h"

#define EXTENT(...)                                                                                          \
    (uint64_t[]) { __VA_ARGS__ }

static IrTerm idx(Rig *r, IrIdx i) { return ir_idx(r->ir, i); }
static IrTerm axis(Rig *r, uint32_t a, uint64_t n) { return ir_idx(r->ir, ir_axis(r->ir, a, n)); }

/* Σ a[b, i, k] b[b, k, j] with `batches` of them (1: matrices), and a matrix times a vector. */
static void add_products(Rig *r, IrElem elem, uint64_t batches) {
    IrProgram *ir = r->ir;
    enum { M = 80, N = 70, K = 90 };
    uint32_t skip = batches == 1;
    uint64_t a_extent[] = {batches, M, K}, b_extent[] = {batches, K, N}, c_extent[] = {batches, M, N};
    IrDef a = rig_input(r, IR_ROLE_COORD, elem, 3 - skip, a_extent + skip, 0);
    IrDef b = rig_input(r, IR_ROLE_COORD, elem, 3 - skip, b_extent + skip, 0);
    IrDef c = rig_input(r, IR_ROLE_OUTPUT, elem, 3 - skip, c_extent + skip, 0);
    IrDef x = rig_input(r, IR_ROLE_COORD, elem, 1, EXTENT(K), 0),
          y = rig_input(r, IR_ROLE_OUTPUT, elem, 1, EXTENT(M), 0);
    IrIdx k = ir_fresh(ir, K, 0), l = ir_fresh(ir, K, 0);
    IrTerm outer = axis(r, 0, batches), i = axis(r, 1 - skip, M), j = axis(r, 2 - skip, N);
    IrTerm left = ir_read(ir, a, (IrTerm[]){outer, i, idx(r, k)} + skip, 3 - skip);
    IrTerm right = ir_read(ir, b, (IrTerm[]){outer, idx(r, k), j} + skip, 3 - skip);
    rig_assign(r, c, ir_reduce(ir, IR_SUM, k, 0, ir_mul(ir, left, right)));
    if (skip)
        rig_assign(r, y, ir_reduce(ir, IR_SUM, l, 0, ir_mul(ir, rig_read2(r, a, axis(r, 0, M), idx(r, l)),
                                                            rig_read1(r, x, idx(r, l)))));
}

static void add_linear_algebra(Rig *r, IrElem elem) {
    IrProgram *ir = r->ir;
    enum { N = 20 };
    IrDef a = rig_input(r, IR_ROLE_COORD, elem, 2, EXTENT(N, N), 0),
          b = rig_input(r, IR_ROLE_COORD, elem, 1, EXTENT(N), 0);
    const IrDef polar = ir_linalg(ir, IR_POLAR, a, 0);
    const IrDef all[] = {polar, ir_linalg(ir, IR_LEADING, a, 0), ir_linalg(ir, IR_SPECTRAL, a, polar), ir_linalg(ir, IR_NUCLEAR, a, polar),
                         ir_linalg(ir, IR_CHOLESKY, a, 0),      ir_linalg(ir, IR_SOLVE, a, b),
                         ir_linalg(ir, IR_SOLVE_SPD, a, b),     ir_linalg(ir, IR_SOLVE_LOWER, a, b),
                         ir_linalg(ir, IR_INVERSE, a, 0),       ir_linalg(ir, IR_LOGDET, a, 0)};
    for (size_t d = 0; d < sizeof all / sizeof *all; d++) {
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, elem, ir_def(ir, all[d])->rank, EXTENT(N, N), 0);
        rig_assign(r, out, rig_whole(r, all[d]));
    }
}

/* exp(u) = x: one equation; `blocks`: of a convex function of four unknowns in two blocks. */
static void add_equation(Rig *r, bool blocks) {
    IrProgram *ir = r->ir;
    uint64_t n = blocks ? 4 : 1;
    IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(n), 0), y = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, EXTENT(n), 0);
    IrDef u = ir_unknown(ir, 0, n);
    IrIdx i = ir_axis(ir, 0, n);
    IrTerm power = ir_op1(ir, IR_EXP, rig_whole(r, u));
    IrDef residual = ir_define(ir, 0, IR_F64, &i, 1, ir_sub(ir, power, rig_whole(r, x)));
    IrIdx ij[2] = {i, ir_axis(ir, 1, 1)}, kij[3] = {ir_axis(ir, 0, 2), ir_axis(ir, 1, 2), ir_axis(ir, 2, 2)};
    IrTerm same = ir_bracket(ir, ir_idx(ir, kij[1]), ir_idx(ir, kij[2]));
    IrDef jacobian = blocks ? ir_define(ir, 0, IR_F64, kij, 3, same) : ir_define(ir, 0, IR_F64, ij, 2, power);
    rig_assign(r, y, rig_whole(r, ir_root(ir, 0, u, residual, jacobian, x)));
}

/* A loop long enough for threads: noise, and functions the C library has not. */
static void add_elementwise(Rig *r, IrElem elem) {
    IrProgram *ir = r->ir;
    enum { N = 1000000 };
    IrDef x = rig_input(r, IR_ROLE_COORD, elem, 1, EXTENT(N), 0);
    IrTerm value = rig_whole(r, x), at = axis(r, 0, N);
    value = ir_add(ir, ir_op1(ir, IR_LGAMMA, value), ir_op2(ir, IR_POLYGAMMA, ir_real(ir, 1), value));
    value = ir_add(ir, value, ir_draw(ir, IR_DRAW_UNIFORM, 1, at));
    rig_assign(r, x, ir_add(ir, value, ir_draw(ir, IR_DRAW_NORMAL, 2, at)));
}

/* Noise of several copies at once. */
static void add_copies(Rig *r, IrElem elem) {
    IrDef x = rig_input(r, IR_ROLE_COORD, elem, 1, EXTENT(3), 0);
    IrTerm at = axis(r, 0, 3);
    rig_assign(r, x, ir_add(r->ir, ir_draw(r->ir, IR_DRAW_UNIFORM, 1, at), ir_draw(r->ir, IR_DRAW_NORMAL, 2, at)));
    r->func.copies = true;
    r->options.fast = false;
}

/* The text of the module, before it is optimized, for a machine with AVX-512 or with AVX2 alone. */
static void print_module(Rig *r, bool widest, Buf *text) {
    const IrFunc *func = &r->func;
    r->plan = plan_build(r->session, r->ir, &func, 1, &r->options);
    assert_non_null(r->plan);
    EmitOptions options = {.verify = true};
#ifdef __x86_64__
    options.cpu = widest ? "skylake-avx512" : "haswell";
    options.features = widest ? "+avx2,+fma,+avx512f,+avx512dq,+avx512vl,+avx512bw,+avx512cd" : "+avx2,+fma";
#endif
    EmitModule *module = emit_module(r->session, r->plan, &options);
    assert_non_null(module);
    emit_print(module, false, text);
    emit_free(module);
}

static void every_line_is_called(void **state) {
    (void)state;
    Buf text = {0};
    for (int variant = 0; variant < 14; variant++) {
        Rig *r = rig_new(true);
        IrElem elem = variant & 1 ? IR_F32 : IR_F64;
        switch (variant >> 1) {
        case 0: add_products(r, elem, 1); break;
        case 1: add_products(r, elem, 4); break;
        case 2: add_linear_algebra(r, elem); break;
        case 3: add_elementwise(r, elem); break;
        case 4: add_equation(r, false); break;
        case 5: add_equation(r, true); break;
        case 6: add_copies(r, elem); break;
        }
        print_module(r, variant != 13, &text);
        rig_free(r);
    }
    static const char *const wanted[] = {
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define RT_FN(result, name, ...) "@" #name "(",
#define RT_VECTOR(name, isa, lanes, params) "@" TEXT(RT_VARIANT_NAME(name, isa, lanes, params)) "(",
#include "../../../runtime/rt_abi.def"
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!strstr(text.at, wanted[i]))
            fail_msg("no program calls %s", wanted[i]);
    buf_free(&text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_line_is_called)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
