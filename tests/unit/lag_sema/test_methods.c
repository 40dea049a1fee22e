/* The methods that sema lets a program name and those that the runtime has are the same. */
#include "../../../compiler/sema/run.h"
#include "../../../runtime/integrate/integrate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

/* What the runtime has can be named, and is asked for what it needs. */
static void runtime_methods_are_known(void **state) {
    (void)state;
    for (const RtMethod *const *m = rt_methods(); *m; m++) {
        const Method *known = method_find((*m)->name);
        if (!known)
            fail_msg("%s is a method of the runtime that programs cannot name", (*m)->name);
        if (known->missing[0] || !known->needs_motion || !known->needs_duration)
            fail_msg("%s is listed twice in runtime/integrate/methods.def", (*m)->name);
        const char *needed = (*m)->adaptive ? "rtol" : "h";
        const MethodArg *arg = method_arg(known, needed);
        if (!arg || !arg->needed)
            fail_msg("%s does not ask for its argument %s", (*m)->name, needed);
        if (!method_arg(known, "rtol") != !(*m)->adaptive)
            fail_msg("%s takes rtol exactly when its steps are adaptive", (*m)->name);
    }
}

/* What a program may name in this build the runtime has, and every argument reaches an option. */
static void known_methods_are_there(void **state) {
    (void)state;
    uint32_t found = 0;
    for (uint32_t k = 0; k < method_count(); k++) {
        const Method *method = method_find(method_name(k));
        assert_non_null(method);
        for (uint32_t before = 0; before < k; before++)
            if (!strcmp(method_name(before), method_name(k)))
                fail_msg("%s is listed twice", method_name(k));
        if (method->is_scheme) { /* compiled: every one is told its step */
            assert_true(method_arg(method, "h") && method_arg(method, "h")->needed && !rt_method(method->name));
            continue;
        }
        if (method->missing[0] || !method->needs_motion) continue;
        if (!rt_method(method->name))
            fail_msg("%s can be named, and the runtime has no such method", method->name);
        RtOdeOptions options = {0};
        for (const MethodArg *arg = method->args; arg < method->args + METHOD_MAX_ARGS && arg->name; arg++)
            if (!rt_ode_option(&options, arg->name))
                fail_msg("the argument %s of %s is no option of the runtime", arg->name, method->name);
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
