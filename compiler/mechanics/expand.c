/* expand — products of sums multiplied out, so that what cancels cancels.
 *
 * needs: a term      gives: an equal one, never larger      changes: nothing
 *
 * ½ x' − ½ (x' + θ') is −½ θ' only once it is multiplied out; (x + y)² is better left alone. So a term is
 * expanded with its sums taken apart (Σ (a + b) is Σ a + Σ b), put together again by the IR's own collection
 * of like terms, and kept only if that made it smaller. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_SUMMANDS = 64, MOST_SIZE = 400 };

typedef struct Summands {
    IrTerm at[MOST_SUMMANDS];
    uint32_t n;
    bool full;
    bool squares; /* (a + b)² is multiplied out too */
} Summands;

static Summands *summands_new(bool squares) {
    Summands *s = base_calloc(1, sizeof *s);
    s->squares = squares;
    return s;
}

static void add_summand(Summands *s, IrTerm t) {
    if (s->n < MOST_SUMMANDS)
        s->at[s->n++] = t;
    else
        s->full = true;
}

static void expand_into(Mech *m, IrTerm t, Summands *out);

/* Like terms together: equal products, whatever the order of their factors. */
static IrTerm sum_of(Mech *m, const Summands *s) {
    IrTerm key[MOST_SUMMANDS];
    double factor[MOST_SUMMANDS];
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        double c;
        IrTerm t = mech_canonical(m, s->at[i], &c);
        uint32_t k = 0;
        while (k < n && key[k] != t)
            k++;
        if (k == n) {
            key[n] = t;
            factor[n++] = 0;
        }
        factor[k] += c;
    }
    IrTerm sum = ir_real(m->p, 0);
    for (uint32_t k = 0; k < n; k++) {
        IrTerm t = fabs(factor[k]) == 1 ? key[k] : ir_mul(m->p, ir_real(m->p, fabs(factor[k])), key[k]);
        sum = factor[k] == 0 ? sum : factor[k] < 0 ? ir_sub(m->p, sum, t) : ir_add(m->p, sum, t);
    }
    return sum;
}

static void expand_product(Mech *m, const IrNode *n, Summands *out) {
    Summands *a = summands_new(out->squares), *b = summands_new(out->squares);
    expand_into(m, n->arg[0], a);
    if (n->op == IR_MUL)
        expand_into(m, n->arg[1], b);
    else
        add_summand(b, n->arg[1]);
    out->full = out->full || a->full || b->full;
    for (uint32_t i = 0; i < a->n && !out->full; i++) {
        for (uint32_t k = 0; k < b->n; k++)
            add_summand(out, n->op == IR_MUL ? ir_mul(m->p, a->at[i], b->at[k])
                                             : ir_div(m->p, a->at[i], b->at[k]));
    }
    free(a);
    free(b);
}

static void expand_sum(Mech *m, IrTerm t, Summands *out) {
    IrIdx index;
    IrTerm guard, body;
    Summands *s = summands_new(out->squares);
    ir_open(m->p, t, &index, &guard, &body);
    expand_into(m, body, s);
    out->full = out->full || s->full;
    for (uint32_t i = 0; i < s->n && !out->full; i++)
        add_summand(out, ir_reduce(m->p, IR_SUM, index, guard, s->at[i]));
    free(s);
}

static void expand_into(Mech *m, IrTerm t, Summands *out) {
    IrNode n = *ir_node(m->p, t);
    double value;
    if (n.op == IR_ADD || n.op == IR_SUB) {
        uint32_t first;
        expand_into(m, n.arg[0], out);
        first = out->n;
        expand_into(m, n.arg[1], out);
        for (uint32_t i = first; n.op == IR_SUB && i < out->n; i++)
            out->at[i] = ir_neg(m->p, out->at[i]);
    } else if (n.op == IR_NEG) {
        uint32_t first = out->n;
        expand_into(m, n.arg[0], out);
        for (uint32_t i = first; i < out->n; i++)
            out->at[i] = ir_neg(m->p, out->at[i]);
    } else if (n.op == IR_MUL || n.op == IR_DIV) {
        expand_product(m, &n, out);
    } else if (n.op == IR_SUM) {
        expand_sum(m, t, out);
    } else if (out->squares && n.op == IR_POW && ir_is_const(m->p, n.arg[1], &value) && value == 2) {
        IrNode square = {.op = IR_MUL, .arg = {n.arg[0], n.arg[0]}};
        expand_product(m, &square, out);
    } else {
        add_summand(out, t);
    }
}

/* Operations and reads in t, shared ones once. */
static void count(const IrProgram *p, IrTerm t, uint8_t *seen, uint32_t *size) {
    if (seen[t] || *size > MOST_SIZE)
        return;
    seen[t] = 1;
    IrNode n = *ir_node(p, t);
    IrOp op = (IrOp)n.op;
    if (op == IR_CONST || op == IR_INDEX || op == IR_DRAW)
        return;
    ++*size;
    if (op == IR_READ)
        return;
    if (ir_op_is_reduce(op)) {
        *size += 1;
        count(p, n.arg[2], seen, size);
        return;
    }
    for (uint32_t k = 0; k < ir_op_arity(op); k++)
        count(p, n.arg[k], seen, size);
}

static uint32_t size_of(const IrProgram *p, IrTerm t) {
    uint8_t *seen = base_calloc(ir_term_count(p) + 1, 1);
    uint32_t size = 0;
    count(p, t, seen, &size);
    free(seen);
    return size;
}

IrTerm mech_smaller(Mech *m, IrTerm a, IrTerm b) { return size_of(m->p, b) < size_of(m->p, a) ? b : a; }

/* Expands t, and puts the result in `best` where it is smaller than `size`. */
static uint32_t try_expansion(Mech *m, IrTerm t, bool squares, uint32_t size, IrTerm *best) {
    Summands *s = summands_new(squares);
    expand_into(m, t, s);
    if (!s->full) {
        IrTerm expanded = sum_of(m, s), tidied = calc_tidy(m->p, expanded);
        uint32_t e = size_of(m->p, expanded), c = size_of(m->p, tidied);
        if (e <= c && e < size) {
            *best = expanded;
            size = e;
        } else if (c < size) {
            *best = tidied;
            size = c;
        }
    }
    free(s);
    return size;
}

IrTerm mech_smallest(Mech *m, IrTerm t) {
    uint32_t size = size_of(m->p, t);
    if (size > MOST_SIZE || size < 3)
        return t;
    IrTerm best = t;
    size = try_expansion(m, t, false, size, &best);
    try_expansion(m, t, true, size, &best);
    return best;
}
