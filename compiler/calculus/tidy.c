/* tidy — rewrites that look at a whole sum at once: products of sines and cosines that are one angle's, and
 * factors common to several terms taken out.
 *
 * Needs: any term. Gives: an equal term in exact arithmetic. Each rewrite removes at least one multiplication and nothing
 * multiplies out, so it ends; what one round takes out of a sum may meet its like in the sum around it, so there are up to
 * four rounds. */
#include "calculus_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TERMS 32
#define MAX_FACTORS 16

typedef struct Product {
    double coefficient;
    IrTerm cond;
    IrFactor at[MAX_FACTORS];
    uint32_t n;
    IrTerm opaque; /* a term with too many factors: itself, coefficient its sign */
} Product;

static IrTerm product_term(IrProgram *p, const Product *q) {
    IrTerm num = q->opaque ? q->opaque : ir_real(p, 1), den = ir_real(p, 1);
    for (uint32_t k = 0; k < q->n; k++) {
        IrTerm power = ir_pow(p, q->at[k].base, ir_real(p, fabs(q->at[k].exponent)));
        if (q->at[k].exponent > 0)
            num = ir_mul(p, num, power);
        else
            den = ir_mul(p, den, power);
    }
    IrTerm t = ir_div(p, num, den);
    if (q->cond)
        t = ir_select(p, q->cond, t, ir_real(p, 0));
    return ir_mul(p, ir_real(p, q->coefficient), t);
}

static bool terms_of(IrProgram *p, IrTerm t, double sign, Product *out, uint32_t *n, int depth) {
    IrNode node = *ir_node(p, t);
    if ((node.op == IR_ADD || node.op == IR_SUB) && depth < MAX_TERMS)
        return terms_of(p, node.arg[0], sign, out, n, depth + 1)
               && terms_of(p, node.arg[1], node.op == IR_ADD ? sign : -sign, out, n, depth + 1);
    if (node.op == IR_NEG)
        return terms_of(p, node.arg[0], -sign, out, n, depth + 1);
    if (*n == MAX_TERMS)
        return false;
    Product *q = &out[(*n)++];
    memset(q, 0, sizeof *q);
    if (ir_product(p, t, &q->coefficient, &q->cond, q->at, MAX_FACTORS, &q->n))
        q->coefficient *= sign;
    else
        *q = (Product){.coefficient = sign, .opaque = t};
    return true;
}

/* ---- angles -------------------------------------------------------------------------------------------- */

static uint32_t find_factor(const Product *q, IrTerm base) {
    for (uint32_t k = 0; k < q->n; k++)
        if (q->at[k].base == base)
            return k;
    return UINT32_MAX;
}

static bool take_factor(Product *q, IrTerm base) {
    uint32_t k = find_factor(q, base);
    if (k == UINT32_MAX || q->at[k].exponent < 1)
        return false;
    if (--q->at[k].exponent == 0)
        q->at[k] = q->at[--q->n];
    return true;
}

static bool put_factor(Product *q, IrTerm base) {
    uint32_t k = find_factor(q, base);
    if (k == UINT32_MAX) {
        if (q->n == MAX_FACTORS)
            return false;
        k = q->n++;
        q->at[k] = (IrFactor){base, 0};
    }
    q->at[k].exponent += 1;
    return true;
}

static bool same_factors(const Product *a, const Product *b) {
    if (a->n != b->n || a->cond != b->cond || a->opaque || b->opaque)
        return false;
    for (uint32_t k = 0; k < a->n; k++) {
        uint32_t j = find_factor(b, a->at[k].base);
        if (j == UINT32_MAX || b->at[j].exponent != a->at[k].exponent)
            return false;
    }
    return true;
}

/* u of sin u or cos u; 0 otherwise. */
static IrTerm angle_of(const IrProgram *p, IrTerm t, IrOp op) {
    return ir_node(p, t)->op == op ? ir_node(p, t)->arg[0] : 0;
}

/* r·f(u)·g(v) beside ±r·f'(u)·g'(v) as r·(one function of u ± v), for the pair of factors i, j of a:
 *   cos u cos v ± sin u sin v = cos(u ∓ v)      sin u cos v ± cos u sin v = sin(u ± v) */
