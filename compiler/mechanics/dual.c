/* dual — the Legendre transform of a convex function of the velocities (or momenta): S*(y) and x = ∂(S*)/∂y.
 *
 * needs: S, and which variables it is of      gives: S*, x per body      changes: nothing
 *
 * S is a sum of functions of different velocities, taken one by one (also under Σ_i): the transform of the sum is the sum of the
 * transforms. Each is a function of one element, or of a norm: then (φ(N))* = φ*(N*), and x = φ*'(N*) ∂(N*)/∂y. */
#include "dual.h"

#include <math.h>
#include <stdlib.h>

enum { MOST_PIECES = 64, MOST_FACTORS = 24 };

/* ---- which elements a term reads ---- */

static IrDef variable(const DualSpace *s, uint32_t a) { return s->of_momenta ? s->m->bodies[a].p : s->m->bodies[a].v; }
static IrDef conjugate(const DualSpace *s, uint32_t a) { return s->of_momenta ? s->m->bodies[a].v : s->m->bodies[a].p; }

bool dual_moves(const DualSpace *s, IrTerm t) {
    return mech_depends_any(s->m, t, s->of_momenta ? MECH_ON_P : MECH_ON_V);
}

/* The body and the subscripts in it that READ t is of; a window of a block is the block. False: it is no x. */
static bool element_of(const DualSpace *s, IrTerm t, uint32_t *body, IrTerm *at) {
    IrProgram *p = s->m->p;
    IrNode node = *ir_node(p, t);
    if (node.op != IR_READ)
        return false;
    IrDefInfo info = *ir_def(p, node.arg[0]);
    for (uint32_t a = 0; a < s->m->n; a++) {
        IrDef x = variable(s, a);
        *body = a;
        if (x == node.arg[0]) {
            for (uint32_t k = 0; k < info.rank; k++)
                at[k] = ir_read_subs(p, t)[k];
            return true;
        }
        if (info.kind != IR_DEF_VIEW || info.parent != x)
            continue;
        at[0] = ir_int(p, 0);
        for (uint32_t k = 0; k < info.rank; k++) {
            IrTerm sub = ir_read_subs(p, t)[k];
            at[0] = ir_add(p, ir_mul(p, at[0], ir_int(p, (int64_t)info.extent[k])), sub);
        }
        at[0] = ir_add(p, at[0], ir_int(p, (int64_t)info.offset));
        return true;
    }
    return false;
}

IrDef dual_variable(const DualSpace *s, uint32_t a, bool conjugated) { return conjugated ? conjugate(s, a) : variable(s, a); }

const char *dual_symbol(const DualSpace *s, uint32_t a) {
    const MechBody *b = &s->m->bodies[a];
    return s->of_momenta ? b->momentum_symbol : mech_text(s->m, "%s'", b->symbol);
}

IrTerm dual_element(const DualSpace *s, IrTerm read) {
    IrTerm at[IR_MAX_RANK];
    uint32_t a;
    if (!element_of(s, read, &a, at))
        return 0;
    return ir_read(s->m->p, conjugate(s, a), at, s->m->bodies[a].rank);
}

typedef struct Reads {
    const DualSpace *s;
    VEC(IrTerm) at;
    bool other; /* x is read through something else: a definition that depends on it */
} Reads;

/* What a READ stands for: the body of a definition, or any element of the matrix a norm of singular values is of. 0: neither. */
static IrTerm inside_read(const DualSpace *s, IrTerm t) {
    IrProgram *p = s->m->p;
    IrNode node = *ir_node(p, t);
    IrDefInfo info = *ir_def(p, node.arg[0]);
    IrTerm at[IR_MAX_RANK];
    bool is_norm = info.kind == IR_DEF_LINALG && (info.linalg == IR_SPECTRAL || info.linalg == IR_NUCLEAR);
    if (info.kind != IR_DEF_EXPR && !is_norm)
        return 0;
    for (uint32_t k = 0; k < 2 && is_norm; k++)
        at[k] = ir_idx(p, ir_fresh(p, ir_def(p, info.operand[0])->extent[k], 0));
    for (uint32_t k = 0; k < node.arg[2] && !is_norm; k++)
        at[k] = ir_read_subs(p, t)[k];
    return ir_at_subs(p, is_norm ? info.operand[0] : node.arg[0], at);
}

