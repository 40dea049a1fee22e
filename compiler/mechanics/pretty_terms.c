/* pretty_terms — sums, products, quotients and reductions in natural order.
 *
 * needs: IR terms      gives: Pretty trees      changes: nothing
 *
 * A number, then scalars, then what moves or has indices, sums last; positive terms before negative ones; x⁻¹
 * is a denominator. */
#include "pretty.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- sums ---- */

typedef VEC(Pretty *) TermList;

static Pretty *negated(PrettyScope *s, const Pretty *t);

static void collect_sum(PrettyScope *s, IrTerm t, bool negative, TermList *list) {
    IrNode n = *ir_node(s->p, t);
    if (n.op == IR_ADD || n.op == IR_SUB) {
        collect_sum(s, n.arg[0], negative, list);
        collect_sum(s, n.arg[1], n.op == IR_SUB ? !negative : negative, list);
    } else if (n.op == IR_NEG) {
        collect_sum(s, n.arg[0], !negative, list);
    } else {
        Pretty *term = pretty_build(s, t);
        if (negative)
            term = negated(s, term);
        bool flat = term->kind == PRETTY_SUM;
        for (uint32_t i = 0; flat && i < term->n; i++)
            vec_push(list, term->at[i]);
        if (!flat)
            vec_push(list, term);
    }
}

/* Whether anything in t carries an index or moves. */
static bool has_subscript(const Pretty *t) {
    if ((t->kind == PRETTY_SYMBOL && (t->n || t->varies)) || ((t->kind == PRETTY_CALL || t->kind == PRETTY_TUPLE) && t->n_below))
        return true;
    bool any = false;
    for (uint32_t i = 0; i < t->n && !any; i++)
        any = has_subscript(t->at[i]);
    for (uint32_t i = 0; t->kind == PRETTY_PRODUCT && i < t->n_below && !any; i++)
        any = has_subscript(t->below[i]);
    return any;
}

/* Something with indices before scalars, a name before a formula, numbers last. */
static int term_rank(const Pretty *t) {
    if (t->kind == PRETTY_NUMBER)
        return 3;
    return !has_subscript(t) ? 2 : t->kind != PRETTY_SYMBOL;
}

Pretty *pretty_sum_of(PrettyScope *s, Pretty *const *at, uint32_t n) {
    Pretty *sum = pretty_node(s, PRETTY_SUM, n);
    for (int key = 0; key < 8; key++) {
        for (uint32_t i = 0; i < n; i++) {
            if (4 * at[i]->negative + term_rank(at[i]) == key)
                sum->at[sum->n++] = at[i];
        }
    }
    return sum;
}

/* x − 1: a difference that reads better the other way round when a minus stands before the product. */
static bool is_reversible(const Pretty *t) {
    return t->kind == PRETTY_SUM && t->n == 2 && !t->at[0]->negative && t->at[1]->negative &&
           t->at[1]->kind == PRETTY_NUMBER;
}

/* −t: a sum changes the sign of every term, a product that of a difference x − 1 in it. */
static Pretty *negated(PrettyScope *s, const Pretty *t) {
    Pretty *copy = arena_copy(s->arena, t, sizeof *t);
    if (t->kind == PRETTY_SUM) {
        Pretty **terms = ARENA_ARRAY(s->arena, Pretty *, t->n ? t->n : 1);
        for (uint32_t i = 0; i < t->n; i++)
            terms[i] = negated(s, t->at[i]);
        return pretty_sum_of(s, terms, t->n);
    }
    for (uint32_t i = 0; t->kind == PRETTY_PRODUCT && !t->negative && i < t->n; i++) {
        if (is_reversible(t->at[i])) {
            copy->at = arena_copy(s->arena, t->at, t->n * sizeof *t->at);
            copy->at[i] = negated(s, t->at[i]);
            return copy;
        }
    }
    copy->negative = !copy->negative;
    return copy;
}

Pretty *pretty_sum(PrettyScope *s, IrTerm t) {
    TermList list = {0};
    collect_sum(s, t, false, &list);
    Pretty *sum = list.n == 1 ? list.at[0] : pretty_sum_of(s, list.at, list.n);
    vec_free(&list);
    return sum;
}

