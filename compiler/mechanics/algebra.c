/* algebra — the little algebra the derivation does itself: products in a fixed order with common factors
 * cancelled, exponentials of logarithms, and moving terms between definitions and axes.
 *
 * needs: terms over AXIS indices      gives: equal terms in exact arithmetic      changes: nothing */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- products ---- */

typedef struct Factor {
    IrTerm base;
    int power;
} Factor;

typedef struct Product {
    double constant;
    VEC(Factor) at;
} Product;

static void product_add(Product *out, IrTerm base, int power) {
    for (uint32_t i = 0; i < out->at.n; i++) {
        if (out->at.at[i].base == base) {
            out->at.at[i].power += power;
            return;
        }
    }
    vec_push(&out->at, (Factor){base, power});
}

/* A constant exponent that is a small integer. */
static bool integer_exponent(const IrProgram *p, IrTerm t, int *n) {
    double value;
    if (!ir_is_const(p, t, &value) || fabs(value) > 16 || value != rint(value))
        return false;
    *n = (int)value;
    return true;
}

static void product_collect(const IrProgram *p, IrTerm t, int power, Product *out) {
    IrNode node = *ir_node(p, t);
    double value;
    int n;
    if (node.op == IR_MUL) {
        product_collect(p, node.arg[0], power, out);
        product_collect(p, node.arg[1], power, out);
    } else if (node.op == IR_DIV) {
        product_collect(p, node.arg[0], power, out);
        product_collect(p, node.arg[1], -power, out);
    } else if (node.op == IR_NEG) {
        out->constant = power % 2 ? -out->constant : out->constant;
        product_collect(p, node.arg[0], power, out);
    } else if (ir_is_const(p, t, &value) && node.type == IR_REAL && (value != 0 || power > 0)) {
        out->constant *= pow(value, power);
    } else if (node.op == IR_POW && integer_exponent(p, node.arg[1], &n)) {
        product_collect(p, node.arg[0], power * n, out);
    } else {
        product_add(out, t, power);
    }
}

static IrTerm power_term(IrProgram *p, IrTerm base, int power) {
    return power == 1 ? base : ir_pow(p, base, ir_real(p, power));
}

static IrTerm times(IrProgram *p, IrTerm a, IrTerm b) { return !a ? b : !b ? a : ir_mul(p, a, b); }

/* constant · scalars / scalars · tensors / tensors; the sign stands outside. */
static IrTerm product_build(IrProgram *p, const Product *in) {
    IrTerm part[4] = {0}; /* scalar above, scalar below, tensor above, tensor below */
    for (uint32_t i = 0; i < in->at.n; i++) {
        Factor f = in->at.at[i];
        if (!f.power)
            continue;
        int slot = (ir_node(p, f.base)->free ? 2 : 0) + (f.power < 0);
        part[slot] = times(p, part[slot], power_term(p, f.base, abs(f.power)));
    }
    double size = fabs(in->constant);
    if (size == 0)
        return ir_real(p, 0);
    IrTerm lead =
        size == 1 && (part[0] || part[2] || !part[1]) ? part[0] : times(p, ir_real(p, size), part[0]);
    if (part[1])
        lead = ir_div(p, lead ? lead : ir_real(p, 1), part[1]);
    IrTerm all = times(p, lead, part[2]);
    if (!all)
        all = ir_real(p, 1);
    if (part[3])
        all = ir_div(p, all, part[3]);
    return in->constant < 0 ? ir_neg(p, all) : all;
}

IrTerm mech_quotient(Mech *m, IrTerm a, IrTerm b) {
    Product product = {.constant = 1};
    product_collect(m->p, a, 1, &product);
    if (b)
        product_collect(m->p, b, -1, &product);
    IrTerm t = product_build(m->p, &product);
    vec_free(&product.at);
    return t;
}

typedef struct Summands {
    IrTerm at[32];
    bool negative[32];
    uint32_t n;
    bool full;
} Summands;

