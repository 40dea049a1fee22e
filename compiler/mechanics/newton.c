/* newton — velocities from momenta where no formula gives them: the root of y = ∂S/∂x, in generated code, in every step.
 *
 * needs: S as a function of one number, or its gradient and Hessian      gives: x, a root that is solved for      changes: nothing
 *
 * The root is a convex one (ir.h): the runtime solves it in blocks, a block being the elements that S couples, and looks at each
 * whether the Hessian is positive (semi)definite there. A function of single elements costs a division for each and iteration. */
#include "dual.h"

#include <stdlib.h>
#include <string.h>

/* A root's equations as they are put together: u falls into `count` blocks of `size`. */
typedef struct System {
    Mech *m;
    uint64_t count, size;
    IrDef unknown;
} System;

/* `label` names the velocities that the root is: of its Jacobian, for messages from a run. */
static IrDef solved(System *s, IrDef residual, IrDef jacobian, IrDef start, const char *label) {
    Span before = ir_at(s->m->p, s->m->kinetic_span);
    IrDef root = ir_root(s->m->p, 0, s->unknown, residual, jacobian, start);
    ir_at(s->m->p, before);
    if (root && !ir_def(s->m->p, root)->label) {
        ir_set_label(s->m->p, root, "u");
        ir_set_label(s->m->p, ir_def(s->m->p, root)->unknown, "z");
        ir_set_label(s->m->p, residual, "g");
        ir_set_label(s->m->p, jacobian, label);
    }
    return root;
}

/* ---- one number for each value of the open indices ---- */

/* Row-major place of the open indices, and the subscripts that a place stands for. */
static IrTerm place_of_open(const DualSpace *s) {
    IrProgram *p = s->m->p;
    IrTerm place = ir_int(p, 0);
    for (uint32_t k = 0; k < s->n_open; k++) {
        IrTerm extent = ir_int(p, (int64_t)ir_index(p, s->open[k])->extent);
        place = ir_add(p, ir_mul(p, place, extent), ir_idx(p, s->open[k]));
    }
    return place;
}

static void open_at_place(const DualSpace *s, IrTerm place, IrTerm *out) {
    IrProgram *p = s->m->p;
    for (uint32_t k = s->n_open; k-- > 0;) {
        IrTerm extent = ir_int(p, (int64_t)ir_index(p, s->open[k])->extent);
        out[k] = k ? ir_op2(p, IR_IMOD, place, extent) : place;
        place = ir_op2(p, IR_IDIV, place, extent);
    }
}

/* t, over the open indices, as a vector of their places, or the blocks of a Jacobian. */
static IrDef over_places(const DualSpace *s, IrTerm t, uint64_t n, bool is_jacobian) {
    IrProgram *p = s->m->p;
    IrIdx axes[3] = {ir_fresh(p, n, 0), ir_fresh(p, 1, 0), ir_fresh(p, 1, 0)};
    IrTerm at[IR_MAX_RANK];
    open_at_place(s, ir_idx(p, axes[0]), at);
    return ir_define(p, 0, IR_F64, axes, is_jacobian ? 3 : 1, ir_subst(p, t, s->open, at, s->n_open));
}

/* Where the search begins: y/φ''(0), the first Newton step from rest, or y where that is no number. */
static IrTerm first_guess(Mech *m, IrTerm second, IrDef r, IrTerm y) {
    double v;
    IrReplace rest = {.from = r, .body = ir_real(m->p, 0)};
    IrTerm stiffness = ir_replace(m->p, second, &rest, 1);
    bool usable = !mech_vanishes(m, stiffness) && mech_value(m, stiffness, &v) && v > 0 && v < 1e300;
    return usable ? ir_div(m->p, y, stiffness) : y;
}

bool dual_by_newton(DualSpace *s, IrTerm phi, IrTerm r, IrTerm y, const char *label, IrTerm *value, IrTerm *slope) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    IrDef d = ir_node(p, r)->arg[0];
    System system = {.m = m, .count = 1, .size = 1};
    IrTerm first = calc_partial(p, phi, d, NULL), second = first ? calc_partial(p, first, d, NULL) : 0;
    if (!second)
        return false;
    for (uint32_t k = 0; k < s->n_open; k++)
        system.count *= ir_index(p, s->open[k])->extent;
    system.unknown = ir_unknown(p, 0, system.count);
    IrTerm place = place_of_open(s);
    IrReplace put = {.from = d, .body = ir_read(p, system.unknown, &place, 1)};
    IrTerm residual = ir_sub(p, ir_replace(p, first, &put, 1), y), jacobian = ir_replace(p, second, &put, 1);
    IrDef root = solved(&system, over_places(s, residual, system.count, false), over_places(s, jacobian, system.count, true),
                        over_places(s, first_guess(m, second, d, y), system.count, false), label);
    if (!root)
        return false;
    *slope = ir_read(p, root, &place, 1);
    put.body = *slope;
    *value = ir_sub(p, ir_mul(p, y, *slope), ir_replace(p, phi, &put, 1));
    return true;
}

