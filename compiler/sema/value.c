/* value — elaborated values: functions of their indices. Needs nothing; gives new values and definitions. */
#include "internal.h"

Val val_poison(void) { return (Val){.kind = VAL_POISON}; }
Val val_scalar(IrTerm body) { return body ? (Val){.kind = VAL_TENSOR, .body = body} : val_poison(); }
Val val_int(Sema *s, int64_t value) { return val_scalar(ir_int(s->ir, value)); }
Val val_real(Sema *s, double value) { return val_scalar(ir_real(s->ir, value)); }

IrType val_type(const Sema *s, const Val *v) { return (IrType)ir_node(s->ir, v->body)->type; }
uint64_t val_extent(const Sema *s, const Val *v, uint32_t axis) {
    return ir_index(s->ir, v->axis[axis].idx)->extent;
}

uint64_t val_size(const Sema *s, const Val *v) {
    uint64_t size = 1;
    for (uint32_t k = 0; k < v->rank; k++) size *= val_extent(s, v, k);
    return size;
}

bool val_same_shape(const Sema *s, const Val *a, const Val *b) {
    if (a->rank != b->rank) return false;
    for (uint32_t k = 0; k < a->rank; k++)
        if (val_extent(s, a, k) != val_extent(s, b, k)) return false;
    return true;
}

Val val_read(Sema *s, IrDef def, const Val *like) {
    if (!def) return val_poison();
    const IrDefInfo *info = ir_def(s->ir, def);
    Val v = {.kind = VAL_TENSOR, .rank = info->rank};
    bool is_bool = info->kind == IR_DEF_EXPR && ir_node(s->ir, info->body)->type == IR_BOOL;
    IrTerm subs[IR_MAX_RANK];
    for (uint32_t k = 0; k < v.rank; k++) {
        uint64_t extent = ir_def(s->ir, def)->extent[k];
        v.axis[k] = (Axis){.full = extent};
        if (like) v.axis[k] = like->axis[k];
        Name name = ir_axis_name(s->ir, def, k);
        v.axis[k].idx = ir_fresh(s->ir, extent, name);
        subs[k] = ir_idx(s->ir, v.axis[k].idx);
    }
    v.body = ir_read(s->ir, def, subs, v.rank);
    if (is_bool && ir_node(s->ir, v.body)->type != IR_BOOL)
        v.body = ir_op2(s->ir, IR_NE, v.body, ir_int(s->ir, 0));
    return v;
}

IrTerm val_at(Sema *s, const Val *v, const IrTerm *at) {
    if (v->rank == 0) return v->body;
    IrIdx from[IR_MAX_RANK];
    for (uint32_t k = 0; k < v->rank; k++) from[k] = v->axis[k].idx;
    return ir_subst(s->ir, v->body, from, at, v->rank);
}

IrTerm val_close(Sema *s, const Val *v) {
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < v->rank; k++) at[k] = ir_idx(s->ir, ir_axis(s->ir, k, val_extent(s, v, k)));
    return val_at(s, v, at);
}

IrTerm val_aligned(Sema *s, const Val *a, const Val *b) {
    IrTerm at[IR_MAX_RANK];
    bool same = true;
    for (uint32_t k = 0; k < b->rank; k++) {
        at[k] = ir_idx(s->ir, a->axis[k].idx);
        same = same && a->axis[k].idx == b->axis[k].idx;
    }
    return same ? b->body : val_at(s, b, at);
}

Val val_fresh_axes(Sema *s, const Val *v) {
    Val out = *v;
    IrTerm at[IR_MAX_RANK];
    for (uint32_t k = 0; k < v->rank; k++) {
        const IrIndex *index = ir_index(s->ir, v->axis[k].idx);
        out.axis[k].idx = ir_fresh(s->ir, index->extent, index->name);
        at[k] = ir_idx(s->ir, out.axis[k].idx);
    }
    out.body = val_at(s, v, at);
    return out;
}

Val val_to_real(Sema *s, Val v) {
    if (val_ok(&v)) v.body = ir_to_real(s->ir, v.body);
    return v;
}

/* ---- precision ---- */

