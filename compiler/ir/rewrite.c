/* rewrite — substitution of indices, mapping of reads, replacement of definitions. Each call visits a shared
 * term once: the terms reached are listed with their references increasing (operands come before users), and
 * rebuilt in that order without recursion. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

/* The terms one call has to rebuild, in increasing order, and what became of each. */
typedef struct Rebuild {
    VEC(IrTerm) order;
    Table seen;    /* term -> place */
    IrTerm *image; /* by place in the table */
} Rebuild;

static uint32_t seen_place(const Table *seen, IrTerm t) {
    uint32_t place = (uint32_t)mix(0, t) & (seen->cap - 1);
    while (seen->at[place] && seen->at[place] != t)
        place = (place + 1) & (seen->cap - 1);
    return place;
}

static void seen_grow(Table *seen) {
    Table grown = {base_calloc(seen->cap ? seen->cap * 2 : 64, sizeof(uint32_t)), seen->n,
                   seen->cap ? seen->cap * 2 : 64};
    for (uint32_t k = 0; k < seen->cap; k++)
        if (seen->at[k])
            grown.at[seen_place(&grown, seen->at[k])] = seen->at[k];
    free(seen->at);
    *seen = grown;
}

static bool seen_add(Rebuild *r, IrTerm t) {
    if (2 * (r->seen.n + 1) > r->seen.cap)
        seen_grow(&r->seen);
    uint32_t place = seen_place(&r->seen, t);
    if (r->seen.at[place])
        return false;
    r->seen.at[place] = t;
    r->seen.n++;
    vec_push(&r->order, t);
    return true;
}

static int by_number(const void *a, const void *b) {
    IrTerm x = *(const IrTerm *)a, y = *(const IrTerm *)b;
    return (x > y) - (x < y);
}

static void rebuild_free(Rebuild *r) {
    vec_free(&r->order);
    free(r->seen.at);
    free(r->image);
}

static IrTerm image_of(const Rebuild *r, IrTerm t) {
    if (!t)
        return 0;
    uint32_t place = seen_place(&r->seen, t);
    return r->seen.at[place] ? r->image[place] : t;
}

/* Operands of a term that are terms: up to IR_MAX_RANK subscripts of a read, else up to three. */
uint32_t term_operands(const IrProgram *p, IrTerm t, IrTerm *out) {
    const IrNode *n = node_of(p, t);
    uint32_t count = 0;
    if (n->op == IR_CONST || n->op == IR_INDEX)
        return 0;
    if (n->op == IR_READ) {
        for (uint32_t k = 0; k < n->arg[2]; k++)
            out[k] = p->subs.at[n->arg[1] + k];
        return n->arg[2];
    }
    for (int k = n->op == IR_DRAW ? 2 : ir_op_is_reduce(n->op) ? 1 : 0; k < 3; k++)
        if (n->arg[k])
            out[count++] = n->arg[k];
    return count;
}

/* Lists what has to be rebuilt below t. `wanted` prunes: false for terms that stay as they are. */
typedef bool (*Wanted)(IrProgram *p, void *context, IrTerm t);

static void collect(IrProgram *p, Rebuild *r, IrTerm t, Wanted wanted, void *context) {
    IrTerm operands[IR_MAX_RANK];
    if (!wanted(p, context, t))
        return;
    seen_add(r, t);
    for (uint32_t k = 0; k < r->order.n; k++) {
        uint32_t n = term_operands(p, r->order.at[k], operands);
        for (uint32_t j = 0; j < n; j++)
            if (wanted(p, context, operands[j]))
                seen_add(r, operands[j]);
    }
    qsort(r->order.at, r->order.n, sizeof *r->order.at, by_number);
    r->image = base_calloc(r->seen.cap, sizeof *r->image);
}

/* t with its operands replaced by their images; reductions keep their bound index hanging. */
static IrTerm rebuild_node(IrProgram *p, const Rebuild *r, IrTerm t) {
    IrNode n = *node_of(p, t);
    IrTerm a = n.arg[0], b = n.arg[1], c = n.arg[2];
    if (n.op == IR_CONST || n.op == IR_INDEX)
        return t;
    if (n.op == IR_READ) {
        IrTerm subs[IR_MAX_RANK];
        for (uint32_t k = 0; k < c; k++)
            subs[k] = image_of(r, p->subs.at[b + k]);
        return ir_read(p, a, subs, c);
    }
    if (n.op == IR_DRAW)
        return ir_draw(p, (IrDrawKind)a, b, image_of(r, c));
    if (ir_op_is_reduce(n.op))
        return fold_reduce(p, (IrOp)n.op, a, image_of(r, b), image_of(r, c));
    switch (ir_op_arity(n.op)) {
    case 1: return ir_op1(p, (IrOp)n.op, image_of(r, a));
    case 2: return ir_op2(p, (IrOp)n.op, image_of(r, a), image_of(r, b));
    default: return ir_op3(p, (IrOp)n.op, image_of(r, a), image_of(r, b), image_of(r, c));
    }
}

