/* What the files of calculus/ share. */
#ifndef LAG_CALCULUS_INTERNAL_H
#define LAG_CALCULUS_INTERNAL_H

#include "calculus.h"

/* ∂(operation t)/∂(operand k), a term, in which `self` (t, or a read of equal value) stands for the value of
 * t; CALC_NODIFF where the operation has no such derivative. */
#define CALC_NODIFF UINT32_MAX
IrTerm calc_rule(IrProgram *p, IrTerm t, IrTerm self, uint32_t k);
/* Reports that the operation of `self` cannot be differentiated by its operand k (from 0), at its span. */
void calc_report_nodiff(IrProgram *p, IrTerm self, uint32_t k);

/* t rebuilt bottom-up, under reductions too (their bodies; guards stay), each term passed through `rewrite` after its
 * operands. */
typedef IrTerm (*CalcRewrite)(IrProgram *p, void *context, IrTerm t);
IrTerm calc_rebuild(IrProgram *p, IrTerm t, CalcRewrite rewrite, void *context);

/* Π over k' ≠ k of `body`, where `guard` (0: always) holds: the derivative of a product by its k-th factor, exact also
 * where factors are zero. */
IrTerm calc_other_factors(IrProgram *p, IrIdx k, IrTerm guard, IrTerm body);

/* The k at which a MAXIMUM or MINIMUM is attained first, as a read of a definition. */
IrTerm calc_place_of_extreme(IrProgram *p, IrOp op, IrIdx k, IrTerm guard, IrTerm body);

/* Where INPUT or VIEW d lies: its root INPUT, first element and number of elements. */
IrDef calc_storage(const IrProgram *p, IrDef d, uint64_t *first, uint64_t *count);
bool calc_overlaps(const IrProgram *p, IrDef a, IrDef b);
/* Element number of d[subs…] in its root INPUT, an INT term; and back: subscripts of d for element `place` of
 * d. */
IrTerm calc_place(IrProgram *p, IrDef d, const IrTerm *subs);
void calc_unravel(IrProgram *p, IrDef d, IrTerm place, IrTerm *subs);
/* 0 ≤ t < extent as a BOOL term (folded where the range is known). */
IrTerm calc_in_range(IrProgram *p, IrTerm t, uint64_t extent);

/* FRESH indices for the axes of d, named as d's are, and their INT terms. */
void calc_open_axes(IrProgram *p, IrDef d, IrIdx *axes, IrTerm *subs);
/* Definition shaped like d; `prefix` and d's name make its label. */
IrDef calc_define_like(IrProgram *p, IrDef d, const IrIdx *axes, IrTerm body, const char *prefix);
IrDef calc_zero_like(IrProgram *p, IrDef d);
/* Whether t has at most `limit` (≤ CALC_SMALL) different terms in it. */
#define CALC_SMALL 64
bool calc_is_small(const IrProgram *p, IrTerm t, uint32_t limit);
/* t = coefficient · result. */
IrTerm calc_coefficient(const IrProgram *p, IrTerm t, double *coefficient);
/* Whether a term is cheap enough, and simple enough, to be put in the place of its read: a multiple of one
 * read, or without reads of tensors. */
bool calc_is_inline(const IrProgram *p, IrTerm body);

/* t with every read that may leave its tensor guarded: 0 outside. */
IrTerm calc_guard_reads(IrProgram *p, IrTerm t);

/* What a derivative has to walk: the definitions a term reaches, and which of them move with wrt. An EXPR in
 * wrt moves on its own. */
typedef struct CalcGraph {
    uint8_t *reached, *active; /* by definition */
    uint32_t n_defs;
} CalcGraph;
/* Of term t (0: none) and definition d (0: none). */
CalcGraph calc_graph(IrProgram *p, IrTerm t, IrDef d, const IrDef *wrt, uint32_t n);
void calc_graph_free(CalcGraph *g);
/* Whether definition d (also one made after the graph: then false) moves. */
static inline bool calc_moves(const CalcGraph *g, IrDef d) { return d < g->n_defs && g->active[d]; }
/* Whether t reads, at any depth, something that moves. */
bool calc_term_moves(const IrProgram *p, const CalcGraph *g, IrTerm t);

