/* Order conditions: the formal series of every composed word of the library agrees with that of the motion up to the order its
 * name promises, and no further. What is compared is in mechanics/order.c; here the fractions are held to account,
 * digit by digit, because a wrong last digit of a published fraction leaves a residual above the 1e-11 allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mechanics/mechanics.h"

static const struct {
    const char *word;
    int order;
    bool symmetric;
} words[] = {
    {"symplectic_euler", 1, false},
    {"adjoint_euler", 1, false},
    {"leapfrog", 2, true},
    {"position_leapfrog", 2, true},
    {"mclachlan2", 2, true},
    {"position_mclachlan2", 2, true},
    {"presymplectic_leapfrog", 2, true},
    {"ruth3", 3, false},
    {"yoshida4", 4, true},
    {"forest_ruth", 4, true},
    {"pefrl", 4, true},
    {"mclachlan4", 4, true},
    {"position_mclachlan4", 4, true},
    {"mclachlan_ss5", 4, true},
    {"suzuki4", 4, true},
    {"blanes_moan4", 4, true},
    {"damped_yoshida4", 4, true},
    {"presymplectic_yoshida4", 4, true},
    {"yoshida6", 6, true},
    {"mclachlan6", 6, true},
    {"suzuki6", 6, true},
    {"blanes_moan6", 6, true},
    {"kahan_li6", 6, true},
    {"yoshida8", 8, true},
    {"mclachlan8", 8, true},
    {"kahan_li8", 8, true},
};

/* The remark about the order in the derivation of a run; NULL: there is none. */
static const char *order_remark(const MechRun *mech) {
    for (uint32_t s = 0; s < mech->n_sections; s++)
        for (uint32_t k = 0; k < mech->sections[s].n; k++) {
            const char *remark = mech->sections[s].lines[k].remark;
            if (remark && strstr(remark, "of order"))
                return remark;
        }
    return NULL;
}

static void test_library(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        char text[300], expected[80];
        snprintf(text, sizeof text,
                 "coord x = 1\nsystem s { kinetic = 1/2 * x'^2; potential = 1/4 * x^4 }\nrun %s on s for 1\n",
                 words[k].word);
        snprintf(expected, sizeof expected, "%sof order %d", words[k].symmetric ? "symmetric, hence reversible; " : "",
                 words[k].order);
        Session *session = session_new();
        uint32_t source = source_add(session, "test.lag", text, strlen(text));
        Model *model = sema_analyze(session, ast_parse(session, source), &(SemaOptions){.seed = 1});
        assert_non_null(model);
        MechRun *mech = mech_derive(session, model, &model->runs[0]);
        assert_non_null(mech);
        assert_non_null(order_remark(mech));
        if (strcmp(order_remark(mech), expected))
            fail_msg("%s: %s", words[k].word, order_remark(mech));
        model_free(model);
        session_free(session);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_library)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
