/* The cache key: the same for the same program built twice, and another one as soon as anything that could
 * change the code differs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit/jit.h"

/* y[i] = factor * x[i] + sum over j of x[j], with everything that may vary. */
typedef struct Variant {
    uint64_t extent;
    double factor;
    IrElem elem;
    IrRole role;
    const char *function;
    bool cyclic, maximum, is_volatile;
    PlanOptions options;
} Variant;

static JitKey key_of(const Variant *v) {
    Session *session = session_new();
    IrProgram *p = ir_new(session);
    IrDef x = ir_input(p, name_of(session->names, "x"), v->role, v->elem, 1, &v->extent);
    IrDef y = ir_input(p, name_of(session->names, "y"), IR_ROLE_OUTPUT, v->elem, 1, &v->extent);
    if (v->is_volatile)
        ir_mark_volatile(p, x);
    IrIdx j = ir_fresh(p, v->extent, 0);
    IrTerm at_i = ir_idx(p, ir_axis(p, 0, v->extent)), at_j = ir_idx(p, j);
    IrTerm all = ir_reduce(p, v->maximum ? IR_MAXIMUM : IR_SUM, j, 0, ir_read(p, x, &at_j, 1));
    IrTerm value = ir_add(p, ir_mul(p, ir_real(p, v->factor), ir_read(p, x, &at_i, 1)), all);
    IrAssign assign = {y, value, {0}};
    IrGroup group = {&assign, 1};
    IrFunc func = {.name = v->function, .cyclic = v->cyclic};
    vec_push(&func.groups, group);
    const IrFunc *list[] = {&func};
    JitKey key = jit_key(p, list, 1, &v->options);
    vec_free(&func.groups);
    ir_free(p);
    session_free(session);
    return key;
}

static const Variant base = {.extent = 10,
                             .factor = 0.1,
                             .elem = IR_F64,
                             .role = IR_ROLE_COORD,
                             .function = "step",
                             .options = {.threads = 2}};

static void test_same(void **state) {
    (void)state;
    JitKey a = key_of(&base), b = key_of(&base);
    assert_memory_equal(&a, &b, sizeof a);
}

#define CHANGED(...)                                                                                         \
    do {                                                                                                     \
        Variant v = base;                                                                                    \
        __VA_ARGS__;                                                                                         \
        keys[n++] = key_of(&v);                                                                              \
    } while (0)

static void test_differs(void **state) {
    (void)state;
    JitKey keys[20];
    int n = 0;
    keys[n++] = key_of(&base);
    CHANGED(v.extent = 11);
    CHANGED(v.factor = 0.1 + 1e-17 * 2); /* the next number after 0.1 */
    CHANGED(v.factor = -0.1);
    CHANGED(v.elem = IR_F32);
    CHANGED(v.role = IR_ROLE_STATE);
    CHANGED(v.function = "rhs");
    CHANGED(v.cyclic = true);
    CHANGED(v.maximum = true);
    CHANGED(v.is_volatile = true);
    CHANGED(v.options.threads = 1);
    CHANGED(v.options.fast = true);
    CHANGED(v.options.check_finite = true);
    for (int i = 0; i < n; i++)
        for (int k = 0; k < i; k++)
            if (memcmp(&keys[i], &keys[k], sizeof keys[i]) == 0)
                fail_msg("variants %d and %d have the same key", k, i);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_same), cmocka_unit_test(test_differs)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
