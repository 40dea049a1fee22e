/* diag_print — messages for people (the source line with a caret) and for programs (one JSON object a line). */
#define _POSIX_C_SOURCE 200809L
#include "diag.h"

#include <stdlib.h>
#include <string.h>

typedef struct Style {
    const char *error, *warning, *note, *help, *bold, *blue, *off;
} Style;

static const Style plain = {"", "", "", "", "", "", ""};
static const Style coloured = {
    .error = "\033[1;31m", .warning = "\033[1;33m", .note = "\033[1;36m", .help = "\033[1;32m",
    .bold = "\033[1m", .blue = "\033[1;34m", .off = "\033[0m",
};

static int by_place(const void *a, const void *b) {
    const Diag *x = *(Diag *const *)a, *y = *(Diag *const *)b;
    if (x->span.file != y->span.file)
        return x->span.file < y->span.file ? -1 : 1;
    if (x->span.start != y->span.start)
        return x->span.start < y->span.start ? -1 : 1;
    return x->span.end < y->span.end ? -1 : x->span.end > y->span.end;
}

static uint32_t characters(const char *text, uint32_t start, uint32_t end) {
    uint32_t n = 0;
    for (uint32_t i = start; i < end; i++)
        n += ((unsigned char)text[i] & 0xC0) != 0x80;
    return n;
}

/* Writes at most ~100 columns of the line around the span, tabs as blanks, and the carets under it. */
static void print_excerpt(const Session *session, Span span, FILE *out, const Style *style, const char *mark) {
    const Source *source = source_get(session, span.file);
    uint32_t at = span.start < source->length ? span.start : source->length;
    uint32_t start = at, end = at;
    while (start > 0 && source->text[start - 1] != '\n')
        start--;
    while (end < source->length && source->text[end] != '\n' && source->text[end] != '\r')
        end++;
    while (at - start > 80) { /* a very long line: show the part around the caret */
        start++;
        while (start < at && ((unsigned char)source->text[start] & 0xC0) == 0x80)
            start++;
    }
    while (end > at && end - start > 160) {
        end--;
        while (end > at && ((unsigned char)source->text[end] & 0xC0) == 0x80)
            end--;
    }
    uint32_t line, column;
    source_position(source, at, &line, &column);
    fprintf(out, "%s%5u |%s ", style->blue, line, style->off);
    for (uint32_t i = start; i < end; i++) {
        unsigned char c = (unsigned char)source->text[i];
        fputc(c < 32 || c == 127 ? ' ' : c, out);
    }
    uint32_t last = span.end < end ? span.end : end;
    uint32_t width = last > at ? characters(source->text, at, last) : 1;
    fprintf(out, "\n%s      |%s %*s%s", style->blue, style->off, (int)characters(source->text, start, at), "", mark);
    for (uint32_t i = 0; i < width; i++)
        fputc('^', out);
    fprintf(out, "%s\n", style->off);
}

static void print_text(const Session *session, const Diag *diag, FILE *out, const Style *style) {
    const char *mark = diag->severity == DIAG_ERROR ? style->error : style->warning;
    const Source *source = source_get(session, diag->span.file);
    if (diag->span.file) {
        uint32_t line, column;
        source_position(source, diag->span.start, &line, &column);
        fprintf(out, "%s%s:%u:%u: %s", style->bold, source->path, line, column, style->off);
    }
    fprintf(out, "%s%s[%s]:%s %s%s%s\n", mark, diag->severity == DIAG_ERROR ? "error" : "warning",
            diag_code_text(diag->code), style->off, style->bold, diag->text, style->off);
    if (diag->span.file)
        print_excerpt(session, diag->span, out, style, mark);
    for (const DiagNote *note = diag->notes; note; note = note->next) {
        if (note->span.file) {
            uint32_t line, column;
            source_position(source_get(session, note->span.file), note->span.start, &line, &column);
            fprintf(out, "  %s%s:%u:%u: note:%s %s\n", style->note, source_get(session, note->span.file)->path, line,
                    column, style->off, note->text);
            print_excerpt(session, note->span, out, style, style->note);
        } else {
            fprintf(out, "  %snote:%s %s\n", style->note, style->off, note->text);
        }
    }
    if (diag->help)
        fprintf(out, "  %shelp:%s %s\n", style->help, style->off, diag->help);
}

static void print_json_string(const char *text, FILE *out) {
    fputc('"', out);
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c == '"' || *c == '\\')
            fprintf(out, "\\%c", *c);
        else if (*c < 32)
            fprintf(out, "\\u%04x", *c);
        else
            fputc(*c, out);
    }
    fputc('"', out);
}

static void print_json_place(const Session *session, Span span, FILE *out) {
    const Source *source = source_get(session, span.file);
    uint32_t line, column;
    source_position(source, span.start, &line, &column);
    fputs("\"file\":", out);
    print_json_string(source->path, out);
    fprintf(out, ",\"line\":%u,\"column\":%u,\"start\":%u,\"end\":%u", line, column, span.start, span.end);
}

static void print_json(const Session *session, const Diag *diag, FILE *out) {
    fprintf(out, "{\"event\":\"%s\",\"code\":\"%s\",", diag->severity == DIAG_ERROR ? "error" : "warning",
            diag_code_text(diag->code));
    print_json_place(session, diag->span, out);
    fputs(",\"message\":", out);
    print_json_string(diag->text, out);
    if (diag->help) {
        fputs(",\"help\":", out);
        print_json_string(diag->help, out);
    }
    fputs(",\"notes\":[", out);
    for (const DiagNote *note = diag->notes; note; note = note->next) {
        fputc('{', out);
        print_json_place(session, note->span, out);
        fputs(",\"message\":", out);
        print_json_string(note->text, out);
        fputs(note->next ? "}," : "}", out);
    }
    fputs("]}\n", out);
}

/* Messages of one call: more than a person reads, and a bound for what a file of the wrong kind can bring about. */
enum { MOST = 1000 };

static void print_sorted(const Session *session, Diag *const *sorted, uint32_t n, FILE *out, bool colour, bool json) {
    for (uint32_t i = 0; i < n && i < MOST; i++) {
        if (json)
            print_json(session, sorted[i], out);
        else
            print_text(session, sorted[i], out, colour ? &coloured : &plain);
    }
    if (n > MOST && json)
        fprintf(out, "{\"event\":\"more\",\"messages\":%u}\n", n - MOST);
    else if (n > MOST)
        fprintf(out, "and %u more messages, not shown\n", n - MOST);
}

void diag_print_all(const Session *session, FILE *out, bool colour, bool json) {
    uint32_t n = session->diags.n;
    if (!n)
        return;
    Diag **sorted = base_calloc(n, sizeof *sorted);
    memcpy(sorted, session->diags.at, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_place);
    char *text = NULL;
    size_t length = 0;
    FILE *memory = open_memstream(&text, &length); /* standard error writes every character by itself */
    print_sorted(session, sorted, n, memory ? memory : out, colour, json);
    if (memory && fclose(memory) == 0)
        fwrite(text, 1, length, out);
    free(text);
    free(sorted);
}
