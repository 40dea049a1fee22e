/* taylor — what the files of the Taylor recursions share (taylor*.c); see taylor.c for what is done. */
#ifndef LAG_CALCULUS_TAYLOR_H
#define LAG_CALCULUS_TAYLOR_H

#include "calculus_internal.h"

typedef VEC(uint32_t) DefMap; /* by definition or term; 0: nothing known */
uint32_t *taylor_at(DefMap *map, uint32_t key);

/* How the coefficients of an operation follow from those of its operands u, v. Σ is over j = 1 … k−1. */
typedef enum TaylorRule {
    TAYLOR_PRODUCT,  /* f = u v:    f_k = u_0 v_k + v_0 u_k + Σ u_j v_{k−j} */
    TAYLOR_QUOTIENT, /* f = u / v:  f_k = (u_k − f_0 v_k − Σ f_j v_{k−j}) / v_0 */
    TAYLOR_ROOT,     /* f = √u:     f_k = (u_k − Σ f_j f_{k−j}) / (2 f_0) */
    TAYLOR_LOG,      /* f = ln u:   f_k = (u_k − 1/k Σ j f_j u_{k−j}) / u_0 */
    TAYLOR_POWER,    /* f = u^a:    f_k = (a k u_k f_0 + a Σ j u_j f_{k−j} − Σ j f_j u_{k−j}) / (k u_0) */
    TAYLOR_CHAIN,    /* f = f(u):   f_k = g_0 u_k + 1/k Σ j u_j g_{k−j},  g = f'(u); summed over the operands */
} TaylorRule;

/* Σ_{j=1}^{k−1} left_j right_{k−j}, or with j·left_j, elementwise over the axes of its operation. */
typedef struct TaylorSum {
    IrTerm left, right;
    bool scaled;
    uint64_t at; /* its first element among those of all sums */
} TaylorSum;

enum { TAYLOR_SUMS = 2 };

/* A nonlinear operation on what varies: a definition of its own over the indices it varies with. */
typedef struct TaylorOp {
    TaylorRule rule;
    IrDef def; /* its value */
    uint32_t rank;
    IrIdx axes[IR_MAX_RANK]; /* FRESH: the indices of the terms below */
    IrTerm value;            /* the operation on its operands */
    IrTerm operand[2];       /* u and v; POWER: v is the exponent, which does not vary */
    IrTerm slope[2];         /* CHAIN: f' by each operand; 0: not varied by it */
    TaylorSum sum[TAYLOR_SUMS];
    uint32_t n_sums;
    uint32_t depth; /* operations it was derived through: f' of f' of … */
    IrTerm source;  /* what the user wrote, for messages */
} TaylorOp;

/* A x = b with A that varies: A_0 x_k = (b − A x)_k at x_k = 0. */
typedef struct TaylorSolve {
    IrDef x;
    IrLinalg fn;
    IrDef factor;    /* of A_0: L of SOLVE_SPD, A_0⁻¹ of SOLVE and INVERSE, A_0 itself where it is triangular */
    uint32_t rank;
    IrIdx axes[IR_MAX_RANK];
    IrTerm residual; /* b − A x over the axes */
} TaylorSolve;

typedef struct Taylor {
    IrProgram *p;
    const IrDef *y;
    uint32_t n_y;
    IrDef time;
    uint32_t watch;               /* what depends on y or time */
    DefMap varies, term_varies;   /* 1: no, 2: yes */
    DefMap flat;                  /* by definition: the one with operations named */
    DefMap flat_term;             /* by term */
    DefMap op_of, solve_of;       /* by definition: 1 + its place in ops, solves */
    VEC(TaylorOp) ops;
    VEC(TaylorSolve) solves;
    uint32_t depth;
    IrTerm source;
    bool failed;
    /* rows */
    IrDef order, inverse;         /* k, 1/k */
    IrDef *rows;                  /* per y its coefficients of order k */
    IrDef left, right, sums;
    DefMap image, zero_image;     /* by definition: its coefficients of order k; those where `zeroed` has none */
    IrDef zeroed;
    DefMap kept;                  /* by definition: INPUT that holds its value at order 0 */
    VEC(IrAssign) first, next;
} Taylor;

/* taylor.c */
/* Whether the value of a term (a definition) has time derivatives: comparisons, floor and frozen values have none. */
bool taylor_varies(Taylor *s, IrTerm t);
bool taylor_def_varies(Taylor *s, IrDef d);
/* t with every nonlinear operation on what varies replaced by a read of its definition: linear in those reads. */
IrTerm taylor_flat(Taylor *s, IrTerm t);
/* The same of a definition's body. */
IrDef taylor_flat_def(Taylor *s, IrDef d);
/* Reports that `t` has no recursion. */
void taylor_refuse(Taylor *s, IrTerm t);
/* The same of a definition, with a name for what it is. */
void taylor_refuse_def(Taylor *s, IrDef d, const char *what);
/* d at its own axes. */
IrTerm taylor_whole(IrProgram *p, IrDef d);

/* taylor_product.c: products, quotients and powers, most of what there is. */
IrTerm taylor_flat_product(Taylor *s, IrTerm t);
/* A read of the operation's definition; operands and value may use any indices. The same operation is one. */
IrTerm taylor_name(Taylor *s, TaylorOp op);

/* taylor_solve.c: the definition that stands for whole-tensor operation d. */
IrDef taylor_flat_linalg(Taylor *s, IrDef d);

/* taylor_rows.c: the coefficients of order k. */
void taylor_rows(Taylor *s, const IrDef *dy, const IrDef *rates);

/* taylor_show.c: the recursions as lines, to the jet. */
void taylor_show(Taylor *s, const IrDef *rates, CalcJet *jet);

/* separate.c: sines and cosines of a[i] + b[j] as products of those of a[i] and b[j], and sums of such products
 * taken apart, so that Σ_j cos(a[i] − b[j]) x[j] costs sums over j only. */
IrTerm calc_separate(IrProgram *p, IrTerm t);

#endif
