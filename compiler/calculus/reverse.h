/* reverse — what the sweep (reverse.c) and the sums of what it finds (adjoint.c) share. */
#ifndef LAG_CALCULUS_REVERSE_H
#define LAG_CALCULUS_REVERSE_H

#include "calculus_internal.h"

/* One place a definition is read: coefficient · δ(axes = subs), summed over idx. */
typedef struct Contribution {
    IrTerm coefficient;
    IrTerm subs[IR_MAX_RANK];
    IrIdx *idx;
    uint32_t n_idx;
} Contribution;

typedef struct Step { /* a definition in the order of the sweep, with its body as differentiated */
    IrDef def;
    IrTerm body;
} Step;

typedef struct Place {
    IrDef def;
    uint32_t part;
} Place;

typedef struct Reverse {
    IrProgram *p;
    CalcGraph graph;
    Arena *arena;
    VEC(Step) steps; /* operands before users */
    uint32_t n_slots;
    struct Slot {
        VEC(Contribution) parts;
        IrDef adjoint; /* whole-tensor contributions already in form of definitions */
        bool is_step, moves, done;
    } * slots;          /* by definition */
    VEC(Place) present; /* contributions of the step at hand */
    const IrDef *wrt;
    uint32_t n_wrt;
    bool failed;
} Reverse;

/* Valid until the next definition is made. */
struct Slot *reverse_slot(Reverse *r, IrDef d);
bool reverse_has_parts(Reverse *r, IrDef d);
/* d is read at `subs` with this coefficient, summed over idx[n]. */
void reverse_contribute(Reverse *r, IrDef d, const IrTerm *subs, IrTerm coefficient, const IrIdx *idx, uint32_t n);
/* A definition of d's shape comes to its adjoint; 0: the sweep has failed. */
void reverse_add_whole(Reverse *r, IrDef d, IrDef adjoint);
/* The sum of all that came to d, as a definition. */
IrDef reverse_adjoint(Reverse *r, IrDef d);
/* The same with what came to definitions that share elements with w. */
IrDef reverse_gradient(Reverse *r, IrDef w);

#endif
