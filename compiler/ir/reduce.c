/* reduce — closing, opening and folding of reductions: deltas eliminated, invariant factors and conditions
 * outside, counts in closed form. Each rule removes a reduction, or moves something out of one. */
#include "program.h"

#include <math.h>

static IrTerm subst1(IrProgram *p, IrTerm t, IrIdx from, IrTerm to) {
    return t ? ir_subst(p, t, &from, &to, 1) : 0;
}

static uint8_t height_of(const IrProgram *p, IrTerm t) { return t ? node_of(p, t)->height : 0; }

static IrTerm identity_of(IrProgram *p, IrOp op, IrType type) {
    double v = ir_reduce_identity(op);
    if (op == IR_ANY || op == IR_ALL)
        return ir_bool(p, v != 0);
    if (type == IR_INT || op == IR_ARGMAX || op == IR_ARGMIN)
        return ir_int(p, ir_int_of(v));
    return ir_real(p, v);
}

#define MAX_HEIGHT 250

/* Renames index i to the BOUND index its body's height asks for. Renaming may fold a little differently
 * (operands are ordered by reference), so the level is looked at again until it fits. */
static IrTerm close_reduce(IrProgram *p, IrOp op, IrIdx i, IrTerm guard, IrTerm body) {
    IrIndex index = p->indices.at[i];
    for (;;) {
        uint8_t level = height_of(p, body) > height_of(p, guard) ? height_of(p, body) : height_of(p, guard);
        if (level >= MAX_HEIGHT) {
            diag_error(p->session, DIAG_SUM_NESTING, p->at, "more than %d sums inside one another",
                       MAX_HEIGHT);
            return 0;
        }
        IrIdx bound = index_bound(p, level, index.extent, index.name);
        if (bound == i)
            return raw_reduce(p, op, bound, guard, body);
        IrTerm to = raw_node(p, IR_INDEX, IR_INT, bound, 0, 0);
        guard = subst1(p, guard, i, to);
        body = subst1(p, body, i, to);
        i = bound;
    }
}

/* ---- solving conditions for the index ------------------------------------------------------------------ */

/* c·k + rest of an INT term in which k occurs once, as an index of nonzero coefficient; false otherwise. */
static bool linear_in(IrProgram *p, IrTerm t, IrIdx k, int64_t *coef, IrTerm *rest) {
    Affine form, other = {.n = 0};
    if (!affine_of(p, t, &form))
        return false;
    *coef = 0;
    other.c = form.c;
    for (uint32_t j = 0; j < form.n; j++) {
        if (is_op(p, form.atom[j], IR_INDEX) && arg_of(p, form.atom[j], 0) == k) {
            *coef = form.coef[j];
        } else if (ir_uses_index(p, form.atom[j], k)) {
            return false;
        } else {
            other.atom[other.n] = form.atom[j];
            other.coef[other.n++] = form.coef[j];
        }
    }
    *rest = affine_term(p, &other);
    return *coef != 0;
}

/* The conditions under which 0 ≤ e < extent, 0 when they always hold. */
static IrTerm in_range(IrProgram *p, IrTerm e, uint64_t extent) {
    IrTerm low = ir_op2(p, IR_LE, ir_int(p, 0), e);
    IrTerm high = ir_op2(p, IR_LT, e, ir_int(p, (int64_t)extent));
    return ir_op2(p, IR_AND, low, high);
}

/* k from lhs == rhs: *solution with the extra condition *also (0 none). */
static bool solve_equal(IrProgram *p, IrTerm lhs, IrTerm rhs, IrIdx k, IrTerm *solution, IrTerm *also) {
    int64_t c, m;
    IrTerm rest, diff = ir_sub(p, lhs, rhs);
    uint64_t extent = p->indices.at[k].extent;
    *also = 0;
    if (linear_in(p, diff, k, &c, &rest)) { /* c·k + rest = 0 */
        IrTerm e = c > 0 ? ir_neg(p, rest) : rest;
        IrTerm d = ir_int(p, c > 0 ? c : -c);
        *also = ir_op2(p, IR_EQ, ir_op2(p, IR_IMOD, e, d), ir_int(p, 0));
        *solution = ir_op2(p, IR_IDIV, e, d);
        return true;
    }
    if (is_op(p, rhs, IR_IMOD)) {
        IrTerm swap = lhs;
        lhs = rhs;
        rhs = swap;
    }
    if (!is_op(p, lhs, IR_IMOD) || ir_uses_index(p, rhs, k) || !const_int(p, arg_of(p, lhs, 1), &m))
        return false;
    if (m < (int64_t)extent || !linear_in(p, arg_of(p, lhs, 0), k, &c, &rest) || (c != 1 && c != -1))
        return false;
    IrTerm modulus = ir_int(p, m); /* (±k + rest) mod m = rhs, with 0 ≤ k < m */
    IrTerm shift = c > 0 ? ir_sub(p, rhs, rest) : ir_sub(p, rest, rhs);
    *solution = ir_op2(p, IR_IMOD, shift, modulus);
    *also = in_range(p, rhs, (uint64_t)m);
    return true;
}

