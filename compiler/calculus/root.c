/* root — definitions given by an equation r(u, θ) = 0: their Jacobian, and their derivatives by the implicit function theorem
 *
 *     dz = −(∂r/∂u)⁻¹ ∂r/∂θ dθ      at u = z.
 *
 * All is derived with the unknown as an ordinary input; the root is put in its place at the end. So a derivative is a
 * formula in z again, and can be differentiated again. */
#include "calculus_internal.h"

#include <stdlib.h>

/* ---- the Jacobian ---------------------------------------------------------------------------------------- */

/* ∂row/∂part as a matrix [size of row, size of part]; 0 where it vanishes. *ok: false after an error. */
static IrDef block(IrProgram *p, IrDef row, IrDef part, bool *ok) {
    uint64_t size[2] = {ir_size(p, row), ir_size(p, part)};
    IrIdx axes[2] = {ir_fresh(p, size[0], 0), ir_fresh(p, size[1], 0)};
    IrDef of[2] = {row, part};
    IrTerm at[2][IR_MAX_RANK];
    for (int k = 0; k < 2; k++) { /* element numbers to subscripts, largest first */
        IrDefInfo info = *ir_def(p, of[k]);
        IrTerm place = ir_idx(p, axes[k]);
        for (uint32_t j = info.rank; j-- > 0;) {
            IrTerm extent = ir_int(p, (int64_t)info.extent[j]);
            at[k][j] = j ? ir_op2(p, IR_IMOD, place, extent) : place;
            place = ir_op2(p, IR_IDIV, place, extent);
        }
    }
    IrTerm body = calc_partial(p, ir_at_subs(p, row, at[0]), part, at[1]);
    *ok = *ok && body;
    return !body || ir_is_zero(p, body) ? 0 : ir_define(p, 0, IR_F64, axes, 2, body);
}

static IrDef jacobian_of(IrProgram *p, IrDef residual, const IrPiece *parts, uint32_t n_parts) {
    IrDefInfo info = *ir_def(p, residual);
    bool is_stacked = info.kind == IR_DEF_CONCAT, ok = true;
    const IrPiece whole = {residual, {0, 0}};
    uint32_t n_rows = is_stacked ? info.n_pieces : 1;
    VEC(IrPiece) blocks = {0};
    for (uint32_t i = 0; i < n_rows; i++) {
        IrPiece row = is_stacked ? info.pieces[i] : whole;
        for (uint32_t j = 0; j < n_parts && ok; j++) {
            IrPiece piece = {block(p, row.def, parts[j].def, &ok), {row.at[0], parts[j].at[0]}};
            if (piece.def)
                vec_push(&blocks, piece);
        }
    }
    const uint64_t extent[2] = {info.extent[0], info.extent[0]};
    bool is_whole = blocks.n == 1 && ir_size(p, blocks.at[0].def) == extent[0] * extent[1];
    IrDef d = !ok ? 0 : is_whole ? blocks.at[0].def : ir_concat(p, 0, IR_F64, 2, extent, blocks.at, blocks.n);
    vec_free(&blocks);
    return d;
}

IrDef calc_root(IrProgram *p, Name name, IrDef unknown, IrDef residual, IrDef start, const IrPiece *parts,
                uint32_t n_parts) {
    const IrPiece whole = {unknown, {0, 0}};
    if (!unknown || !residual || !start)
        return 0;
    IrDef jacobian = jacobian_of(p, residual, parts ? parts : &whole, parts ? n_parts : 1);
    return jacobian ? ir_root(p, name, unknown, residual, jacobian, start) : 0;
}

/* ---- derivatives ----------------------------------------------------------------------------------------- */