enum { HAS_F32 = 1, HAS_F64 = 2, HAS_DRAW = 4, HAS_DATA = 8, SEEN = 128 };

static uint8_t def_draws(Sema *s, const IrDefInfo *info) {
    if (info->kind == IR_DEF_EXPR) return s->precision.at[info->body] & HAS_DRAW;
    uint8_t draws = 0;
    for (uint32_t k = 0; info->kind == IR_DEF_LINALG && k < 2; k++)
        if (info->operand[k]) draws |= def_draws(s, ir_def(s->ir, info->operand[k]));
    for (uint32_t k = 0; info->kind == IR_DEF_CONCAT && k < info->n_pieces; k++)
        draws |= def_draws(s, ir_def(s->ir, info->pieces[k].def));
    return draws;
}

static uint8_t def_precision(Sema *s, const IrDefInfo *info) {
    uint8_t draws = def_draws(s, info);
    if (info->flex) return draws;
    switch (info->elem) {
    case IR_F32: return draws | HAS_F32;
    case IR_F64: return draws | HAS_F64;
    case IR_I64:
    case IR_I32:
    case IR_U8: return draws | HAS_DATA;
    }
    return draws;
}

static uint8_t node_precision(Sema *s, IrTerm t) {
    const IrNode *node = ir_node(s->ir, t);
    const uint8_t *of = s->precision.at;
    if (node->op == IR_CONST || node->op == IR_INDEX || node->op == IR_NONE) return SEEN;
    if (node->op == IR_DRAW) return SEEN | HAS_DRAW;
    if (node->op == IR_READ) return SEEN | def_precision(s, ir_def(s->ir, node->arg[0]));
    if (ir_op_is_reduce((IrOp)node->op)) return SEEN | of[node->arg[1]] | of[node->arg[2]];
    uint8_t all = SEEN;
    for (uint32_t k = 0; k < ir_op_arity((IrOp)node->op); k++) all |= of[node->arg[k]];
    return all;
}

/* Operands have smaller numbers than what uses them, so one ascending pass over all terms, kept from call to
 * call, is enough. */
static uint8_t term_precision(Sema *s, IrTerm t) {
    if (s->precision.n == 0) vec_push(&s->precision, SEEN);
    while (s->precision.n <= t) {
        uint8_t p = node_precision(s, s->precision.n);
        vec_push(&s->precision, p);
    }
    return s->precision.at[t];
}

bool sema_draws(Sema *s, IrTerm t) { return term_precision(s, t) & HAS_DRAW; }

/* How a definition with this body is stored, and whether it is a scalar without precision of its own. */
IrElem sema_term_elem(Sema *s, IrTerm t, Scope *scope, bool *flex) {
    uint8_t p = term_precision(s, t);
    *flex = (p & ~SEEN) == 0;
    switch ((IrType)ir_node(s->ir, t)->type) {
    case IR_INT: return IR_I64;
    case IR_BOOL: return IR_U8;
    case IR_REAL: break;
    }
    if (p & HAS_F64) return IR_F64;
    if (p & HAS_F32) return IR_F32;
    return sema_real_elem(s, scope);
}

/* ---- definitions ---- */

static bool is_own_axis(const Val *v, IrIdx i) {
    for (uint32_t k = 0; k < v->rank; k++)
        if (v->axis[k].idx == i) return true;
    return false;
}

static bool is_trivial(Sema *s, const Val *v) {
    uint16_t op = ir_node(s->ir, v->body)->op;
    return op == IR_CONST || op == IR_INDEX || op == IR_READ;
}

/* The indices of the context that the body depends on, then the value's own axes. */
static uint32_t all_axes(Sema *s, const Val *v, IrIdx *axes, uint32_t *outer) {
    uint32_t n, count = 0;
    const IrIdx *free = ir_set(s->ir, ir_node(s->ir, v->body)->free, &n);
    for (uint32_t k = 0; k < n; k++) {
        if (is_own_axis(v, free[k])) continue;
        if (count < IR_MAX_RANK) axes[count] = free[k];
        count++;
    }
    *outer = count;
    for (uint32_t k = 0; k < v->rank; k++, count++)
        if (count < IR_MAX_RANK) axes[count] = v->axis[k].idx;
    return count;
}

