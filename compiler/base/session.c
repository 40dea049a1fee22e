/* session — what one compilation owns, and its source files. */
#include "names.h"

#include <stdlib.h>

Session *session_new(void) {
    Session *session = base_calloc(1, sizeof *session);
    session->arena = arena_new();
    session->scratch = arena_new();
    session->names = names_new(session->arena);
    vec_push(&session->sources, (Source){.path = "", .text = ""});
    return session;
}

void session_free(Session *session) {
    if (!session)
        return;
    names_free(session->names);
    vec_free(&session->sources);
    vec_free(&session->diags);
    arena_free(session->scratch);
    arena_free(session->arena);
    free(session);
}

uint32_t source_add(Session *session, const char *path, const char *text, size_t length) {
    if (length > UINT32_MAX - 1)
        length = UINT32_MAX - 1;
    uint32_t file = session->sources.n;
    Source source = {
        .path = arena_printf(session->arena, "%s", path),
        .text = arena_string(session->arena, text, length),
        .length = (uint32_t)length,
    };
    vec_push(&session->sources, source);
    return file;
}

const Source *source_get(const Session *session, uint32_t file) {
    return &session->sources.at[file < session->sources.n ? file : 0];
}

void source_position(const Source *source, uint32_t at, uint32_t *line, uint32_t *column) {
    *line = *column = 1;
    if (at > source->length)
        at = source->length;
    for (uint32_t i = 0; i < at; i++) {
        if (source->text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)source->text[i] & 0xC0) != 0x80) {
            ++*column;
        }
    }
}

Span span_join(Span a, Span b) {
    if (!a.file)
        return b;
    if (!b.file || a.file != b.file)
        return a;
    return (Span){a.file, a.start < b.start ? a.start : b.start, a.end > b.end ? a.end : b.end};
}
