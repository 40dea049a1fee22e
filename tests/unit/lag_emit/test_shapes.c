/* What planning treats specially: rings of assignments, pieces, carried values, large loops, calls, gathers.
 */
#include "rig.h"

#include <pthread.h>

#include "../../../runtime/core/core.h"

#define EXTENT(...)                                                                                          \
    (uint64_t[]) { __VA_ARGS__ }

static IrTerm idx(Rig *r, IrIdx i) { return ir_idx(r->ir, i); }
static IrTerm axis(Rig *r, uint32_t a, uint64_t n) { return ir_idx(r->ir, ir_axis(r->ir, a, n)); }
static IrTerm num(Rig *r, double v) { return ir_real(r->ir, v); }

/* Σ_k a[i,k] b[k,j] with the roles of the axes given by flags. */
static IrTerm product(Rig *r, IrDef a, bool ta, IrDef b, bool tb, uint64_t m, uint64_t n, uint64_t kk) {
    IrIdx k = ir_fresh(r->ir, kk, 0);
    IrTerm i = axis(r, 0, m), j = axis(r, 1, n), t = idx(r, k);
    IrTerm x = ta ? rig_read2(r, a, t, i) : rig_read2(r, a, i, t),
           y = tb ? rig_read2(r, b, j, t) : rig_read2(r, b, t, j);
    return ir_reduce(r->ir, IR_SUM, k, 0, ir_mul(r->ir, x, y));
}

static void products(void **state) {
    (void)state;
    for (int variant = 0; variant < 16; variant++) {
        bool ta = variant & 1, tb = variant & 2, fast = variant & 4;
        IrElem elem = variant & 8 ? IR_F32 : IR_F64;
        uint64_t m = 33, n = 20, k = 40;
        Rig *r = rig_new(fast);
        IrDef a = rig_input(r, IR_ROLE_COORD, elem, 2, ta ? EXTENT(k, m) : EXTENT(m, k), 0);
        IrDef b = rig_input(r, IR_ROLE_COORD, elem, 2, tb ? EXTENT(n, k) : EXTENT(k, n), 0);
        IrDef c = rig_input(r, IR_ROLE_OUTPUT, elem, 2, EXTENT(m, n), 0);
        IrDef v = rig_input(r, IR_ROLE_OUTPUT, elem, 1, EXTENT(m), 0);
        IrTerm ab = product(r, a, ta, b, tb, m, n, k);
        rig_assign(r, c, ir_mul(r->ir, num(r, 0.5), ab));
        rig_assign(r, c, ir_sub(r->ir, rig_whole(r, c), ir_op1(r->ir, IR_TANH, ab)));
        IrIdx q = ir_fresh(r->ir, n, 0);
        rig_assign(
            r, v,
            ir_reduce(r->ir, IR_SUM, q, 0, ir_op1(r->ir, IR_EXP, rig_read2(r, c, axis(r, 0, m), idx(r, q)))));
        r->tolerance = elem == IR_F32 ? 1e-4 : 1e-11;
        rig_check(r, 2);
    }
}

static void vectors_and_batches(void **state) {
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        Rig *r = rig_new(fast);
        IrProgram *ir = r->ir;
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(70, 90), 0);
        IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(90), 0);
        IrDef y = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, EXTENT(70), 0);
        IrDef z = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, EXTENT(90), 0);
        IrDef p = rig_input(r, IR_ROLE_COORD, IR_F64, 3, EXTENT(3, 24, 22), 0);
        IrDef q = rig_input(r, IR_ROLE_COORD, IR_F64, 3, EXTENT(3, 22, 26), 0);
        IrDef o = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 3, EXTENT(3, 24, 26), 0);
        IrIdx k = ir_fresh(ir, 90, 0), l = ir_fresh(ir, 70, 0), s = ir_fresh(ir, 22, 0);
        rig_assign(
            r, y,
            ir_reduce(ir, IR_SUM, k, 0,
                      ir_mul(ir, rig_read2(r, a, axis(r, 0, 70), idx(r, k)), rig_read1(r, x, idx(r, k)))));
        rig_assign(
            r, z,
            ir_reduce(ir, IR_SUM, l, 0,
                      ir_mul(ir, rig_read2(r, a, idx(r, l), axis(r, 0, 90)), rig_read1(r, y, idx(r, l)))));
        IrTerm u = ir_read(ir, p, (IrTerm[]){axis(r, 0, 3), axis(r, 1, 24), idx(r, s)}, 3);
        IrTerm w = ir_read(ir, q, (IrTerm[]){axis(r, 0, 3), idx(r, s), axis(r, 2, 26)}, 3);
        rig_assign(r, o, ir_reduce(ir, IR_SUM, s, 0, ir_mul(ir, u, w)));
        r->tolerance = 1e-10;
        rig_check(r, 2);
    }
}