/* ---- products ---- */

typedef struct Factor {
    IrTerm base;
    double exponent;
    Pretty *tree;
    int rank; /* place in the natural order */
    bool tensor;
    bool below;
} Factor;

typedef struct FactorList {
    VEC(Factor) of;
    double constant;
} FactorList;

/* One letter, Latin or Greek, perhaps with a number. */
static bool is_short(const char *text) {
    Buf shown = {0};
    symbol_write_text(&shown, text);
    size_t letters = 0;
    for (size_t i = 0; i < shown.n; i++)
        letters += ((unsigned char)shown.at[i] & 0xC0) != 0x80;
    bool is = letters <= 2 && !(letters == 2 && shown.n == 2 && shown.at[1] > '9');
    buf_free(&shown);
    return is;
}

static int factor_rank(const Pretty *t, bool tensor) {
    int base = tensor ? 10 : 0;
    switch (t->kind) {
    case PRETTY_NUMBER: return base;
    case PRETTY_SYMBOL: return base + (t->primes ? 3 : tensor || is_short(t->text) ? 1 : 2);
    case PRETTY_POWER: return t->at[0]->kind == PRETTY_SYMBOL ? factor_rank(t->at[0], tensor) : base + 6;
    case PRETTY_PRODUCT:
    case PRETTY_CALL: return base + 4;
    case PRETTY_BRACKET: return base + 5;
    case PRETTY_SUM: return base + 6;
    case PRETTY_CASES:
    case PRETTY_RELATION:
    case PRETTY_TUPLE: return base + 7;
    case PRETTY_REDUCE: return 20;
    }
    return base;
}

Pretty *pretty_power(PrettyScope *s, Pretty *base, Pretty *exponent) {
    Pretty *t = pretty_node(s, PRETTY_POWER, 2);
    t->at[0] = base;
    t->at[1] = exponent;
    t->n = 2;
    return t;
}

static void add_factor(FactorList *list, IrTerm base, double exponent) {
    for (uint32_t i = 0; i < list->of.n; i++) {
        if (list->of.at[i].base == base) {
            list->of.at[i].exponent += exponent;
            return;
        }
    }
    vec_push(&list->of, (Factor){.base = base, .exponent = exponent});
}

static void collect_product(PrettyScope *s, IrTerm t, double exponent, FactorList *list) {
    IrNode n = *ir_node(s->p, t);
    double value;
    bool whole = exponent == rint(exponent);
    if (n.op == IR_MUL) {
        collect_product(s, n.arg[0], exponent, list);
        collect_product(s, n.arg[1], exponent, list);
    } else if (n.op == IR_DIV) {
        collect_product(s, n.arg[0], exponent, list);
        collect_product(s, n.arg[1], -exponent, list);
    } else if (n.op == IR_NEG && whole) {
        list->constant *= fmod(exponent, 2) != 0 ? -1 : 1;
        collect_product(s, n.arg[0], exponent, list);
    } else if (ir_is_const(s->p, t, &value) && value != 0 && n.type != IR_BOOL) {
        list->constant *= pow(value, exponent);
    } else if (n.op == IR_POW && ir_is_const(s->p, n.arg[1], &value) && value == rint(value)) {
        collect_product(s, n.arg[0], exponent * value, list);
    } else if (n.op == IR_SQRT || (n.op == IR_POW && ir_is_const(s->p, n.arg[1], &value))) {
        add_factor(list, n.arg[0], exponent * (n.op == IR_SQRT ? 0.5 : value));
    } else {
        add_factor(list, t, exponent);
    }
}

static Pretty *ratio(PrettyScope *s, double value);

/* The trees of the collected factors, numerators and denominators. */
static void build_factors(PrettyScope *s, FactorList *list) {
    for (uint32_t i = 0; i < list->of.n; i++) {
        Factor *f = &list->of.at[i];
        double size = fabs(f->exponent);
        if (size == 0) {
            list->of.at[i--] = vec_pop(&list->of);
            continue;
        }
        Pretty *tree = pretty_build(s, f->base);
        if (tree->negative && tree->kind != PRETTY_SUM && size == rint(size)) {
            tree = negated(s, tree);
            list->constant *= fmod(size, 2) != 0 ? -1 : 1;
        }
        f->tree = size == 1   ? tree
                : size == 0.5 ? pretty_call(s, "sqrt", &tree, 1)
                              : pretty_power(s, tree, ratio(s, size));
        f->tensor = ir_node(s->p, f->base)->free != 0 || has_subscript(tree);
        f->rank = factor_rank(f->tree, f->tensor);
        f->below = f->exponent < 0;
    }
}

