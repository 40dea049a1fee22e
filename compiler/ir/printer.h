/* printer — what print.c (listings) and print_term.c share. */
#ifndef LAG_IR_PRINTER_H
#define LAG_IR_PRINTER_H

#include "print.h"

/* What printing a body needs to know of a term in it. */
typedef struct TermShape {
    uint32_t local;        /* number of its `$` line; 0 none */
    uint8_t uses, depth;   /* uses counted up to 2; depth below it since the last `$` */
    bool entered, listed;
} TermShape;

typedef struct Printer {
    const IrProgram *p;
    Buf *out;
    bool exact;           /* for reading back: every name unique, real constants marked */
    IrDef def;            /* whose axes are in scope; 0 none */
    uint32_t *def_number; /* exact: by definition, position in the listing; 0 not listed */
    uint32_t *idx_number; /* exact: by index, number of a bound index */
    TermShape *shape;     /* by term: of the body at hand; NULL without `$` lines */
    uint64_t extent[IR_MAX_RANK];
} Printer;

void ir_put_def_name(Printer *w, IrDef d);
/* Axis k of the definition in scope. */
void ir_put_axis(Printer *w, uint32_t k);
void ir_put_index(Printer *w, IrIdx i);
/* In parentheses where it binds less than `outer`. */
void ir_put_term(Printer *w, IrTerm t, int outer);

#endif