/* Rotation: each of two reads the other as it was. */
static void rings(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(50), 0);
    IrDef b = rig_input(r, IR_ROLE_MOMENTUM, IR_F64, 1, EXTENT(50), 0);
    IrTerm x = rig_whole(r, a), y = rig_whole(r, b), c = num(r, 0.8), s = num(r, 0.6);
    rig_group(r, 2,
              (IrAssign[]){{.target = a, .value = ir_add(ir, ir_mul(ir, c, x), ir_mul(ir, s, y))},
                           {.target = b, .value = ir_sub(ir, ir_mul(ir, c, y), ir_mul(ir, s, x))}});
    /* a reversed copy of each other: no loop can do both in place */
    IrTerm back = ir_op2(ir, IR_SUB, ir_int(ir, 49), axis(r, 0, 50));
    rig_group(r, 2,
              (IrAssign[]){{.target = a, .value = rig_read1(r, b, back)},
                           {.target = b, .value = rig_read1(r, a, back)}});
    rig_assign(r, a, ir_mul(ir, num(r, 0.5), ir_add(ir, rig_read1(r, a, back), rig_whole(r, a))));
    rig_check(r, 3);
}

static void pieces(void **state) {
    (void)state;
    for (int rank = 1; rank < 3; rank++) {
        Rig *r = rig_new(false);
        IrProgram *ir = r->ir;
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(4, 6), 0);
        IrDef b = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(3, 5), 0);
        IrDef out =
            rig_input(r, IR_ROLE_OUTPUT, IR_F64, (uint32_t)rank, rank == 1 ? EXTENT(50) : EXTENT(8, 12), 0);
        IrIdx i = ir_fresh(ir, 4, 0), j = ir_fresh(ir, 6, 0);
        IrDef e = ir_define(ir, 0, IR_F64, (IrIdx[]){i, j}, 2,
                            ir_op1(ir, IR_EXP, rig_read2(r, a, idx(r, i), idx(r, j))));
        IrPiece at1[2] = {{e, {2, 0}}, {b, {30, 0}}}, at2[2] = {{e, {1, 2}}, {b, {5, 7}}};
        IrDef all = ir_concat(ir, 0, IR_F64, (uint32_t)rank, rank == 1 ? EXTENT(50) : EXTENT(8, 12),
                              rank == 1 ? at1 : at2, 2);
        rig_assign(r, out, ir_add(ir, rig_whole(r, out), rig_whole(r, all)));
        rig_assign(r, a, ir_mul(ir, num(r, 0.9), rig_whole(r, a)));
        rig_check(r, 2);
    }
}

