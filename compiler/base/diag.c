/* diag — collecting messages. Printing is in diag_print.c. */
#include "diag.h"

#include <stdlib.h>
#include <string.h>

static const struct { const char *code, *title; } diag_info[] = {
#define DIAG(ident, code, title) {code, title},
#include "diag.def"
#undef DIAG
};

const char *diag_code_text(DiagCode code) {
    return diag_info[code].code;
}

const char *diag_code_title(DiagCode code) {
    return diag_info[code].title;
}

static bool is_same(const Diag *a, const Diag *b) {
    return a->code == b->code && !memcmp(&a->span, &b->span, sizeof a->span) && !strcmp(a->text, b->text);
}

static Diag *report(Session *session, DiagSeverity severity, DiagCode code, Span span, const char *format,
                    va_list args) {
    Diag *diag = ARENA_NEW(session->arena, Diag);
    *diag = (Diag){.severity = severity, .code = code, .span = span};
    diag->text = arena_vprintf(session->arena, format, args);
    for (uint32_t i = 0; i < session->diags.n; i++)
        if (is_same(session->diags.at[i], diag))
            return diag; /* attached notes go to the copy, which is not printed */
    vec_push(&session->diags, diag);
    if (severity == DIAG_ERROR)
        session->n_errors++;
    return diag;
}

Diag *diag_error(Session *session, DiagCode code, Span span, const char *format, ...) {
    va_list args;
    va_start(args, format);
    Diag *diag = report(session, DIAG_ERROR, code, span, format, args);
    va_end(args);
    return diag;
}

Diag *diag_warn(Session *session, DiagCode code, Span span, const char *format, ...) {
    va_list args;
    va_start(args, format);
    Diag *diag = report(session, DIAG_WARNING, code, span, format, args);
    va_end(args);
    return diag;
}

void diag_note_at(Session *session, Diag *diag, Span span, const char *format, ...) {
    va_list args;
    va_start(args, format);
    DiagNote *note = ARENA_NEW(session->arena, DiagNote);
    note->span = span;
    note->text = arena_vprintf(session->arena, format, args);
    va_end(args);
    DiagNote **last = &diag->notes;
    while (*last)
        last = &(*last)->next;
    *last = note;
}

void diag_help(Session *session, Diag *diag, const char *format, ...) {
    va_list args;
    va_start(args, format);
    diag->help = arena_vprintf(session->arena, format, args);
    va_end(args);
}

uint32_t diag_error_count(const Session *session) {
    return session->n_errors;
}

/* Optimal string alignment distance of two short words, at most `limit` + 1. */
static size_t edit_distance(const char *a, const char *b, size_t limit) {
    enum { LONGEST = 48 };
    size_t n = strlen(a), m = strlen(b);
    if (n > LONGEST || m > LONGEST || n > m + limit || m > n + limit)
        return limit + 1;
    size_t rows[3][LONGEST + 1];
    for (size_t j = 0; j <= m; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *row = rows[i % 3], *up = rows[(i + 2) % 3], *above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t best = up[j - 1] + (a[i - 1] != b[j - 1]);
            if (up[j] + 1 < best)
                best = up[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && above[j - 2] + 1 < best)
                best = above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[n % 3][m];
}

const char *diag_nearest(const char *text, const char *const *candidates, size_t n) {
    size_t length = strlen(text), best = length < 3 ? 1 : length < 6 ? 2 : 3;
    const char *nearest = NULL;
    for (size_t i = 0; i < n; i++) {
        size_t distance = edit_distance(text, candidates[i], best);
        if (distance <= best && distance < length && (!nearest || distance < best)) {
            best = distance;
            nearest = candidates[i];
        }
    }
    return nearest;
}
