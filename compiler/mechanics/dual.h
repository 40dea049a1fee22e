/* dual — what the files of the Legendre transform share: dual.c (sums of functions of different velocities), norms.c (norms and
 * their duals), invert.c (functions of one number). No other file includes it.
 *
 * S is a convex function of x, the velocities of all bodies (or their momenta, for a Hamiltonian), S* its transform,
 *
 *     S*(y) = max over x of y·x − S(x),    x = ∂(S*)/∂y where y = ∂S/∂x. */
#ifndef LAG_MECHANICS_DUAL_H
#define LAG_MECHANICS_DUAL_H

#include "internal.h"

typedef struct DualSpace {
    Mech *m;
    bool of_momenta;           /* x = p, y = q' */
    IrIdx open[IR_MAX_RANK];   /* FRESH indices of the sums around what is looked at */
    uint32_t n_open;
    uint32_t how;              /* MECH_BY_…, set by what is found */
    bool couples;              /* M is known, and what no formula is known for may be solved for together */
    bool falls;                /* set by what is found: the slope of S falls as an element, or a norm, grows: S is not convex, */
    double where;              /* at this value of it */
    bool has_corners;          /* set by what is found: S has no second derivatives everywhere */
} DualSpace;

bool dual_moves(const DualSpace *s, IrTerm t); /* depends on x */
IrDef dual_variable(const DualSpace *s, uint32_t body, bool conjugated); /* x, or y */
const char *dual_symbol(const DualSpace *s, uint32_t body);              /* of x: "θ'", or "p_θ" */
/* A READ of an element of x: the same element of y. 0: it is none. */
IrTerm dual_element(const DualSpace *s, IrTerm read);
/* Neither reads an element of x that the other reads. Where that cannot be seen: false. */
bool dual_are_apart(const DualSpace *s, IrTerm a, IrTerm b);
/* The terms of t for different values of index i read different elements of x, each of them once. */
bool dual_is_spread(const DualSpace *s, IrTerm t, IrIdx i);
/* The addends of t with their signs in it. False: more than `max`. */
bool dual_addends(Mech *m, IrTerm t, IrTerm *out, uint32_t max, uint32_t *n);
/* x^n; |x|^n without the bars where n is even. */
IrTerm dual_power(Mech *m, IrTerm x, double n);

/* ---- norms.c ---- */

/* sign · scale · N^degree, N a norm of x (over the open indices), by its dual norm N* of y. */
typedef struct DualNorm {
    double sign, degree;
    IrTerm scale;  /* free of x; taken as positive */
    IrTerm dual;   /* N*(y) = max of y·x over N(x) ≤ 1 */
    bool has_corners; /* N is no smooth function of x apart from 0 */
} DualNorm;
bool dual_norm(DualSpace *s, IrTerm t, DualNorm *out);
/* t as φ(N): φ as a term in the scalar `r`. 0: it is none. */
IrTerm dual_profile(DualSpace *s, IrTerm t, IrTerm r, DualNorm *norm);

/* ---- invert.c ---- */

/* φ' grows with r, as far as numbers show where φ depends on nothing else than numbers that are known. Else a place where it falls. */
bool dual_slope_grows(Mech *m, IrTerm phi, IrTerm r, bool is_signed, double *where);
/* φ*(y) and r = φ*'(y) of a convex φ(r), r ≥ 0 (or of either sign where `is_signed`). False: not in closed form. */
bool dual_of_scalar(Mech *m, IrTerm phi, IrTerm r, IrTerm y, bool is_signed, IrTerm *value, IrTerm *slope);

/* ---- newton.c ---- */

/* The same by Newton's method, for each value of the open indices on its own; `label` says what r is. False after an error. */
bool dual_by_newton(DualSpace *s, IrTerm phi, IrTerm r, IrTerm y, const char *label, IrTerm *value, IrTerm *slope);
/* x of the bodies touched as the root of y = ∂S/∂x, the gradient and second derivatives of m->mass. False after an error. */
bool dual_of_coupled(DualSpace *s, const bool *touched, IrTerm *x);

#endif