/* The blocks of a convex root's Jacobian as one matrix. */
static IrDef with_zeros(IrProgram *p, IrDef blocks) {
    uint64_t size = ir_def(p, blocks)->extent[1], n = ir_def(p, blocks)->extent[0] * size;
    IrIdx axes[2] = {ir_fresh(p, n, 0), ir_fresh(p, n, 0)};
    IrTerm b = ir_int(p, (int64_t)size), i = ir_idx(p, axes[0]), j = ir_idx(p, axes[1]);
    IrTerm block = ir_op2(p, IR_IDIV, i, b);
    IrTerm at[3] = {block, ir_op2(p, IR_IMOD, i, b), ir_op2(p, IR_IMOD, j, b)};
    IrTerm same = ir_op2(p, IR_EQ, block, ir_op2(p, IR_IDIV, j, b));
    return ir_define(p, 0, IR_F64, axes, 2, ir_select(p, same, ir_read(p, blocks, at, 3), ir_real(p, 0)));
}

/* The Jacobian at the root, or its transpose. */
static IrDef jacobian_at(IrProgram *p, IrDef d, bool transposed) {
    IrReplace at_root = {.from = ir_def(p, d)->unknown, .to = d};
    IrDef jacobian = ir_replace_def(p, ir_def(p, d)->operand[1], &at_root, 1);
    if (ir_def(p, jacobian)->rank == 3)
        return with_zeros(p, jacobian); /* symmetric */
    if (!transposed)
        return jacobian;
    uint64_t n = ir_def(p, jacobian)->extent[0];
    IrIdx axes[2] = {ir_fresh(p, n, 0), ir_fresh(p, n, 0)};
    IrTerm subs[2] = {ir_idx(p, axes[1]), ir_idx(p, axes[0])};
    return ir_define(p, 0, IR_F64, axes, 2, ir_read(p, jacobian, subs, 2));
}

/* J⁻¹ right, or with the transpose, at the root. right: [n], or [n, m]. */
static IrDef solved_at_root(IrProgram *p, IrDef d, bool transposed, IrDef right) {
    if (ir_root_is_convex(p, d) != 1)
        return ir_linalg(p, IR_SOLVE, jacobian_at(p, d, transposed), right);
    IrReplace at_root = {.from = ir_def(p, d)->unknown, .to = d};
    IrDef slope = ir_replace_def(p, ir_def(p, d)->operand[1], &at_root, 1);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK], zero = ir_int(p, 0);
    calc_open_axes(p, right, axes, subs);
    IrTerm at[3] = {subs[0], zero, zero};
    uint32_t rank = ir_def(p, right)->rank;
    return ir_define(p, 0, IR_F64, axes, rank, ir_div(p, ir_read(p, right, subs, rank), ir_read(p, slope, at, 3)));
}

IrDef calc_root_forward(IrProgram *p, IrDef d, IrDef moved, uint32_t extra, const uint64_t *more) {
    if (!moved)
        return 0;
    IrReplace at_root = {.from = ir_def(p, d)->unknown, .to = d};
    IrDef rate = ir_replace_def(p, moved, &at_root, 1);
    IrIdx axes[IR_MAX_RANK], row = ir_fresh(p, ir_size(p, d), 0), column;
    IrTerm subs[IR_MAX_RANK], flat[2];
    uint64_t m = 1;
    axes[0] = row;
    subs[0] = flat[0] = ir_idx(p, row);
    for (uint32_t k = 0; k < extra; k++)
        m *= more[k];
    column = ir_fresh(p, m, 0);
    IrTerm place = ir_idx(p, column);
    for (uint32_t k = extra; k-- > 0;) {
        IrTerm extent = ir_int(p, (int64_t)more[k]);
        subs[1 + k] = k ? ir_op2(p, IR_IMOD, place, extent) : place;
        place = ir_op2(p, IR_IDIV, place, extent);
    }
    IrIdx sides[2] = {row, column};
    IrTerm right = ir_neg(p, ir_read(p, rate, subs, 1 + extra));
    IrDef x = solved_at_root(p, d, false, ir_define(p, 0, IR_F64, sides, extra ? 2 : 1, right));
    if (!extra)
        return x;
    flat[1] = ir_int(p, 0);
    for (uint32_t k = 0; k < extra; k++) {
        axes[1 + k] = ir_fresh(p, more[k], 0);
        flat[1] = ir_add(p, ir_mul(p, flat[1], ir_int(p, (int64_t)more[k])), ir_idx(p, axes[1 + k]));
    }
    return ir_define(p, 0, IR_F64, axes, 1 + extra, ir_read(p, x, flat, 2));
}

