/* form — a scalar as a quadratic form in the velocities: gradient, Hessian, its structure, and M x = y.
 *
 * needs: a scalar term S(q, q', t)      gives: MechForm      changes: nothing
 *
 * The structure is read off the index terms: the Hessian of ½ Σ_i m_i q'_i² is m_i δ_ij, and the δ is an
 * equality of a row with a column axis. A block is diagonal when it vanishes once those equalities are taken
 * to be false. */
#include "internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORWARD_BODIES 16 /* up to so many, each has a derivative of its own */

/* ---- the Hessian ---- */

/* Terms of the axes `first` … `first + rank - 1`. */
static void axis_terms(Mech *m, const MechBody *b, uint32_t first, IrTerm *at) {
    for (uint32_t k = 0; k < b->rank; k++)
        at[k] = ir_idx(m->p, ir_axis(m->p, first + k, b->extent[k]));
}

/* What the form is quadratic in. */
static IrDef variable(const MechForm *f, const MechBody *b) { return f->of_momenta ? b->p : b->v; }

/* ∂S/∂q' of every body over its axes. Few bodies take a forward derivative each, which reads best; many share
 * one pass backwards, whose cost does not grow with their number. */
static bool raw_gradient(Mech *m, IrTerm scalar, MechForm *f) {
    IrDef *wrt = ARENA_ARRAY(m->arena, IrDef, m->n), *gradient = ARENA_ARRAY(m->arena, IrDef, m->n);
    bool is_many = m->n > FORWARD_BODIES;
    for (uint32_t a = 0; a < m->n; a++)
        wrt[a] = variable(f, &m->bodies[a]);
    if (is_many && !calc_gradient(m->p, scalar, wrt, m->n, gradient))
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        const IrTerm *at = m->bodies[a].at;
        f->gradient[a] =
            is_many ? ir_at_subs(m->p, gradient[a], at) : calc_partial(m->p, scalar, wrt[a], at);
        if (!f->gradient[a])
            return false;
    }
    return true;
}

/* Fills `list` with the bodies whose variable t may depend on; returns how many. Their number, not that of all
 * bodies, is what the second derivatives cost. */
static uint32_t reached_bodies(Mech *m, const MechForm *f, IrTerm t, uint32_t *list) {
    uint8_t *mark = base_calloc(ir_def_count(m->p) + 1, 1);
    uint32_t n = 0;
    ir_reach(m->p, t, mark);
    for (uint32_t a = 0; a < m->n; a++) {
        IrDef x = variable(f, &m->bodies[a]);
        if (mark[x] || (ir_def(m->p, x)->kind == IR_DEF_VIEW && mark[ir_def(m->p, x)->parent]))
            list[n++] = a;
    }
    free(mark);
    return n;
}

static bool form_gradient(Mech *m, IrTerm scalar, MechForm *f) {
    IrReplace *still = ARENA_ARRAY(m->arena, IrReplace, m->n);
    uint32_t *moving = ARENA_ARRAY(m->arena, uint32_t, m->n);
    if (!raw_gradient(m, scalar, f))
        return false;
    for (uint32_t a = 0; a < m->n; a++) {
        IrTerm g = calc_tidy(m->p, calc_factor(m->p, f->gradient[a]));
        f->gradient[a] = mech_smallest(m, mech_quotient_of_sum(m, g, 0));
        uint32_t n = reached_bodies(m, f, f->gradient[a], moving);
        for (uint32_t k = 0; k < n; k++)
            still[k] = (IrReplace){.from = variable(f, &m->bodies[moving[k]]), .body = ir_real(m->p, 0)};
        IrTerm linear = ir_replace(m->p, f->gradient[a], still, n);
        f->linear[a] = mech_vanishes(m, linear) ? ir_real(m->p, 0) : linear;
    }
    return true;
}