static void sum_collect(const IrProgram *p, IrTerm t, bool negative, Summands *out) {
    IrNode node = *ir_node(p, t);
    if (node.op == IR_ADD || node.op == IR_SUB) {
        sum_collect(p, node.arg[0], negative, out);
        sum_collect(p, node.arg[1], node.op == IR_SUB ? !negative : negative, out);
    } else if (node.op == IR_NEG) {
        sum_collect(p, node.arg[0], !negative, out);
    } else if (out->n < 32) {
        out->at[out->n] = t;
        out->negative[out->n++] = negative;
    } else {
        out->full = true;
    }
}

/* A product as sum · rest / below with one factor that is a sum; false when there is none or nothing is
 * below. */
static bool split_sum(const IrProgram *p, const Product *in, IrTerm *sum, Product *rest, Product *below) {
    *sum = 0;
    for (uint32_t i = 0; i < in->at.n; i++) {
        Factor f = in->at.at[i];
        IrOp op = (IrOp)ir_node(p, f.base)->op;
        if (f.power == 1 && !*sum && (op == IR_ADD || op == IR_SUB))
            *sum = f.base;
        else if (f.power)
            product_add(f.power < 0 ? below : rest, f.base, f.power < 0 ? -f.power : f.power);
    }
    bool integer = in->constant == rint(in->constant);
    rest->constant = integer ? in->constant : 1;
    below->constant = integer ? 1 : 1 / in->constant;
    return *sum && (below->at.n || !integer);
}

/* Its constant factor is a whole number. */
static bool is_whole(Mech *m, IrTerm t) {
    Product product = {.constant = 1};
    product_collect(m->p, t, 1, &product);
    vec_free(&product.at);
    return product.constant == rint(product.constant);
}

static IrTerm divide_summands(Mech *m, IrTerm sum, IrTerm rest, IrTerm below) {
    Summands *s = base_calloc(1, sizeof *s);
    sum_collect(m->p, sum, false, s);
    bool cancels = false;
    IrTerm quotient, result = 0;
    for (uint32_t i = 0; i < s->n && !s->full && !cancels; i++)
        cancels = mech_divides(m, s->at[i], below, &quotient) && is_whole(m, quotient);
    for (uint32_t i = 0; i < s->n && cancels; i++) {
        quotient = mech_quotient(m, ir_mul(m->p, s->at[i], rest), below);
        result = !result        ? (s->negative[i] ? ir_neg(m->p, quotient) : quotient)
               : s->negative[i] ? ir_sub(m->p, result, quotient)
                                : ir_add(m->p, result, quotient);
    }
    free(s);
    return result;
}

IrTerm mech_quotient_of_sum(Mech *m, IrTerm a, IrTerm b) {
    Product all = {.constant = 1}, rest = {.constant = 1}, below = {.constant = 1};
    product_collect(m->p, a, 1, &all);
    if (b)
        product_collect(m->p, b, -1, &all);
    IrTerm sum, result = 0;
    if (split_sum(m->p, &all, &sum, &rest, &below))
        result = divide_summands(m, sum, product_build(m->p, &rest), product_build(m->p, &below));
    if (!result)
        result = product_build(m->p, &all);
    vec_free(&all.at);
    vec_free(&rest.at);
    vec_free(&below.at);
    return result;
}

IrTerm mech_product(Mech *m, IrTerm t) { return mech_quotient(m, t, 0); }

IrTerm mech_times(Mech *m, IrTerm a, IrTerm b) { return mech_product(m, ir_mul(m->p, a, b)); }

bool mech_divides(Mech *m, IrTerm a, IrTerm b, IrTerm *quotient) {
    Product below = {.constant = 1}, all = {.constant = 1};
    product_collect(m->p, b, -1, &below);
    product_collect(m->p, a, 1, &all);
    product_collect(m->p, b, -1, &all);
    bool divides = all.constant != 0 && isfinite(all.constant);
    for (uint32_t i = 0; i < below.at.n && divides; i++) {
        for (uint32_t k = 0; k < all.at.n; k++) {
            if (all.at.at[k].base == below.at.at[i].base && below.at.at[i].power < 0 &&
                all.at.at[k].power < 0)
                divides = false;
        }
    }
    if (divides)
        *quotient = product_build(m->p, &all);
    vec_free(&below.at);
    vec_free(&all.at);
    return divides;
}

