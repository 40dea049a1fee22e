/* Random sums of products: two to four factors over axes of the result, summed indices that they share and
 * summed indices of their own, with quotients, signs, conditions and f32 beside f64. However the plan puts
 * the sums inside one another, generated code must give what the reference evaluator gives by adding all up. */
#include "rig.h"

#define MAX_WORK 60000.0 /* products the reference evaluator adds up */

typedef struct Summand {
    Rig *r;
    IrProgram *ir;
    IrElem elem;
    IrTerm at[8]; /* axes first, then summed indices */
    IrIdx index[8];
    uint64_t extent[8];
    uint32_t n_axes, n;
} Summand;

static uint32_t below(Rig *r, uint32_t n) { return (uint32_t)((rig_random(r) + 1) * 0.5 * n) % n; }

/* A read of an input of its own over a random choice of indices, `must` among them. */
static IrTerm some_factor(Summand *s, uint32_t must) {
    IrTerm subs[4];
    uint64_t extent[4];
    uint32_t n = 0, first = below(s->r, s->n);
    for (uint32_t k = 0; k < s->n && n < 4; k++) {
        uint32_t i = (first + k) % s->n;
        if (i != must && below(s->r, 2))
            continue;
        subs[n] = s->at[i];
        extent[n++] = s->extent[i];
    }
    IrElem elem = s->elem == IR_F32 && below(s->r, 8) == 0 ? IR_F64 : s->elem;
    IrTerm t = ir_read(s->ir, rig_input(s->r, IR_ROLE_DATA, elem, n, extent, 0), subs, n);
    switch (below(s->r, 8)) {
    case 0: return ir_neg(s->ir, t);
    case 1: return ir_div(s->ir, ir_real(s->ir, 1), ir_add(s->ir, ir_real(s->ir, 1.5), t));
    case 2: return ir_op1(s->ir, IR_SIN, ir_add(s->ir, t, ir_to_real(s->ir, s->at[must])));
    default: return t;
    }
}

static void some_indices(Summand *s, uint64_t *shape) {
    static const uint64_t extents[] = {2, 3, 5, 8, 13, 20, 32};
    double work = 1;
    uint32_t n_summed = 1 + below(s->r, 4);
    s->n_axes = below(s->r, 4);
    for (uint32_t i = 0; i < s->n_axes + n_summed; i++) {
        uint64_t extent = extents[below(s->r, 7)];
        while (extent > 2 && work * (double)extent > MAX_WORK)
            extent /= 2;
        if (work * (double)extent > MAX_WORK)
            break;
        work *= (double)extent;
        s->extent[i] = extent;
        s->index[i] = i < s->n_axes ? ir_axis(s->ir, i, extent) : ir_fresh(s->ir, extent, 0);
        s->at[i] = ir_idx(s->ir, s->index[i]);
        s->n = i + 1;
    }
    for (uint32_t i = 0; i < s->n_axes; i++)
        shape[i] = s->extent[i];
}

/* The mean over the summed indices of a product, so that what is compared is of size 1. */
static void run_random(uint64_t seed, bool fast, IrElem elem) {
    Rig *r = rig_new(fast);
    uint64_t shape[4];
    r->random ^= seed * 0x9e3779b97f4a7c15ull;
    Summand s = {.r = r, .ir = r->ir, .elem = elem};
    some_indices(&s, shape);
    uint32_t n_factors = 2 + below(r, 3);
    IrTerm t = 0;
    for (uint32_t f = 0; f < n_factors; f++) {
        IrTerm factor = some_factor(&s, below(r, s.n));
        t = !t ? factor : below(r, 6) ? ir_mul(r->ir, t, factor)
                                      : ir_div(r->ir, t, ir_add(r->ir, ir_real(r->ir, 4), factor));
    }
    if (below(r, 6) == 0)
        t = ir_add(r->ir, t, some_factor(&s, below(r, s.n)));
    double count = 1;
    for (uint32_t i = s.n; i-- > s.n_axes;) {
        IrTerm guard = below(r, 12) ? 0 : ir_op2(r->ir, IR_LE, s.at[i], s.at[below(r, i + 1)]);
        t = ir_reduce(r->ir, IR_SUM, s.index[i], guard, t);
        count *= (double)s.extent[i];
    }
    IrDef out = rig_input(r, IR_ROLE_OUTPUT, elem, s.n_axes, shape, 0);
    rig_assign(r, out, ir_mul(r->ir, ir_real(r->ir, 1 / count), t));
    /* The factors are at most 2: a mean is off by about the square root of 60000 roundings of products. */
    r->tolerance = elem == IR_F32 ? 1e-4 : 1e-12;
    rig_check(r, 1);
}

static uint64_t first = 1, count = 60;

static void f64_strict(void **state) {
    (void)state;
    for (uint64_t i = first; i < first + count; i++)
        run_random(i, false, IR_F64);
}

static void f64_fast(void **state) {
    (void)state;
    for (uint64_t i = first; i < first + count; i++)
        run_random(i + 1000, true, IR_F64);
}

static void f32_fast(void **state) {
    (void)state;
    for (uint64_t i = first; i < first + count; i++)
        run_random(i + 2000, true, IR_F32);
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