/* A costly force wanted at the beginning and at the end of a step: computed once a step, kept in between. */
static void carried(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    IrDef q = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(20), 0);
    IrDef p = rig_input(r, IR_ROLE_MOMENTUM, IR_F64, 1, EXTENT(20), 0);
    IrDef c = rig_input(r, IR_ROLE_DATA, IR_F64, 1, EXTENT(20), 0);
    IrIdx i = ir_fresh(ir, 20, 0), j = ir_fresh(ir, 20, 0), w = ir_fresh(ir, 20, 0);
    IrTerm weight = ir_op1(ir, IR_EXP, ir_op1(ir, IR_SIN, rig_read1(r, c, idx(r, w))));
    IrDef weights = ir_define(ir, 0, IR_F64, &w, 1, weight);
    IrTerm apart = ir_sub(ir, rig_read1(r, q, idx(r, i)), rig_read1(r, q, idx(r, j)));
    IrTerm sum =
        ir_reduce(ir, IR_SUM, j, 0, ir_mul(ir, rig_read1(r, weights, idx(r, j)), ir_op1(ir, IR_SIN, apart)));
    IrDef force = ir_define(ir, 0, IR_F64, &i, 1, ir_neg(ir, sum));
    IrTerm kick = ir_add(ir, rig_whole(r, p), ir_mul(ir, num(r, 0.05), rig_whole(r, force)));
    rig_assign(r, p, kick);
    rig_assign(r, q, ir_add(ir, rig_whole(r, q), ir_mul(ir, num(r, 0.1), rig_whole(r, p))));
    rig_assign(r, p, kick);
    r->func.cyclic = true;
    rig_compile(r);
    assert_true(plan_has_prepare(r->plan, 0));
    /* one sine a term in the step, and none of the fixed weights */
    const PlanFunc *step = plan_func(r->plan, 0);
    uint32_t sines = 0, exps = 0;
    for (uint32_t v = 1; v < step->nodes.n; v++) {
        sines += step->nodes.at[v].kind == PLAN_OP && step->nodes.at[v].op == IR_SIN;
        exps += step->nodes.at[v].kind == PLAN_OP && step->nodes.at[v].op == IR_EXP;
    }
    assert_int_equal(sines, 1);
    assert_int_equal(exps, 0);
    plan_free(r->plan);
    jit_free(r->code);
    free(r->frame.mem);
    free(r->data[0]);
    free(r->data);
    rig_check(r, 5);
}

static void linear_algebra(void **state) {
    (void)state;
    Rig *r = rig_new(false);
    IrProgram *ir = r->ir;
    uint64_t n = 7;
    IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(n, n), 0);
    IrDef b = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(n), 0);
    IrIdx i = ir_fresh(ir, n, 0), j = ir_fresh(ir, n, 0), k = ir_fresh(ir, n, 0);
    IrTerm gram =
        ir_reduce(ir, IR_SUM, k, 0,
                  ir_mul(ir, rig_read2(r, a, idx(r, i), idx(r, k)), rig_read2(r, a, idx(r, j), idx(r, k))));
    IrTerm one = ir_bracket(ir, idx(r, i), idx(r, j));
    IrDef spd = ir_define(ir, 0, IR_F64, (IrIdx[]){i, j}, 2, ir_add(ir, gram, one));
    IrDef chol = ir_linalg(ir, IR_CHOLESKY, spd, 0), x = ir_linalg(ir, IR_SOLVE, spd, b);
    IrDef xs = ir_linalg(ir, IR_SOLVE_SPD, spd, a), l = ir_linalg(ir, IR_SOLVE_LOWER, chol, b);
    IrDef lt = ir_linalg(ir, IR_SOLVE_LOWER_T, chol, a), inv = ir_linalg(ir, IR_INVERSE, spd, 0);
    IrDef det = ir_linalg(ir, IR_LOGDET, spd, 0);
    const IrDef all[] = {chol, x, xs, l, lt, inv, det};
    for (size_t d = 0; d < sizeof all / sizeof *all; d++) {
        uint64_t extent[2] = {n, n};
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, ir_def(ir, all[d])->rank, extent, 0);
        rig_assign(r, out, rig_whole(r, all[d]));
    }
    r->tolerance = 1e-9;
    rig_check(r, 1);
}

