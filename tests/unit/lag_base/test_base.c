/* Arenas, names, positions and diagnostics. */
#include "base/base.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void arena_gives_zeroed_aligned_memory(void **state) {
    (void)state;
    Arena *arena = arena_new();
    for (size_t size = 0; size < 70000; size = size * 3 + 1) {
        unsigned char *at = arena_alloc(arena, size);
        assert_true((uintptr_t)at % 16 == 0);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(at[i], 0);
        memset(at, 0xAB, size);
    }
    arena_reset(arena);
    assert_string_equal(arena_printf(arena, "%d-%s", 7, "x"), "7-x");
    arena_free(arena);
}

static void objects_do_not_overlap(void **state) {
    (void)state;
    enum { COUNT = 2000 };
    Arena *arena = arena_new();
    uint32_t *object[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) {
        object[i] = arena_alloc(arena, (i % 97 + 1) * sizeof(uint32_t));
        for (uint32_t k = 0; k <= i % 97; k++)
            object[i][k] = i;
    }
    for (uint32_t i = 0; i < COUNT; i++)
        for (uint32_t k = 0; k <= i % 97; k++)
            assert_int_equal(object[i][k], i);
    arena_free(arena);
}

static void greek_and_its_spelling_are_one_name(void **state) {
    (void)state;
    Session *session = session_new();
    Names *names = session->names;
    Name gamma = name_intern_ident(names, "γ", strlen("γ"));
    assert_int_equal(gamma, name_intern_ident(names, "gamma", 5));
    assert_string_equal(name_text(names, gamma), "γ");
    assert_string_equal(name_ascii(names, gamma), "gamma");
    assert_int_equal(name_intern_ident(names, "θ₁", strlen("θ₁")), name_intern_ident(names, "theta1", 6));
    assert_int_not_equal(name_intern_ident(names, "θ2", strlen("θ2")), name_intern_ident(names, "theta1", 6));
    assert_int_equal(name_intern_ident(names, "β1", strlen("β1")), name_of(names, "beta1"));
    session_free(session);
}

static void many_names_stay_distinct(void **state) {
    (void)state;
    Session *session = session_new();
    Name first = name_of(session->names, "n0");
    for (int i = 0; i < 20000; i++) {
        char text[16];
        snprintf(text, sizeof text, "n%d", i);
        assert_int_equal(name_of(session->names, text), first + (Name)i);
        assert_string_equal(name_text(session->names, first + (Name)i), text);
    }
    session_free(session);
}

static void positions_count_characters(void **state) {
    (void)state;
    Session *session = session_new();
    const char *text = "a\nθ = 1\n\n";
    const Source *source = source_get(session, source_add(session, "f", text, strlen(text)));
    uint32_t line, column;
    source_position(source, (uint32_t)(strchr(text, '=') - text), &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 3);
    source_position(source, 1000, &line, &column);
    assert_int_equal(line, 4);
    session_free(session);
}

static char *printed(Session *session, bool json) {
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    diag_print_all(session, out, false, json);
    fclose(out);
    return text;
}

static void messages_show_the_line_and_a_caret(void **state) {
    (void)state;
    Session *session = session_new();
    const char *text = "let θ = 1\nlet b = θθ + 2\n";
    uint32_t file = source_add(session, "p.lag", text, strlen(text));
    uint32_t at = (uint32_t)(strstr(text, "θθ") - text);
    Diag *diag = diag_error(session, DIAG_SYNTAX, (Span){file, at, at + 4}, "no name `%s`", "θθ");
    diag_note_at(session, diag, (Span){file, 4, 6}, "a near one");
    diag_help(session, diag, "write θ");
    diag_error(session, DIAG_SYNTAX, (Span){file, at, at + 4}, "no name `%s`", "θθ"); /* once only */
    diag_warn(session, DIAG_SYNTAX, (Span){file, 0, 3}, "first by place");
    assert_int_equal(diag_error_count(session), 1);
    char *shown = printed(session, false);
    assert_string_equal(shown, "p.lag:1:1: warning[E0101]: first by place\n"
                               "    1 | let θ = 1\n"
                               "      | ^^^\n"
                               "p.lag:2:9: error[E0101]: no name `θθ`\n"
                               "    2 | let b = θθ + 2\n"
                               "      |         ^^\n"
                               "  p.lag:1:5: note: a near one\n"
                               "    1 | let θ = 1\n"
                               "      |     ^\n"
                               "  help: write θ\n");
    free(shown);
    shown = printed(session, true);
    assert_non_null(strstr(shown, "\"line\":2,\"column\":9"));
    free(shown);
    session_free(session);
}

static void nearest_finds_a_slip_and_no_more(void **state) {
    (void)state;
    const char *const words[] = {"kinetic", "potential", "dissipation"};
    assert_string_equal(diag_nearest("kinetc", words, 3), "kinetic");
    assert_string_equal(diag_nearest("potentail", words, 3), "potential");
    assert_null(diag_nearest("energy", words, 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arena_gives_zeroed_aligned_memory), cmocka_unit_test(objects_do_not_overlap),
        cmocka_unit_test(greek_and_its_spelling_are_one_name), cmocka_unit_test(many_names_stay_distinct),
        cmocka_unit_test(positions_count_characters), cmocka_unit_test(messages_show_the_line_and_a_caret),
        cmocka_unit_test(nearest_finds_a_slip_and_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