static bool note_read(const IrProgram *p, void *context, IrTerm t) {
    Reads *r = context;
    IrTerm at[IR_MAX_RANK];
    uint32_t a;
    if (ir_node(p, t)->op != IR_READ || !dual_moves(r->s, t))
        return true;
    if (element_of(r->s, t, &a, at)) {
        vec_push(&r->at, t);
        return true;
    }
    IrTerm inside = inside_read(r->s, t);
    r->other = r->other || !inside || inside == t;
    if (inside && inside != t)
        ir_walk(r->s->m->p, inside, note_read, r);
    return true;
}

static Reads reads_of(const DualSpace *s, IrTerm t) {
    Reads r = {.s = s};
    ir_walk(s->m->p, t, note_read, &r);
    return r;
}

/* Their elements are different ones, whatever the indices are. */
static bool reads_apart(const DualSpace *s, IrTerm x, IrTerm y) {
    IrProgram *p = s->m->p;
    IrTerm at[2][IR_MAX_RANK];
    uint32_t a, b;
    element_of(s, x, &a, at[0]);
    element_of(s, y, &b, at[1]);
    bool apart = a != b;
    for (uint32_t k = 0; k < s->m->bodies[a].rank && !apart; k++) {
        int64_t lo[2], hi[2];
        apart = ir_int_range(p, at[0][k], &lo[0], &hi[0]) && ir_int_range(p, at[1][k], &lo[1], &hi[1]) &&
                (hi[0] < lo[1] || hi[1] < lo[0]);
    }
    return apart;
}

bool dual_are_apart(const DualSpace *s, IrTerm a, IrTerm b) {
    Reads x = reads_of(s, a), y = reads_of(s, b);
    bool apart = !x.other && !y.other;
    for (uint32_t i = 0; i < x.at.n && apart; i++)
        for (uint32_t k = 0; k < y.at.n && apart; k++)
            apart = reads_apart(s, x.at.at[i], y.at.at[k]);
    vec_free(&x.at);
    vec_free(&y.at);
    return apart;
}

/* The subscript takes different values for different values of its indices, i among them: each factor is larger than all
 * that the smaller ones come to. */
static bool sub_is_injective(IrProgram *p, IrTerm sub, IrIdx i) {
    IrIdx index[8];
    int64_t factor[8], constant;
    uint32_t n;
    bool has = false;
    if (!ir_affine(p, sub, index, factor, &n, &constant))
        return false;
    for (uint32_t k = 0; k < n; k++) {
        int64_t less = 0, own = llabs(factor[k]);
        has = has || index[k] == i;
        for (uint32_t j = 0; j < n; j++) {
            if (j != k && llabs(factor[j]) == own)
                return false;
            if (llabs(factor[j]) < own)
                less += llabs(factor[j]) * (int64_t)(ir_index(p, index[j])->extent - 1);
        }
        if (own <= less)
            return false;
    }
    return has;
}

bool dual_is_spread(const DualSpace *s, IrTerm t, IrIdx i) {
    Reads r = reads_of(s, t);
    bool ok = !r.other && r.at.n;
    for (uint32_t k = 0; k < r.at.n && ok; k++) {
        IrTerm at[IR_MAX_RANK];
        uint32_t a;
        bool injective = false;
        element_of(s, r.at.at[k], &a, at);
        for (uint32_t d = 0; d < s->m->bodies[a].rank; d++)
            injective = injective || sub_is_injective(s->m->p, at[d], i);
        ok = injective;
        for (uint32_t j = 0; j < k && ok; j++)
            ok = reads_apart(s, r.at.at[j], r.at.at[k]);
    }
    vec_free(&r.at);
    return ok;
}

static bool addends_into(Mech *m, IrTerm t, int sign, IrTerm *out, uint32_t max, uint32_t *n) {
    IrNode node = *ir_node(m->p, t);
    if (node.op == IR_ADD || node.op == IR_SUB)
        return addends_into(m, node.arg[0], sign, out, max, n) &&
               addends_into(m, node.arg[1], node.op == IR_SUB ? -sign : sign, out, max, n);
    if (node.op == IR_NEG)
        return addends_into(m, node.arg[0], -sign, out, max, n);
    if (*n == max)
        return false;
    out[(*n)++] = sign < 0 ? ir_neg(m->p, t) : t;
    return true;
}

bool dual_addends(Mech *m, IrTerm t, IrTerm *out, uint32_t max, uint32_t *n) {
    *n = 0;
    return addends_into(m, t, 1, out, max, n);
}