/* Numbers of every storage, periodic neighbours, first and last elements apart. */
static void stencils(void **state) {
    (void)state;
    for (int fast = 0; fast < 2; fast++) {
        Rig *r = rig_new(fast);
        IrProgram *ir = r->ir;
        uint64_t n = 300;
        IrDef u = rig_input(r, IR_ROLE_COORD, IR_F64, 1, &n, 0),
              f = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, &n, 0);
        IrDef g = rig_input(r, IR_ROLE_OUTPUT, IR_F32, 1, &n, 0),
              s = rig_input(r, IR_ROLE_STATE, IR_I32, 1, &n, 9);
        IrDef m = rig_input(r, IR_ROLE_STATE, IR_U8, 1, &n, 200),
              b = rig_input(r, IR_ROLE_STATE, IR_I64, 1, &n, 1000);
        IrTerm i = axis(r, 0, n), one = ir_int(ir, 1), last = ir_int(ir, (int64_t)n - 1);
        IrTerm right = ir_op2(ir, IR_IMOD, ir_op2(ir, IR_ADD, i, one), ir_int(ir, (int64_t)n));
        IrTerm left = ir_op2(ir, IR_IMOD, ir_op2(ir, IR_SUB, i, one), ir_int(ir, (int64_t)n));
        IrTerm lap = ir_sub(ir, ir_add(ir, rig_read1(r, u, right), rig_read1(r, u, left)),
                            ir_mul(ir, num(r, 2), rig_whole(r, u)));
        rig_assign(r, f, lap);
        IrTerm inner = ir_sub(ir, rig_read1(r, u, ir_op2(ir, IR_MIN, ir_op2(ir, IR_ADD, i, one), last)),
                              rig_whole(r, u));
        IrTerm edge = ir_select(ir, ir_op2(ir, IR_EQ, i, last), num(r, 7),
                                ir_select(ir, ir_op2(ir, IR_LT, i, ir_int(ir, 3)), num(r, -1), inner));
        rig_assign(r, g, edge);
        rig_assign(r, u, ir_add(ir, rig_whole(r, u), ir_mul(ir, num(r, 0.1), rig_whole(r, f))));
        rig_assign(r, s,
                   ir_op2(ir, IR_ADD, ir_op2(ir, IR_MUL, rig_whole(r, s), ir_int(ir, 3)),
                          ir_op2(ir, IR_IDIV, i, ir_int(ir, 7))));
        rig_assign(r, m, ir_op2(ir, IR_IMOD, ir_op2(ir, IR_ADD, rig_whole(r, m), i), ir_int(ir, 251)));
        IrTerm less = ir_op2(ir, IR_LT, rig_whole(r, b), ir_op2(ir, IR_MUL, i, ir_int(ir, 3)));
        rig_assign(r, b, ir_select(ir, less, ir_op2(ir, IR_SUB, ir_int(ir, 0), i), rig_whole(r, b)));
        rig_check(r, 3);
    }
}

static void whole_reductions(void **state) {
    (void)state;
    static const IrOp ops[] = {IR_SUM,    IR_PROD,   IR_MAXIMUM, IR_MINIMUM, IR_LOGSUMEXP,
                               IR_ARGMAX, IR_ARGMIN, IR_ANY,     IR_ALL};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++)
        for (int fast = 0; fast < 2; fast++) {
            Rig *r = rig_new(fast);
            IrProgram *ir = r->ir;
            IrDef x = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(37, 23), 0);
            bool truth = ops[o] == IR_ANY || ops[o] == IR_ALL,
                 arg = ops[o] == IR_ARGMAX || ops[o] == IR_ARGMIN;
            IrElem elem = truth ? IR_U8 : arg ? IR_I64 : IR_F64;
            IrDef rows = rig_input(r, IR_ROLE_OUTPUT, elem, 1, EXTENT(37), 0);
            IrDef columns = rig_input(r, IR_ROLE_OUTPUT, elem, 1, EXTENT(23), 0);
            IrIdx i = ir_fresh(ir, 37, 0), j = ir_fresh(ir, 23, 0);
            IrTerm row = rig_read2(r, x, axis(r, 0, 37), idx(r, j)),
                   column = rig_read2(r, x, idx(r, i), axis(r, 0, 23));
            if (truth) {
                row = ir_op2(ir, IR_LT, num(r, ops[o] == IR_ANY ? 0.95 : -0.95), row);
                column = ir_op2(ir, IR_LT, num(r, ops[o] == IR_ANY ? 0.95 : -0.95), column);
            }
            rig_assign(r, rows, ir_reduce(ir, ops[o], j, 0, row));
            rig_assign(r, columns, ir_reduce(ir, ops[o], i, 0, column));
            rig_check(r, 1);
        }
}

