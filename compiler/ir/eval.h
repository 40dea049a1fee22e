/* eval — what the two halves of the reference evaluator share: eval.c has the definitions, eval_term.c the terms. */
#ifndef LAG_IR_EVAL_H
#define LAG_IR_EVAL_H

#include "program.h"

/* A REAL value, or an INT or BOOL one. */
typedef union Number {
    double real;
    int64_t whole;
} Number;

struct IrEnv {
    IrProgram *p;
    Number **value; /* by definition; NULL not known */
    double **shown; /* by definition: value of INT and BOOL ones as last given out */
    uint32_t n_defs;
    IrTerms *root;  /* by term: the terms below it; empty: not listed yet */
    Number *term;   /* by term: last value … */
    uint64_t *when; /* … and the time it was computed */
    uint32_t n_terms;
    int64_t *index;  /* by index: value … */
    uint64_t *moved; /* … and the time it was given */
    uint32_t n_indices;
    uint64_t clock, epoch; /* nothing computed before epoch counts */
    IrDrawFunction draw;
    void *draw_context;
    bool missing;
};

static inline double number_real(Number v, IrType type) { return type == IR_REAL ? v.real : (double)v.whole; }

/* The value of a term at the present values of indices and definitions; `missing` is set where one of these is not known. */
Number ir_eval_root(IrEnv *env, IrTerm root);

#endif