/* ---- one function of an element or of a norm ---- */

static bool grows(DualSpace *s, IrTerm phi, IrTerm r, bool is_signed) {
    if (dual_slope_grows(s->m, phi, r, is_signed, &s->where))
        return true;
    s->falls = true;
    return false;
}

/* A term's transform, and Σ r N* with r = φ*'(N*) held fixed, whose derivative by y is x. */
typedef struct Piece {
    IrTerm value, work;
} Piece;

static IrTerm held(Mech *m, IrTerm t) { return ir_op1(m->p, IR_FROZEN, t); }

static IrTerm map_release(Mech *m, void *context, IrTerm t) {
    (void)context;
    return ir_node(m->p, t)->op == IR_FROZEN ? ir_node(m->p, t)->arg[0] : 0;
}

static IrTerm placeholder(Mech *m) { return ir_read0(m->p, ir_scalar_input(m->p, 0, IR_ROLE_HYPER)); }

typedef struct Put {
    IrTerm from, to;
} Put;

static IrTerm map_put(Mech *m, void *context, IrTerm t) {
    const Put *put = context;
    (void)m;
    return t == put->from ? put->to : 0;
}

/* A function φ of one number: r with φ'(r) = y, by formula (`solve` NULL) or by Newton's method; `solve` says what r is. */
static bool piece_of_scalar(DualSpace *s, IrTerm phi, IrTerm r, IrTerm y, bool is_signed, const char *solve, Piece *out) {
    IrTerm slope;
    if (!grows(s, phi, r, is_signed))
        return false;
    bool ok = solve ? dual_by_newton(s, phi, r, y, solve, &out->value, &slope)
                    : dual_of_scalar(s->m, phi, r, y, is_signed, &out->value, &slope);
    if (!ok)
        return false;
    s->how |= (is_signed ? solve ? 0 : MECH_BY_INVERSE : MECH_BY_NORM) | (solve ? MECH_BY_NEWTON : 0);
    out->work = ir_mul(s->m->p, held(s->m, slope), y);
    return true;
}

/* t depends on one element alone. */
static bool piece_of_element(DualSpace *s, IrTerm t, bool solve, Piece *out) {
    Mech *m = s->m;
    Reads r = reads_of(s, t);
    IrTerm x = r.at.n == 1 && !r.other ? r.at.at[0] : 0;
    vec_free(&r.at);
    if (!x)
        return false;
    Put put = {x, placeholder(m)};
    IrTerm phi = mech_rewrite(m, t, map_put, &put);
    IrTerm at[IR_MAX_RANK];
    uint32_t a;
    element_of(s, x, &a, at);
    return !dual_moves(s, phi) &&
           piece_of_scalar(s, phi, put.to, dual_element(s, x), true, solve ? dual_symbol(s, a) : NULL, out);
}

/* Opens a choice between an infinite and another value: whether `small` < `large` (or ≤) gives the other one, `inside`. */
static bool choice_of_ball(Mech *m, IrTerm t, IrTerm *small, IrTerm *large, IrTerm *inside) {
    IrProgram *p = m->p;
    IrNode node = *ir_node(p, t), cond;
    double v;
    if (node.op != IR_SELECT)
        return false;
    IrTerm test = node.arg[0], yes = node.arg[1], no = node.arg[2];
    while (ir_node(p, test)->op == IR_NOT) {
        test = ir_node(p, test)->arg[0];
        IrTerm other = yes;
        yes = no;
        no = other;
    }
    cond = *ir_node(p, test);
    if (cond.op != IR_LE && cond.op != IR_LT)
        return false;
    bool ends = ir_is_const(p, no, &v) && v == INFINITY;
    if (!ends && !(ir_is_const(p, yes, &v) && v == INFINITY))
        return false;
    *small = cond.arg[!ends];
    *large = cond.arg[ends];
    *inside = ends ? yes : no;
    return true;
}

/* c where N ≤ radius, ∞ elsewhere: a ball, whose transform is radius · N* − c. */
static bool piece_of_ball(DualSpace *s, IrTerm t, Piece *out) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    IrTerm small, large, inside;
    DualNorm norm;
    if (!choice_of_ball(m, t, &small, &large, &inside) || dual_moves(s, inside) || dual_moves(s, large) ||
        !dual_norm(s, small, &norm) || norm.sign < 0)
        return false;
    IrTerm radius = dual_power(m, ir_div(p, large, norm.scale), 1 / norm.degree);
    s->has_corners = true;
    s->how |= MECH_BY_NORM;
    out->work = ir_mul(p, held(m, radius), norm.dual);
    out->value = ir_sub(p, ir_mul(p, radius, norm.dual), inside);
    return true;
}