/* Loops large enough to be cut into pieces: right, and the same bits on any number of threads. */
static void threads(void **state) {
    (void)state;
    char *memory[3] = {NULL};
    uint64_t size = 0;
    for (uint32_t n = 1; n <= 3; n++) {
        Rig *r = rig_new(true);
        IrProgram *ir = r->ir;
        uint64_t rows = 70001, columns = 20;
        IrDef x = rig_input(r, IR_ROLE_COORD, IR_F32, 2, EXTENT(rows, columns), 0);
        IrDef total = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 0, NULL, 0),
              best = rig_input(r, IR_ROLE_OUTPUT, IR_F32, 0, NULL, 0);
        IrDef sums = rig_input(r, IR_ROLE_OUTPUT, IR_F32, 1, EXTENT(columns), 0);
        IrIdx i = ir_fresh(ir, rows, 0), j = ir_fresh(ir, columns, 0), k = ir_fresh(ir, rows, 0);
        IrTerm e = rig_read2(r, x, idx(r, i), idx(r, j));
        rig_assign(r, x,
                   ir_mul(ir, num(r, 0.5),
                          ir_op1(ir, IR_EXP, ir_neg(ir, ir_mul(ir, rig_whole(r, x), rig_whole(r, x))))));
        rig_assign(r, total, ir_reduce(ir, IR_SUM, i, 0, ir_reduce(ir, IR_SUM, j, 0, ir_op1(ir, IR_SIN, e))));
        rig_assign(r, sums, ir_reduce(ir, IR_SUM, k, 0, rig_read2(r, x, idx(r, k), axis(r, 0, columns))));
        i = ir_fresh(ir, rows, 0);
        j = ir_fresh(ir, columns, 0);
        e = rig_read2(r, x, idx(r, i), idx(r, j));
        rig_assign(r, best,
                   ir_reduce(ir, IR_MAXIMUM, i, 0, ir_reduce(ir, IR_MAXIMUM, j, 0, ir_op1(ir, IR_COS, e))));
        rig_compile(r);
        r->frame.pool = n > 1 ? rt_pool_new(n) : NULL;
        assert_int_equal(rig_call(r, 1), 0);
        rt_pool_free(r->frame.pool);
        PlanPlace p;
        plan_place(r->plan, sums, &p);
        double want = 0, got = ((float *)(r->frame.mem + p.offset))[3];
        plan_place(r->plan, x, &p);
        for (uint64_t q = 0; q < rows; q++)
            want += ((float *)(r->frame.mem + p.offset))[q * columns + 3];
        assert_true(fabs(want - got) < 1e-4 * want);
        size = 0;
        const IrDef kept[] = {x, total, best, sums};
        memory[n - 1] = calloc(1, rows * columns * 4 + 4096);
        for (int d = 0; d < 4; d++) {
            plan_place(r->plan, kept[d], &p);
            memcpy(memory[n - 1] + size, r->frame.mem + p.offset, p.bytes);
            size += p.bytes;
        }
        rig_free(r);
    }
    assert_memory_equal(memory[0], memory[1], size);
    assert_memory_equal(memory[0], memory[2], size);
    for (int n = 0; n < 3; n++)
        free(memory[n]);
}

static void out_of_range(void **state) {
    (void)state;
    for (int bad = 0; bad < 3; bad++) {
        Rig *r = rig_new(true);
        IrProgram *ir = r->ir;
        IrDef table = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(10), 0);
        IrDef at = rig_input(r, IR_ROLE_BATCH, IR_I64, 1, EXTENT(20), 10);
        IrDef out = rig_input(r, IR_ROLE_OUTPUT, IR_F64, 1, EXTENT(20), 0);
        if (bad)
            r->start[1][13] = bad == 1 ? 10 : -1;
        rig_assign(r, out, rig_read1(r, table, ir_read(ir, at, (IrTerm[]){axis(r, 0, 20)}, 1)));
        rig_compile(r);
        assert_int_equal(rig_call(r, 1), bad ? RT_OUT_OF_RANGE : RT_OK);
        rig_free(r);
    }
}

