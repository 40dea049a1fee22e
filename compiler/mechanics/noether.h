/* noether — charges of infinitesimal maps, between noether.c, declared.c and conserve.c. */
#ifndef LAG_MECHANICS_NOETHER_H
#define LAG_MECHANICS_NOETHER_H

#include "internal.h"

enum { MECH_MOST_BODIES = 64 };

/* q → q + ε δq, t → t + ε δt. */
typedef struct MechMotion {
    IrTerm *shift; /* per body: δq over its axes, in (q, t); 0: it stands still */
    IrTerm time;   /* δt, in (q, t); 0: none */
} MechMotion;

typedef struct MechNoether {
    IrTerm change; /* δL */
    IrTerm gauge;  /* F with δL = dF/dt; 0: δL vanishes */
    IrTerm charge; /* Q, in what the run stores */
    IrTerm rate;   /* Q' by friction and forces; 0: it is conserved */
    IrTerm decay;  /* c with Q' = −c Q; 0: not of this form */
    bool held;     /* the constraints do not allow the map */
} MechNoether;

/* False: δL is no total time derivative of a polynomial (out->change says what it is), the constraints do not allow the
 * map, or there is no Lagrangian in closed form (change is 0). */
bool mech_noether(Mech *m, const MechMotion *map, MechNoether *out);
/* Whether the run's word keeps the charge exactly, or multiplies it by e^(−decay h). */
bool mech_word_keeps(Mech *m, const MechMotion *map, const MechNoether *n);
/* Gives every input the terms read, but the hyper-parameters, a generic value. False: too much to evaluate. */
bool mech_set_generic(Mech *m, const IrTerm *terms, uint32_t n, uint32_t salt);

/* A conserved line of the derivation, whose right side a run can follow. */
void mech_add_charge(Mech *m, const char *name, const MechLine *line);
/* declared.c: the lines of declared symmetries; an error at the line of one that is none. False after an error. */
bool mech_declared_lines(Mech *m, MechLine *at, uint32_t *n);
/* Whether a charge of this value, or of a multiple of it, is among those found. */
bool mech_has_charge(Mech *m, IrTerm value);

#endif
