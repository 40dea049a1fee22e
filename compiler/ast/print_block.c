/* print_block — lines, blocks and comments of canonical text (`lag fmt`). Kept from the source: comments, single empty lines, and
 * what stood together on one line, if it fits. */
#include "printer.h"

#include <string.h>

static void put(Printer *printer, const char *text) { buf_puts(printer->out, text); }

static uint32_t newlines_between(const Printer *printer, uint32_t from, uint32_t to) {
    uint32_t n = 0;
    for (uint32_t i = from; i < to && i < printer->source->length; i++) {
        char c = printer->source->text[i];
        n += c == '\n' || (c == '\r' && printer->source->text[i + 1] != '\n');
    }
    return n;
}

static bool on_one_line(const Printer *printer, Span span) {
    return span.end > span.start && newlines_between(printer, span.start, span.end) == 0;
}

void print_indent(Printer *printer) {
    buf_printf(printer->out, "%*s", (int)(printer->indent * PRINT_INDENT), "");
}

static bool out_is_empty(const Printer *printer) { return printer->out->n == 0; }

/* Ends the line before; an empty line of the source stays one empty line. */
static void new_line(Printer *printer, uint32_t start, bool first) {
    if (!out_is_empty(printer))
        put(printer, !first && newlines_between(printer, printer->at, start) > 1 ? "\n\n" : "\n");
    print_indent(printer);
}

static bool has_comment_before(const Printer *printer, uint32_t end) {
    return printer->comment < printer->comments.n && printer->comments.at[printer->comment].start < end;
}

static void print_comment(Printer *printer) {
    Span span = printer->comments.at[printer->comment++];
    uint32_t end = span.end;
    while (end > span.start && strchr(" \t", printer->source->text[end - 1])
           && printer->source->text[end - 1])
        end--;
    buf_write(printer->out, printer->source->text + span.start, end - span.start);
    printer->at = span.end;
}

/* Comments that stand before byte `end`, each on a line of its own. */
static bool print_comments_before(Printer *printer, uint32_t end, bool first) {
    while (has_comment_before(printer, end)) {
        new_line(printer, printer->comments.at[printer->comment].start, first);
        print_comment(printer);
        first = false;
    }
    return first;
}

/* A comment on the line where something just ended stays there. */
static void print_trailing_comment(Printer *printer) {
    if (printer->comment >= printer->comments.n)
        return;
    uint32_t start = printer->comments.at[printer->comment].start;
    if (start >= printer->at && newlines_between(printer, printer->at, start) == 0) {
        put(printer, "  ");
        print_comment(printer);
    }
}

static bool has_block(const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_SYSTEM: case STMT_DYNAMICS: case STMT_FLOW: case STMT_STEP: case STMT_RUN: case STMT_WHEN:
        return true;
    case STMT_FN:
        return stmt->fn.body->kind == EXPR_BLOCK;
    case STMT_PRECISION: case STMT_USE: case STMT_DECLARE: case STMT_TERM: case STMT_TILDE: case STMT_METHOD:
    case STMT_RECORD: case STMT_PRINT: case STMT_PLOT: case STMT_SAVE: case STMT_EXPECT: case STMT_SETTING:
    case STMT_STOP: case STMT_ACT: case STMT_START: case STMT_SYMMETRY: case STMT_ERROR: case STMT_COUNT:
        break;
    }
    return false;
}

/* One statement on a line, or after `; ` on the line of the one before where the source has it so. */
static void print_item(Printer *printer, const Stmt *stmt, Inside inside, bool *first) {
    *first = print_comments_before(printer, has_block(stmt) ? stmt->span.start : stmt->span.end, *first);
    bool joined = !*first && printer->at <= stmt->span.start
                  && newlines_between(printer, printer->at, stmt->span.start) == 0;
    size_t mark = printer->out->n;
    uint32_t comment = printer->comment;
    if (joined) {
        put(printer, "; ");
        print_stmt(printer, stmt, inside);
        bool fits = printer_column(printer) <= PRINT_WIDTH
                    && !memchr(printer->out->at + mark, '\n', printer->out->n - mark);
        if (!fits) {
            printer->out->n = mark;
            printer->out->at[mark] = '\0';
            printer->comment = comment;
            joined = false;
        }
    }
    if (!joined) {
        new_line(printer, stmt->span.start, *first);
        print_stmt(printer, stmt, inside);
    }
    *first = false;
    printer->at = stmt->span.end;
    print_trailing_comment(printer);
}

static void print_block(Printer *printer, const Stmt *stmt, StmtList items, const Expr *value,
                        Inside inside) {
    put(printer, " {");
    printer->at = stmt->span.start;
    print_trailing_comment(printer);
    printer->indent++;
    bool first = true;
    for (uint32_t i = 0; i < items.n; i++)
        print_item(printer, items.at[i], inside, &first);
    if (value) {
        first = print_comments_before(printer, value->span.end, first);
        new_line(printer, value->span.start, first);
        print_expr_fitting(printer, value);
        printer->at = value->span.end;
        print_trailing_comment(printer);
        first = false;
    }
    first = print_comments_before(printer, stmt->span.end, first);
    printer->indent--;
    if (first && !items.n) {
        put(printer, " }");
    } else {
        put(printer, "\n");
        print_indent(printer);
        put(printer, "}");
    }
}

void print_body(Printer *printer, const Stmt *stmt, StmtList items, const Expr *value, Inside inside) {
    bool short_form = items.n + (value != NULL) > 0 && on_one_line(printer, stmt->span);
    size_t mark = printer->out->n;
    if (short_form) {
        put(printer, " { ");
        for (uint32_t i = 0; i < items.n; i++) {
            put(printer, i ? "; " : "");
            print_stmt(printer, items.at[i], inside);
        }
        if (value) {
            put(printer, items.n ? "; " : "");
            print_expr(printer, value);
        }
        put(printer, " }");
        short_form = printer_column(printer) <= PRINT_WIDTH
                     && !memchr(printer->out->at + mark, '\n', printer->out->n - mark);
    }
    if (!short_form) {
        printer->out->n = mark;
        print_block(printer, stmt, items, value, inside);
    }
}

void ast_print(Session *session, const File *file, Buf *out) {
    Buf own = {0};
    buf_puts(&own, "");
    Printer printer = {.session = session,
                       .source = source_get(session, file->source),
                       .out = &own,
                       .comments = file->comments};
    bool first = true;
    for (uint32_t i = 0; i < file->items.n; i++)
        print_item(&printer, file->items.at[i], INSIDE_OTHER, &first);
    print_comments_before(&printer, UINT32_MAX, first);
    if (own.n)
        buf_puts(&own, "\n");
    buf_write(out, own.at, own.n);
    buf_free(&own);
}
