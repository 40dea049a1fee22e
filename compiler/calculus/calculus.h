/* calculus — pure mathematics on the IR: derivatives in index notation. IR to IR; knows nothing of mechanics.
 * Every function may be applied to its own results: derivatives of any order.
 *
 * What is constant almost everywhere gives zero: argmax, the subscripts of gathers, the positions of draws. An operand
 * that op.def calls NODIFF and that depends on the variable is an error reported at the term's span: the result is 0
 * (none), and the caller poisons what it was building. */
#ifndef LAG_CALCULUS_H
#define LAG_CALCULUS_H

#include "../ir/ir.h"

/* ∂t/∂x[at…] of a term, through all definitions t depends on: forward, by reads with deltas eliminated.
 * `at`: rank(x) INT terms. Free indices of t and `at` may overlap only on purpose (∂x[i]/∂x[i] = 1). */
IrTerm calc_partial(IrProgram *p, IrTerm t, IrDef x, const IrTerm *at);

/* Reverse mode: definitions grad[k], each shaped like wrt[k], of the scalar term `t` (no free indices). One sweep
 * over the definition graph for all of them. wrt may be INPUT, VIEW or EXPR definitions; an EXPR is then taken as
 * independent of what it is defined from. A wrt that t does not depend on gives a zero definition. Returns false
 * after an error. A block INPUT read through VIEWs gets a CONCAT of the views' gradients. */
bool calc_gradient(IrProgram *p, IrTerm t, const IrDef *wrt, uint32_t n, IrDef *grad);

/* Vector-Jacobian product: as calc_gradient for Σ weight[i…] y[i…], weight a definition shaped like y. */
bool calc_vjp(IrProgram *p, IrDef y, IrDef weight, const IrDef *wrt, uint32_t n, IrDef *grad);

/* Forward mode: derivative of a term (or definition) along a direction: each x[k] moves with rate dx[k] (a
 * definition shaped like x[k]). Definitions in between get tangent definitions, shared by hash-consing. */
typedef struct CalcSeed { IrDef x, dx; } CalcSeed;
IrTerm calc_tangent(IrProgram *p, IrTerm t, const CalcSeed *seeds, uint32_t n);
IrDef calc_tangent_def(IrProgram *p, IrDef d, const CalcSeed *seeds, uint32_t n);

/* ∂²t/∂x[i…]∂y[j…] as a definition of rank(x)+rank(y) axes. 0 after an error. */
IrDef calc_hessian(IrProgram *p, IrTerm t, IrDef x, IrDef y);

/* The Taylor coefficients of the solution of y' = f(y, t) by recursion, as assignments for two functions. Order 0 is y
 * itself; with c_k for the coefficients of order k:
 *     first   reads y and t; sets dy = f, which is c_1, and what the higher orders need of order 0
 *     next    reads order = k ≥ 1, its inverse, rows = c_k and sums; sets dy to the coefficients of f of order k, which are (k + 1) c_{k+1},
 *             and left and right, row k of the two tables of factors
 * Between calls of next the caller keeps the rows of left and right, and sets sums[i] = Σ_{j=1}^{k−1} left_j[i] right_{k−j}[i]
 * (0 for k = 1). What next computes from order 0 alone it may keep over the orders (IrFunc.cyclic). */
/* For a reader: x[k, …] = term, the coefficient of order k ≥ 1 of x, or x[…] = term, what an operation is. */
typedef struct CalcLine {
    IrDef x; /* an INPUT made for it, its label the symbol; the order is its first axis. Its axes are those of the term */
    IrTerm term;
    const char *remark; /* a sentence, or NULL */
    Span span;
} CalcLine;
typedef struct CalcJet {
    IrDef order, inverse;    /* flex scalars: k and 1/k */
    IrDef *rows;             /* per y */
    IrDef left, right, sums; /* rank 1, of equal size, a multiple of 8; 0 where f is linear */
    IrAssign *first, *next;
    uint32_t n_first, n_next;
    CalcLine *lines;
    uint32_t n_lines;
    struct CalcKink *kinks; /* see calc_kinks */
    uint32_t n_kinks;
} CalcJet;
/* rate[k] is f for block y[k], over its AXIS indices; dy[k] an OUTPUT of its shape; time 0: f does not depend on it. False
 * after an error: an operation without a recursion is reported where the user wrote it. */
bool calc_jet(IrProgram *p, const IrDef *y, const IrDef *dy, const IrTerm *rate, uint32_t n, IrDef time, CalcJet *jet);

/* Where f of calc_jet is not smooth: the series of either side is another one. */
typedef struct CalcKink {
    IrDef value; /* where an element of this changes its sign */
    IrOp op;     /* hangs on the sign: abs, max, <, floor, … */
    Span span;   /* and was written here */
} CalcKink;
/* Their number; the list is in the program's arena. */
uint32_t calc_kinks(IrProgram *p, const IrTerm *rate, const IrDef *y, uint32_t n, IrDef time, CalcKink **kinks);

/* The definition z[n] given by residual(z) = 0: an ir_root with its Jacobian derived, and found from `start`. `parts` are the
 * definitions that the residual reads the unknown through, each with its first element (NULL: none but the unknown itself):
 * the Jacobian is then written in blocks ∂r/∂part. 0 after an error. */
IrDef calc_root(IrProgram *p, Name name, IrDef unknown, IrDef residual, IrDef start, const IrPiece *parts,
                uint32_t n_parts);

/* t as a polynomial of degree ≤ 1 in the scalar read `x` (a READ term, or any subterm): t = a + b·x with a and b
 * free of x. False when t is not affine in x. */
bool calc_linear(IrProgram *p, IrTerm t, IrTerm x, IrTerm *a, IrTerm *b);

/* Rewrites that are exact in real arithmetic and shorten a term for a reader and for the machine: joins
 * products of sines and cosines that are one angle's, and collects the common factors of sums. Nothing is multiplied out.
 * The IR's constructors already do the local part; this one looks at whole sums. */
IrTerm calc_tidy(IrProgram *p, IrTerm t);

/* Sum-factorization of reductions: splits a sum over + where a part of it comes down to a shorter sum (the IR's
 * constructors take invariant factors out and count brackets in closed form), and names an inner sum that varies with
 * fewer indices than the loops around it as a definition. */
IrTerm calc_factor(IrProgram *p, IrTerm t);

/* Largest relative difference between calc_gradient and central differences of the reference evaluator at the
 * environment's point: what `lag derive --check` prints. */
double calc_check_gradient(IrProgram *p, IrEnv *env, IrTerm t, IrDef x, double *where);

#endif