Val val_define(Sema *s, Val v, Name name, Span span, Scope *scope) {
    if (!val_ok(&v) || v.open_shape || is_trivial(s, &v)) return v;
    IrIdx axes[IR_MAX_RANK];
    uint32_t outer, n = all_axes(s, &v, axes, &outer);
    if (n > IR_MAX_RANK) {
        sema_error(s, DIAG_SHAPE, span, "%s%s%s depends on %u indices, more than %d at once",
                   name ? "`" : "this", sema_name(s, name), name ? "`" : "", n, IR_MAX_RANK);
        return val_poison();
    }
    bool flex;
    IrElem elem = sema_term_elem(s, v.body, scope, &flex);
    if (flex && n == 0 && val_type(s, &v) == IR_REAL) elem = IR_F64;
    IrType type = val_type(s, &v);
    Span before = ir_at(s->ir, span);
    IrDef def = ir_define(s->ir, name, elem, axes, n, v.body);
    if (flex && n == 0 && type == IR_REAL && ir_def(s->ir, def)->kind == IR_DEF_EXPR)
        ir_mark_flex(s->ir, def);
    IrTerm subs[IR_MAX_RANK];
    for (uint32_t k = 0; k < n; k++) subs[k] = ir_idx(s->ir, axes[k]);
    v.body = ir_read(s->ir, def, subs, n);
    if (type == IR_BOOL && ir_node(s->ir, v.body)->type != IR_BOOL)
        v.body = ir_op2(s->ir, IR_NE, v.body, ir_int(s->ir, 0));
    ir_at(s->ir, before);
    return v;
}

IrDef val_def(Sema *s, const Val *v, Name name, Span span, Scope *scope) {
    if (!val_ok(v)) return 0;
    IrIdx axes[IR_MAX_RANK];
    uint32_t outer, n = all_axes(s, v, axes, &outer);
    if (outer || n > IR_MAX_RANK) return 0;
    bool flex;
    IrElem elem = sema_term_elem(s, v->body, scope, &flex);
    if (flex && n == 0 && val_type(s, v) == IR_REAL) elem = IR_F64;
    Span before = ir_at(s->ir, span);
    IrDef def = ir_define(s->ir, name, elem, axes, n, v->body);
    if (flex && n == 0 && elem == IR_F64 && ir_def(s->ir, def)->kind == IR_DEF_EXPR) ir_mark_flex(s->ir, def);
    ir_at(s->ir, before);
    return def;
}

/* ---- arrays ---- */

/* items[lo..hi-1] chosen by the index: a balanced tree, so that long literals stay shallow. */
static IrTerm choose(Sema *s, const IrTerm *item, uint32_t lo, uint32_t hi, IrTerm index) {
    if (hi - lo == 1) return item[lo];
    uint32_t mid = (lo + hi) / 2;
    IrTerm below = choose(s, item, lo, mid, index), above = choose(s, item, mid, hi, index);
    return ir_select(s->ir, ir_op2(s->ir, IR_LT, index, ir_int(s->ir, mid)), below, above);
}

Val val_array(Sema *s, const Val *items, uint32_t n, Span span) {
    (void)span;
    Val out = {.kind = VAL_TENSOR, .rank = (uint8_t)(items[0].rank + 1)};
    bool real = false;
    for (uint32_t k = 0; k < n; k++) real = real || val_type(s, &items[k]) == IR_REAL;
    IrTerm *body = ARENA_ARRAY(s->arena, IrTerm, n);
    for (uint32_t k = 0; k < n; k++) {
        body[k] = val_aligned(s, &items[0], &items[k]);
        if (real) body[k] = ir_to_real(s->ir, body[k]);
    }
    out.axis[0] = (Axis){.idx = ir_fresh(s->ir, n, 0), .full = n};
    for (uint32_t k = 0; k < items[0].rank; k++) out.axis[k + 1] = items[0].axis[k];
    out.body = choose(s, body, 0, n, ir_idx(s->ir, out.axis[0].idx));
    return out;
}