static IrTerm conjunction(IrProgram *p, const IrTerm *at, uint32_t n, uint32_t without) {
    IrTerm all = 0;
    for (uint32_t k = n; k-- > 0;)
        if (k != without)
            all = and2(p, all, at[k]);
    return all;
}

static IrTerm guarded_value(IrProgram *p, IrTerm cond, IrTerm value, IrTerm otherwise) {
    return cond ? ir_select(p, cond, value, otherwise) : value;
}

/* Σ_k [k = e] f(k) = f(e) where e is in range; the same for every reduction with its identity. 0: no delta.
 */
static IrTerm eliminate_delta(IrProgram *p, IrOp op, IrIdx k, IrTerm guard, IrTerm body) {
    IrTerm cond[CONJUNCTS], e, also;
    uint32_t n = conjuncts(p, guard, cond, CONJUNCTS);
    for (uint32_t j = 0; j < n; j++) {
        if (!is_op(p, cond[j], IR_EQ) || type_of(p, arg_of(p, cond[j], 0)) != IR_INT)
            continue;
        if (!ir_uses_index(p, cond[j], k)
            || !solve_equal(p, arg_of(p, cond[j], 0), arg_of(p, cond[j], 1), k, &e, &also))
            continue;
        if (height_of(p, e) && p->indices.at[k].kind == IR_BOUND)
            continue;
        IrTerm rest = subst1(p, conjunction(p, cond, n, j), k, e);
        IrTerm value = subst1(p, body, k, e);
        IrTerm when = and2(p, and2(p, in_range(p, e, p->indices.at[k].extent), also), rest);
        return guarded_value(p, when, value, identity_of(p, op, type_of(p, body)));
    }
    return 0;
}

/* [(±k + r) div c = e] and [(±k + r) mod m = e] leave c, or every m-th, of the values of k: the reduction
 * runs over those only. What a reshaped or pooled axis is read with. 0: no such condition. */
static IrTerm narrow_range(IrProgram *p, IrOp op, IrIdx k, IrTerm guard, IrTerm body) {
    IrTerm cond[CONJUNCTS], rest;
    uint32_t n = conjuncts(p, guard, cond, CONJUNCTS);
    int64_t m, c, lo, hi, extent = (int64_t)p->indices.at[k].extent;
    for (uint32_t j = 0; j < n; j++) {
        if (!is_op(p, cond[j], IR_EQ) || type_of(p, arg_of(p, cond[j], 0)) != IR_INT)
            continue;
        int side = is_op(p, arg_of(p, cond[j], 0), IR_IDIV) || is_op(p, arg_of(p, cond[j], 0), IR_IMOD) ? 0
                                                                                                        : 1;
        IrTerm form = arg_of(p, cond[j], side), e = arg_of(p, cond[j], 1 - side);
        bool is_div = is_op(p, form, IR_IDIV);
        if ((!is_div && !is_op(p, form, IR_IMOD)) || ir_uses_index(p, e, k)
            || !const_int(p, arg_of(p, form, 1), &m) || m <= 1 || m >= extent)
            continue;
        if (!linear_in(p, arg_of(p, form, 0), k, &c, &rest) || (c != 1 && c != -1))
            continue;
        if (!ir_int_range(p, form, &lo, &hi))
            continue;
        uint64_t count = (uint64_t)(is_div ? m : (extent + m - 1) / m);
        IrIdx u = ir_fresh(p, count, p->indices.at[k].name);
        IrTerm uu = ir_idx(p, u), modulus = ir_int(p, m), at;
        if (is_div) { /* ±k + rest = m e + u */
            at = ir_sub(p, ir_add(p, ir_mul(p, modulus, e), uu), rest);
            at = c > 0 ? at : ir_neg(p, at);
        } else { /* k = (±(e − rest)) mod m + m u */
            IrTerm first = c > 0 ? ir_sub(p, e, rest) : ir_sub(p, rest, e);
            at = ir_add(p, ir_op2(p, IR_IMOD, first, modulus), ir_mul(p, modulus, uu));
        }
        /* e takes values of the form only: said by itself, since reads at e must not come out from under it
         */
        IrTerm also = in_range(p, ir_sub(p, e, ir_int(p, lo)), (uint64_t)hi - (uint64_t)lo + 1);
        if (height_of(p, at) && p->indices.at[k].kind == IR_BOUND)
            continue;
        IrTerm when = and2(p, in_range(p, at, (uint64_t)extent), also);
        when = and2(p, when, subst1(p, conjunction(p, cond, n, j), k, at));
        return fold_reduce(p, op, u, when, subst1(p, body, k, at));
    }
    return 0;
}

