/* What cannot be differentiated is said, with its code, and gives no term. Programs do not get this far: sema refuses
 * them before, or has no way to say them. */
#include "calculus/calculus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static bool said(const Session *session, const char *code) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diag_print_all(session, out, false, false);
    fclose(out);
    bool found = strstr(text, code) != NULL;
    free(text);
    return found;
}

/* ψ⁽ⁿ⁾(z) by z is ψ⁽ⁿ⁺¹⁾(z); by its order n it has no derivative here. */
static void polygamma_by_its_order(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    IrDef x = ir_input(p, name_of(s->names, "x"), IR_ROLE_COORD, IR_F64, 0, NULL);
    IrTerm one = ir_real(p, 1);
    assert_true(calc_partial(p, ir_op2(p, IR_POLYGAMMA, one, ir_read0(p, x)), x, NULL) != 0);
    assert_int_equal(diag_error_count(s), 0);
    assert_int_equal(calc_partial(p, ir_op2(p, IR_POLYGAMMA, ir_read0(p, x), one), x, NULL), 0);
    assert_true(said(s, "E0601"));
    ir_free(p);
    session_free(s);
}

/* A second derivative by a tensor of five indices would have ten. */
static void too_many_indices(void **state) {
    (void)state;
    Session *s = session_new();
    IrProgram *p = ir_new(s);
    uint64_t extent[5] = {2, 2, 2, 2, 2};
    IrDef x = ir_input(p, name_of(s->names, "x"), IR_ROLE_COORD, IR_F64, 5, extent);
    IrTerm zero[5];
    for (uint32_t k = 0; k < 5; k++) zero[k] = ir_int(p, 0);
    IrTerm f = ir_op1(p, IR_SIN, ir_read(p, x, zero, 5));
    assert_int_equal(calc_hessian(p, f, x, x), 0);
    assert_true(said(s, "E0602"));
    ir_free(p);
    session_free(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(polygamma_by_its_order),
        cmocka_unit_test(too_many_indices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