static void not_finite(void **state) {
    (void)state;
    for (int bad = 0; bad < 2; bad++) {
        Rig *r = rig_new(true);
        r->options.check_finite = true;
        IrDef a = rig_input(r, IR_ROLE_COORD, IR_F32, 1, EXTENT(100), 0),
              b = rig_input(r, IR_ROLE_COORD, IR_F32, 0, NULL, 0);
        r->start[0][77] = bad ? 3e38 : 1;
        rig_assign(r, b, num(r, 1));
        rig_assign(r, a, ir_mul(r->ir, rig_whole(r, a), num(r, 2)));
        rig_compile(r);
        assert_int_equal(rig_call(r, 1), bad ? RT_NOT_FINITE : RT_OK);
        assert_int_equal(r->frame.bad, bad ? a : 0);
        rig_free(r);
    }
}

static double draw(void *context, IrDrawKind kind, uint32_t site, int64_t position) {
    RtFrame *frame = context;
    return (kind == IR_DRAW_NORMAL ? rt_random_normal : rt_random_uniform)(frame->seed, frame->draw_step, site, position);
}

static void noise(void **state) {
    (void)state;
    Rig *r = rig_new(true);
    IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 2, EXTENT(6, 9), 0);
    IrTerm i = axis(r, 0, 6), j = axis(r, 1, 9),
           at = ir_op2(r->ir, IR_ADD, ir_op2(r->ir, IR_MUL, i, ir_int(r->ir, 9)), j);
    rig_assign(r, a,
               ir_add(r->ir, ir_draw(r->ir, IR_DRAW_NORMAL, 3, at), ir_draw(r->ir, IR_DRAW_UNIFORM, 4, at)));
    rig_compile(r);
    r->frame.seed = 7;
    r->frame.draw_step = 11;
    assert_int_equal(rig_call(r, 1), 0);
    PlanPlace p;
    plan_place(r->plan, a, &p);
    for (int64_t k = 0; k < 54; k++)
        assert_true(((double *)(r->frame.mem + p.offset))[k] ==
                    draw(&r->frame, IR_DRAW_NORMAL, 3, k) + draw(&r->frame, IR_DRAW_UNIFORM, 4, k));
    rig_free(r);
}

/* A whole session in a thread of its own: 1 when the code gave what it should. */
static void *session_in_thread(void *context) {
    int which = *(int *)context;
    Rig *r = rig_new(which & 1);
    IrDef a = rig_input(r, IR_ROLE_COORD, IR_F64, 1, EXTENT(64), 0);
    IrTerm x = rig_whole(r, a);
    rig_assign(r, a, ir_add(r->ir, ir_mul(r->ir, x, x), num(r, which)));
    rig_compile(r);
    *(int *)context = rig_call(r, 1) == 0;
    for (int i = 0; i < 64; i++) {
        PlanPlace p;
        plan_place(r->plan, a, &p);
        double start = r->start[0][i], have = ((double *)(void *)(r->frame.mem + p.offset))[i];
        *(int *)context &= fabs(have - (start * start + which)) < 1e-12;
    }
    rig_free(r);
    return NULL;
}

static void sessions_in_threads(void **state) {
    (void)state;
    pthread_t thread[4];
    int which[4] = {1, 2, 3, 4};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, session_in_thread, &which[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 4; i++)
        assert_int_equal(which[i], 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products),   cmocka_unit_test(vectors_and_batches),
        cmocka_unit_test(rings),      cmocka_unit_test(pieces),
        cmocka_unit_test(carried),    cmocka_unit_test(linear_algebra),
        cmocka_unit_test(stencils),   cmocka_unit_test(whole_reductions),
        cmocka_unit_test(threads),    cmocka_unit_test(out_of_range),
        cmocka_unit_test(not_finite), cmocka_unit_test(noise),
        cmocka_unit_test(sessions_in_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
