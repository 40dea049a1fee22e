/* rewrite — substitution of indices, mapping of reads. Each call visits a shared term once: the terms reached are listed
 * with their references increasing (operands come before users), and rebuilt in that order. Only a reduction that has to
 * be opened is a call of its own. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

/* The terms one call has to rebuild, in increasing order, and what became of each. */
typedef struct Rebuild {
    IrTerms order;
    IrTermSet seen;
    IrTerm *image; /* by place in the set */
} Rebuild;

static bool seen_add(Rebuild *r, IrTerm t) {
    if (!ir_term_set_add(&r->seen, t))
        return false;
    vec_push(&r->order, t);
    return true;
}

static void rebuild_free(Rebuild *r) {
    vec_free(&r->order);
    ir_term_set_free(&r->seen);
    free(r->image);
}

static IrTerm image_of(const Rebuild *r, IrTerm t) {
    if (!t)
        return 0;
    uint32_t place = ir_term_set_place(&r->seen, t);
    return r->seen.at[place] ? r->image[place] : t;
}

/* Lists what has to be rebuilt below t. `wanted` prunes: false for terms that stay as they are. */
typedef bool (*Wanted)(IrProgram *p, void *context, IrTerm t);

static void collect(IrProgram *p, Rebuild *r, IrTerm t, Wanted wanted, void *context) {
    IrTerm operands[IR_MAX_RANK];
    if (!wanted(p, context, t))
        return;
    seen_add(r, t);
    for (uint32_t k = 0; k < r->order.n; k++) {
        uint32_t n = ir_operands(p, r->order.at[k], operands);
        for (uint32_t j = 0; j < n; j++)
            if (wanted(p, context, operands[j]))
                seen_add(r, operands[j]);
    }
    ir_sort_terms(&r->order);
    r->image = base_calloc(r->seen.cap, sizeof *r->image);
}

/* t with its operands replaced by their images; reductions keep their bound index hanging. */
static IrTerm rebuild_node(IrProgram *p, const Rebuild *r, IrTerm t) {
    IrNode n = *node_of(p, t);
    if (ir_op_is_reduce((IrOp)n.op))
        return fold_reduce(p, (IrOp)n.op, n.arg[0], image_of(r, n.arg[1]), image_of(r, n.arg[2]));
    IrTerm operands[IR_MAX_RANK];
    uint32_t count = ir_operands(p, t, operands);
    for (uint32_t k = 0; k < count; k++)
        operands[k] = image_of(r, operands[k]);
    return ir_with_operands(p, t, operands, count);
}

static void set_image(Rebuild *r, IrTerm t, IrTerm image) {
    r->image[ir_term_set_place(&r->seen, t)] = image;
}

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

static IrTerm subst_term(IrProgram *p, IrTerm t, Subst *s) {
    if (!subst_wanted(p, s, t))
        return t;
    Rebuild r = {0};
    collect(p, &r, t, subst_wanted, s);
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
        uint32_t n = ir_operands(p, u, operands);
        for (uint32_t j = 0; j < n; j++)
            if (all_wanted(p, NULL, operands[j]))
                seen_add(&r, operands[j]);
    }
    ir_sort_terms(&r.order);
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
