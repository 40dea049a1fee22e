/* Two threads that make, link, load and run code at the same time, each with a session of its own. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "jit/internal.h"
#include "object.h"
#include "rt.h"

static const char *run_both(Session *session, const Buf *object, const RtSymbols *symbols, double expected) {
    char why[200];
    OrcCode *orc = orc_link(session, &(Objects){.at = (Buf *)object, .n = 1}, symbols);
    if (!orc)
        return "LLJIT did not link";
    double (*linked)(double) = (double (*)(double))orc_symbol(orc, "f");
    bool right = linked && linked(0.5) == expected;
    orc_free(orc);
    if (!right)
        return "linked code gave another number";
#ifdef __x86_64__
    RtObject *loaded = rt_object_load((const uint8_t *)object->at, object->n, symbols, why, sizeof why);
    if (!loaded)
        return "the loader refused";
    double (*copied)(double) = (double (*)(double))rt_object_symbol(loaded, "f");
    right = copied && copied(0.5) == expected;
    rt_object_free(loaded);
#endif
    return right ? NULL : "loaded code gave another number";
}

static void *work(void *argument) {
    int number = *(int *)argument;
    const char *wrong = NULL;
    for (int round = 0; round < 8 && !wrong; round++) {
        Session *session = session_new();
        Buf object = {0};
        RtSymbols symbols;
        rt_symbols_open(&symbols);
        const char *text = arena_printf(session->arena,
                                        "declare double @rt_lgamma(double)\n"
                                        "define double @f(double %%x) {\n  %%y = fmul double %%x, %d.0\n"
                                        "  %%z = call double @rt_lgamma(double %%y)\n  ret double %%z\n}\n",
                                        number + round);
        wrong = object_from_assembly(session, text, &object)
                    ? run_both(session, &object, &symbols, rt_lgamma(0.5 * (number + round)))
                    : "no object";
        rt_symbols_close(&symbols);
        buf_free(&object);
        session_free(session);
    }
    return (void *)(uintptr_t)wrong;
}

static void test_two_threads(void **state) {
    (void)state;
    int number[2] = {3, 40};
    pthread_t other;
    void *wrong = NULL;
    assert_int_equal(pthread_create(&other, NULL, work, &number[1]), 0);
    const char *here = work(&number[0]);
    pthread_join(other, &wrong);
    if (here)
        fail_msg("%s", here);
    if (wrong)
        fail_msg("%s", (const char *)wrong);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_two_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
