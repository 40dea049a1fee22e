/* front — what the tests of this folder share: parsing a text into a session of its own, comparing trees. */
#ifndef LAG_TEST_FRONT_H
#define LAG_TEST_FRONT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ast/ast.h"

typedef struct Front {
    Session *session;
    File *file;
} Front;

/* Every parse is followed by the tree checker. */
static inline Front front_parse(const char *text, size_t length) {
    Front f = {.session = session_new()};
    f.file = ast_parse(f.session, source_add(f.session, "test.lag", text, length));
    Buf wrong = {0};
    buf_puts(&wrong, "");
    if (!ast_check(f.session, f.file, &wrong))
        fail_msg("%s", wrong.at);
    buf_free(&wrong);
    return f;
}

static inline Front front_of(const char *text) { return front_parse(text, strlen(text)); }
static inline void front_free(Front *f) { session_free(f->session); }

static inline char *front_print(const Front *f) {
    Buf out = {0};
    buf_puts(&out, "");
    ast_print(f->session, f->file, &out);
    return out.at;
}

/* The messages as plain text; to be freed. */
static inline char *front_messages(const Front *f) {
    char *text = NULL;
    size_t n = 0;
    FILE *out = open_memstream(&text, &n);
    diag_print_all(f->session, out, false, false);
    fclose(out);
    return text;
}

#endif
