/* report — messages of sema: muting while shapes are tried out, the chain of calls an error lies in, and how
 * values are named in the user's words. */
#include "internal.h"

/* An error inside a function's body is shown where it stands; the call that led there is added. */
static void add_calls(Sema *s, Diag *diag) {
    const CallFrame *frame = s->call;
    if (frame)
        diag_note_at(s->session, diag, frame->span, "in this call of `%s`", sema_name(s, frame->fn->name));
}

Diag *sema_error(Sema *s, DiagCode code, Span span, const char *format, ...) {
    if (s->mute) {
        s->muted_errors++;
        return NULL;
    }
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(s->arena, format, args);
    va_end(args);
    Diag *diag = diag_error(s->session, code, span, "%s", text);
    add_calls(s, diag);
    return diag;
}

Diag *sema_warn(Sema *s, DiagCode code, Span span, const char *format, ...) {
    if (s->mute) return NULL;
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(s->arena, format, args);
    va_end(args);
    return diag_warn(s->session, code, span, "%s", text);
}

void sema_note(Sema *s, Diag *diag, Span span, const char *format, ...) {
    if (!diag || !span.file) return; /* what the language itself has is declared nowhere */
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(s->arena, format, args);
    va_end(args);
    diag_note_at(s->session, diag, span, "%s", text);
}

void sema_help(Sema *s, Diag *diag, const char *format, ...) {
    if (!diag) return;
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(s->arena, format, args);
    va_end(args);
    diag_help(s->session, diag, "%s", text);
}

const char *sema_name(const Sema *s, Name name) { return name_text(s->session->names, name); }

const char *sema_shape_text(Sema *s, const Val *v) {
    if (v->kind == VAL_STRING) return "a text";
    if (v->kind == VAL_RANGE) return "a range";
    if (v->rank == 0) return "a number";
    if (v->rank == 1)
        return arena_printf(s->arena, "a vector of %llu", (unsigned long long)val_extent(s, v, 0));
    Buf buf = {0};
    for (uint32_t k = 0; k < v->rank; k++)
        buf_printf(&buf, "%s%llu", k ? "×" : "", (unsigned long long)val_extent(s, v, k));
    const char *text = arena_printf(s->arena, v->rank == 2 ? "a %s matrix" : "a %s tensor", buf.at);
    buf_free(&buf);
    return text;
}

const char *sema_type_text(IrType type) {
    switch (type) {
    case IR_REAL: return "a real number";
    case IR_INT: return "an integer";
    case IR_BOOL: return "true or false";
    }
    return "";
}

const char *sema_span_text(Sema *s, Span span) {
    const Source *source = span.file ? source_get(s->session, span.file) : NULL;
    if (!source || span.end > source->length || span.start >= span.end) return "";
    char *text = arena_string(s->arena, source->text + span.start, span.end - span.start);
    char *to = text;
    bool blank = false;
    for (const char *from = text; *from; from++) {
        bool is_blank = *from == ' ' || *from == '\n' || *from == '\t' || *from == '\r';
        if (is_blank && blank) continue;
        blank = is_blank;
        *to++ = is_blank ? ' ' : *from;
    }
    *to = 0;
    return text;
}