static int by_base(const void *a, const void *b) {
    IrTerm x = ((const Factor *)a)->base, y = ((const Factor *)b)->base;
    return (x > y) - (x < y);
}

IrTerm mech_canonical(Mech *m, IrTerm t, double *constant) {
    Product product = {.constant = 1};
    product_collect(m->p, t, 1, &product);
    *constant = product.constant;
    product.constant = 1;
    if (product.at.n)
        qsort(product.at.at, product.at.n, sizeof *product.at.at, by_base);
    IrTerm result = product_build(m->p, &product);
    vec_free(&product.at);
    return result;
}

/* ---- exponentials ---- */

/* x = scale · ln(base), seen through named scalars. */
static bool as_logarithm(Mech *m, IrTerm x, IrTerm *base, double *scale) {
    IrProgram *p = m->p;
    *scale = 1;
    for (int depth = 0; depth < 8; depth++) {
        Product product = {.constant = 1};
        product_collect(p, x, 1, &product);
        Factor only = {0};
        uint32_t n = 0;
        for (uint32_t i = 0; i < product.at.n; i++) {
            if (product.at.at[i].power) {
                only = product.at.at[i];
                n++;
            }
        }
        vec_free(&product.at);
        if (n != 1 || only.power != 1)
            return false;
        *scale *= product.constant;
        IrNode node = *ir_node(p, only.base);
        if (node.op == IR_LOG) {
            *base = node.arg[0];
            IrNode inner = *ir_node(p, *base);
            if (inner.op == IR_DIV && ir_is_one(p, inner.arg[0])) {
                *base = inner.arg[1];
                *scale = -*scale;
            }
            return true;
        }
        if (node.op != IR_READ || node.arg[2] != 0 || ir_def(p, node.arg[0])->kind != IR_DEF_EXPR)
            return false;
        x = ir_def(p, node.arg[0])->body;
    }
    return false;
}

IrTerm mech_exp(Mech *m, IrTerm x) {
    IrProgram *p = m->p;
    IrTerm base;
    double scale;
    if (!as_logarithm(m, x, &base, &scale))
        return ir_op1(p, IR_EXP, x);
    if (scale == 1)
        return base;
    if (scale == -1)
        return ir_div(p, ir_real(p, 1), base);
    if (scale == 0.5)
        return ir_op1(p, IR_SQRT, base);
    return ir_pow(p, base, ir_real(p, scale));
}

IrTerm mech_one_minus_exp(Mech *m, IrTerm x) {
    IrProgram *p = m->p;
    IrTerm base;
    double scale;
    if (as_logarithm(m, x, &base, &scale) && (scale == 1 || scale == 2))
        return ir_sub(p, ir_real(p, 1), scale == 1 ? base : ir_mul(p, base, base));
    return ir_neg(p, ir_op1(p, IR_EXPM1, x));
}

/* ---- values ---- */

bool mech_value(Mech *m, IrTerm t, double *value) {
    if (ir_is_const(m->p, t, value))
        return true;
    if (ir_node(m->p, t)->free)
        return false;
    uint32_t n = ir_def_count(m->p);
    uint8_t *mark = base_calloc(n + 1, 1);
    ir_reach(m->p, t, mark);
    bool known = true;
    for (IrDef d = 1; d <= n && known; d++)
        known = !mark[d] || ir_def(m->p, d)->kind != IR_DEF_INPUT || ir_def(m->p, d)->role == IR_ROLE_HYPER ||
                ir_def(m->p, d)->role == IR_ROLE_UNKNOWN;
    free(mark);
    bool ok = false;
    if (known)
        *value = ir_eval(m->env, t, NULL, &ok);
    return known && ok;
}

/* ---- axes and definitions ---- */

IrTerm mech_at(Mech *m, IrTerm t, uint32_t rank, const uint64_t *extent, const IrTerm *at) {
    IrIdx from[IR_MAX_RANK];
    for (uint32_t a = 0; a < rank; a++)
        from[a] = ir_axis(m->p, a, extent[a]);
    return ir_subst(m->p, t, from, at, rank);
}