/* H = c N of the momenta: L is 0 where N* ≤ c, ∞ elsewhere, and inside the momenta of given velocities are 0. (A kinetic energy
 * like this would not let anything move.) */
static bool piece_of_cone(DualSpace *s, IrTerm t, Piece *out) {
    IrProgram *p = s->m->p;
    DualNorm norm;
    if (!s->of_momenta || !dual_norm(s, t, &norm) || norm.degree != 1 || norm.sign < 0)
        return false;
    IrTerm inside = ir_op2(p, IR_LE, norm.dual, norm.scale);
    s->has_corners = true;
    s->how |= MECH_BY_NORM;
    *out = (Piece){ir_select(p, inside, ir_real(p, 0), ir_real(p, INFINITY)), ir_real(p, 0)};
    return true;
}

static bool piece_of_norm(DualSpace *s, IrTerm t, bool solve, Piece *out) {
    DualNorm norm = {0};
    IrTerm r = placeholder(s->m), phi = dual_profile(s, t, r, &norm);
    if (!phi || !norm.dual || !piece_of_scalar(s, phi, r, norm.dual, false, solve ? "‖q'‖" : NULL, out))
        return false;
    s->has_corners = s->has_corners || norm.has_corners;
    return true;
}

static bool piece_of_sum(DualSpace *s, IrTerm t, Piece *out);

/* t = factor · sum, the factor free of x. False: it is something else. */
static bool sum_inside(DualSpace *s, IrTerm t, IrTerm *factor, IrTerm *sum) {
    IrFactor part[MOST_FACTORS];
    IrTerm cond;
    uint32_t n;
    double c;
    *sum = 0;
    if (!ir_product(s->m->p, t, &c, &cond, part, MOST_FACTORS, &n) || cond)
        return false;
    *factor = ir_real(s->m->p, c);
    for (uint32_t k = 0; k < n; k++) {
        if (!dual_moves(s, part[k].base))
            *factor = ir_mul(s->m->p, *factor, dual_power(s->m, part[k].base, part[k].exponent));
        else if (*sum || part[k].exponent != 1)
            return false;
        else
            *sum = part[k].base;
    }
    IrOp op = *sum ? (IrOp)ir_node(s->m->p, *sum)->op : IR_NONE;
    return op == IR_SUM || (*sum != t && (op == IR_ADD || op == IR_SUB));
}

static bool piece_of_scaled(DualSpace *s, IrTerm sum, IrTerm factor, Piece *out) {
    IrTerm list[MOST_PIECES], t = ir_real(s->m->p, 0);
    uint32_t n;
    if (!dual_addends(s->m, sum, list, MOST_PIECES, &n))
        return false;
    for (uint32_t k = 0; k < n; k++)
        t = ir_add(s->m->p, t, ir_mul(s->m->p, factor, list[k]));
    return t != sum && piece_of_sum(s, t, out);
}

/* factor · Σ_i body: the sum of the transforms. */
static bool piece_of_reduction(DualSpace *s, IrTerm sum, IrTerm factor, Piece *out) {
    IrProgram *p = s->m->p;
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, sum, &i, &guard, &body);
    if (guard || s->n_open == IR_MAX_RANK || !dual_is_spread(s, body, i))
        return false;
    s->open[s->n_open++] = i;
    bool ok = piece_of_sum(s, ir_mul(p, factor, body), out);
    s->n_open--;
    if (!ok)
        return false;
    *out = (Piece){ir_reduce(p, IR_SUM, i, 0, out->value), ir_reduce(p, IR_SUM, i, 0, out->work)};
    return true;
}

