/* Random programs: definitions over random axes reading one another through every kind of subscript,
 * reductions with and without guards, gathers, groups of assignments to blocks, views and inputs of their
 * own. Generated code must leave in memory what the reference evaluator does. */
#include "rig.h"

static uint32_t below(Rig *r, uint32_t n) { return (uint32_t)((rig_random(r) + 1) * 0.5 * n) % n; }

#define MAX_DEFS 64

typedef struct Maker {
    Rig *r;
    IrProgram *ir;
    IrDef real[MAX_DEFS]; /* what may be read */
    uint32_t n_real;
    IrDef table; /* integers 0 … 4 */
    IrIdx open[12];
    uint32_t n_open;
    IrElem elem;
} Maker;

static const uint64_t extents[] = {1, 2, 3, 5, 8, 17, 20};

static uint64_t some_extent(Maker *m) { return extents[below(m->r, sizeof extents / sizeof *extents)]; }

/* An integer term whose values are subscripts of an axis of `extent`. */
static IrTerm some_subscript(Maker *m, uint64_t extent) {
    IrProgram *ir = m->ir;
    uint32_t kind = below(m->r, 8);
    for (uint32_t tries = 0; tries < 6 && m->n_open; tries++) {
        IrIdx i = m->open[below(m->r, m->n_open)];
        int64_t n = (int64_t)ir_index(ir, i)->extent, e = (int64_t)extent;
        IrTerm t = ir_idx(ir, i);
        if (kind == 0 && n <= e)
            return ir_op2(ir, IR_SUB, ir_int(ir, e - 1), t);
        if (kind == 1)
            return ir_op2(ir, IR_IMOD, ir_op2(ir, IR_ADD, t, ir_int(ir, 1 + below(m->r, 3))), ir_int(ir, e));
        if (kind == 2 && n < e)
            return ir_op2(ir, IR_ADD, t, ir_int(ir, e - n));
        if (kind == 3 && e >= 5)
            return ir_read(ir, m->table, (IrTerm[]){ir_op2(ir, IR_IMOD, t, ir_int(ir, 6))}, 1);
        if (kind == 4)
            return ir_op2(ir, IR_MIN, t, ir_int(ir, e - 1));
        if (n == e)
            return t;
    }
    return ir_int(ir, below(m->r, (uint32_t)extent));
}

static IrTerm some_read(Maker *m) {
    IrDef d = m->real[below(m->r, m->n_real)];
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(m->ir, d)->rank;
    for (uint32_t i = 0; i < rank; i++)
        subs[i] = some_subscript(m, ir_def(m->ir, d)->extent[i]);
    return ir_read(m->ir, d, subs, rank);
}

static IrTerm some_condition(Maker *m) {
    IrProgram *ir = m->ir;
    if (m->n_open < 1)
        return ir_bool(ir, true);
    IrTerm a = ir_idx(ir, m->open[below(m->r, m->n_open)]);
    IrTerm b = below(m->r, 2) ? ir_idx(ir, m->open[below(m->r, m->n_open)]) : ir_int(ir, below(m->r, 9));
    const IrOp ops[] = {IR_LE, IR_LT, IR_EQ, IR_NE};
    IrTerm c = ir_op2(ir, ops[below(m->r, 4)], a, b);
    if (below(m->r, 3) == 0)
        c = ir_op2(ir, below(m->r, 2) ? IR_AND : IR_OR, c, ir_op2(ir, IR_LT, ir_int(ir, below(m->r, 5)), a));
    return c;
}

static IrTerm some_term(Maker *m, uint32_t depth);

