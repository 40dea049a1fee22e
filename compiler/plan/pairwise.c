/* pairwise — a sum of products as smaller sums, one pair of factors at a time.
 *
 * needs: the summed indices and the body of a Σ without conditions.
 * gives: the Σ by the distributive law in the cheapest order: what a summed index is in goes into one inner
 * sum, so that Σ_jk A[m,k] B[i,j,k] is Σ_k A[m,k] (Σ_j B[i,j,k]); inner sums of products there are already
 * are taken apart and ordered anew with the rest. The inner sums become definitions when they are
 * normalized, and those of two factors matrix products where contract.c finds them worth it.
 * changes: nothing.
 *
 * The order is the best one there is: for every set of factors, the cheapest way to make
 * its product, with everything summed that no other factor and no axis of the result needs, out of two
 * smaller sets. Like the factors that building a Σ takes out of it, this changes the order of additions,
 * whatever the options. */
#include "pass.h"

#include <math.h>

#define MAX_FACTORS 8 /* 3^8 ways to halve a set */
#define MAX_INDICES 31
#define MIN_WORK 8192.0 /* multiplications from which it is worth a look */
#define MIN_GAIN 2.0    /* times by which the work must become less */
#define LOOP_COST 4.0   /* of a multiplication in loops written out, where one in a matrix product is 1 */
#define MIN_BOUND 1048576.0 /* elements an inner sum may always have */

typedef uint32_t Indices; /* set of numbers of indices */
typedef uint32_t Factors; /* set of numbers of factors */

typedef struct Pairing {
    Plan *plan;
    IrProgram *ir;
    IrTerm factor[MAX_FACTORS], scale; /* scale: factors without indices; 0: none */
    uint32_t n_factors;
    Indices has[MAX_FACTORS];
    IrIdx index[MAX_INDICES]; /* an outer summed one before those inside */
    uint32_t n_index;
    Indices summed;
    double work; /* of the sums as they are */
    double bound; /* elements an inner sum may have */
    Indices out[1u << MAX_FACTORS]; /* by set: the indices its product is left with */
    double cost[1u << MAX_FACTORS];
    Factors half[1u << MAX_FACTORS]; /* one of the two sets it is made of */
} Pairing;

static bool add_factor(Pairing *p, IrTerm t) {
    uint32_t n;
    const IrIdx *set = ir_set(p->ir, ir_node(p->ir, t)->free, &n);
    if (n == 0) {
        p->scale = p->scale ? ir_mul(p->ir, p->scale, t) : t;
        return true;
    }
    if (p->n_factors == MAX_FACTORS)
        return false;
    Indices has = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < p->n_index && p->index[k] != set[i])
            k++;
        if (k == MAX_INDICES)
            return false;
        if (k == p->n_index)
            p->index[p->n_index++] = set[i];
        has |= 1u << k;
    }
    p->has[p->n_factors] = has;
    p->factor[p->n_factors++] = t;
    return true;
}

static bool is_product(IrOp op) { return op == IR_MUL || op == IR_DIV || op == IR_NEG; }

/* Adds the factors of Σ over ks of `body`. */
static bool add_sum(Pairing *p, const IrIdx *ks, uint32_t nk, IrTerm body);

/* A Σ of a product as its factors, where they fit; else as one factor. */
static bool add_inner(Pairing *p, IrTerm t) {
    Pairing before = *p;
    IrIdx ks[IR_MAX_RANK];
    IrTerm guard = 0, body = t;
    uint32_t nk = 0;
    while (!guard && nk < IR_MAX_RANK && ir_node(p->ir, body)->op == IR_SUM)
        ir_open(p->ir, body, &ks[nk++], &guard, &body);
    if (!guard && is_product((IrOp)ir_node(p->ir, body)->op) && add_sum(p, ks, nk, body))
        return true;
    *p = before;
    return add_factor(p, t);
}

static bool flatten(Pairing *p, IrTerm t) {
    IrNode node = *ir_node(p->ir, t);
    if (node.op == IR_MUL)
        return flatten(p, node.arg[0]) && flatten(p, node.arg[1]);
    if (node.op == IR_NEG)
        return add_factor(p, ir_real(p->ir, -1)) && flatten(p, node.arg[0]);
    if (node.op == IR_DIV && !ir_is_one(p->ir, node.arg[0]))
        return flatten(p, node.arg[0]) && add_factor(p, ir_div(p->ir, ir_real(p->ir, 1), node.arg[1]));
    return node.op == IR_SUM ? add_inner(p, t) : add_factor(p, t);
}

static bool add_sum(Pairing *p, const IrIdx *ks, uint32_t nk, IrTerm body) {
    if (p->n_index + nk > MAX_INDICES)
        return false;
    for (uint32_t i = 0; i < nk; i++) {
        if (!ir_uses_index(p->ir, body, ks[i]))
            return false;
        p->summed |= 1u << p->n_index;
        p->index[p->n_index++] = ks[i];
    }
    p->work += plan_points(p->ir, body) * (plan_is_contract(p->plan, ks, nk, body) ? 1 : LOOP_COST);
    return flatten(p, body);
}

