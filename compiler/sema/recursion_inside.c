/* recursion_inside — what a recursion computes, at one value of its index.
 *
 * Needs: terms made over all values of the index. Gives: the same at one: references to itself are reads of rows before,
 * definitions on the way are made again. Changes nothing that was there; a reference that does not fit the reading fails it. */
#include "recursion_reading.h"

static bool is_dependent(Reading *r, IrDef d) {
    for (uint32_t k = 0; k < r->n; k++)
        if (ir_def_depends(r->ir, d, r->part[k].self)) return true;
    for (uint32_t k = 0; k < r->inner.n; k++)
        if (ir_def_depends(r->ir, d, r->inner.at[k].before)) return true;
    return false;
}

/* ---- references to itself ---- */

bool recursion_is_context(const Reading *r, IrIdx i) {
    for (uint32_t k = 0; k < r->n_context; k++)
        if (r->context[k] == i) return true;
    return false;
}

/* Whether a subscript is the same for all that is computed for one value of the index. */
static bool is_fixed(Reading *r, IrTerm sub) {
    uint32_t n;
    double number;
    if (ir_is_const(r->ir, sub, &number)) return ir_is_const(r->ir, r->at, &number); /* any number: not the index */
    const IrIdx *set = ir_set(r->ir, ir_node(r->ir, sub)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        if (!recursion_is_context(r, set[k])) return false;
    return true;
}

/* The row before that `part` at `subs` (without the recursion's own) is of: a read of a bound INPUT. */
static IrTerm before_at(Reading *r, uint32_t part, uint32_t lag, const IrTerm *subs, uint32_t n) {
    IrProgram *ir = r->ir;
    IrTerm at[IR_MAX_RANK];
    uint32_t m = 0;
    IrDef before = r->before[lag - 1];
    if (r->n == 1) {
        for (uint32_t k = 0; k < r->n_context; k++) at[m++] = ir_idx(ir, r->context[k]);
        for (uint32_t k = 0; k < n; k++) at[m++] = subs[k];
        return ir_read(ir, before, at, m);
    }
    IrTerm place = ir_int(ir, 0);
    for (uint32_t k = 0; k < r->n_context; k++)
        place = ir_add(ir, ir_mul(ir, place, ir_int(ir, (int64_t)ir_index(ir, r->context[k])->extent)),
                       ir_idx(ir, r->context[k]));
    for (uint32_t k = 0, axis = 0; k < n; k++, axis++) {
        axis += axis == r->along[part];
        uint64_t extent = ir_index(ir, r->part[part].idx[axis])->extent;
        place = ir_add(ir, ir_mul(ir, place, ir_int(ir, (int64_t)extent)), subs[k]);
    }
    place = ir_add(ir, place, ir_int(ir, (int64_t)r->place[part]));
    return ir_read(ir, before, &place, 1);
}

static IrTerm read_self(Reading *r, uint32_t part, const IrTerm *subs, uint32_t n, IrTerm read) {
    IrTerm rest[IR_MAX_RANK];
    double distance;
    uint32_t along = r->along[part], m = 0;
    for (uint32_t k = 0; k < n; k++)
        if (k != along) rest[m++] = subs[k];
    IrTerm back = ir_sub(r->ir, r->backward ? subs[along] : r->at, r->backward ? r->at : subs[along]);
    r->failed |= !ir_is_const(r->ir, back, &distance);
    if (r->failed) return read;
    if (distance == 0) return recursion_now(r, part, rest, m);
    r->failed |= distance < 1 || distance > r->lags || !r->before[0];
    return r->failed ? read : before_at(r, part, (uint32_t)distance, rest, m);
}

/* ---- definitions on the way ---- */

static IrDef special_def(Reading *r, IrDef d, const IrTerm *fixed);

static bool same_fixed(const IrTerm *a, const IrTerm *b) { return !memcmp(a, b, sizeof *a * IR_MAX_RANK); }

/* An elementwise definition at fixed subscripts: over the context and the axes that stay. */
static IrDef special_expr(Reading *r, IrDef d, const IrTerm *fixed) {
    IrProgram *ir = r->ir;
    IrDefInfo info = *ir_def(ir, d);
    IrIdx axes[2 * IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t k = 0; k < r->n_context; k++) axes[n++] = r->context[k];
    for (uint32_t k = 0; k < info.rank; k++) {
        at[k] = fixed[k];
        if (fixed[k]) continue;
        axes[n] = ir_fresh(ir, info.extent[k], ir_axis_name(ir, d, k));
        at[k] = ir_idx(ir, axes[n++]);
    }
    if (n > IR_MAX_RANK) r->failed = true;
    if (r->failed) return 0;
    Span before = ir_at(ir, info.span);
    IrTerm body = ir_map_reads(ir, ir_at_subs(ir, d, at), recursion_read, r);
    IrDef made = r->failed ? 0 : ir_define(ir, info.name, info.elem, axes, n, body);
    ir_at(ir, before);
    if (made && info.label && !ir_def(ir, made)->label) ir_set_label(ir, made, info.label);
    return made;
}

static IrDef special_operand(Reading *r, IrDef d) {
    static const IrTerm none[IR_MAX_RANK];
    return d && is_dependent(r, d) ? special_def(r, d, none) : d;
}

/* A recursion, or a loop over the values of an index, inside of this one: its row at the fixed subscripts. */
static IrDef special_scan(Reading *r, IrDef d, const IrTerm *fixed) {
    IrProgram *ir = r->ir;
    IrScan old = ir_scan_of(ir, d), made = old;
    IrTerm row_fixed[IR_MAX_RANK] = {0}, start_fixed[IR_MAX_RANK] = {0};
    uint32_t rank = ir_def(ir, d)->rank, inner = r->inner.n;
    IrReplace counter = {.from = old.counter};
    for (uint32_t k = 1; k < rank; k++) row_fixed[k - 1] = start_fixed[k] = fixed[k];
    if (r->n_context || (fixed[0] && old.lags)) {
        r->failed = true;
        return 0;
    }
    if (fixed[0]) { /* a loop at one of its values */
        counter.body = fixed[0];
        IrDef at = ir_replace_def(ir, old.row, &counter, 1);
        return is_dependent(r, at) ? special_def(r, at, row_fixed) : special_expr(r, at, row_fixed);
    }
    for (uint32_t j = 0; j < old.lags; j++) {
        IrDefInfo info = *ir_def(ir, old.before[j]);
        uint64_t extent[IR_MAX_RANK];
        uint32_t n = 0;
        for (uint32_t k = 0; k < info.rank; k++)
            if (!row_fixed[k]) extent[n++] = info.extent[k];
        Inner in = {.before = old.before[j], .made = ir_before(ir, info.name, info.elem, n, extent)};
        memcpy(in.fixed, row_fixed, sizeof row_fixed);
        made.before[j] = in.made;
        vec_push(&r->inner, in);
    }
    IrDef row = is_dependent(r, old.row) ? special_def(r, old.row, row_fixed) : special_expr(r, old.row, row_fixed);
    r->inner.n = inner;
    if (r->failed) return 0;
    IrDefInfo info = *ir_def(ir, old.counter);
    made.counter = ir_counter(ir, info.name, info.lo, info.hi);
    counter.to = made.counter;
    made.row = ir_replace_def(ir, row, &counter, 1);
    made.start = !old.start                   ? 0
                 : is_dependent(r, old.start) ? special_def(r, old.start, start_fixed)
                                              : special_expr(r, old.start, start_fixed);
    return r->failed ? 0 : ir_scan(ir, ir_def(ir, d)->name, &made);
}

static IrDef special_concat(Reading *r, IrDef d) {
    IrDefInfo info = *ir_def(r->ir, d);
    IrPiece *pieces = ARENA_ARRAY(r->s->arena, IrPiece, info.n_pieces + 1);
    for (uint32_t k = 0; k < info.n_pieces; k++) {
        pieces[k] = info.pieces[k];
        pieces[k].def = special_operand(r, pieces[k].def);
    }
    return r->failed ? 0 : ir_concat(r->ir, info.name, info.elem, info.rank, info.extent, pieces, info.n_pieces);
}

/* A whole-tensor operation, which does not vary with indices of the context, and what is left of it at fixed subscripts. */
static IrDef special_whole(Reading *r, IrDef d, const IrTerm *fixed) {
    static const IrTerm none[IR_MAX_RANK];
    IrProgram *ir = r->ir;
    IrDefInfo info = *ir_def(ir, d);
    IrIdx axes[IR_MAX_RANK];
    IrTerm at[IR_MAX_RANK];
    uint32_t n = 0;
    IrDef whole = 0;
    if (!r->n_context && info.kind == IR_DEF_LINALG) {
        IrDef a = special_operand(r, info.operand[0]), b = special_operand(r, info.operand[1]);
        whole = r->failed ? 0 : ir_linalg(ir, info.linalg, a, b);
    } else if (!r->n_context && info.kind == IR_DEF_CONCAT) {
        whole = special_concat(r, d);
    }
    r->failed |= !whole;
    if (r->failed || same_fixed(fixed, none)) return r->failed ? 0 : whole;
    for (uint32_t k = 0; k < info.rank; k++) {
        at[k] = fixed[k];
        if (fixed[k]) continue;
        axes[n] = ir_fresh(ir, info.extent[k], ir_axis_name(ir, d, k));
        at[k] = ir_idx(ir, axes[n++]);
    }
    return ir_define(ir, 0, info.elem, axes, n, ir_read(ir, whole, at, info.rank));
}

static IrDef special_def(Reading *r, IrDef d, const IrTerm *fixed) {
    for (uint32_t k = 0; k < r->special.n; k++)
        if (r->special.at[k].of == d && same_fixed(r->special.at[k].fixed, fixed)) return r->special.at[k].made;
    IrDefKind kind = ir_def(r->ir, d)->kind;
    IrDef made = 0;
    if (kind == IR_DEF_EXPR)
        made = special_expr(r, d, fixed);
    else if (kind == IR_DEF_SCAN)
        made = special_scan(r, d, fixed);
    else
        made = special_whole(r, d, fixed);
    r->failed |= !made;
    Special special = {.of = d, .made = made};
    memcpy(special.fixed, fixed, sizeof special.fixed);
    if (!r->inner.n) vec_push(&r->special, special);
    return made;
}

/* Whether the read is of a row before of a recursion inside; that row's axes are fixed as those of its scan. */
static bool read_inner(Reading *r, IrDef d, const IrTerm *subs, uint32_t n, IrTerm *out) {
    for (uint32_t k = 0; k < r->inner.n; k++) {
        const Inner in = r->inner.at[k];
        if (in.before != d) continue;
        IrTerm rest[IR_MAX_RANK];
        uint32_t m = 0;
        for (uint32_t j = 0; j < n; j++) {
            r->failed |= in.fixed[j] && in.fixed[j] != subs[j];
            if (!in.fixed[j]) rest[m++] = subs[j];
        }
        *out = ir_read(r->ir, in.made, rest, m);
        return true;
    }
    return false;
}

IrTerm recursion_read(IrProgram *ir, void *context, IrTerm read) {
    Reading *r = context;
    IrDef d = ir_node(ir, read)->arg[0];
    IrTerm subs[IR_MAX_RANK], fixed[IR_MAX_RANK] = {0}, rest[2 * IR_MAX_RANK], inner;
    uint32_t n = ir_operands(ir, read, subs), m = 0;
    if (r->failed) return read;
    for (uint32_t k = 0; k < r->n; k++)
        if (d == r->part[k].self) return read_self(r, k, subs, n, read);
    if (read_inner(r, d, subs, n, &inner)) return inner;
    if (!is_dependent(r, d)) return read;
    IrDefKind kind = ir_def(ir, d)->kind;
    bool takes = kind == IR_DEF_EXPR || kind == IR_DEF_SCAN;
    for (uint32_t k = 0; k < n; k++) fixed[k] = takes && is_fixed(r, subs[k]) ? subs[k] : 0;
    if (kind == IR_DEF_SCAN && ir_scan_of(ir, d).lags) fixed[0] = 0;
    IrDef made = special_def(r, d, fixed);
    if (!made) return read;
    for (uint32_t k = 0; k < r->n_context && takes; k++) rest[m++] = ir_idx(ir, r->context[k]);
    for (uint32_t k = 0; k < n; k++)
        if (!fixed[k]) rest[m++] = subs[k];
    return ir_read(ir, made, rest, m);
}
