/* The loader of object files: the code it loads runs, gives what LLJIT's linking of the same object gives,
 * and no bytes whatever make it fail other than by saying so. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "jit/internal.h"
#include "object.h"
#include "rt.h"

/* Constants, a table in read-only data, a writable global, a string, an internal function, calls of libm, of
 * the runtime and of memset, an address of a function in data, a vector call. */
static const char program[] =
    "@table = internal constant [4 x double] [double 1.0, double 2.0, double 4.0, double 8.0]\n"
    "@count = internal global i64 40\n"
    "@room = internal global [16 x i64] zeroinitializer\n"
    "@pointers = internal constant [2 x ptr] [ptr @twice, ptr @hypot]\n"
    "declare double @hypot(double, double)\n"
    "declare double @rt_lgamma(double)\n"
    "declare ptr @memset(ptr, i32, i64)\n"
    "define internal double @twice(double %x) noinline {\n  %y = fmul double %x, 2.0\n  ret double %y\n}\n"
    "define double @entry(i64 %i) {\n  %p = getelementptr [4 x double], ptr @table, i64 0, i64 %i\n"
    "  %v = load double, ptr %p\n  %w = call double @twice(double %v)\n  ret double %w\n}\n"
    "define i64 @bump() {\n  %a = load i64, ptr @count\n  %b = add i64 %a, 1\n  store i64 %b, ptr @count\n"
    "  ret i64 %b\n}\n"
    "define double @outside(double %x) {\n  %h = call double @hypot(double %x, double 4.0)\n"
    "  %d = call double @rt_lgamma(double %h)\n  ret double %d\n}\n"
    "define double @through(i64 %i, double %x, double %y) {\n"
    "  %p = getelementptr [2 x ptr], ptr @pointers, i64 0, i64 %i\n  %f = load ptr, ptr %p\n"
    "  %r = call double %f(double %x, double %y)\n  ret double %r\n}\n"
    "define i64 @fill() {\n  %q = call ptr @memset(ptr @room, i32 1, i64 128)\n"
    "  %p = getelementptr [16 x i64], ptr @room, i64 0, i64 15\n  %v = load i64, ptr %p\n  ret i64 %v\n}\n";

typedef void *(*Find)(void *code, const char *name);

static void *find_loaded(void *code, const char *name) {
    return rt_object_symbol(code, name);
}

static void *find_orc(void *code, const char *name) {
    return orc_symbol(code, name);
}

static void check_program(void *code, Find find) {
    double (*entry)(int64_t) = (double (*)(int64_t))find(code, "entry");
    int64_t (*bump)(void) = (int64_t(*)(void))find(code, "bump"),
            (*fill)(void) = (int64_t(*)(void))find(code, "fill");
    double (*outside)(double) = (double (*)(double))find(code, "outside");
    double (*through)(int64_t, double, double) = (double (*)(int64_t, double, double))find(code, "through");
    assert_non_null(entry);
    assert_non_null(bump);
    assert_non_null(fill);
    assert_non_null(outside);
    assert_non_null(through);
    assert_true(entry(0) == 2 && entry(3) == 16);
    assert_int_equal(bump(), 41);
    assert_int_equal(bump(), 42);
    assert_true(outside(3) == rt_lgamma(5));
    assert_true(through(0, 3, 4) == 6 && through(1, 3, 4) == 5);
    assert_true(fill() == 0x0101010101010101);
    assert_null(find(code, "twice")); /* internal */
    assert_null(find(code, "absent"));
}

static void test_runs(void **state) {
    (void)state;
    Session *session = session_new();
    Buf object = {0};
    char why[200] = "";
    RtSymbols symbols;
    rt_symbols_open(&symbols);
    assert_true(object_from_assembly(session, program, &object));
    RtObject *loaded = rt_object_load((const uint8_t *)object.at, object.n, &symbols, why, sizeof why);
#ifdef __x86_64__
    assert_string_equal(why, "");
    assert_non_null(loaded);
    check_program(loaded, find_loaded);
    rt_object_free(loaded);
#else
    assert_null(loaded);
    assert_string_not_equal(why, "");
#endif
    rt_symbols_close(&symbols);
    buf_free(&object);
    session_free(session);
}

