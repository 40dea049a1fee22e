/* Print, read, print is the identity; wrong text is refused; the checker finds each broken invariant;
 * replacement and dependence. */
#include "random_program.h"

#include "ir/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static void print_read_print(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 150; seed++) {
        Session *s = session_new(), *s2 = session_new();
        RandomProgram g;
        rp_make(&g, s, seed, 5, 4);
        IrDef roots[RP_MAX_DEFS];
        uint32_t n = 0;
        for (uint32_t k = 0; k < g.n_real; k++)
            roots[n++] = g.real_defs[k];
        roots[n++] = ir_define(g.p, 0, IR_F64, NULL, 0, g.loss);
        Buf a = {0}, b = {0}, out = {0};
        ir_print(g.p, roots, n, &a);
        IrProgram *q = ir_new(s2);
        if (!ir_read_text(q, a.at)) {
            diag_print_all(s2, stderr, false, false);
            fail_msg("seed %llu cannot be read:\n%s", (unsigned long long)seed, a.at);
        }
        IrDef *all = base_calloc(ir_def_count(q) + 1, sizeof *all);
        for (uint32_t k = 0; k < ir_def_count(q); k++)
            all[k] = k + 1;
        ir_print(q, all, ir_def_count(q), &b);
        assert_string_equal(a.at, b.at);
        if (!ir_check(q, &out))
            fail_msg("seed %llu: %s", (unsigned long long)seed, out.at);
        free(all);
        buf_free(&a);
        buf_free(&b);
        buf_free(&out);
        ir_free(q);
        ir_free(g.p);
        session_free(s);
        session_free(s2);
    }
}

static bool has_said(const Session *s, const char *code) {
    char text[1024] = "";
    FILE *out = fmemopen(text, sizeof text, "w");
    diag_print_all(s, out, false, false);
    fclose(out);
    return strstr(text, code) != NULL;
}

static void wrong_text_is_refused(void **state) {
    (void)state;
    static const char *const texts[] = {
        "input",
        "input x",
        "input x%1 : f64",
        "input x%1 : f99[3]",
        "input x%2 : f64[3]",
        "def y%1 : f64[] =",
        "def y%1 : f64[] = 1.0 +",
        "def y%1 : f64[] = x%3[]",
        "def y%1 : f64[] = foo(1.0)",
        "def y%1 : f64[] = sum[k.1](1.0)",
        "def y%1 : f64[] = (1.0",
        "input x%1 : f64[2]\ndef y%2 : f64[] = x%1[]",
        "view v%1 : f64[2] = q%1 + 0",
        "concat c%1 : f64[3] = a%9 @ 0",
        "index k.2 = bound 0 : 3",
        "linalg l%1 : f64[] = cholesky(a%1)",
        "linalg l%1 : f64[] = foo(a%1)",
        "def y%1 : f64[] = $1",
        "def y%1 : f64[] = select(true, 1.0)",
        "nonsense",
    };
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        Session *s = session_new();
        IrProgram *p = ir_new(s);
        if (ir_read_text(p, texts[k]))
            fail_msg("accepted: %s", texts[k]);
        assert_int_equal(diag_error_count(s), 1);
        assert_true(has_said(s, "E0603"));
        ir_free(p);
        session_free(s);
    }
}

/* ---- the checker --------------------------------------------------------------------------------------- */

typedef void (*Break)(RandomProgram *g);

static IrTerm find(const IrProgram *p, bool (*wanted)(const IrNode *)) {
    for (IrTerm t = 1; t <= ir_term_count(p); t++)
        if (wanted(ir_node(p, t)))
            return t;
    return 0;
}
static bool is_sum(const IrNode *n) { return n->op == IR_SUM; }
static bool is_mul(const IrNode *n) { return n->op == IR_MUL && n->type == IR_REAL; }
static bool is_read1(const IrNode *n) { return n->op == IR_READ && n->arg[2] == 1; }
static bool is_sine(const IrNode *n) { return n->op == IR_SIN && n->free; }

static IrDef some_expr(const RandomProgram *g) {
    for (IrDef d = ir_def_count(g->p); d > 0; d--)
        if (ir_def(g->p, d)->kind == IR_DEF_EXPR)
            return d;
    return 0;
}

static void break_operand(RandomProgram *g) {
    IrTerm t = find(g->p, is_mul);
    g->p->nodes.at[t].arg[0] = t + 1;
}
static void break_height(RandomProgram *g) { g->p->nodes.at[find(g->p, is_mul)].height = 9; }
static void break_free(RandomProgram *g) { g->p->nodes.at[find(g->p, is_sine)].free = 0; }
static void break_type(RandomProgram *g) { g->p->nodes.at[find(g->p, is_mul)].type = IR_BOOL; }
static void break_rank(RandomProgram *g) { g->p->nodes.at[find(g->p, is_read1)].arg[2] = 0; }
static void break_target(RandomProgram *g) { g->p->nodes.at[find(g->p, is_read1)].arg[0] = 999; }
static void break_level(RandomProgram *g) {
    IrTerm t = find(g->p, is_sum);
    uint32_t old = g->p->nodes.at[t].arg[0];
    g->p->nodes.at[t].arg[0] = index_bound(g->p, 7, g->p->indices.at[old].extent, 0);
}
static void break_sharing(RandomProgram *g) {
    IrNode copy = g->p->nodes.at[find(g->p, is_mul)];
    vec_push(&g->p->nodes, copy);
}
static void break_fresh(RandomProgram *g) {
    IrTerm t = ir_to_real(g->p, ir_idx(g->p, ir_fresh(g->p, 4, 0)));
    g->p->defs.at[some_expr(g)].body = t;
}
static void break_axis(RandomProgram *g) {
    IrTerm t = ir_to_real(g->p, ir_idx(g->p, ir_axis(g->p, 7, 1234)));
    g->p->defs.at[some_expr(g)].body = t;
}
static void break_elem(RandomProgram *g) { g->p->defs.at[some_expr(g)].elem = IR_I64; }
static void break_order(RandomProgram *g) {
    IrDef d = some_expr(g);
    g->p->defs.at[d].body = ir_read0(
        g->p, ir_define(g->p, 0, IR_F64, NULL, 0, ir_op1(g->p, IR_SIN, ir_read0(g->p, g->s))));
}
static void break_view(RandomProgram *g) { g->p->defs.at[g->x].offset = 100000; }
static void break_linalg(RandomProgram *g) { ir_linalg(g->p, IR_INVERSE, g->x, 0); }
static void break_piece(RandomProgram *g) {
    IrPiece piece = {g->x, {1, 0}};
    ir_concat(g->p, 0, IR_F64, 1, &g->extent[0], &piece, 1);
}

