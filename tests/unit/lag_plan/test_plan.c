/* Plans as text, against tests/golden/plan/NAME.txt; LAG_UPDATE=1 in the environment rewrites the files. The
 * programs are small ones that each show one decision. Terms are numbered as they are made, and C leaves the order of
 * arguments open, so what an operation takes is made before it, one after the other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../compiler/plan/plan.h"

#define EXTENT(...)                                                                                          \
    (uint64_t[]) { __VA_ARGS__ }

typedef struct Case {
    Session *session;
    IrProgram *ir;
    IrFunc func;
    PlanOptions options;
} Case;

static Case *begin(bool fast, bool cyclic) {
    Case *c = calloc(1, sizeof *c);
    c->session = session_new();
    c->ir = ir_new(c->session);
    c->func.name = "step";
    c->func.cyclic = cyclic;
    c->options = (PlanOptions){.threads = 1, .fast = fast};
    return c;
}

static IrDef input(Case *c, const char *name, IrRole role, IrElem elem, uint32_t rank,
                   const uint64_t *extent) {
    return ir_input(c->ir, name_of(c->session->names, name), role, elem, rank, extent);
}

static void assign(Case *c, IrDef target, IrTerm value) {
    IrAssign *at = (IrAssign *)arena_alloc(ir_arena(c->ir), sizeof *at);
    *at = (IrAssign){.target = target, .value = value};
    vec_push(&c->func.groups, (IrGroup){at, 1});
}

static IrTerm axis(Case *c, uint32_t a, uint64_t n) { return ir_idx(c->ir, ir_axis(c->ir, a, n)); }
static IrTerm read1(Case *c, IrDef d, IrTerm i) { return ir_read(c->ir, d, &i, 1); }
static IrTerm read2(Case *c, IrDef d, IrTerm i, IrTerm j) { return ir_read(c->ir, d, (IrTerm[]){i, j}, 2); }
static IrTerm num(Case *c, double v) { return ir_real(c->ir, v); }

static char *file_text(const char *path) {
    FILE *in = fopen(path, "rb");
    Buf text = {0};
    char bytes[4096];
    for (size_t n; in && (n = fread(bytes, 1, sizeof bytes, in)) > 0;)
        buf_write(&text, bytes, n);
    if (in)
        fclose(in);
    return text.at;
}

static void finish(Case *c, const char *name) {
    const IrFunc *func = &c->func;
    Plan *plan = plan_build(c->session, c->ir, &func, 1, &c->options);
    Buf text = {0};
    char path[256];
    assert_non_null(plan);
    plan_print(plan, &text);
    snprintf(path, sizeof path, "golden/plan/%s.txt", name);
    if (getenv("LAG_UPDATE")) {
        FILE *out = fopen(path, "wb");
        assert_non_null(out);
        fwrite(text.at, 1, text.n, out);
        fclose(out);
    }
    char *want = file_text(path);
    assert_non_null(want);
    assert_string_equal(text.at, want);
    free(want);
    buf_free(&text);
    plan_free(plan);
    vec_free(&c->func.groups);
    ir_free(c->ir);
    session_free(c->session);
    free(c);
}

/* Three assignments over one flat block: one loop, each element touched once, scalars before it. */
static void fused_update(void **state) {
    (void)state;
    Case *c = begin(true, true);
    IrProgram *ir = c->ir;
    uint64_t n = 1000;
    IrDef q = input(c, "q", IR_ROLE_COORD, IR_F32, 1, &n), p = input(c, "p", IR_ROLE_MOMENTUM, IR_F32, 1, &n);
    IrDef v = input(c, "v", IR_ROLE_STATE, IR_F32, 1, &n), g = input(c, "g", IR_ROLE_DATA, IR_F32, 1, &n);
    IrDef k = ir_scalar_input(ir, name_of(c->session->names, "k"), IR_ROLE_STEP);
    IrDef rate = ir_scalar_input(ir, name_of(c->session->names, "rate"), IR_ROLE_HYPER);
    IrTerm i = axis(c, 0, n), slope = read1(c, g, i), decay = ir_pow(ir, num(c, 0.99), ir_read0(ir, k));
    IrTerm square = ir_mul(ir, slope, slope), kept = ir_mul(ir, num(c, 0.99), read1(c, v, i));
    assign(c, v, ir_add(ir, kept, square));
    assign(c, p, ir_sub(ir, ir_mul(ir, num(c, 0.9), read1(c, p, i)), slope));
    IrTerm scale = ir_op1(ir, IR_SQRT, ir_div(ir, read1(c, v, i), ir_sub(ir, num(c, 1), decay)));
    IrTerm move = ir_div(ir, ir_mul(ir, ir_read0(ir, rate), read1(c, p, i)), scale);
    assign(c, q, ir_add(ir, read1(c, q, i), move));
    finish(c, "fused_update");
}