/* ---- counting ------------------------------------------------------------------------------------------ */

/* How many k satisfy all conditions, when each bounds k from one side by an affine term with coefficient ±1:
 * a closed form in INT; 0 otherwise. */
static IrTerm count_closed(IrProgram *p, IrIdx k, IrTerm guard) {
    IrTerm cond[CONJUNCTS];
    uint32_t n = conjuncts(p, guard, cond, CONJUNCTS);
    IrTerm low = ir_int(p, 0), high = ir_int(p, (int64_t)p->indices.at[k].extent - 1);
    for (uint32_t j = 0; j < n; j++) {
        IrOp op = op_of(p, cond[j]);
        IrTerm a = arg_of(p, cond[j], 0), b = arg_of(p, cond[j], 1), rest;
        int64_t c;
        if ((op != IR_LE && op != IR_LT) || type_of(p, a) != IR_INT)
            return 0;
        if (!linear_in(p, ir_sub(p, a, b), k, &c, &rest) || (c != 1 && c != -1)) /* c·k + rest ≤ 0 or < 0 */
            return 0;
        IrTerm strict = ir_int(p, op == IR_LT ? 1 : 0);
        if (c > 0)
            high = ir_op2(p, IR_MIN, high, ir_sub(p, ir_neg(p, rest), strict));
        else
            low = ir_op2(p, IR_MAX, low, ir_add(p, rest, strict));
    }
    IrTerm count = ir_add(p, ir_sub(p, high, low), ir_int(p, 1));
    return ir_op2(p, IR_MAX, ir_int(p, 0), count);
}

/* ---- one rule list per reduction ----------------------------------------------------------------------- */

/* Whether every read in t is inside its tensor whatever the indices are. Looks at a limited number of terms.
 */
static bool reads_inside(const IrProgram *p, IrTerm t) {
    IrTerm stack[64], operands[IR_MAX_RANK];
    uint32_t n = 0, looked = 0;
    int64_t lo, hi;
    stack[n++] = t;
    while (n) {
        IrTerm u = stack[--n];
        if (++looked > 256)
            return false;
        uint32_t count = ir_operands(p, u, operands);
        for (uint32_t k = 0; k < count; k++) {
            if (is_op(p, u, IR_READ)
                && (!ir_int_range(p, operands[k], &lo, &hi) || lo < 0
                    || hi >= (int64_t)p->defs.at[arg_of(p, u, 0)].extent[k]))
                return false;
            if (n == 64)
                return false;
            stack[n++] = operands[k];
        }
    }
    return true;
}

/* Taken out of a sum, a term is computed also where no condition of the sum holds. */
static bool may_leave(const IrProgram *p, IrTerm guard, IrTerm t) { return !guard || reads_inside(p, t); }

/* The factors of a product that vary with k, and those that do not. False when all of one kind, or unclear.
 */
static bool split_product(IrProgram *p, IrTerm body, IrIdx k, IrTerm guard, IrTerm *invariant,
                          IrTerm *varying) {
    Mono m, in, out;
    Coef c;
    IrTerm base = coef_split(p, body, &c);
    if (base != body) {
        *invariant = coef_apply(p, c, ir_real(p, 1));
        *varying = base;
        return true;
    }
    IrOp op = op_of(p, body);
    if (op != IR_MUL && op != IR_DIV && op != IR_POW)
        return false;
    mono_start(&m);
    if (!mono_times(p, &m, body, 1) || m.cond)
        return false;
    mono_start(&in);
    mono_start(&out);
    for (uint32_t j = 0; j < m.n; j++) {
        bool stays = ir_uses_index(p, m.at[j].base, k) || !may_leave(p, guard, m.at[j].base);
        Mono *side = stays ? &in : &out;
        side->at[side->n++] = m.at[j];
    }
    if (!out.n)
        return false;
    *invariant = mono_term(p, &out);
    *varying = mono_term(p, &in);
    return true;
}

static IrTerm sum_rules(IrProgram *p, IrIdx k, IrTerm guard, IrTerm body) {
    IrTerm invariant, varying;
    if (ir_is_zero(p, body))
        return body;
    if (!ir_uses_index(p, body, k) && may_leave(p, guard, body)) {
        IrTerm count = count_closed(p, k, guard);
        if (count) {
            if (type_of(p, body) == IR_REAL)
                count = ir_to_real(p, count);
            return ir_mul(p, count, body);
        }
        if (type_of(p, body) == IR_REAL && !ir_is_one(p, body))
            return ir_mul(p, body, fold_reduce(p, IR_SUM, k, guard, ir_real(p, 1)));
    }
    if (type_of(p, body) == IR_REAL && split_product(p, body, k, guard, &invariant, &varying))
        return ir_mul(p, invariant, fold_reduce(p, IR_SUM, k, guard, varying));
    return 0;
}

