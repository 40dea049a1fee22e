/* builtin — what the functions of whole tensors share. Each gets its elaborated arguments and the call. */
#ifndef LAG_SEMA_BUILTIN_H
#define LAG_SEMA_BUILTIN_H

#include "internal.h"

typedef struct Args {
    Sema *s;
    Scope *scope;
    const Expr *call;
    const char *name;
    Val *at;
    uint32_t n;
} Args;
typedef Val (*BuiltinFn)(Args *a);

Span args_span(const Args *a, uint32_t k);
/* Argument k of the wanted rank, real; reports and gives false otherwise. what: "a vector", "a matrix". */
bool args_rank(Args *a, uint32_t k, uint32_t rank, const char *what);
bool args_real(Args *a, uint32_t k);
/* Argument k as a definition, so that using it twice does not compute it twice. */
void args_define(Args *a, uint32_t k);

#define BUILTIN_FN(fn) Val fn(Args *a);
#define MAP1(...)
#define MAP2(...)
#define SPECIAL(name, lo, hi, fn) BUILTIN_FN(fn)
#include "builtins.def"
#undef MAP1
#undef MAP2
#undef SPECIAL

/* Short hands of builtins.def and distributions.def. */
#define F1(op, x) ir_op1(p, IR_##op, x)
#define F2(op, x, y) ir_op2(p, IR_##op, x, y)
#define F3(op, x, y, z) ir_op3(p, IR_##op, x, y, z)
#define ADD(x, y) ir_add(p, x, y)
#define SUB(x, y) ir_sub(p, x, y)
#define MUL(x, y) ir_mul(p, x, y)
#define DIV(x, y) ir_div(p, x, y)
#define NEG(x) ir_neg(p, x)
#define POW(x, y) ir_pow(p, x, y)
#define C(value) ir_real(p, value)

/* log B(a, b) = lgamma a + lgamma b − lgamma(a + b) */
static inline IrTerm lbeta(IrProgram *p, IrTerm a, IrTerm b) {
    return SUB(ADD(F1(LGAMMA, a), F1(LGAMMA, b)), F1(LGAMMA, ADD(a, b)));
}
/* log of n over k = −log(n + 1) − log B(n − k + 1, k + 1) */
static inline IrTerm lchoose(IrProgram *p, IrTerm n, IrTerm k) {
    return NEG(ADD(F1(LOG1P, n), lbeta(p, ADD(SUB(n, k), C(1)), ADD(k, C(1)))));
}

/* logsumexp over the last axis, as a definition. */
Val builtin_logsumexp_last(Sema *s, Val z, Span span, Scope *scope);

Val builtin_pick(Sema *s, const Val *z, const Val *label, Span span);

#endif