static void set_image(Rebuild *r, IrTerm t, IrTerm image) { r->image[seen_place(&r->seen, t)] = image; }

/* ---- substitution of indices --------------------------------------------------------------------------- */

typedef struct Subst {
    const IrIdx *from;
    const IrTerm *to;
    uint32_t n;
    uint8_t height;
} Subst;

static bool subst_wanted(IrProgram *p, void *context, IrTerm t) {
    const Subst *s = context;
    return set_meets(p, node_of(p, t)->free, s->from, s->n);
}

/* A reduction whose index could be captured by reductions inside the substituted terms: opened, rewritten and
 * closed again. */
static IrTerm subst_opened(IrProgram *p, IrTerm t, const Subst *s) {
    IrIdx i;
    IrTerm guard, body;
    IrOp op = op_of(p, t);
    ir_open(p, t, &i, &guard, &body);
    if (guard)
        guard = ir_subst(p, guard, s->from, s->to, s->n);
    body = ir_subst(p, body, s->from, s->to, s->n);
    return fold_reduce(p, op, i, guard, body);
}

static bool below_reduction_wanted(IrProgram *p, void *context, IrTerm t) {
    return subst_wanted(p, context, t);
}

static IrTerm subst_term(IrProgram *p, IrTerm t, Subst *s) {
    if (!subst_wanted(p, s, t))
        return t;
    Rebuild r = {0};
    collect(p, &r, t, below_reduction_wanted, s);
    for (uint32_t k = 0; k < r.order.n; k++) {
        IrTerm u = r.order.at[k], image = 0;
        if (is_op(p, u, IR_INDEX)) {
            for (uint32_t j = 0; j < s->n; j++)
                if (s->from[j] == arg_of(p, u, 0))
                    image = s->to[j];
        } else if (s->height && ir_op_is_reduce(op_of(p, u))) {
            image = subst_opened(p, u, s);
        } else {
            image = rebuild_node(p, &r, u);
        }
        set_image(&r, u, image);
    }
    IrTerm result = image_of(&r, t);
    rebuild_free(&r);
    return result;
}

IrTerm ir_subst(IrProgram *p, IrTerm t, const IrIdx *from, const IrTerm *to, uint32_t n) {
    Subst s = {from, to, n, 0};
    bool moves = false;
    if (!t)
        return 0;
    for (uint32_t k = 0; k < n; k++) {
        if (!to[k])
            return 0;
        moves |= !is_op(p, to[k], IR_INDEX) || arg_of(p, to[k], 0) != from[k];
        if (node_of(p, to[k])->height > s.height)
            s.height = node_of(p, to[k])->height;
    }
    return moves ? subst_term(p, t, &s) : t;
}

/* ---- mapping of reads ---------------------------------------------------------------------------------- */

typedef struct MapReads {
    IrReadMap map;
    void *context;
} MapReads;

static bool all_wanted(IrProgram *p, void *context, IrTerm t) {
    (void)context;
    IrOp op = op_of(p, t);
    return op != IR_CONST && op != IR_INDEX;
}

IrTerm ir_map_reads(IrProgram *p, IrTerm t, IrReadMap map, void *context) {
    if (!t || !all_wanted(p, NULL, t))
        return t;
    Rebuild r = {0};
    /* opened reductions bring new terms, so the list grows in waves: what lies outside reductions first */
    IrTerm operands[IR_MAX_RANK];
    seen_add(&r, t);
    for (uint32_t k = 0; k < r.order.n; k++) {
        IrTerm u = r.order.at[k];
        if (ir_op_is_reduce(op_of(p, u)))
            continue;
        uint32_t n = term_operands(p, u, operands);
        for (uint32_t j = 0; j < n; j++)
            if (all_wanted(p, NULL, operands[j]))
                seen_add(&r, operands[j]);
    }
    qsort(r.order.at, r.order.n, sizeof *r.order.at, by_number);
    r.image = base_calloc(r.seen.cap, sizeof *r.image);
    for (uint32_t k = 0; k < r.order.n; k++) {
        IrTerm u = r.order.at[k], image;
        if (ir_op_is_reduce(op_of(p, u))) {
            IrIdx i;
            IrTerm guard, body;
            ir_open(p, u, &i, &guard, &body);
            guard = ir_map_reads(p, guard, map, context);
            body = ir_map_reads(p, body, map, context);
            image = fold_reduce(p, op_of(p, u), i, guard, body);
        } else {
            image = rebuild_node(p, &r, u);
            if (is_op(p, u, IR_READ) && is_op(p, image, IR_READ))
                image = map(p, context, image);
        }
        set_image(&r, u, image);
    }
    IrTerm result = image_of(&r, t);
    rebuild_free(&r);
    return result;
}