IrTerm mech_exchange(Mech *m, IrTerm t, const MechBody *rows, const MechBody *columns) {
    if (!t)
        return 0;
    IrIdx from[2 * IR_MAX_RANK];
    IrTerm to[2 * IR_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < rows->rank; k++, n++) {
        from[n] = ir_axis(m->p, k, rows->extent[k]);
        to[n] = ir_idx(m->p, ir_axis(m->p, columns->rank + k, rows->extent[k]));
    }
    for (uint32_t k = 0; k < columns->rank; k++, n++) {
        from[n] = ir_axis(m->p, rows->rank + k, columns->extent[k]);
        to[n] = ir_idx(m->p, ir_axis(m->p, k, columns->extent[k]));
    }
    return ir_subst(m->p, t, from, to, n);
}

static bool form_blocks(Mech *m, MechForm *f) {
    uint32_t *moving = ARENA_ARRAY(m->arena, uint32_t, m->n);
    for (uint32_t a = 0; a < m->n; a++) {
        uint32_t n = reached_bodies(m, f, f->gradient[a], moving);
        for (uint32_t k = 0; k < n; k++) {
            IrTerm columns[IR_MAX_RANK];
            uint32_t c = moving[k];
            if (c < a)
                continue;
            axis_terms(m, &m->bodies[c], m->bodies[a].rank, columns);
            IrTerm t = calc_partial(m->p, f->gradient[a], variable(f, &m->bodies[c]), columns);
            if (!t)
                return false;
            t = calc_tidy(m->p, calc_factor(m->p, t));
            t = ir_is_zero(m->p, t) ? 0 : t;
            f->block[a * m->n + c] = t;
            if (c != a)
                f->block[c * m->n + a] = mech_exchange(m, t, &m->bodies[a], &m->bodies[c]);
        }
    }
    return true;
}

/* ---- structure ---- */

typedef struct Delta {
    IrIdx row, column;
} Delta;

/* The equality of the two axes, taken to be false. */
static IrTerm map_unequal(Mech *m, void *context, IrTerm t) {
    const Delta *delta = context;
    IrNode node = *ir_node(m->p, t);
    if (node.op != IR_EQ || ir_node(m->p, node.arg[0])->type != IR_INT)
        return 0;
    IrIdx index[8];
    int64_t factor[8], constant;
    uint32_t n;
    IrTerm difference = ir_sub(m->p, node.arg[0], node.arg[1]);
    if (!ir_affine(m->p, difference, index, factor, &n, &constant) || n != 2 || constant != 0)
        return 0;
    bool those = (index[0] == delta->row && index[1] == delta->column) ||
                 (index[1] == delta->row && index[0] == delta->column);
    return those && factor[0] == -factor[1] ? ir_bool(m->p, false) : 0;
}

bool mech_block_splits(Mech *m, const MechBody *rows, IrTerm block, uint32_t k) {
    Delta delta = {ir_axis(m->p, k, rows->extent[k]), ir_axis(m->p, rows->rank + k, rows->extent[k])};
    return rows->extent[k] <= 1 || ir_is_zero(m->p, mech_rewrite(m, block, map_unequal, &delta));
}

static bool block_is_diagonal(Mech *m, const MechBody *b, IrTerm block) {
    for (uint32_t k = 0; k < b->rank; k++) {
        if (!mech_block_splits(m, b, block, k))
            return false;
    }
    return true;
}

static IrTerm block_diagonal(Mech *m, const MechBody *b, IrTerm block) {
    IrIdx from[IR_MAX_RANK];
    for (uint32_t k = 0; k < b->rank; k++)
        from[k] = ir_axis(m->p, b->rank + k, b->extent[k]);
    return mech_product(m, calc_tidy(m->p, ir_subst(m->p, block, from, b->at, b->rank)));
}

static void form_components(Mech *m, MechForm *f) {
    for (uint32_t a = 0; a < m->n; a++)
        f->component[a] = a;
    for (uint32_t a = 0; a < m->n; a++) {
        for (uint32_t c = 0; c < a; c++) {
            uint32_t from = f->component[a], to = f->component[c];
            if (!f->block[a * m->n + c] || from == to)
                continue;
            for (uint32_t k = 0; k < m->n; k++)
                f->component[k] = f->component[k] == from ? to : f->component[k];
        }
    }
}