/* value = above / below where that reads better than a decimal: halves, quarters and eighths below 1, thirds
 * and the like; else below is 1. */
static void as_ratio(double value, double *above, double *below) {
    *above = value;
    *below = 1;
    for (int d = 2; d <= 12 && value != rint(value); d++) {
        double n = value * d;
        bool binary = d == 2 || d == 4 || d == 8;
        bool reduced = (fmod(n, 2) != 0 || d % 2) && (fmod(n, 3) != 0 || d % 3);
        if (d % 5 && reduced && (!binary || value < 1) && n == rint(n) && fabs(n) < 100 && n / d == value) {
            *above = n;
            *below = d;
            return;
        }
    }
    double inverse = rint(1 / value);
    if (value < 0.01 && inverse < 1e6 && 1 / inverse == value && fmod(inverse, 10) != 0) {
        *above = 1;
        *below = inverse;
    }
}

/* An exponent: halves are fractions above 1, too. */
static Pretty *ratio(PrettyScope *s, double value) {
    double above, below;
    as_ratio(value, &above, &below);
    if (below == 1 && value != rint(value) && 2 * value == rint(2 * value)) {
        above = 2 * value;
        below = 2;
    }
    if (below == 1)
        return pretty_value(s, value);
    Pretty *t = pretty_node(s, PRETTY_PRODUCT, 1);
    t->below = ARENA_ARRAY(s->arena, Pretty *, 1);
    t->at[t->n++] = pretty_value(s, above);
    t->below[t->n_below++] = pretty_value(s, below);
    return t;
}

static void add_factors(Pretty *t, const FactorList *list, bool tensor, bool below) {
    for (int rank = 0; rank <= 20; rank++) {
        for (uint32_t i = 0; i < list->of.n; i++) {
            const Factor *f = &list->of.at[i];
            if (f->rank != rank || f->below != below || (f->tensor || f->rank == 20) != tensor)
                continue;
            if (below)
                t->below[t->n_below++] = f->tree;
            else
                t->at[t->n++] = f->tree;
        }
    }
}

static Pretty *product_node(PrettyScope *s, uint32_t room) {
    Pretty *t = pretty_node(s, PRETTY_PRODUCT, room);
    t->below = ARENA_ARRAY(s->arena, Pretty *, room);
    return t;
}

static Pretty *lone(PrettyScope *s, Pretty *t) {
    if (t->n == 1 && t->n_below == 0)
        return t->at[0];
    if (t->n == 0)
        t->at[t->n++] = pretty_value(s, 1);
    return t;
}

static void absorb_sign(PrettyScope *s, FactorList *list) {
    for (uint32_t i = 0; i < list->of.n && list->constant < 0; i++) {
        if (is_reversible(list->of.at[i].tree)) {
            list->of.at[i].tree = negated(s, list->of.at[i].tree);
            list->constant = -list->constant;
        }
    }
}

/* What the factors call for: see build_product. */
typedef struct Layout {
    bool scalar_above, scalar_below, tensor_below, reduces;
} Layout;

static Layout layout_of(const FactorList *list) {
    Layout l = {0};
    for (uint32_t i = 0; i < list->of.n; i++) {
        const Factor *f = &list->of.at[i];
        bool tensor = f->tensor || f->rank == 20;
        l.scalar_above |= !tensor && !f->below;
        l.scalar_below |= !tensor && f->below;
        l.tensor_below |= tensor && f->below;
        l.reduces |= f->rank == 20 && !f->below;
    }
    return l;
}

/* A number in front where only it is below (½ m v²); one fraction where something with indices is below or
 * nothing scalar stands above it (G v / lr); else the scalar fraction before the rest ((1 − β)/γ · F). */