/* ---- coupled elements ---- */

/* Where an element of a body lies in u: its block and its row there, by the subscripts. */
typedef struct Layout {
    const MechBody *body;
    bool leads[IR_MAX_RANK]; /* an axis over which the blocks run */
    uint64_t first;          /* row of its first element */
    uint64_t rows;           /* in each block */
} Layout;

static IrTerm mixed(IrProgram *p, const Layout *l, const IrTerm *at, bool leading) {
    IrTerm place = ir_int(p, 0);
    for (uint32_t k = 0; k < l->body->rank; k++)
        if (l->leads[k] == leading)
            place = ir_add(p, ir_mul(p, place, ir_int(p, (int64_t)l->body->extent[k])), at[k]);
    return leading ? place : ir_add(p, place, ir_int(p, (int64_t)l->first));
}

/* The subscripts of what lies in row `row` of block `block`. */
static void unmixed(IrProgram *p, const Layout *l, IrTerm block, IrTerm row, IrTerm *at) {
    IrTerm left[2] = {l->first ? ir_sub(p, row, ir_int(p, (int64_t)l->first)) : row, block};
    for (uint32_t k = l->body->rank; k-- > 0;) {
        IrTerm extent = ir_int(p, (int64_t)l->body->extent[k]), *from = &left[l->leads[k]];
        at[k] = ir_op2(p, IR_IMOD, *from, extent);
        *from = ir_op2(p, IR_IDIV, *from, extent);
    }
}

/* Blocks run over the axes that nothing couples: of one body any, of several all or none. */
static void lay_out(const DualSpace *s, const uint32_t *list, uint32_t n, Layout *l, System *system) {
    Mech *m = s->m;
    bool alike = true;
    for (uint32_t i = 0; i < n; i++) {
        l[i] = (Layout){.body = &m->bodies[list[i]]};
        alike = alike && l[i].body->rank == l[0].body->rank &&
                !memcmp(l[i].body->extent, l[0].body->extent, l[0].body->rank * sizeof *l[0].body->extent) &&
                2 * l[0].body->rank <= IR_MAX_RANK;
    }
    for (uint32_t k = 0; k < l[0].body->rank && alike; k++) {
        bool splits = true;
        for (uint32_t i = 0; i < n * n && splits; i++) {
            IrTerm block = m->mass.block[list[i / n] * m->n + list[i % n]];
            splits = !block || mech_block_splits(m, l[0].body, block, k);
        }
        for (uint32_t i = 0; i < n; i++)
            l[i].leads[k] = splits;
    }
    *system = (System){.m = m, .count = 1};
    for (uint32_t k = 0; k < l[0].body->rank; k++)
        system->count *= l[0].leads[k] ? l[0].body->extent[k] : 1;
    for (uint32_t i = 0; i < n; i++) {
        l[i].rows = l[i].body->size / system->count;
        l[i].first = system->size;
        system->size += l[i].rows;
    }
    system->unknown = ir_unknown(m->p, 0, system->count * system->size);
}

static IrTerm place_in(const System *s, const Layout *l, const IrTerm *at) {
    IrProgram *p = s->m->p;
    return ir_add(p, ir_mul(p, mixed(p, l, at, true), ir_int(p, (int64_t)s->size)), mixed(p, l, at, false));
}

/* One term per body (over its axes) as a vector in the layout of u: each chosen where its rows are. */
static IrDef vector_of(const System *s, const Layout *l, uint32_t n, const IrTerm *terms) {
    IrProgram *p = s->m->p;
    IrIdx place = ir_fresh(p, s->count * s->size, 0);
    IrTerm size = ir_int(p, (int64_t)s->size), all = 0, at[IR_MAX_RANK];
    IrTerm block = ir_op2(p, IR_IDIV, ir_idx(p, place), size), row = ir_op2(p, IR_IMOD, ir_idx(p, place), size);
    for (uint32_t i = n; i-- > 0;) {
        unmixed(p, &l[i], block, row, at);
        IrTerm t = mech_at(s->m, terms[i], l[i].body->rank, l[i].body->extent, at);
        IrTerm here = ir_op2(p, IR_LT, row, ir_int(p, (int64_t)(l[i].first + l[i].rows)));
        all = all ? ir_select(p, here, t, all) : t;
    }
    return ir_define(p, 0, IR_F64, &place, 1, all);
}