/* Every block between different bodies vanishes and every other is diagonal. */
static bool form_is_diagonal(Mech *m, const MechForm *f) {
    for (uint32_t a = 0; a < m->n; a++) {
        for (uint32_t c = 0; c < m->n; c++) {
            if (c != a && f->block[a * m->n + c])
                return false;
        }
        if (f->block[a * m->n + a] && !f->diagonal[a])
            return false;
    }
    return true;
}

static MechMass diagonal_structure(Mech *m, const MechForm *f) {
    if (f->on_q)
        return MECH_MASS_DIAGONAL_Q;
    IrTerm first = f->diagonal[0];
    bool uniform = first && !ir_node(m->p, first)->free;
    for (uint32_t a = 1; a < m->n; a++)
        uniform = uniform && f->diagonal[a] == first;
    if (!uniform)
        return MECH_MASS_DIAGONAL;
    return ir_is_one(m->p, first) ? MECH_MASS_IDENTITY : MECH_MASS_SCALAR;
}

void mech_form_couple(Mech *m, MechForm *f) {
    for (uint32_t a = 0; a < m->n; a++) {
        IrTerm t = f->block[a * m->n + a];
        if (t && block_is_diagonal(m, &m->bodies[a], t))
            f->diagonal[a] = block_diagonal(m, &m->bodies[a], t);
    }
    form_components(m, f);
}

static void form_classify(Mech *m, MechForm *f) {
    bool any = false;
    f->quadratic = true;
    for (uint32_t i = 0; i < m->n * m->n; i++) {
        IrTerm t = f->block[i];
        if (!t)
            continue;
        any = true;
        f->on_q = f->on_q || mech_depends_any(m, t, MECH_ON_Q);
        f->on_time = f->on_time || (m->run->time && ir_depends(m->p, t, m->run->time));
        f->quadratic = f->quadratic && !mech_depends_any(m, t, f->of_momenta ? MECH_ON_P : MECH_ON_V);
    }
    mech_form_couple(m, f);
    f->structure = !any                   ? MECH_MASS_NONE
                 : !f->quadratic          ? MECH_MASS_NONQUADRATIC
                 : form_is_diagonal(m, f) ? diagonal_structure(m, f)
                 : f->on_q                ? MECH_MASS_DENSE_Q
                                          : MECH_MASS_DENSE;
}

static void form_start(Mech *m, bool of_momenta, MechForm *f) {
    f->of_momenta = of_momenta;
    f->gradient = ARENA_ARRAY(m->arena, IrTerm, m->n);
    f->linear = ARENA_ARRAY(m->arena, IrTerm, m->n);
    f->diagonal = ARENA_ARRAY(m->arena, IrTerm, m->n);
    f->block = ARENA_ARRAY(m->arena, IrTerm, m->n * m->n);
    f->component = ARENA_ARRAY(m->arena, uint32_t, m->n);
}

bool mech_form(Mech *m, IrTerm scalar, bool of_momenta, MechForm *f) {
    form_start(m, of_momenta, f);
    if (!form_gradient(m, scalar, f) || !form_blocks(m, f))
        return false;
    form_classify(m, f);
    return true;
}

bool mech_form_without_mass(Mech *m, IrTerm scalar, bool of_momenta, MechForm *f) {
    form_start(m, of_momenta, f);
    if (!form_gradient(m, scalar, f))
        return false;
    form_components(m, f);
    f->structure = MECH_MASS_NONQUADRATIC;
    return true;
}

const char *mech_structure_name(MechMass structure) {
    switch (structure) {
    case MECH_MASS_NONE: return "none";
    case MECH_MASS_IDENTITY: return "identity";
    case MECH_MASS_SCALAR: return "scalar";
    case MECH_MASS_DIAGONAL: return "diagonal";
    case MECH_MASS_DENSE: return "dense, free of the coordinates";
    case MECH_MASS_DIAGONAL_Q: return "diagonal, depends on the coordinates";
    case MECH_MASS_DENSE_Q: return "dense, depends on the coordinates";
    case MECH_MASS_NONQUADRATIC: return "not quadratic in the velocities";
    }
    return "";
}

/* ---- M x = y ---- */

/* The bodies of one component in a row, with the place of each in the stacked vector. */
typedef struct Stack {
    uint32_t *body;
    uint64_t *offset;
    uint32_t n;
    uint64_t size;
} Stack;