static void test_orc_agrees(void **state) {
    (void)state;
    Session *session = session_new();
    Buf object = {0};
    RtSymbols symbols;
    rt_symbols_open(&symbols);
    assert_true(object_from_assembly(session, program, &object));
    OrcCode *code = orc_link(session, &(Objects){.at = &object, .n = 1}, &symbols);
    assert_non_null(code);
    check_program(code, find_orc);
    orc_free(code);
    rt_symbols_close(&symbols);
    buf_free(&object);
    session_free(session);
}

/* A name that may not be called is refused by name, in both ways of linking. */
static void test_unknown_symbol(void **state) {
    (void)state;
    static const char bad[] = "declare i32 @system(ptr)\n"
                              "define i32 @f() {\n  %r = call i32 @system(ptr null)\n  ret i32 %r\n}\n";
    Session *session = session_new();
    Buf object = {0}, text = {0};
    char why[200] = "";
    RtSymbols symbols;
    rt_symbols_open(&symbols);
    assert_true(object_from_assembly(session, bad, &object));
    assert_null(rt_object_load((const uint8_t *)object.at, object.n, &symbols, why, sizeof why));
#ifdef __x86_64__
    assert_non_null(strstr(why, "system"));
#endif
    assert_null(orc_link(session, &(Objects){.at = &object, .n = 1}, &symbols));
    assert_int_equal(diag_error_count(session), 1);
    rt_symbols_close(&symbols);
    buf_free(&text);
    buf_free(&object);
    session_free(session);
}

static void test_symbols(void **state) {
    (void)state;
    RtSymbols symbols;
    rt_symbols_open(&symbols);
    assert_non_null(rt_symbols_find(&symbols, "rt_gemm_f32"));
    assert_non_null(rt_symbols_find(&symbols, "tanhf"));
    assert_non_null(rt_symbols_find(&symbols, "memcpy"));
#if defined(__x86_64__) && defined(__GLIBC__)
    if (symbols.libmvec) {
        assert_non_null(rt_symbols_find(&symbols, "_ZGVbN4v_expf"));
        assert_non_null(rt_symbols_find(&symbols, "_ZGVdN4v_exp"));
    }
#endif
    assert_null(rt_symbols_find(&symbols, "_ZGVbN4v_nothing"));
    assert_null(rt_symbols_find(&symbols, "system"));
    assert_null(rt_symbols_find(&symbols, "open"));
    assert_null(rt_symbols_find(&symbols, ""));
    rt_symbols_close(&symbols);
}

/* Every prefix of an object, and objects with bytes changed, load or are refused; they never make the loader
 * fault. */
static void test_damage(void **state) {
    (void)state;
    Session *session = session_new();
    Buf object = {0};
    char why[200];
    RtSymbols symbols;
    rt_symbols_open(&symbols);
    assert_true(object_from_assembly(session, program, &object));
    for (size_t n = 0; n < object.n; n += 7) {
        uint8_t *prefix = malloc(n + 1); /* a block of its own, so that reading past its end is seen */
        memcpy(prefix, object.at, n);
        assert_null(rt_object_load(prefix, n, &symbols, why, sizeof why));
        free(prefix);
    }
    uint32_t random = 1;
    for (int round = 0; round < 3000; round++) {
        Buf damaged = {0};
        buf_write(&damaged, object.at, object.n);
        for (int k = 0; k < 4; k++) {
            random = random * 1664525 + 1013904223;
            /* mostly in the tables at the end, where the structure is */
            size_t at = round % 2 ? random % object.n : object.n - 1 - random % (object.n / 2);
            damaged.at[at] ^= (char)(1 << (random >> 29));
        }
        rt_object_free(rt_object_load((const uint8_t *)damaged.at, damaged.n, &symbols, why, sizeof why));
        buf_free(&damaged);
    }
    rt_symbols_close(&symbols);
    buf_free(&object);
    session_free(session);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),           cmocka_unit_test(test_orc_agrees),
        cmocka_unit_test(test_unknown_symbol), cmocka_unit_test(test_symbols),
        cmocka_unit_test(test_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
