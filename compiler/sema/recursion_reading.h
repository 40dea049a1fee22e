/* recursion_reading — one way to read definitions that refer to themselves as rows computed one after the other, as it is
 * tried out: what recursion.c and recursion_inside.c share. */
#ifndef LAG_SEMA_RECURSION_READING_H
#define LAG_SEMA_RECURSION_READING_H

#include "recursion.h"

/* A definition inside of the recursion for one value of the index: fixed[i] is the subscript of axis i, 0 where that stays. */
typedef struct Special {
    IrDef of, made;
    IrTerm fixed[IR_MAX_RANK];
} Special;

/* A row before of a recursion inside of this one, some axes of which are fixed. */
typedef struct Inner {
    IrDef before, made;
    IrTerm fixed[IR_MAX_RANK];
} Inner;

typedef struct Reading {
    Sema *s;
    IrProgram *ir;
    Recursive *part; /* the definitions that refer to each other */
    uint32_t n;
    uint32_t along[RECURSION_PARTS]; /* by part: the axis of the recursion */
    IrTerm at;                       /* the value of the index: the counter, or a number */
    uint32_t lags;
    bool backward;
    IrDef before[IR_MAX_LAGS]; /* 0: the rows that are started from, which look at none */
    IrDef row[RECURSION_PARTS]; /* by part: its row now, once made */
    bool busy[RECURSION_PARTS];
    uint64_t place[RECURSION_PARTS], size[RECURSION_PARTS]; /* in a row of several side by side */
    IrIdx context[IR_MAX_RANK];
    uint32_t n_context;
    VEC(Special) special;
    VEC(Inner) inner;
    bool failed;
} Reading;

bool recursion_is_context(const Reading *r, IrIdx i);
/* A read, its subscripts made for one value of the index already: an IrReadMap over a Reading. */
IrTerm recursion_read(IrProgram *ir, void *reading, IrTerm read);
/* A part at the row that is being computed: what others of the recursion may read, in some order. */
IrTerm recursion_now(Reading *r, uint32_t part, const IrTerm *subs, uint32_t n);

#endif