static Stack stack_of(Mech *m, const MechForm *f, uint32_t component) {
    Stack s = {ARENA_ARRAY(m->arena, uint32_t, m->n), ARENA_ARRAY(m->arena, uint64_t, m->n), 0, 0};
    for (uint32_t a = 0; a < m->n; a++) {
        if (f->component[a] == component) {
            s.body[s.n] = a;
            s.offset[s.n++] = s.size;
            s.size += m->bodies[a].size;
        }
    }
    return s;
}

/* The subscripts of row-major position `flat` in a body. */
static void unravel(Mech *m, const MechBody *b, IrTerm flat, IrTerm *at) {
    uint64_t stride = b->size;
    for (uint32_t k = 0; k < b->rank; k++) {
        stride /= b->extent[k] ? b->extent[k] : 1;
        IrTerm t = stride > 1 ? ir_op2(m->p, IR_IDIV, flat, ir_int(m->p, (int64_t)stride)) : flat;
        at[k] = k > 0 ? ir_op2(m->p, IR_IMOD, t, ir_int(m->p, (int64_t)b->extent[k])) : t;
    }
}

static const char *matrix_symbol(const MechForm *f) { return f->symbol ? f->symbol : "M"; }
static const char *side_symbol(const MechForm *f) { return f->side ? f->side : "f"; }

IrDef mech_form_flat(Mech *m, const MechForm *f, uint32_t a, uint32_t c) {
    const MechBody *rows = &m->bodies[a], *columns = &m->bodies[c];
    IrTerm block = f->block[a * m->n + c];
    IrIdx axes[2] = {ir_fresh(m->p, rows->size, ir_axis_name(m->p, rows->q, 0)),
                     ir_fresh(m->p, columns->size, 0)};
    IrIdx from[2 * IR_MAX_RANK];
    IrTerm to[2 * IR_MAX_RANK];
    for (uint32_t k = 0; k < rows->rank; k++)
        from[k] = ir_axis(m->p, k, rows->extent[k]);
    for (uint32_t k = 0; k < columns->rank; k++)
        from[rows->rank + k] = ir_axis(m->p, rows->rank + k, columns->extent[k]);
    unravel(m, rows, ir_idx(m->p, axes[0]), to);
    unravel(m, columns, ir_idx(m->p, axes[1]), to + rows->rank);
    IrDef d =
        ir_define(m->p, 0, rows->elem, axes, 2, ir_subst(m->p, block, from, to, rows->rank + columns->rank));
    if (!ir_def(m->p, d)->label && !ir_def(m->p, d)->name)
        ir_set_label(m->p, d, m->n > 1 ? mech_text(m, "%s_%s_%s", matrix_symbol(f), rows->symbol, columns->symbol)
                                       : matrix_symbol(f));
    return d;
}

static IrDef stacked_matrix(Mech *m, const MechForm *f, const Stack *s) {
    if (s->n == 1)
        return mech_form_flat(m, f, s->body[0], s->body[0]);
    IrPiece *pieces = ARENA_ARRAY(m->arena, IrPiece, s->n * s->n);
    uint32_t n = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        for (uint32_t k = 0; k < s->n; k++) {
            if (f->block[s->body[i] * m->n + s->body[k]])
                pieces[n++] =
                    (IrPiece){mech_form_flat(m, f, s->body[i], s->body[k]), {s->offset[i], s->offset[k]}};
        }
    }
    uint64_t extent[2] = {s->size, s->size};
    IrDef d = ir_concat(m->p, 0, m->bodies[s->body[0]].elem, 2, extent, pieces, n);
    if (!ir_def(m->p, d)->label)
        ir_set_label(m->p, d, matrix_symbol(f));
    return d;
}

static const char *indexed_label(Mech *m, const char *symbol, const MechBody *b) {
    return m->n == 1 ? symbol : mech_text(m, "%s_%s", symbol, b->symbol);
}