static void checker_finds_each_fault(void **state) {
    (void)state;
    static const Break faults[] = {
        break_operand, break_height, break_free,    break_type,   break_rank,
        break_target,  break_level,  break_sharing, break_fresh,  break_axis,
        break_elem,    break_order,  break_view,    break_linalg, break_piece,
    };
    for (size_t k = 0; k < sizeof faults / sizeof *faults; k++) {
        Session *s = session_new();
        RandomProgram g;
        Buf out = {0};
        rp_make(&g, s, 3, 8, 5);
        assert_true(ir_check(g.p, &out));
        faults[k](&g);
        if (ir_check(g.p, &out))
            fail_msg("fault %zu was not found", k);
        assert_true(out.n > 0);
        buf_free(&out);
        ir_free(g.p);
        session_free(s);
    }
}

/* ---- replacement --------------------------------------------------------------------------------------- */

/* Replacing input `data` by a body: the value is that of the program with data set to the body's values. */
static void replacement_is_setting(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        Session *s = session_new();
        RandomProgram g;
        rp_make(&g, s, seed, 5, 4);
        IrProgram *p = g.p;
        uint64_t M = ir_def(p, g.data)->extent[0], N = ir_def(p, g.data)->extent[1];
        IrTerm i = ir_idx(p, ir_axis(p, 0, M)), j = ir_idx(p, ir_axis(p, 1, N));
        IrTerm body = ir_op1(p, IR_COS, ir_to_real(p, ir_add(p, ir_mul(p, i, ir_int(p, 3)), j)));
        IrReplace r = {g.data, body, 0};
        IrTerm t = ir_replace(p, g.loss, &r, 1);
        if (ir_depends(p, g.loss, g.data))
            assert_false(ir_depends(p, t, g.data));
        else
            assert_int_equal(t, g.loss);
        IrEnv *env = ir_env_new(p);
        rp_set(&g, env);
        double values[64];
        for (uint64_t a = 0; a < M; a++)
            for (uint64_t b = 0; b < N; b++)
                values[a * N + b] = cos((double)(3 * a + b));
        ir_env_set(env, g.data, values);
        bool ok, ok2;
        double want = ir_eval(env, g.loss, NULL, &ok), got = ir_eval(env, t, NULL, &ok2);
        assert_true(ok && ok2);
        assert_true(fabs(want - got) <= 1e-9 * (1 + fabs(want)));
        /* the block replaced by another input of its shape: same value when that is set to the same */
        uint64_t size = ir_size(p, g.block);
        IrDef other = ir_input(p, 0, IR_ROLE_NONE, IR_F64, 1, &size);
        IrReplace whole = {g.block, 0, other};
        IrTerm moved = ir_replace(p, g.loss, &whole, 1);
        assert_false(ir_depends(p, moved, g.block) || ir_depends(p, moved, g.x));
        ir_env_set(env, other, ir_eval_def(env, g.block));
        assert_float_equal(ir_eval(env, moved, NULL, &ok), want, 0);
        ir_env_free(env);
        ir_free(p);
        session_free(s);
    }
}

static void dependence_through_views(void **state) {
    (void)state;
    Session *s = session_new();
    RandomProgram g;
    rp_make(&g, s, 1, 1, 1);
    IrProgram *p = g.p;
    IrTerm zero = ir_int(p, 0), last = ir_int(p, (int64_t)ir_size(p, g.block) - 1);
    IrTerm in_x = ir_read(p, g.x, &zero, 1), in_block = ir_read(p, g.block, &last, 1);
    assert_true(ir_depends(p, in_x, g.block));
    assert_true(ir_depends(p, in_x, g.x));
    assert_false(ir_depends(p, in_x, g.A));
    assert_true(ir_depends(p, in_block, g.s)); /* reads of the block may be reads of any view */
    IrDef d = ir_define(p, 0, IR_F64, NULL, 0, ir_op1(p, IR_SIN, in_x));
    assert_true(ir_def_depends(p, d, g.block));
    assert_false(ir_def_depends(p, d, g.s));
    ir_free(p);
    session_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(print_read_print),         cmocka_unit_test(wrong_text_is_refused),
        cmocka_unit_test(checker_finds_each_fault), cmocka_unit_test(replacement_is_setting),
        cmocka_unit_test(dependence_through_views),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
