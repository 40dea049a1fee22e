/* fuzz_parser — each byte chooses a token, so that what arrives is nearly a program; one that parses must print to a text
 * that parses again, without errors, and prints the same. */
#include "fuzz.h"

#include <stdlib.h>
#include <string.h>

static const char *const pieces[] = {
    "x", "γ", "T", "p", "q", "v", "k", "sum", "max", "mean", "i", "j", "n", "1", "2.5", "1e-3", "½",
    "\"text\"", "true", "false", " + ", " - ", "-", " * ", " / ", "^", "²", " @ ", " % ", " == ", " != ",
    " < ", " <= ", " > ", " >= ", " and ", " or ", "not ", "'", "ᵀ", "^T", "√", "(", ")", "[", "]", "{",
    "}", ", ", " : ", " | ", " = ", " ~ ", "..", ".", "\n", "; ", " # c\n", " ", "if ", " then ", " else ",
    " in ", "draw ", "sum[i](", "sum[i : 3 | ", "max(", "normal(0, 1)", "[i, j]", "const ", "data ",
    "param ", "coord ", "spin ", "bit ", "angle ", "let ", "state ", "fn f(x) ", "system s ", "dynamics d ",
    "run d ", " on s", " for 10", " steps", " epochs", " over 3", "record ", " every ", "print ",
    "plot line", "save ", " to ", "expect ", " within ", "use ", "precision f32", "flow w ", "step ", "by ",
    "repeat 3 ", "method ", "when ", "symmetry ", "force", "constraint", " from ", " periodic", "kinetic",
    "potential", "batch 3", "real", "simplex[3]", "{ p; q }", "step { p/2; q }", "{ potential = 1 }",
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > 4096)
        return 0;
    Buf text = {0};
    buf_puts(&text, "");
    for (size_t i = 0; i < size; i++)
        buf_puts(&text, pieces[data[i] % (sizeof pieces / sizeof *pieces)]);
    Session *session = session_new();
    File *file = ast_parse(session, source_add(session, "fuzz.lag", text.at, text.n));
    fuzz_check(session, file);
    fuzz_messages(session);
    if (!diag_error_count(session)) {
        Buf once = {0}, twice = {0};
        buf_puts(&once, "");
        buf_puts(&twice, "");
        ast_print(session, file, &once);
        File *again = ast_parse(session, source_add(session, "printed.lag", once.at, once.n));
        ast_print(session, again, &twice);
        if (diag_error_count(session) || strcmp(once.at, twice.at)) {
            fprintf(stderr, "--- text\n%s\n--- once\n%s\n--- twice\n%s\n", text.at, once.at, twice.at);
            abort();
        }
        buf_free(&once);
        buf_free(&twice);
    }
    session_free(session);
    buf_free(&text);
    return 0;
}
