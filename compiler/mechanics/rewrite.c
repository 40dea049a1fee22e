/* rewrite — terms rebuilt bottom-up, each shared sub-term once.
 *
 * needs: a term and a map from terms to terms      gives: the term rebuilt      changes: nothing */
#include "internal.h"

#include <stdlib.h>

typedef struct Memo {
    IrTerm *key, *value;
    uint32_t n, cap;
} Memo;

static IrTerm *memo_slot(Memo *memo, IrTerm t) {
    uint32_t at = (t * 2654435761u) & (memo->cap - 1);
    while (memo->key[at] && memo->key[at] != t)
        at = (at + 1) & (memo->cap - 1);
    memo->n += !memo->key[at];
    memo->key[at] = t;
    return &memo->value[at];
}

static void memo_grow(Memo *memo) {
    Memo old = *memo;
    memo->cap = old.cap ? old.cap * 2 : 64;
    memo->n = 0;
    memo->key = base_calloc(memo->cap, sizeof(IrTerm));
    memo->value = base_calloc(memo->cap, sizeof(IrTerm));
    for (uint32_t i = 0; i < old.cap; i++) {
        if (old.key[i])
            *memo_slot(memo, old.key[i]) = old.value[i];
    }
    free(old.key);
    free(old.value);
}

typedef struct Rewrite {
    Mech *m;
    MechMap map;
    void *context;
    Memo memo;
} Rewrite;

static IrTerm rewrite(Rewrite *r, IrTerm t);

static IrTerm rewrite_reduce(Rewrite *r, IrTerm t) {
    IrProgram *p = r->m->p;
    IrOp op = (IrOp)ir_node(p, t)->op;
    IrIdx index;
    IrTerm guard, body;
    ir_open(p, t, &index, &guard, &body);
    guard = guard ? rewrite(r, guard) : 0;
    body = rewrite(r, body);
    return ir_reduce(p, op, index, guard, body);
}

static IrTerm rewrite_read(Rewrite *r, IrTerm t) {
    IrProgram *p = r->m->p;
    IrDef def = ir_node(p, t)->arg[0];
    uint32_t n = ir_node(p, t)->arg[2];
    IrTerm subs[IR_MAX_RANK];
    for (uint32_t i = 0; i < n; i++)
        subs[i] = ir_read_subs(p, t)[i];
    for (uint32_t i = 0; i < n; i++)
        subs[i] = rewrite(r, subs[i]);
    return ir_read(p, def, subs, n);
}

static IrTerm rewrite_operands(Rewrite *r, IrTerm t) {
    IrProgram *p = r->m->p;
    IrNode node = *ir_node(p, t);
    IrOp op = (IrOp)node.op;
    if (op == IR_CONST || op == IR_INDEX)
        return t;
    if (op == IR_READ)
        return rewrite_read(r, t);
    if (op == IR_DRAW)
        return ir_draw(p, (IrDrawKind)node.arg[0], node.arg[1], rewrite(r, node.arg[2]));
    if (ir_op_is_reduce(op))
        return rewrite_reduce(r, t);
    IrTerm a[3] = {0};
    uint32_t arity = ir_op_arity(op);
    for (uint32_t i = 0; i < arity; i++)
        a[i] = rewrite(r, node.arg[i]);
    return arity == 1 ? ir_op1(p, op, a[0])
         : arity == 2 ? ir_op2(p, op, a[0], a[1])
                      : ir_op3(p, op, a[0], a[1], a[2]);
}

static IrTerm rewrite(Rewrite *r, IrTerm t) {
    if (2 * (r->memo.n + 1) > r->memo.cap)
        memo_grow(&r->memo);
    IrTerm known = *memo_slot(&r->memo, t);
    if (known)
        return known;
    IrTerm result = r->map(r->m, r->context, t);
    if (!result)
        result = rewrite_operands(r, t);
    *memo_slot(&r->memo, t) = result;
    return result;
}

IrTerm mech_rewrite(Mech *m, IrTerm t, MechMap map, void *context) {
    Rewrite r = {.m = m, .map = map, .context = context};
    IrTerm result = rewrite(&r, t);
    free(r.memo.key);
    free(r.memo.value);
    return result;
}

/* Per definition: 0 not looked at, the constant its body is, or NOT_CONSTANT. */
typedef struct Constants {
    IrTerm *of;
    uint32_t n;
} Constants;
static const IrTerm not_constant = UINT32_MAX;

static IrTerm map_constant(Mech *m, void *context, IrTerm t) {
    Constants *c = context;
    IrDef d = ir_node(m->p, t)->arg[0];
    if (ir_node(m->p, t)->op != IR_READ || d >= c->n || ir_def(m->p, d)->kind != IR_DEF_EXPR)
        return 0;
    if (!c->of[d]) {
        double value;
        IrTerm body = mech_rewrite(m, ir_def(m->p, d)->body, map_constant, c);
        c->of[d] = ir_is_const(m->p, body, &value) ? body : not_constant;
    }
    return c->of[d] == not_constant ? 0 : c->of[d];
}

bool mech_vanishes(Mech *m, IrTerm t) {
    Constants c = {.n = ir_def_count(m->p) + 1};
    c.of = base_calloc(c.n, sizeof *c.of);
    bool zero = ir_is_zero(m->p, mech_rewrite(m, t, map_constant, &c));
    free(c.of);
    return zero;
}