static bool piece_of(DualSpace *s, IrTerm t, Piece *out) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    IrNode node = *ir_node(p, t);
    IrTerm factor, sum = 0;
    if (node.op == IR_READ && ir_def(p, node.arg[0])->kind == IR_DEF_EXPR) {
        IrTerm subs[IR_MAX_RANK];
        for (uint32_t k = 0; k < node.arg[2]; k++)
            subs[k] = ir_read_subs(p, t)[k];
        return piece_of_sum(s, ir_at_subs(p, node.arg[0], subs), out);
    }
    bool inside = sum_inside(s, t, &factor, &sum);
    if (inside && ir_node(p, sum)->op != IR_SUM)
        return piece_of_scaled(s, sum, factor, out);
    if (inside && piece_of_reduction(s, sum, factor, out))
        return true;
    return piece_of_ball(s, t, out) || piece_of_cone(s, t, out) || piece_of_element(s, t, false, out) ||
           piece_of_norm(s, t, false, out) || piece_of_element(s, t, true, out) || piece_of_norm(s, t, true, out);
}

/* Addends that read the same elements, together. */
static void join_addends(DualSpace *s, IrTerm *list, uint32_t *n) {
    for (uint32_t i = 0; i < *n; i++) {
        for (uint32_t k = i + 1; k < *n; k++) {
            if (dual_are_apart(s, list[i], list[k]))
                continue;
            list[i] = ir_add(s->m->p, list[i], list[k]);
            list[k] = list[--*n];
            k = i; /* once more: it reads more elements now */
        }
    }
}

/* The bodies that t reads, added to `touched`; whether any was among them already. */
static bool touches(DualSpace *s, IrTerm t, bool *touched, bool add) {
    Reads r = reads_of(s, t);
    bool met = false;
    for (uint32_t k = 0; k < r.at.n; k++) {
        IrTerm at[IR_MAX_RANK];
        uint32_t a;
        element_of(s, r.at.at[k], &a, at);
        met = met || touched[a];
        touched[a] = touched[a] || add;
    }
    for (uint32_t a = 0; a < s->m->n && r.other; a++) { /* through definitions: of all */
        met = met || touched[a];
        touched[a] = touched[a] || add;
    }
    vec_free(&r.at);
    return met;
}

/* Addends of `list` that no formula is known for, and those that share a body with them, are solved for together. */
static bool pieces_by_newton(DualSpace *s, IrTerm *list, bool *known, uint32_t n, Piece *out) {
    Mech *m = s->m;
    bool *touched = ARENA_ARRAY(m->arena, bool, m->n), more = true;
    IrTerm *x = ARENA_ARRAY(m->arena, IrTerm, m->n), sum = ir_real(m->p, 0);
    if (s->n_open || !s->couples || s->falls)
        return false;
    for (uint32_t k = 0; k < n; k++)
        if (!known[k])
            touches(s, list[k], touched, true);
    while (more) {
        more = false;
        for (uint32_t k = 0; k < n; k++) {
            if (!known[k] || !touches(s, list[k], touched, false))
                continue;
            known[k] = false;
            more = touches(s, list[k], touched, true);
        }
    }
    for (uint32_t k = 0; k < n; k++)
        sum = known[k] ? sum : ir_add(m->p, sum, list[k]);
    if (!dual_of_coupled(s, touched, x))
        return false;
    s->how |= MECH_BY_NEWTON;
    IrReplace *put = ARENA_ARRAY(m->arena, IrReplace, m->n);
    uint32_t n_put = 0;
    *out = (Piece){ir_real(m->p, 0), ir_real(m->p, 0)};
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        if (!touched[a])
            continue;
        IrTerm y = ir_read(m->p, conjugate(s, a), b->at, b->rank);
        put[n_put++] = (IrReplace){.from = variable(s, a), .body = x[a]};
        out->value = ir_add(m->p, out->value, mech_sum(m, b, ir_mul(m->p, y, x[a])));
        out->work = ir_add(m->p, out->work, mech_sum(m, b, ir_mul(m->p, held(m, x[a]), y)));
    }
    out->value = ir_sub(m->p, out->value, ir_replace(m->p, sum, put, n_put));
    return true;
}

static bool piece_of_sum(DualSpace *s, IrTerm t, Piece *out) {
    Mech *m = s->m;
    IrTerm list[MOST_PIECES], rest = ir_real(m->p, 0);
    Piece one[MOST_PIECES + 1];
    bool known[MOST_PIECES], all = true;
    uint32_t n, kept = 0;
    if (!dual_addends(m, t, list, MOST_PIECES, &n)) {
        list[0] = t; /* too many to be looked at one by one */
        n = 1;
    }
    for (uint32_t k = 0; k < n; k++) {
        if (dual_moves(s, list[k]))
            list[kept++] = list[k];
        else
            rest = ir_add(m->p, rest, list[k]);
    }
    n = kept;
    join_addends(s, list, &n);
    for (uint32_t k = 0; k < n; k++) {
        known[k] = piece_of(s, list[k], &one[k]);
        all = all && known[k];
    }
    if (!all && !pieces_by_newton(s, list, known, n, &one[n]))
        return false;
    *out = (Piece){.value = ir_neg(m->p, rest), .work = ir_real(m->p, 0)};
    for (uint32_t k = 0; k < n + !all; k++) {
        if (k < n && !known[k])
            continue;
        out->value = ir_add(m->p, out->value, one[k].value);
        out->work = ir_add(m->p, out->work, one[k].work);
    }
    return true;
}