typedef struct Border {
    IrProgram *p;
    const CalcGraph *graph;
    CalcDefs *out;
    IrDef unknown;
    uint8_t *seen;
} Border;

static void border_def(Border *b, IrDef d);

static bool border_term(const IrProgram *p, void *context, IrTerm t) {
    if (ir_node(p, t)->op == IR_READ)
        border_def(context, ir_node(p, t)->arg[0]);
    return true;
}

/* Adds what moves on the way into d and is not in the equation itself. */
static void border_def(Border *b, IrDef d) {
    if (!d || b->seen[d] || d == b->unknown || !calc_moves(b->graph, d))
        return;
    b->seen[d] = 1;
    if (!ir_def_depends(b->p, d, b->unknown)) {
        vec_push(b->out, d);
        return;
    }
    IrDefInfo info = *ir_def(b->p, d);
    if (info.kind == IR_DEF_EXPR)
        ir_walk(b->p, info.body, border_term, b);
    for (uint32_t k = 0; k < info.n_pieces; k++)
        border_def(b, info.pieces[k].def);
    border_def(b, info.operand[0]);
    if (info.kind != IR_DEF_ROOT)
        border_def(b, info.operand[1]);
}

/* Windows of one block that overlap become the block: each element's adjoint is counted once. */
static void join_windows(IrProgram *p, CalcDefs *list) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < list->n; k++) {
        IrDef d = list->at[k];
        bool meets = false;
        for (uint32_t j = 0; j < list->n && !meets; j++)
            meets = j != k && calc_overlaps(p, d, list->at[j]);
        uint64_t first, count;
        d = meets ? calc_storage(p, d, &first, &count) : d;
        bool there = false;
        for (uint32_t j = 0; j < n && !there; j++)
            there = list->at[j] == d;
        if (!there)
            list->at[n++] = d;
    }
    list->n = n;
}

bool calc_root_adjoint(IrProgram *p, const CalcGraph *g, IrDef d, IrDef adjoint, CalcRootAdjoint *out) {
    IrDefInfo info = *ir_def(p, d);
    uint32_t n_defs = ir_def_count(p) + 1;
    Border b = {.p = p, .graph = g, .out = &out->at, .unknown = info.unknown, .seen = base_calloc(n_defs, 1)};
    border_def(&b, info.operand[0]);
    free(b.seen);
    join_windows(p, &out->at);
    /* Σ w·r(u, θ) with placeholders for u and w; then the root and w = −(∂r/∂u)⁻ᵀ adjoint in their places. */
    IrDef weight = ir_unknown(p, 0, info.extent[0]);
    IrDef *grad = base_calloc(out->at.n + 1, sizeof *grad);
    bool ok = calc_vjp(p, info.operand[0], weight, out->at.at, out->at.n, grad);
    IrDef w = solved_at_root(p, d, true, adjoint);
    IrIdx i = ir_fresh(p, info.extent[0], 0);
    IrTerm at = ir_idx(p, i);
    w = ir_define(p, 0, IR_F64, &i, 1, ir_neg(p, ir_read(p, w, &at, 1)));
    IrReplace both[2] = {{.from = info.unknown, .to = d}, {.from = weight, .to = w}};
    for (uint32_t k = 0; k < out->at.n && ok; k++)
        vec_push(&out->adjoint, ir_replace_def(p, grad[k], both, 2));
    free(grad);
    return ok;
}
