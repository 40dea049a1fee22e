/* printer — what print.c (expressions), print_stmt.c (statements) and print_block.c (lines and blocks) share. */
#ifndef LAG_PRINTER_H
#define LAG_PRINTER_H

#include "ast.h"

/* A line longer than this is broken at its operators. */
enum { PRINT_WIDTH = 100, PRINT_INDENT = 2 };

typedef struct Printer {
    Session *session;
    const Source *source; /* NULL: spans are not looked at */
    Buf *out;
    uint32_t indent;      /* in steps of PRINT_INDENT */
    SpanList comments;
    uint32_t comment;     /* the next one to print */
    uint32_t at;          /* the end, in the source, of what was printed last */
} Printer;

/* Columns used on the present line of the output. */
uint32_t printer_column(const Printer *printer);
void print_expr(Printer *printer, const Expr *expr);
/* As print_expr, broken over lines where it does not fit; lines after the first are indented by one step
 * more. */
void print_expr_fitting(Printer *printer, const Expr *expr);
/* In double quotes, with escapes. */
void print_string(Printer *printer, Name text);
void print_args(Printer *printer, ArgList args);
void print_binders(Printer *printer, BinderList binders);

/* The kind of block a statement stands in decides how a rate `q' = e` is written. */
typedef enum Inside { INSIDE_OTHER, INSIDE_FLOW } Inside;
void print_indent(Printer *printer);
/* The statement alone: no line, no comments. */
void print_stmt(Printer *printer, const Stmt *stmt, Inside inside);
/* `{ a; b; c }` when the whole statement stood on one line of the source and still fits; else over several lines. `value` is
 * that of a block expression, or NULL. */
void print_body(Printer *printer, const Stmt *stmt, StmtList items, const Expr *value, Inside inside);

#endif