static double elements(const Pairing *p, Indices set) {
    double product = 1;
    for (uint32_t i = 0; i < p->n_index; i++)
        if (set >> i & 1)
            product *= (double)ir_index(p->ir, p->index[i])->extent;
    return product;
}

/* What is left of set s once everything is summed that nothing else needs. */
static Indices left_of(const Pairing *p, Factors s) {
    Indices in = 0, elsewhere = ~p->summed;
    for (uint32_t f = 0; f < p->n_factors; f++)
        *(s >> f & 1 ? &in : &elsewhere) |= p->has[f];
    return in & elsewhere;
}

/* Of the product of a and b, with `out` left of it. */
static double step_cost(const Pairing *p, Indices a, Indices b, Indices out) {
    double work = elements(p, a | b), k = elements(p, (a | b) & ~out);
    double m = elements(p, a & out & ~b), n = elements(p, b & out & ~a);
    bool is_product = k >= 4 && m > 1 && n > 1 && m * n * k >= MIN_WORK;
    return is_product ? work : LOOP_COST * work;
}

static uint32_t only_factor(Factors s) {
    uint32_t f = 0;
    while (s >> f != 1)
        f++;
    return f;
}

/* The indices that are summed in the step that makes s. */
static Indices summed_at(const Pairing *p, Factors s) {
    Factors a = p->half[s];
    return (a ? p->out[a] | p->out[s ^ a] : p->has[only_factor(s)]) & ~p->out[s];
}

/* Fills out, cost and half of every set of factors. Every set is made of smaller numbers than its own. */
static void find_order(Pairing *p) {
    for (Factors s = 1; s < 1u << p->n_factors; s++) {
        Factors rest = s & (s - 1);
        p->out[s] = left_of(p, s);
        p->half[s] = 0;
        p->cost[s] = INFINITY;
        if (!rest)
            p->cost[s] = summed_at(p, s) ? LOOP_COST * elements(p, p->has[only_factor(s)]) : 0;
        for (Factors a = rest; a; a = (a - 1) & rest) { /* the half without the first factor */
            Factors b = s ^ a;
            double cost = p->cost[a] + p->cost[b] + step_cost(p, p->out[a], p->out[b], p->out[s]);
            if (cost < p->cost[s]) {
                p->cost[s] = cost;
                p->half[s] = a;
            }
        }
        bool kept = s + 1 < 1u << p->n_factors && (rest || summed_at(p, s));
        if (kept && (elements(p, p->out[s]) > p->bound || __builtin_popcount(p->out[s]) > IR_MAX_RANK))
            p->cost[s] = INFINITY;
    }
}

/* The product of s with what it does not leave summed. */
static IrTerm product_of(const Pairing *p, Factors s) {
    Factors a = p->half[s];
    IrTerm t;
    if (a) {
        IrTerm first = product_of(p, s ^ a);
        t = ir_mul(p->ir, first, product_of(p, a));
    } else
        t = p->factor[only_factor(s)];
    Indices summed = summed_at(p, s);
    for (uint32_t i = p->n_index; i-- > 0;)
        if (summed >> i & 1)
            t = ir_reduce(p->ir, IR_SUM, p->index[i], 0, t);
    return t;
}

/* Whether every sum is as precise as the whole: what was added as f64 must not become f32. */
static bool is_precise(const Pairing *p, Factors s, IrElem elem) {
    Factors a = p->half[s];
    if (summed_at(p, s) && elem != IR_F32 && plan_term_elem(p->plan, product_of(p, s)) == IR_F32)
        return false;
    return !a || (is_precise(p, a, elem) && is_precise(p, s ^ a, elem));
}

IrTerm plan_pairwise(Plan *plan, const IrIdx *ks, uint32_t nk, IrTerm body) {
    IrProgram *ir = plan->ir;
    Pairing p = {.plan = plan, .ir = ir, .bound = MIN_BOUND};
    if (ir_node(ir, body)->type != IR_REAL || !is_product((IrOp)ir_node(ir, body)->op) ||
        plan_points(ir, body) < MIN_WORK || !add_sum(&p, ks, nk, body) || p.n_factors < 2)
        return 0;
    Indices used = 0;
    for (uint32_t f = 0; f < p.n_factors; f++)
        used |= p.has[f];
    IrTerm largest = plan_largest_read(plan, body);
    p.bound = fmax(p.bound, elements(&p, used & ~p.summed));
    if (largest)
        p.bound = fmax(p.bound, (double)ir_size(ir, ir_node(ir, largest)->arg[0]));
    find_order(&p);
    Factors all = (1u << p.n_factors) - 1;
    if (MIN_GAIN * p.cost[all] > p.work || !is_precise(&p, all, plan_term_elem(plan, body)))
        return 0;
    IrTerm sum = product_of(&p, all);
    return p.scale ? ir_mul(ir, p.scale, sum) : sum;
}
