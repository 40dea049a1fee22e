/* The methods that sema lets a program name and those that the runtime has are the same. */
#include "../../../compiler/sema/run.h"
#include "../../../runtime/integrate/integrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* What the runtime has can be named, and is asked for what it needs. */
static void runtime_methods_are_known(void **state) {
    (void)state;
    for (const RtMethod *const *m = rt_methods(); *m; m++) {
        const Method *known = method_find((*m)->name);
        assert_non_null(known);
        assert_string_equal(known->missing, "");
        assert_true(known->needs_motion && known->needs_duration);
        const char *needed = (*m)->adaptive ? "rtol" : "h";
        const MethodArg *arg = method_arg(known, needed);
        assert_true(arg && arg->needed);
        assert_true(!method_arg(known, "rtol") == !(*m)->adaptive);
    }
}

/* What a program may name in this build the runtime has, and every argument reaches an option. */
static void known_methods_are_there(void **state) {
    (void)state;
    uint32_t found = 0;
    for (uint32_t k = 0; k < method_count(); k++) {
        const Method *method = method_find(method_name(k));
        assert_non_null(method);
        assert_string_equal(method->name, method_name(k)); /* no name twice */
        if (method->missing[0] || !method->needs_motion) continue;
        assert_non_null(rt_method(method->name));
        RtOdeOptions options = {0};
        for (const MethodArg *arg = method->args; arg < method->args + METHOD_MAX_ARGS && arg->name; arg++)
            assert_non_null(rt_ode_option(&options, arg->name));
        found++;
    }
    assert_true(found > 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runtime_methods_are_known),
        cmocka_unit_test(known_methods_are_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