/* A reduction other than a sum, over a body that does not depend on k; 0: as it is. */
static IrTerm constant_body(IrProgram *p, IrOp op, IrIdx k, IrTerm body) {
    double extent = (double)p->indices.at[k].extent;
    if (op == IR_PROD)
        return type_of(p, body) == IR_REAL ? ir_pow(p, body, ir_real(p, extent)) : 0;
    if (op == IR_LOGSUMEXP)
        return ir_add(p, body, ir_real(p, log(extent)));
    return op == IR_ARGMAX || op == IR_ARGMIN ? ir_int(p, 0) : body;
}

/* Moves conditions on the body of a sum into its guard. */
static void body_to_guard(IrProgram *p, IrTerm *guard, IrTerm *body) {
    if (is_op(p, *body, IR_SELECT) && ir_is_zero(p, arg_of(p, *body, 2))) {
        *guard = and2(p, *guard, arg_of(p, *body, 0));
        *body = arg_of(p, *body, 1);
    } else if (is_op(p, *body, IR_TO_REAL) && type_of(p, arg_of(p, *body, 0)) == IR_BOOL) {
        *guard = and2(p, *guard, arg_of(p, *body, 0));
        *body = ir_real(p, 1);
    }
}

/* The part of the guard that does not depend on k, moved outside; 0 when there is none. */
static IrTerm hoist_guard(IrProgram *p, IrIdx k, IrTerm *guard) {
    IrTerm cond[CONJUNCTS], inside = 0, outside = 0;
    uint32_t n = conjuncts(p, *guard, cond, CONJUNCTS);
    for (uint32_t j = n; j-- > 0;) {
        if (ir_uses_index(p, cond[j], k))
            inside = and2(p, inside, cond[j]);
        else
            outside = and2(p, outside, cond[j]);
    }
    if (outside)
        *guard = inside;
    return outside;
}

IrTerm fold_reduce(IrProgram *p, IrOp op, IrIdx k, IrTerm guard, IrTerm body) {
    bool v;
    IrTerm t;
    if (!body)
        return 0;
    bool is_arg = op == IR_ARGMAX || op == IR_ARGMIN;
    IrTerm identity = identity_of(p, op, type_of(p, body));
    if (op == IR_SUM && type_of(p, body) == IR_REAL)
        body_to_guard(p, &guard, &body);
    if (guard && const_bool(p, guard, &v)) {
        if (!v)
            return identity;
        guard = 0;
    }
    if (p->indices.at[k].extent == 0)
        return identity;
    if (guard && (t = hoist_guard(p, k, &guard)))
        return ir_select(p, t, fold_reduce(p, op, k, guard, body), identity);
    if (p->indices.at[k].extent == 1) {
        IrTerm zero = ir_int(p, 0);
        IrTerm value = is_arg ? zero : subst1(p, body, k, zero);
        return guarded_value(p, subst1(p, guard, k, zero), value, identity);
    }
    if (guard && !is_arg && (t = eliminate_delta(p, op, k, guard, body)))
        return t;
    if (guard && !is_arg && (t = narrow_range(p, op, k, guard, body)))
        return t;
    if (op == IR_SUM && (t = sum_rules(p, k, guard, body)))
        return t;
    if (op != IR_SUM && !guard && !ir_uses_index(p, body, k) && (t = constant_body(p, op, k, body)))
        return t;
    return close_reduce(p, op, k, guard, body);
}

IrTerm ir_reduce(IrProgram *p, IrOp op, IrIdx i, IrTerm guard, IrTerm body) {
    if (!body)
        return 0;
    if (type_of(p, body) == IR_BOOL && op != IR_ANY && op != IR_ALL)
        body = ir_to_real(p, body);
    if (type_of(p, body) == IR_INT && op == IR_LOGSUMEXP)
        body = ir_to_real(p, body);
    return fold_reduce(p, op, i, guard, body);
}

void ir_open(IrProgram *p, IrTerm t, IrIdx *i, IrTerm *guard, IrTerm *body) {
    IrIdx bound = arg_of(p, t, 0);
    IrTerm g = arg_of(p, t, 1), b = arg_of(p, t, 2);
    IrIndex index = p->indices.at[bound];
    *i = ir_fresh(p, index.extent, index.name);
    IrTerm to = ir_idx(p, *i);
    *guard = subst1(p, g, bound, to);
    *body = subst1(p, b, bound, to);
}