/* A decay of q, which shares nothing with p, between the pull on p and the move by it: one loop all the same. */
static void decayed_update(void **state) {
    (void)state;
    Case *c = begin(true, true);
    IrProgram *ir = c->ir;
    uint64_t n = 1000;
    IrDef q = input(c, "q", IR_ROLE_COORD, IR_F64, 1, &n), p = input(c, "p", IR_ROLE_MOMENTUM, IR_F64, 1, &n);
    IrDef g = input(c, "g", IR_ROLE_DATA, IR_F64, 1, &n);
    IrTerm i = axis(c, 0, n);
    assign(c, p, ir_sub(ir, ir_mul(ir, num(c, 0.9), read1(c, p, i)), read1(c, g, i)));
    assign(c, q, ir_mul(ir, num(c, 0.99), read1(c, q, i)));
    assign(c, q, ir_add(ir, read1(c, q, i), ir_mul(ir, num(c, 0.01), read1(c, p, i))));
    finish(c, "decayed_update");
}

/* Half kick, drift, half kick with a costly force: computed once a step, kept for the next. */
static void kept_force(void **state) {
    (void)state;
    Case *c = begin(false, true);
    IrProgram *ir = c->ir;
    uint64_t n = 50;
    IrDef q = input(c, "q", IR_ROLE_COORD, IR_F64, 1, &n), p = input(c, "p", IR_ROLE_MOMENTUM, IR_F64, 1, &n);
    IrIdx i = ir_fresh(ir, n, 0), j = ir_fresh(ir, n, 0);
    IrTerm here = read1(c, q, ir_idx(ir, i)), apart = ir_sub(ir, read1(c, q, ir_idx(ir, j)), here);
    IrTerm pull = ir_reduce(ir, IR_SUM, j, 0, ir_op1(ir, IR_SIN, apart));
    IrDef force = ir_define(ir, name_of(c->session->names, "force"), IR_F64, &i, 1, pull);
    IrTerm at = axis(c, 0, n), push = ir_mul(ir, num(c, 0.05), read1(c, force, at));
    IrTerm kick = ir_add(ir, read1(c, p, at), push), drift = ir_mul(ir, num(c, 0.1), read1(c, p, at));
    assign(c, p, kick);
    assign(c, q, ir_add(ir, read1(c, q, at), drift));
    assign(c, p, kick);
    finish(c, "kept_force");
}

/* A layer and the gradient of its weights: products called, bias and relu in one loop, bytes made numbers
 * first. */
static void layer(void **state) {
    (void)state;
    Case *c = begin(true, true);
    IrProgram *ir = c->ir;
    IrDef image = input(c, "image", IR_ROLE_DATA, IR_U8, 3, EXTENT(500, 8, 8));
    IrDef rows = input(c, "rows", IR_ROLE_BATCH, IR_I64, 1, EXTENT(32));
    IrDef w = input(c, "W", IR_ROLE_COORD, IR_F32, 3, EXTENT(8, 8, 24)),
          bias = input(c, "b", IR_ROLE_COORD, IR_F32, 1, EXTENT(24));
    IrDef g = input(c, "g", IR_ROLE_OUTPUT, IR_F32, 3, EXTENT(8, 8, 24));
    IrIdx n = ir_fresh(ir, 32, 0), o = ir_fresh(ir, 24, 0), y = ir_fresh(ir, 8, 0), x = ir_fresh(ir, 8, 0);
    IrTerm row = read1(c, rows, ir_idx(ir, n));
    IrTerm pixel = ir_to_real(ir, ir_read(ir, image, (IrTerm[]){row, ir_idx(ir, y), ir_idx(ir, x)}, 3));
    IrTerm weight = ir_read(ir, w, (IrTerm[]){ir_idx(ir, y), ir_idx(ir, x), ir_idx(ir, o)}, 3);
    IrTerm sum = ir_reduce(ir, IR_SUM, y, 0, ir_reduce(ir, IR_SUM, x, 0, ir_mul(ir, pixel, weight)));
    IrTerm unit = ir_op1(ir, IR_RELU, ir_add(ir, sum, read1(c, bias, ir_idx(ir, o))));
    IrDef h = ir_define(ir, name_of(c->session->names, "h"), IR_F32, (IrIdx[]){n, o}, 2, unit);
    IrIdx m = ir_fresh(ir, 32, 0);
    row = read1(c, rows, ir_idx(ir, m));
    pixel = ir_to_real(ir, ir_read(ir, image, (IrTerm[]){row, axis(c, 0, 8), axis(c, 1, 8)}, 3));
    assign(c, g, ir_reduce(ir, IR_SUM, m, 0, ir_mul(ir, pixel, read2(c, h, ir_idx(ir, m), axis(c, 2, 24)))));
    finish(c, "layer");
}