Pretty *pretty_product(PrettyScope *s, IrTerm t) {
    FactorList factors = {.constant = 1}, *list = &factors;
    collect_product(s, t, 1, list);
    build_factors(s, list);
    absorb_sign(s, list);
    double above, below;
    as_ratio(fabs(list->constant), &above, &below);
    Layout l = layout_of(list);
    uint32_t room = list->of.n + 3;
    Pretty *lead = product_node(s, room), *scalar = product_node(s, room), *whole = product_node(s, room);
    bool number_leads = below != 1 && !l.scalar_below && (!l.tensor_below || l.scalar_above);
    bool apart = l.scalar_below && !l.tensor_below && (l.scalar_above || l.reduces);
    Pretty *numbers = number_leads ? lead : scalar;
    if (above != 1)
        numbers->at[numbers->n++] = pretty_value(s, above);
    if (below != 1)
        numbers->below[numbers->n_below++] = pretty_value(s, below);
    add_factors(scalar, list, false, false);
    add_factors(scalar, list, false, true);
    Pretty *rest = scalar;
    if (apart) {
        rest = product_node(s, room);
        rest->at[rest->n++] = lone(s, scalar);
    }
    add_factors(rest, list, true, false);
    add_factors(rest, list, true, true);
    if (number_leads) {
        whole->at[whole->n++] = lone(s, lead);
        bool splice = rest->n_below == 0;
        for (uint32_t i = 0; splice && i < rest->n; i++)
            whole->at[whole->n++] = rest->at[i];
        if (!splice)
            whole->at[whole->n++] = lone(s, rest);
    } else {
        whole = rest;
    }
    whole = lone(s, whole);
    if (list->constant < 0)
        whole = negated(s, whole);
    vec_free(&list->of);
    return whole;
}

/* ---- reductions ---- */

static bool is_index(const IrProgram *p, IrTerm t, IrIdx i) {
    return ir_node(p, t)->op == IR_INDEX && ir_node(p, t)->arg[0] == i;
}

/* Guards `i ≤ e`, `i < e`, `e ≤ i`, `e < i` move into the limits; the others stay behind the bar. */
static void add_guard(PrettyScope *s, Pretty *r, IrIdx i, IrTerm guard) {
    IrNode g = *ir_node(s->p, guard);
    if (g.op == IR_AND) {
        add_guard(s, r, i, g.arg[0]);
        add_guard(s, r, i, g.arg[1]);
        return;
    }
    bool bound = (g.op == IR_LE || g.op == IR_LT) && !r->guard;
    IrTerm one = ir_int(s->p, 1);
    if (bound && is_index(s->p, g.arg[0], i) && r->hi->kind == PRETTY_NUMBER &&
        !ir_uses_index(s->p, g.arg[1], i)) {
        r->hi = pretty_build(s, g.op == IR_LE ? g.arg[1] : ir_sub(s->p, g.arg[1], one));
        return;
    }
    if (bound && is_index(s->p, g.arg[1], i) && r->lo->kind == PRETTY_NUMBER &&
        !ir_uses_index(s->p, g.arg[0], i)) {
        r->lo = pretty_build(s, g.op == IR_LE ? g.arg[0] : ir_add(s->p, g.arg[0], one));
        return;
    }
    Pretty *test = pretty_build(s, guard);
    if (r->guard) {
        Pretty *both = pretty_node(s, PRETTY_RELATION, 2);
        both->text = "and";
        both->at[both->n++] = r->guard;
        both->at[both->n++] = test;
        test = both;
    }
    r->guard = test;
}

Pretty *pretty_reduce(PrettyScope *s, IrTerm t) {
    IrNode n = *ir_node(s->p, t);
    IrIndex index = *ir_index(s->p, n.arg[0]);
    Pretty *r = pretty_node(s, PRETTY_REDUCE, 1);
    r->text = ir_op_name((IrOp)n.op);
    pretty_push_index(s, n.arg[0], index.name);
    r->symbol = pretty_index_name(s, n.arg[0]);
    r->lo = pretty_value(s, 0);
    r->hi = pretty_value(s, (double)index.extent - 1);
    if (n.arg[1])
        add_guard(s, r, n.arg[0], n.arg[1]);
    r->at[r->n++] = pretty_build(s, n.arg[2]);
    s->n_bound--;
    return r;
}