static IrDef stacked_vector(Mech *m, const MechForm *f, const IrTerm *rhs, const Stack *s) {
    IrPiece *pieces = ARENA_ARRAY(m->arena, IrPiece, s->n);
    for (uint32_t i = 0; i < s->n; i++) {
        const MechBody *b = &m->bodies[s->body[i]];
        IrDef d = mech_define(m, indexed_label(m, side_symbol(f), b), b->elem, b->rank, b->extent, rhs[s->body[i]]);
        pieces[i] = (IrPiece){d, {s->offset[i], 0}};
    }
    if (s->n == 1 && m->bodies[s->body[0]].rank == 1)
        return pieces[0].def;
    IrDef d = ir_concat(m->p, 0, m->bodies[s->body[0]].elem, 1, &s->size, pieces, s->n);
    if (!ir_def(m->p, d)->label)
        ir_set_label(m->p, d, side_symbol(f));
    return d;
}

static void solve_stacked(Mech *m, const MechForm *f, const Stack *s, const IrTerm *rhs, IrTerm *x,
                          bool spd) {
    IrDef matrix = stacked_matrix(m, f, s), vector = stacked_vector(m, f, rhs, s);
    IrDef solution = ir_linalg(m->p, spd ? IR_SOLVE_SPD : IR_SOLVE, matrix, vector);
    for (uint32_t i = 0; i < s->n; i++) {
        const MechBody *b = &m->bodies[s->body[i]];
        IrTerm at = ir_add(m->p, mech_ravel(m, b->rank, b->extent), ir_int(m->p, (int64_t)s->offset[i]));
        x[s->body[i]] = ir_read(m->p, solution, &at, 1);
    }
}

/* The block between bodies a and c where it couples equal elements alone, as a number for each; 0 where it vanishes. */
static bool elementwise(Mech *m, const MechForm *f, uint32_t a, uint32_t c, IrTerm *out) {
    IrTerm block = f->block[a * m->n + c];
    *out = ir_real(m->p, 0);
    if (!block)
        return true;
    if (!block_is_diagonal(m, &m->bodies[a], block))
        return false;
    *out = block_diagonal(m, &m->bodies[a], block);
    return true;
}

/* Two bodies coupled element by element, such as two scalars: Cramer's rule. False where they are not. */
static bool solve_pair(Mech *m, const MechForm *f, const Stack *s, const IrTerm *rhs, IrTerm *x) {
    IrProgram *p = m->p;
    if (s->n != 2)
        return false;
    uint32_t a = s->body[0], c = s->body[1];
    const MechBody *first = &m->bodies[a], *second = &m->bodies[c];
    bool alike = first->rank == second->rank && first->rank <= IR_MAX_RANK / 2;
    for (uint32_t k = 0; k < first->rank && alike; k++)
        alike = first->extent[k] == second->extent[k];
    IrTerm maa, mac, mca, mcc;
    if (!alike || !elementwise(m, f, a, a, &maa) || !elementwise(m, f, a, c, &mac) ||
        !elementwise(m, f, c, a, &mca) || !elementwise(m, f, c, c, &mcc))
        return false;
    IrTerm det = calc_tidy(p, ir_sub(p, ir_mul(p, maa, mcc), ir_mul(p, mac, mca)));
    x[a] = mech_quotient_of_sum(
        m, mech_smallest(m, calc_tidy(p, ir_sub(p, ir_mul(p, mcc, rhs[a]), ir_mul(p, mac, rhs[c])))), det);
    x[c] = mech_quotient_of_sum(
        m, mech_smallest(m, calc_tidy(p, ir_sub(p, ir_mul(p, maa, rhs[c]), ir_mul(p, mca, rhs[a])))), det);
    return true;
}

bool mech_form_solve(Mech *m, const MechForm *f, const IrTerm *rhs, IrTerm *x, bool spd) {
    for (uint32_t a = 0; a < m->n; a++) {
        Stack s = stack_of(m, f, a);
        if (s.n == 0)
            continue;
        uint32_t first = s.body[0];
        if (s.n == 1 && f->diagonal[first])
            x[first] = mech_quotient_of_sum(m, rhs[first], f->diagonal[first]);
        else if (!solve_pair(m, f, &s, rhs, x))
            solve_stacked(m, f, &s, rhs, x, spd);
    }
    return true;
}