static bool join_pair(IrProgram *p, Product *a, Product *b, IrTerm first, IrTerm second) {
    IrTerm u = angle_of(p, first, IR_COS), v = angle_of(p, second, IR_COS);
    bool is_cos = u && v;
    if (!is_cos) {
        u = angle_of(p, first, IR_SIN);
        v = angle_of(p, second, IR_COS);
        if (!u || !v || u == v)
            return false;
    }
    Product rest_a = *a, rest_b = *b;
    IrTerm other_u = ir_op1(p, is_cos ? IR_SIN : IR_COS, u), other_v = ir_op1(p, IR_SIN, v);
    if (ir_node(p, other_u)->op == IR_NEG || ir_node(p, other_v)->op == IR_NEG)
        return false;
    if (!take_factor(&rest_a, first) || !take_factor(&rest_a, second))
        return false;
    if (!take_factor(&rest_b, other_u) || !take_factor(&rest_b, other_v) || !same_factors(&rest_a, &rest_b))
        return false;
    if (a->coefficient != b->coefficient && a->coefficient != -b->coefficient)
        return false;
    bool plus = a->coefficient == b->coefficient;
    IrTerm angle = (is_cos ? !plus : plus) ? ir_add(p, u, v) : ir_sub(p, u, v);
    IrTerm joined = ir_op1(p, is_cos ? IR_COS : IR_SIN, angle);
    if (ir_is_one(p, joined)) {
        *a = rest_a;
        return true;
    }
    if (ir_node(p, joined)->op == IR_NEG) {
        rest_a.coefficient = -rest_a.coefficient;
        joined = ir_node(p, joined)->arg[0];
    }
    if (ir_is_zero(p, joined))
        rest_a.coefficient = 0;
    else if (!put_factor(&rest_a, joined))
        return false;
    *a = rest_a;
    return true;
}

static bool join_angles(IrProgram *p, Product *a, Product *b) {
    for (uint32_t i = 0; i < a->n; i++) {
        for (uint32_t j = 0; j < a->n; j++) {
            if (i == j && a->at[i].exponent < 2)
                continue;
            if (a->at[i].exponent < 1 || a->at[j].exponent < 1)
                continue;
            if (join_pair(p, a, b, a->at[i].base, a->at[j].base))
                return true;
        }
    }
    return false;
}

static bool join_once(IrProgram *p, Product *at, uint32_t *n) {
    for (uint32_t i = 0; i < *n; i++)
        for (uint32_t j = 0; j < *n; j++)
            if (i != j && join_angles(p, &at[i], &at[j])) {
                at[j] = at[--*n];
                return true;
            }
    return false;
}

/* ---- common factors ------------------------------------------------------------------------------------ */

/* Whether q has base with an exponent of the sign of e, and at least as large. */
static bool has_power(const Product *q, IrTerm base, double e) {
    uint32_t k = find_factor(q, base);
    return k != UINT32_MAX && (e > 0 ? q->at[k].exponent >= e : q->at[k].exponent <= e);
}

/* The factor found in most terms (at least two); false when there is none. */
static bool best_factor(const Product *at, uint32_t n, IrFactor *best) {
    uint32_t most = 1;
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < at[i].n; k++) {
            IrFactor f = at[i].at[k];
            uint32_t count = 0;
            f.exponent = f.exponent > 0 ? fmin(f.exponent, 1) : fmax(f.exponent, -1);
            for (uint32_t j = 0; j < n; j++)
                count += !at[j].opaque && at[j].cond == at[i].cond && has_power(&at[j], f.base, f.exponent);
            if (count > most || (count == most && count > 1 && f.base < best->base)) {
                most = count;
                *best = f;
            }
        }
    }
    return most > 1;
}

static void divide_out(Product *q, IrFactor f) {
    uint32_t k = find_factor(q, f.base);
    q->at[k].exponent -= f.exponent;
    if (q->at[k].exponent == 0)
        q->at[k] = q->at[--q->n];
}

