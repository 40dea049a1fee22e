/* base — what every stage stands on: memory, growable arrays, names, source files, diagnostics and the
 * session that holds them. Knows nothing of the language.
 *
 * There are no mutable globals anywhere in the compiler: one Session goes down by hand, so two sessions may
 * compile in two threads at once. */
#ifndef LAG_BASE_H
#define LAG_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../runtime/arena.h"

/* ---- names: interned strings -------------------------------------------------------------------------- */

/* An interned identifier or string: equal text, equal number. 0 is "no name". Greek letters and their ASCII
 * spellings are the same identifier (`γ` is `gamma`, `θ2` is `theta2`): name_intern_ident maps both to one
 * Name and remembers the first spelling seen for messages. */
typedef uint32_t Name;
typedef struct Names Names;
Name name_intern(Names *names, const char *text, size_t length);       /* exact text */
Name name_intern_ident(Names *names, const char *text, size_t length); /* Greek folded to ASCII */
Name name_of(Names *names, const char *text);                          /* name_intern of a C string */
const char *name_text(const Names *names, Name name);  /* as the user wrote it first; "" for 0 */
const char *name_ascii(const Names *names, Name name); /* with Greek letters spelled out */

/* The Greek letter spelled out in the `length` bytes at `text` ("theta" gives "θ"); NULL: it is none. */
const char *name_letter(const char *text, size_t length);

/* ---- source ------------------------------------------------------------------------------------------- */

/* Bytes start..end-1 of source file `file`; lines and columns are computed only when a message is printed.
 * file 0 is "nowhere". */
typedef struct Span {
    uint32_t file, start, end;
} Span;
Span span_join(Span a, Span b);

typedef struct Source {
    const char *path;   /* as shown in messages; "stdlib/…" for the built-in library, "-" for stdin */
    const char *text;   /* NUL-terminated copy */
    uint32_t length;
} Source;

typedef struct Session Session;

/* Registers a file's text (copied) and returns its number (from 1). */
uint32_t source_add(Session *session, const char *path, const char *text, size_t length);
const Source *source_get(const Session *session, uint32_t file);
/* 1-based line and column (in characters, not bytes) of byte `at`. */
void source_position(const Source *source, uint32_t at, uint32_t *line, uint32_t *column);

/* ---- diagnostics -------------------------------------------------------------------------------------- */

/* Every message has a stable code from diag.def: DIAG(ident, "E0101", "short title"). */
typedef enum DiagCode {
#define DIAG(ident, code, title) DIAG_##ident,
#include "diag.def"
#undef DIAG
    DIAG_COUNT
} DiagCode;

typedef enum DiagSeverity { DIAG_ERROR, DIAG_WARNING } DiagSeverity;

typedef struct Diag Diag;

/* Reports a message at `span`; the compiler goes on. The text names the thing in the user's words and says what
 * was expected and what was found. Returns the record so that a second place (diag_note_at) and a mend
 * (diag_help) can be attached. Identical code+span+text is reported once. */
Diag *diag_error(Session *session, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
Diag *diag_warn(Session *session, DiagCode code, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_note_at(Session *session, Diag *diag, Span span, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void diag_help(Session *session, Diag *diag, const char *format, ...) __attribute__((format(printf, 3, 4)));

uint32_t diag_error_count(const Session *session);
const char *diag_code_text(DiagCode code);  /* "E0101" */
const char *diag_code_title(DiagCode code);
/* Writes all messages, ordered by place, to `out`: path:line:column, the source line, a caret, notes and help.
 * `colour` adds ANSI colours; `json` writes one JSON object a line instead. Past a thousand only their number is said. */
void diag_print_all(const Session *session, FILE *out, bool colour, bool json);

/* The nearest of `candidates` to `text` by edit distance, or NULL where none is near: for "did you mean". */
const char *diag_nearest(const char *text, const char *const *candidates, size_t n);

/* ---- session ------------------------------------------------------------------------------------------ */

struct Session {
    Arena *arena;   /* lives as long as the session */
    Arena *scratch; /* reset between passes */
    Names *names;
    VEC(Source) sources;
    VEC(Diag *) diags;
    uint32_t n_errors;
};
Session *session_new(void);
void session_free(Session *session);

#endif