static IrTerm some_reduction(Maker *m, uint32_t depth) {
    IrProgram *ir = m->ir;
    const IrOp ops[] = {IR_SUM, IR_SUM, IR_SUM, IR_MAXIMUM, IR_MINIMUM, IR_LOGSUMEXP, IR_PROD};
    IrOp op = ops[below(m->r, 7)];
    IrIdx i = ir_fresh(ir, some_extent(m), 0);
    m->open[m->n_open++] = i;
    IrTerm guard = op != IR_MAXIMUM && op != IR_MINIMUM && op != IR_LOGSUMEXP && below(m->r, 3) == 0
                       ? some_condition(m)
                       : 0;
    IrTerm body = some_term(m, depth - 1);
    m->n_open--;
    if (op == IR_PROD)
        body = ir_add(ir, ir_real(ir, 1), ir_mul(ir, ir_real(ir, 0.1), body));
    IrTerm t = ir_reduce(ir, op, i, guard, body);
    return op == IR_SUM ? ir_mul(ir, ir_real(ir, 0.1), t) : t;
}

static IrTerm some_term(Maker *m, uint32_t depth) {
    IrProgram *ir = m->ir;
    if (depth == 0)
        return below(m->r, 5) ? some_read(m) : ir_real(ir, rig_random(m->r));
    switch (below(m->r, 13)) {
    case 0: return ir_op1(ir, IR_TANH, some_term(m, depth - 1));
    case 1: return ir_op1(ir, IR_SIN, some_term(m, depth - 1));
    case 2: return ir_op1(ir, IR_EXP, ir_neg(ir, ir_op1(ir, IR_ABS, some_term(m, depth - 1))));
    case 3: return ir_add(ir, some_term(m, depth - 1), some_term(m, depth - 1));
    case 4: return ir_sub(ir, some_term(m, depth - 1), some_term(m, depth - 1));
    case 5: return ir_mul(ir, some_term(m, depth - 1), some_term(m, depth - 1));
    case 6: return ir_op1(ir, IR_SIGMOID, some_term(m, depth - 1));
    case 7: return ir_select(ir, some_condition(m), some_term(m, depth - 1), some_term(m, depth - 1));
    case 8: return m->n_open < 6 ? some_reduction(m, depth) : some_read(m);
    case 9: return m->n_open < 6 ? some_reduction(m, depth) : some_read(m);
    case 10:
        return ir_div(ir, some_term(m, depth - 1),
                      ir_add(ir, ir_real(ir, 1.5), ir_op1(ir, IR_COS, some_term(m, depth - 1))));
    case 11: return ir_op1(ir, IR_SOFTPLUS, some_term(m, depth - 1));
    default: return ir_to_real(ir, some_condition(m));
    }
}

static IrDef some_def(Maker *m) {
    IrProgram *ir = m->ir;
    IrIdx axes[3];
    uint32_t rank = below(m->r, 4);
    for (uint32_t i = 0; i < rank; i++)
        m->open[i] = axes[i] = ir_fresh(ir, some_extent(m), 0);
    m->n_open = rank;
    IrTerm body = ir_op1(ir, IR_TANH, some_term(m, 1 + below(m->r, 3)));
    m->n_open = 0;
    return ir_define(ir, 0, m->elem, axes, rank, body);
}

static IrTerm some_value(Maker *m, IrDef target) {
    IrProgram *ir = m->ir;
    uint32_t rank = ir_def(ir, target)->rank;
    for (uint32_t i = 0; i < rank; i++)
        m->open[i] = ir_axis(ir, i, ir_def(ir, target)->extent[i]);
    m->n_open = rank;
    IrTerm t = ir_op1(ir, IR_TANH, some_term(m, 1 + below(m->r, 3)));
    if (below(m->r, 2)) /* an update of what is there */
        t = ir_add(ir, ir_mul(ir, ir_real(ir, 0.5), rig_whole(m->r, target)), t);
    m->n_open = 0;
    return t;
}