/* base^e · (what is left of the terms that have it) + the others. */
static IrTerm collect_terms(IrProgram *p, Product *at, uint32_t n) {
    IrFactor f = {0};
    IrTerm sum = ir_real(p, 0);
    if (!best_factor(at, n, &f)) {
        for (uint32_t k = 0; k < n; k++)
            sum = ir_add(p, sum, product_term(p, &at[k]));
        return sum;
    }
    Product *with = base_calloc(n, sizeof *with), *without = base_calloc(n, sizeof *without);
    uint32_t n_with = 0, n_without = 0;
    for (uint32_t k = 0; k < n; k++) {
        if (at[k].opaque || !has_power(&at[k], f.base, f.exponent)) {
            without[n_without++] = at[k];
            continue;
        }
        with[n_with] = at[k];
        divide_out(&with[n_with++], f);
    }
    IrTerm inner = collect_terms(p, with, n_with);
    IrTerm power = ir_pow(p, f.base, ir_real(p, fabs(f.exponent)));
    sum = f.exponent > 0 ? ir_mul(p, power, inner) : ir_div(p, inner, power);
    if (n_without)
        sum = ir_add(p, sum, collect_terms(p, without, n_without));
    free(with);
    free(without);
    return sum;
}

/* Terms under one condition are collected together and stay under it: what is common to them may read where
 * nothing else may. */
static IrTerm collect_by_condition(IrProgram *p, Product *at, uint32_t n) {
    Product group[MAX_TERMS];
    bool done[MAX_TERMS] = {false};
    IrTerm sum = ir_real(p, 0);
    for (uint32_t k = 0; k < n; k++) {
        uint32_t m = 0;
        IrTerm cond = at[k].cond;
        for (uint32_t j = k; j < n && !done[k]; j++) {
            if (at[j].cond != cond)
                continue;
            group[m] = at[j];
            group[m++].cond = 0;
            done[j] = j > k;
        }
        if (!m)
            continue;
        IrTerm part = collect_terms(p, group, m);
        sum = ir_add(p, sum, cond ? ir_select(p, cond, part, ir_real(p, 0)) : part);
    }
    return sum;
}

static IrTerm tidy_sum(IrProgram *p, IrTerm t) {
    Product at[MAX_TERMS];
    uint32_t n = 0;
    if (!terms_of(p, t, 1, at, &n, 0) || n < 2)
        return t;
    bool joined = false;
    while (join_once(p, at, &n))
        joined = true;
    IrFactor f = {0};
    if (!joined && !best_factor(at, n, &f))
        return t;
    return collect_by_condition(p, at, n);
}

/* ---- whole terms --------------------------------------------------------------------------------------- */

IrTerm calc_rebuild(IrProgram *p, IrTerm t, CalcRewrite rewrite, void *context) {
    IrTerms list = {0};
    ir_list_below(p, t, &list);
    IrTerm *image = base_calloc(list.n, sizeof *image);
    for (uint32_t k = 0; k < list.n; k++) {
        IrTerm operands[IR_MAX_RANK];
        uint32_t n = ir_operands(p, list.at[k], operands);
        IrNode node = *ir_node(p, list.at[k]);
        Span before = ir_at(p, node.span);
        image[k] = list.at[k];
        if (ir_op_is_reduce((IrOp)node.op)) {
            IrIdx i;
            IrTerm guard, body;
            ir_open(p, list.at[k], &i, &guard, &body);
            body = calc_rebuild(p, body, rewrite, context);
            image[k] = ir_reduce(p, (IrOp)node.op, i, guard, body);
        } else if (n) {
            for (uint32_t j = 0; j < n; j++)
                operands[j] = image[ir_position(&list, operands[j])];
            image[k] = ir_with_operands(p, list.at[k], operands, n);
        }
        image[k] = rewrite(p, context, image[k]);
        ir_at(p, before);
    }
    IrTerm result = image[list.n - 1];
    free(image);
    vec_free(&list);
    return result;
}

/* A sum inside a longer sum is left to the longer one. */
static IrTerm tidy_one(IrProgram *p, void *context, IrTerm t) {
    (void)context;
    IrNode node = *ir_node(p, t);
    return node.type == IR_REAL && (node.op == IR_ADD || node.op == IR_SUB) ? tidy_sum(p, t) : t;
}

IrTerm calc_tidy(IrProgram *p, IrTerm t) {
    if (!t)
        return 0;
    IrTerm before;
    uint32_t rounds = 0;
    do { /* a factor taken out of one sum may meet its like in the sum around it */
        before = t;
        t = calc_rebuild(p, t, tidy_one, NULL);
    } while (t != before && ++rounds < 4);
    return t;
}