/* A gradient summed over what only one factor has, and a chain of three: an inner sum each, then a product. */
static void pairs(void **state) {
    (void)state;
    Case *c = begin(true, true);
    IrProgram *ir = c->ir;
    IrDef w = input(c, "W", IR_ROLE_COORD, IR_F32, 2, EXTENT(32, 24)),
          t = input(c, "t", IR_ROLE_DATA, IR_F32, 3, EXTENT(20, 16, 24)),
          s = input(c, "s", IR_ROLE_DATA, IR_F32, 1, EXTENT(16));
    IrDef g = input(c, "g", IR_ROLE_OUTPUT, IR_F32, 2, EXTENT(20, 32)),
          h = input(c, "h", IR_ROLE_OUTPUT, IR_F32, 2, EXTENT(20, 32));
    IrIdx j = ir_fresh(ir, 16, 0), k = ir_fresh(ir, 24, 0);
    IrTerm i = axis(c, 0, 20), m = axis(c, 1, 32);
    IrTerm weight = read2(c, w, m, ir_idx(ir, k));
    IrTerm slope = ir_read(ir, t, (IrTerm[]){i, ir_idx(ir, j), ir_idx(ir, k)}, 3);
    IrTerm two = ir_mul(ir, weight, slope), three = ir_mul(ir, two, read1(c, s, ir_idx(ir, j)));
    assign(c, g, ir_reduce(ir, IR_SUM, j, 0, ir_reduce(ir, IR_SUM, k, 0, two)));
    assign(c, h, ir_reduce(ir, IR_SUM, j, 0, ir_reduce(ir, IR_SUM, k, 0, three)));
    finish(c, "pairs");
}

/* Cosines of all differences, written out: one sine and cosine for each angle, and on the diagonal cos² + sin² = 1. */
static void circle(void **state) {
    (void)state;
    Case *c = begin(false, false);
    uint64_t n = 2;
    c->func.often = true;
    IrDef q = input(c, "q", IR_ROLE_COORD, IR_F64, 1, &n), m = input(c, "m", IR_ROLE_OUTPUT, IR_F64, 2, EXTENT(2, 2));
    IrTerm difference = ir_sub(c->ir, read1(c, q, axis(c, 0, n)), read1(c, q, axis(c, 1, n)));
    assign(c, m, ir_op1(c->ir, IR_COS, difference));
    finish(c, "circle");
}

/* Neighbours on a ring: the first and last site apart, no remainder in the loop between them. */
static void ring(void **state) {
    (void)state;
    Case *c = begin(false, false);
    IrProgram *ir = c->ir;
    uint64_t n = 64;
    IrDef u = input(c, "u", IR_ROLE_COORD, IR_F64, 1, &n),
          out = input(c, "out", IR_ROLE_OUTPUT, IR_F64, 1, &n);
    IrTerm i = axis(c, 0, n), size = ir_int(ir, (int64_t)n), one = ir_int(ir, 1);
    IrTerm right = ir_op2(ir, IR_IMOD, ir_op2(ir, IR_ADD, i, one), size);
    IrTerm left = ir_op2(ir, IR_IMOD, ir_op2(ir, IR_SUB, i, one), size);
    assign(c, out, ir_sub(ir, read1(c, u, right), read1(c, u, left)));
    finish(c, "ring");
}

/* Row sums feed column sums over i ≤ j: triangular loops, the sine computed once for each element. */
static void triangle(void **state) {
    (void)state;
    Case *c = begin(false, false);
    IrProgram *ir = c->ir;
    uint64_t n = 20;
    IrDef q = input(c, "q", IR_ROLE_COORD, IR_F64, 1, &n),
          out = input(c, "out", IR_ROLE_OUTPUT, IR_F64, 1, &n);
    IrIdx j = ir_fresh(ir, n, 0);
    IrTerm before = ir_op2(ir, IR_LE, ir_idx(ir, j), axis(c, 0, n));
    assign(c, out, ir_reduce(ir, IR_SUM, j, before, ir_op1(ir, IR_SIN, read1(c, q, ir_idx(ir, j)))));
    finish(c, "triangle");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(circle),       cmocka_unit_test(fused_update), cmocka_unit_test(kept_force),
        cmocka_unit_test(layer),        cmocka_unit_test(decayed_update),
        cmocka_unit_test(pairs),        cmocka_unit_test(ring),       cmocka_unit_test(triangle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