static IrTerm block_at(const System *s, const Layout *rows, const Layout *columns, IrTerm t, IrTerm block, IrTerm i, IrTerm j) {
    IrProgram *p = s->m->p;
    IrIdx from[2 * IR_MAX_RANK];
    IrTerm to[2 * IR_MAX_RANK];
    uint32_t n = rows->body->rank, c = columns->body->rank;
    if (!t)
        return ir_real(p, 0);
    unmixed(p, rows, block, i, to);
    unmixed(p, columns, block, j, to + n);
    for (uint32_t k = 0; k < n; k++)
        from[k] = ir_axis(p, k, rows->body->extent[k]);
    for (uint32_t k = 0; k < c; k++)
        from[n + k] = ir_axis(p, n + k, columns->body->extent[k]);
    return ir_subst(p, t, from, to, n + c);
}

/* ∂²S/∂x∂x, block by block; `put`: x as parts of u. */
static IrDef jacobian_of(const System *s, const Layout *l, const uint32_t *list, uint32_t n, const IrReplace *put) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    IrIdx axes[3] = {ir_fresh(p, s->count, 0), ir_fresh(p, s->size, 0), ir_fresh(p, s->size, 0)};
    IrTerm at[3] = {ir_idx(p, axes[0]), ir_idx(p, axes[1]), ir_idx(p, axes[2])}, all = 0;
    for (uint32_t i = n; i-- > 0;) {
        IrTerm line = 0;
        for (uint32_t j = n; j-- > 0;) {
            IrTerm t = block_at(s, &l[i], &l[j], m->mass.block[list[i] * m->n + list[j]], at[0], at[1], at[2]);
            IrTerm here = ir_op2(p, IR_LT, at[2], ir_int(p, (int64_t)(l[j].first + l[j].rows)));
            line = line ? ir_select(p, here, t, line) : t;
        }
        IrTerm here = ir_op2(p, IR_LT, at[1], ir_int(p, (int64_t)(l[i].first + l[i].rows)));
        all = all ? ir_select(p, here, line, all) : line;
    }
    return ir_define(p, 0, IR_F64, axes, 3, ir_replace(p, all, put, n));
}

static const char *names_of(const DualSpace *s, const uint32_t *list, uint32_t n) {
    const char *names = dual_symbol(s, list[0]);
    for (uint32_t i = 1; i < n; i++)
        names = mech_text(s->m, "%s, %s", names, dual_symbol(s, list[i]));
    return names;
}

static bool solve_component(DualSpace *s, const uint32_t *list, uint32_t n, IrTerm *x) {
    Mech *m = s->m;
    IrProgram *p = m->p;
    System system;
    Layout *l = ARENA_ARRAY(m->arena, Layout, n);
    IrReplace *put = ARENA_ARRAY(m->arena, IrReplace, n);
    IrTerm *residual = ARENA_ARRAY(m->arena, IrTerm, n), *start = ARENA_ARRAY(m->arena, IrTerm, n);
    lay_out(s, list, n, l, &system);
    for (uint32_t i = 0; i < n; i++) {
        const MechBody *b = l[i].body;
        IrTerm place = place_in(&system, &l[i], b->at);
        put[i] = (IrReplace){.from = dual_variable(s, list[i], false), .body = ir_read(p, system.unknown, &place, 1)};
        start[i] = ir_read(p, dual_variable(s, list[i], true), b->at, b->rank);
    }
    for (uint32_t i = 0; i < n; i++)
        residual[i] = ir_sub(p, ir_replace(p, m->mass.gradient[list[i]], put, n), start[i]);
    IrDef root = solved(&system, vector_of(&system, l, n, residual), jacobian_of(&system, l, list, n, put),
                        vector_of(&system, l, n, start), names_of(s, list, n));
    for (uint32_t i = 0; i < n && root; i++) {
        IrTerm place = place_in(&system, &l[i], l[i].body->at);
        x[list[i]] = ir_read(p, root, &place, 1);
    }
    return root != 0;
}

bool dual_of_coupled(DualSpace *s, const bool *touched, IrTerm *x) {
    Mech *m = s->m;
    bool ok = true;
    uint32_t *list = ARENA_ARRAY(m->arena, uint32_t, m->n);
    for (uint32_t c = 0; c < m->n && ok; c++) {
        uint32_t n = 0;
        for (uint32_t a = 0; a < m->n; a++)
            if (touched[a] && m->mass.component[a] == c)
                list[n++] = a;
        ok = !n || solve_component(s, list, n, x);
    }
    return ok;
}
