/* Descriptions of programs as bytes: what is written is read back, and bytes that are no description are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "program/program.h"

static RtProgram sample(void) {
    static const char *columns[] = {"a", "β"};
    static RtDataset data[] = {{.name = "x", .used = true, .columns = columns, .n_columns = 2, .seed = 7, .path = "x.csv"}};
    static RtPlace state[] = {{.there = true, .name = "q", .offset = 64, .elem = RT_F64, .n = 6, .rank = 2, .extent = {2, 3}},
                              {.name = ""}};
    static const uint8_t object[] = {1, 2, 3, 0, 255};
    static RtCode code[] = {{.object = object, .n_object = sizeof object}, {0}};
    static RtProgramRun runs[] = {{.name = "first", .step = "step", .h = 0.1, .duration = 1e9, .data = data, .n_data = 1,
                                   .state = state, .n_state = 2, .code = code, .n_code = 2, .trains = true},
                                  {.name = "second"}};
    return (RtProgram){.path = "p.lag", .text = "run …", .features = 5, .runs = runs, .n_runs = 2};
}

static void test_back_and_forth(void **state) {
    (void)state;
    RtProgram before = sample(), after;
    Buf bytes = {0}, again = {0};
    Arena *arena = arena_new();
    rt_image_encode(&before, &bytes);
    assert_true(rt_image_decode((const uint8_t *)bytes.at, bytes.n, arena, &after));
    assert_string_equal(after.path, "p.lag");
    assert_null(after.compiler); /* no text is not an empty one */
    assert_int_equal(after.n_runs, 2);
    const RtProgramRun *run = &after.runs[0];
    assert_true(run->trains && run->h == 0.1 && run->duration == 1e9 && !run->rhs);
    assert_string_equal(run->data[0].columns[1], "β");
    assert_int_equal(run->state[0].extent[1], 3);
    assert_string_equal(run->state[1].name, "");
    assert_memory_equal(run->code[0].object, before.runs[0].code[0].object, 5);
    assert_int_equal(run->code[1].n_object, 0);
    rt_image_encode(&after, &again);
    assert_int_equal(again.n, bytes.n);
    assert_memory_equal(again.at, bytes.at, bytes.n);
    buf_free(&bytes);
    buf_free(&again);
    arena_free(arena);
}

/* Every cut, and every byte changed: refused, or read as some description; never past the end. */
static void test_damaged(void **state) {
    (void)state;
    RtProgram before = sample(), after;
    Buf bytes = {0};
    rt_image_encode(&before, &bytes);
    for (size_t n = 0; n < bytes.n; n++) {
        Arena *arena = arena_new();
        uint8_t *cut = base_calloc(n + 1, 1); /* a block of its own, so that a sanitizer sees reads past it */
        memcpy(cut, bytes.at, n);
        assert_false(rt_image_decode(cut, n, arena, &after));
        free(cut);
        arena_free(arena);
    }
    for (size_t at = 0; at < bytes.n; at++) {
        Arena *arena = arena_new();
        bytes.at[at] ^= (char)0xa5;
        bool read = rt_image_decode((const uint8_t *)bytes.at, bytes.n, arena, &after);
        assert_true(at >= 8 || !read); /* the layout's number stands in front */
        bytes.at[at] ^= (char)0xa5;
        arena_free(arena);
    }
    buf_free(&bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_back_and_forth), cmocka_unit_test(test_damaged)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