IrDef mech_define(Mech *m, const char *label, IrElem elem, uint32_t rank, const uint64_t *extent, IrTerm t) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    for (uint32_t a = 0; a < rank; a++) {
        axes[a] = ir_fresh(m->p, extent[a], 0);
        at[a] = ir_idx(m->p, axes[a]);
    }
    IrDef d = ir_define(m->p, 0, elem, axes, rank, mech_at(m, t, rank, extent, at));
    if (label && ir_def(m->p, d)->kind == IR_DEF_EXPR && !ir_def(m->p, d)->name && !ir_def(m->p, d)->label)
        ir_set_label(m->p, d, label);
    return d;
}

IrTerm mech_sum(Mech *m, const MechBody *b, IrTerm t) {
    IrIdx index[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    for (uint32_t a = 0; a < b->rank; a++) {
        index[a] = ir_fresh(m->p, b->extent[a], ir_axis_name(m->p, b->q, a));
        at[a] = ir_idx(m->p, index[a]);
    }
    t = mech_at(m, t, b->rank, b->extent, at);
    for (uint32_t a = b->rank; a-- > 0;)
        t = ir_reduce(m->p, IR_SUM, index[a], 0, t);
    return t;
}

IrTerm mech_ravel(Mech *m, uint32_t rank, const uint64_t *extent) {
    IrTerm position = ir_int(m->p, 0);
    for (uint32_t a = 0; a < rank; a++) {
        position = ir_mul(m->p, position, ir_int(m->p, (int64_t)extent[a]));
        position = ir_add(m->p, position, ir_idx(m->p, ir_axis(m->p, a, extent[a])));
    }
    return position;
}

bool mech_depends_any(Mech *m, IrTerm t, int what) {
    for (int k = 0; t && k < 3; k++)
        if (what & 1 << k && ir_depends_watched(m->p, t, m->watch[k]))
            return true;
    return false;
}

IrTerm mech_shift_time(Mech *m, IrTerm t, IrTerm c) {
    if (!m->run->time || ir_is_zero(m->p, c) || !ir_depends(m->p, t, m->run->time))
        return t;
    IrReplace r = {.from = m->run->time, .body = ir_add(m->p, ir_read0(m->p, m->run->time), c)};
    return ir_replace(m->p, t, &r, 1);
}

/* ---- from (q, q', p, energy) to what is stored ---- */

static uint32_t replacements(Mech *m, IrReplace *r) {
    uint32_t n = 0;
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (m->stores_p || b->order != MECH_SECOND) {
            if (b->velocity)
                r[n++] = (IrReplace){.from = b->v, .body = b->velocity};
        }
        if (!m->stores_p && b->momentum) {
            r[n++] = (IrReplace){.from = b->p, .body = b->momentum};
        }
    }
    return n;
}

/* What `energy` stands for, by its value in what is stored. */
static IrReplace energy_replacement(const Mech *m) {
    return (IrReplace){.from = m->run->energy,
                       .body = m->stores_p && m->hamiltonian ? m->hamiltonian : m->energy};
}

IrTerm mech_resolve(Mech *m, IrTerm t) {
    if (!t)
        return 0;
    t = m->named.n ? ir_replace(m->p, t, m->named.at, m->named.n) : t;
    if (m->run->energy && m->energy) {
        IrReplace e = energy_replacement(m);
        t = ir_replace(m->p, t, &e, 1);
    }
    if (!mech_depends_any(m, t, MECH_ON_V | MECH_ON_P))
        return t;
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, 2 * m->n);
    uint32_t n = replacements(m, r);
    return n ? ir_replace(m->p, t, r, n) : t;
}

IrDef mech_resolve_def(Mech *m, IrDef d) {
    d = m->named.n ? ir_replace_def(m->p, d, m->named.at, m->named.n) : d;
    if (m->run->energy && m->energy) {
        IrReplace e = energy_replacement(m);
        d = ir_replace_def(m->p, d, &e, 1);
    }
    IrReplace *r = ARENA_ARRAY(m->arena, IrReplace, 2 * m->n);
    uint32_t n = replacements(m, r);
    return n ? ir_replace_def(m->p, d, r, n) : d;
}

const char *mech_text(Mech *m, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *text = arena_vprintf(m->arena, format, args);
    va_end(args);
    return text;
}
