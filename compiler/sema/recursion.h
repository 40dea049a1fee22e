/* recursion — definitions that refer to themselves, while they are elaborated and when they are closed. */
#ifndef LAG_SEMA_RECURSION_H
#define LAG_SEMA_RECURSION_H

#include "internal.h"

#define RECURSION_PARTS 8 /* definitions that refer to each other */

/* One definition that refers to itself: its name stands for `self`, an INPUT of its shape, made when first referred to. */
typedef struct Recursive {
    Name name;
    Span span;
    Ent *ent;  /* the entity it is the value of; NULL inside of functions and blocks */
    Val shape;
    IrElem elem;
    IrDef self; /* 0: not referred to (yet) */
    uint32_t rank;
    IrIdx idx[IR_MAX_RANK]; /* the indices of the left side … */
    IrTerm body;            /* … and the right side over them and those of the context */
    IrTerm value;           /* the same from the finished recursion */
} Recursive;

/* What a definition's own name means inside of it. */
Val recursion_refer(Sema *s, Recursive *r);
/* Makes the scan that these definitions are together and fills `value` of each; false, with the reason reported, when they
 * are not computed one row after the other. */
bool recursion_close(Sema *s, Recursive *part, uint32_t n);
/* Whether the term depends on a definition that is open around `r`. */
bool recursion_is_inside(Sema *s, const Recursive *r, IrTerm body);

#endif