/* Each reduction inside t that is not the outermost one (or directly below it, for sums of sums) becomes a
 * definition over the indices it varies with; t reads those. New definitions are appended to `made`. */
typedef VEC(IrDef) CalcDefs;
IrTerm calc_name_sums(IrProgram *p, IrTerm t, IrElem elem, CalcDefs *made);

/* A read of the definition of reduction t over its free indices; t itself when that would take too many. The definition
 * is computed everywhere: unless t is `certain` to be, too, reads in it that may leave their tensor are guarded. */
IrTerm calc_named(IrProgram *p, IrTerm t, IrElem elem, bool certain);
/* support.c: `adjoint` as 0 where its conditions on indices say so, if `body` may have no derivative there. */
IrTerm calc_within_support(IrProgram *p, IrTerm adjoint, IrTerm body);

/* ---- scans: scan.c, lift.c ---- */
/* Row `lag` before row k (an INT term) of scan d, over the AXIS indices of a row. */
IrTerm calc_row_before(IrProgram *p, IrDef d, IrTerm k, uint32_t lag);
/* The costate of scan d: λ[k] = adjoint[k] + Σ_j (∂row(k+j)/∂(j-th row before))ᵀ λ[k+j], shaped like d; 0 after an
 * error. `adjoint` is what the scan's readers give. */
IrDef calc_scan_costate(IrProgram *p, IrDef d, IrDef adjoint);
/* The definitions that the row of scan d reads and that are not computed anew for every k, of those `wanted` (by number). */
void calc_scan_reads(IrProgram *p, IrDef d, const uint8_t *wanted, uint32_t n_wanted, CalcDefs *out);
/* Σ over rows k of λ[k]ᵀ ∂row(k)/∂x for each definition x that the row reads: out[j] has a first axis more than x[j], over the
 * rows that are computed, to be summed over; 0 where nothing comes. */
bool calc_scan_gradient(IrProgram *p, IrDef d, IrDef costate, const IrDef *x, uint32_t n, IrDef *out);
/* The definition `d`, of the inside of scan `of`, for all rows at once: a definition with an axis for the rows that are
 * computed before its own. `stands` is another bound INPUT in it: for row k of the scan stands row k of `rows`. */
IrDef calc_lift(IrProgram *p, IrDef d, IrDef of, IrDef stands, IrDef rows);
/* As calc_gradient, but wrt has only what comes by reads of itself, not of what shares elements with it: 0 where none. */
bool calc_gradient_of_reads(IrProgram *p, IrTerm t, const IrDef *wrt, uint32_t n, IrDef *grad);

/* Reverse rule of whole-tensor operations: adjoint of operand k of d from d's adjoint. */
IrDef calc_linalg_adjoint(IrProgram *p, IrDef d, IrDef adjoint, uint32_t k);
/* Forward rule: the derivative of d from those of its operands (0: does not move), each with `extra` further
 * axes behind its own, of extents `more`. */
IrDef calc_linalg_forward(IrProgram *p, IrDef d, const IrDef *moved, uint32_t extra, const uint64_t *more);

/* Implicit function theorem at ROOT d, r(z, θ) = 0: dz = −(∂r/∂u)⁻¹ dr. `moved`: the derivative of the residual at fixed
 * unknown, with `extra` further axes behind its own. */
IrDef calc_root_forward(IrProgram *p, IrDef d, IrDef moved, uint32_t extra, const uint64_t *more);
/* The same backwards: adjoints of the definitions that move and that the residual reads (from outside of the equation), from
 * d's adjoint; listed in `at`, their adjoints in `adjoint`. False after an error. */
typedef struct CalcRootAdjoint {
    CalcDefs at, adjoint;
} CalcRootAdjoint;
bool calc_root_adjoint(IrProgram *p, const CalcGraph *g, IrDef d, IrDef adjoint, CalcRootAdjoint *out);

#endif