static void make_inputs(Maker *m, IrDef *target, uint32_t *n_target) {
    Rig *r = m->r;
    uint64_t block = 3 * 5 + 20 + 8 * 17;
    m->table = rig_input(r, below(r, 2) ? IR_ROLE_DATA : IR_ROLE_BATCH, below(r, 2) ? IR_U8 : IR_I64, 1,
                         (uint64_t[]){6}, 5);
    IrDef q = rig_input(r, IR_ROLE_COORD, m->elem, 1, &block, 0);
    target[(*n_target)++] = q;
    target[(*n_target)++] = ir_view(m->ir, 0, q, 0, 2, (uint64_t[]){3, 5});
    target[(*n_target)++] = ir_view(m->ir, 0, q, 15, 1, (uint64_t[]){20});
    target[(*n_target)++] = ir_view(m->ir, 0, q, 35, 2, (uint64_t[]){8, 17});
    target[(*n_target)++] = rig_input(r, IR_ROLE_MOMENTUM, m->elem, 1, &block, 0);
    target[(*n_target)++] = rig_input(r, IR_ROLE_STATE, m->elem, 2, (uint64_t[]){5, 3}, 0);
    target[(*n_target)++] = rig_input(r, IR_ROLE_OUTPUT, m->elem, 0, NULL, 0);
    target[(*n_target)++] = rig_input(r, IR_ROLE_OUTPUT, m->elem, 3, (uint64_t[]){2, 5, 8}, 0);
    for (uint32_t i = 0; i < *n_target; i++)
        m->real[m->n_real++] = target[i];
    m->real[m->n_real++] = rig_input(r, IR_ROLE_DATA, m->elem, 2, (uint64_t[]){17, 20}, 0);
    m->real[m->n_real++] = rig_input(r, IR_ROLE_HYPER, IR_F64, 0, NULL, 0);
    ir_mark_flex(m->ir, m->real[m->n_real - 1]);
}

static void run_random(uint64_t seed, bool fast, bool cyclic, IrElem elem) {
    Rig *r = rig_new(fast);
    r->random ^= seed * 0x9e3779b97f4a7c15ull;
    Maker m = {.r = r, .ir = r->ir, .elem = elem};
    IrDef target[16];
    uint32_t n_target = 0;
    make_inputs(&m, target, &n_target);
    uint32_t n_defs = 2 + below(r, 10), n_groups = 1 + below(r, 4);
    for (uint32_t i = 0; i < n_defs; i++) {
        IrDef d = some_def(&m);
        m.real[m.n_real++] = d;
    }
    for (uint32_t g = 0; g < n_groups; g++) {
        IrAssign assign[4];
        uint32_t n = 1 + below(r, 3), have = 0;
        for (uint32_t i = 0; i < n; i++) {
            IrDef t = target[below(r, n_target)];
            bool taken =
                t < target[4] && t >= target[0] && have; /* the block and its views exclude one another */
            for (uint32_t k = 0; k < have; k++)
                taken |= assign[k].target == t || (assign[k].target < target[4] && t < target[4]);
            if (!taken)
                assign[have++] = (IrAssign){.target = t, .value = some_value(&m, t)};
        }
        rig_group(r, have, assign);
    }
    r->func.cyclic = cyclic;
    r->func.often = seed % 3 == 0;
    /* f32 rounds differently where definitions are put together: errors grow through a few dozen bounded
     * operations. */
    r->tolerance = elem == IR_F32 ? 2e-4 : fast ? 1e-10 : 1e-12;
    rig_check(r, 3);
}

static uint64_t first = 1, count = 20;

static void f64_strict(void **state) {
    (void)state;
    for (uint64_t i = first; i < first + count; i++) {
        run_random(i, false, i % 2, IR_F64);
    }
}

static void f64_fast(void **state) {
    (void)state;
    for (uint64_t i = first; i < first + count; i++)
        run_random(i + 1000, true, i % 2, IR_F64);
}

static void f32_fast(void **state) {
    (void)state;
    for (uint64_t i = first; i < first + count; i++)
        run_random(i + 2000, true, i % 2, IR_F32);
}

int main(int argc, char **argv) {
    if (argc > 1)
        first = strtoull(argv[1], NULL, 10);
    if (argc > 2)
        count = strtoull(argv[2], NULL, 10);
    const struct CMUnitTest tests[] = {cmocka_unit_test(f64_strict), cmocka_unit_test(f64_fast),
                                       cmocka_unit_test(f32_fast)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
