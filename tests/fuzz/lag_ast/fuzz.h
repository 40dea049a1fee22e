/* fuzz — what the fuzz entries of the front end share. */
#ifndef LAG_FUZZ_H
#define LAG_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "ast/ast.h"

/* The tree must satisfy ast.def whatever the text was. */
static inline void fuzz_check(Session *session, const File *file) {
    Buf wrong = {0};
    buf_puts(&wrong, "");
    if (!ast_check(session, file, &wrong)) {
        fprintf(stderr, "%s", wrong.at);
        abort();
    }
    buf_free(&wrong);
}

/* Messages must be printable, whatever they point at. */
static inline void fuzz_messages(Session *session) {
    FILE *out = fopen("/dev/null", "w");
    if (!out)
        return;
    diag_print_all(session, out, false, false);
    diag_print_all(session, out, false, true);
    fclose(out);
}

#endif