/* ---- all of it ---- */

/* A factor of t that is a power below 0 of what vanishes at rest (all y, or all x, 0); 0: none. */
static IrTerm pole(Mech *m, IrTerm t, bool of_momenta) {
    IrFactor factor[MOST_FACTORS];
    IrTerm cond;
    uint32_t n;
    double c;
    if (!ir_product(m->p, t, &c, &cond, factor, MOST_FACTORS, &n))
        return 0;
    IrReplace *rest = ARENA_ARRAY(m->arena, IrReplace, m->n);
    for (uint32_t a = 0; a < m->n; a++)
        rest[a] = (IrReplace){.from = of_momenta ? m->bodies[a].p : m->bodies[a].v, .body = ir_real(m->p, 0)};
    for (uint32_t k = 0; k < n; k++)
        if (factor[k].exponent < 0 && mech_vanishes(m, ir_replace(m->p, factor[k].base, rest, m->n)))
            return factor[k].base;
    return 0;
}

IrTerm mech_zero_at_rest(Mech *m, IrTerm t, bool of_momenta) {
    IrTerm zero = pole(m, t, of_momenta), none = ir_real(m->p, 0);
    return zero ? ir_select(m->p, ir_op2(m->p, IR_EQ, zero, none), none, t) : t;
}

bool mech_dual(Mech *m, IrTerm S, bool of_momenta, bool couples, MechDual *out) {
    DualSpace s = {.m = m, .of_momenta = of_momenta, .couples = couples};
    IrProgram *p = m->p;
    Piece all;
    if (!piece_of_sum(&s, S, &all)) {
        *out = (MechDual){.falls = s.falls, .where = s.where};
        return false;
    }
    *out = (MechDual){.value = all.value, .x = ARENA_ARRAY(m->arena, IrTerm, m->n), .how = s.how, .has_corners = s.has_corners};
    for (uint32_t a = 0; a < m->n; a++) {
        const MechBody *b = &m->bodies[a];
        IrTerm slope = calc_partial(p, all.work, conjugate(&s, a), b->at);
        if (!slope)
            return false;
        slope = mech_product(m, calc_tidy(p, mech_rewrite(m, slope, map_release, NULL)));
        out->x[a] = mech_zero_at_rest(m, slope, !of_momenta);
    }
    return true;
}

typedef struct Corners {
    const DualSpace *s;
    MechCorners found;
} Corners;

static bool note_corner(const IrProgram *p, void *context, IrTerm t) {
    Corners *c = context;
    IrNode node = *ir_node(p, t);
    IrOp op = (IrOp)node.op;
    bool moves = c->found < MECH_CORNERS && dual_moves(c->s, t);
    if (moves && op == IR_READ && ir_def(p, node.arg[0])->kind == IR_DEF_EXPR)
        ir_walk(p, ir_def(p, node.arg[0])->body, note_corner, c);
    if (moves && (op == IR_ABS || op == IR_SQRT) && c->found < MECH_LENGTHS)
        c->found = MECH_LENGTHS;
    bool singular = op == IR_READ && ir_def(p, node.arg[0])->kind == IR_DEF_LINALG && ir_def(p, node.arg[0])->linalg >= IR_POLAR;
    if (moves && (op == IR_MAX || op == IR_MAXIMUM || singular))
        c->found = MECH_CORNERS;
    if (moves && op == IR_SELECT && c->found < MECH_LENGTHS)
        c->found = MECH_LENGTHS;
    return moves;
}

MechCorners mech_corners(Mech *m, IrTerm S, bool of_momenta) {
    DualSpace s = {.m = m, .of_momenta = of_momenta};
    Corners c = {.s = &s};
    ir_walk(m->p, S, note_corner, &c);
    return c.found;
}
