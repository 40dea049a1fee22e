/* rules — the derivative column of op.def as functions, and small helpers on terms and storage. */
#include "calculus_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ZERO ir_real(p, 0)
#define NODIFF CALC_NODIFF
#define REALC(v) ir_real(p, (v))
#define ADD(x, y) ir_add(p, x, y)
#define SUB(x, y) ir_sub(p, x, y)
#define MUL(x, y) ir_mul(p, x, y)
#define DIV(x, y) ir_div(p, x, y)
#define NEG(x) ir_neg(p, x)
#define SQ(x) ir_pow(p, x, ir_real(p, 2))
#define F1(ident, x) ir_op1(p, IR_##ident, x)
#define F2(ident, x, y) ir_op2(p, IR_##ident, x, y)
#define BRACKET(x) ir_to_real(p, x)

#define UNUSED(...) (void)p, (void)a, (void)b, (void)c, (void)self

/* One function per operation and operand, so that op.def's expressions stand in C as they are. */
#define OP1(ident, print, result, flags, cost, emit, value, da)                                              \
    static IrTerm ident##_da(IrProgram *p, IrTerm self, IrTerm a, IrTerm b, IrTerm c) {                      \
        UNUSED();                                                                                            \
        return da;                                                                                           \
    }
#define OP2(ident, print, result, flags, cost, emit, value, da, db)                                          \
    OP1(ident, print, result, flags, cost, emit, value, da)                                                  \
    static IrTerm ident##_db(IrProgram *p, IrTerm self, IrTerm a, IrTerm b, IrTerm c) {                      \
        UNUSED();                                                                                            \
        return db;                                                                                           \
    }
#define OP3(ident, print, result, flags, cost, emit, value, da, db, dc)                                      \
    OP2(ident, print, result, flags, cost, emit, value, da, db)                                              \
    static IrTerm ident##_dc(IrProgram *p, IrTerm self, IrTerm a, IrTerm b, IrTerm c) {                      \
        UNUSED();                                                                                            \
        return dc;                                                                                           \
    }
#include "../ir/op.def"

typedef IrTerm (*Rule)(IrProgram *p, IrTerm self, IrTerm a, IrTerm b, IrTerm c);

static const Rule rules[IR_OP_COUNT][3] = {
#define OP1(ident, ...) [IR_##ident] = {ident##_da},
#define OP2(ident, ...) [IR_##ident] = {ident##_da, ident##_db},
#define OP3(ident, ...) [IR_##ident] = {ident##_da, ident##_db, ident##_dc},
#include "../ir/op.def"
};

IrTerm calc_rule(IrProgram *p, IrTerm t, IrTerm self, uint32_t k) {
    IrNode n = *ir_node(p, t);
    Span before = ir_at(p, n.span);
    IrTerm slope = rules[n.op][k](p, self, n.arg[0], n.arg[1], n.arg[2]);
    ir_at(p, before);
    return slope;
}

void calc_report_nodiff(IrProgram *p, IrTerm self, uint32_t k) {
    const IrNode *n = ir_node(p, self);
    diag_error(ir_session(p), DIAG_NOT_DIFFERENTIABLE, n->span,
               "'%s' cannot be differentiated with respect to its operand %u", ir_op_name((IrOp)n->op), k + 1);
}

/* ---- terms --------------------------------------------------------------------------------------------- */

bool calc_is_small(const IrProgram *p, IrTerm t, uint32_t limit) {
    IrTerm list[CALC_SMALL], operands[IR_MAX_RANK];
    uint32_t n = 0;
    list[n++] = t;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t count = ir_operands(p, list[k], operands);
        for (uint32_t j = 0; j < count; j++) {
            uint32_t at = 0;
            while (at < n && list[at] != operands[j])
                at++;
            if (at < n)
                continue;
            if (n == limit || n == CALC_SMALL)
                return false;
            list[n++] = operands[j];
        }
    }
    return true;
}

IrTerm calc_coefficient(const IrProgram *p, IrTerm t, double *coefficient) {
    *coefficient = 1;
    for (;;) {
        const IrNode *n = ir_node(p, t);
        double v;
        if (n->op == IR_NEG) {
            *coefficient = -*coefficient;
            t = n->arg[0];
        } else if (n->op == IR_MUL && n->type == IR_REAL && ir_is_const(p, n->arg[0], &v)) {
            *coefficient *= v;
            t = n->arg[1];
        } else {
            return t;
        }
    }
}

bool calc_is_inline(const IrProgram *p, IrTerm body) {
    IrTerms list = {0};
    double scale;
    body = calc_coefficient(p, body, &scale);
    if (ir_node(p, body)->height || !calc_is_small(p, body, CALC_SMALL))
        return false;
    if (ir_node(p, body)->op == IR_READ)
        return true;
    bool simple = true;
    ir_list_below(p, body, &list);
    for (uint32_t k = 0; simple && k < list.n; k++) {
        const IrNode *n = ir_node(p, list.at[k]);
        simple = n->op != IR_READ || n->type != IR_REAL || n->arg[2] == 0;
    }
    vec_free(&list);
    return simple;
}

IrTerm calc_other_factors(IrProgram *p, IrIdx k, IrTerm guard, IrTerm body) {
    IrIdx other = ir_fresh(p, ir_index(p, k)->extent, ir_index(p, k)->name);
    IrTerm to = ir_idx(p, other), here = ir_idx(p, k);
    IrTerm differs = ir_op2(p, IR_NE, to, here);
    guard = guard ? ir_op2(p, IR_AND, ir_subst(p, guard, &k, &to, 1), differs) : differs;
    return ir_reduce(p, IR_PROD, other, guard, ir_subst(p, body, &k, &to, 1));
}

IrTerm calc_place_of_extreme(IrProgram *p, IrOp op, IrIdx k, IrTerm guard, IrTerm body) {
    IrTerm where = ir_reduce(p, op == IR_MAXIMUM ? IR_ARGMAX : IR_ARGMIN, k, guard, body);
    return calc_named(p, where, IR_I64, false);
}

/* ---- storage ------------------------------------------------------------------------------------------- */

IrDef calc_storage(const IrProgram *p, IrDef d, uint64_t *first, uint64_t *count) {
    *first = 0;
    *count = ir_size(p, d);
    while (ir_def(p, d)->kind == IR_DEF_VIEW) {
        *first += ir_def(p, d)->offset;
        d = ir_def(p, d)->parent;
    }
    return d;
}

static bool is_stored(const IrProgram *p, IrDef d) {
    IrDefKind kind = ir_def(p, d)->kind;
    return kind == IR_DEF_INPUT || kind == IR_DEF_VIEW;
}

bool calc_overlaps(const IrProgram *p, IrDef a, IrDef b) {
    uint64_t x, y, n, m;
    if (a == b)
        return true;
    return is_stored(p, a) && is_stored(p, b) && calc_storage(p, a, &x, &n) == calc_storage(p, b, &y, &m)
           && x < y + m && y < x + n;
}

IrTerm calc_place(IrProgram *p, IrDef d, const IrTerm *subs) {
    uint64_t first, count;
    calc_storage(p, d, &first, &count);
    IrDefInfo info = *ir_def(p, d);
    IrTerm place = ir_int(p, 0);
    for (uint32_t k = 0; k < info.rank; k++)
        place = ir_add(p, ir_mul(p, place, ir_int(p, (int64_t)info.extent[k])), subs[k]);
    return ir_add(p, place, ir_int(p, (int64_t)first));
}

void calc_unravel(IrProgram *p, IrDef d, IrTerm place, IrTerm *subs) {
    IrDefInfo info = *ir_def(p, d);
    for (uint32_t k = info.rank; k-- > 0;) {
        IrTerm extent = ir_int(p, (int64_t)info.extent[k]);
        subs[k] = k ? ir_op2(p, IR_IMOD, place, extent) : place;
        place = ir_op2(p, IR_IDIV, place, extent);
    }
}

IrTerm calc_in_range(IrProgram *p, IrTerm t, uint64_t extent) {
    IrTerm low = ir_op2(p, IR_LE, ir_int(p, 0), t);
    return ir_op2(p, IR_AND, low, ir_op2(p, IR_LT, t, ir_int(p, (int64_t)extent)));
}

/* ---- definitions --------------------------------------------------------------------------------------- */

void calc_open_axes(IrProgram *p, IrDef d, IrIdx *axes, IrTerm *subs) {
    uint32_t rank = ir_def(p, d)->rank;
    for (uint32_t k = 0; k < rank; k++) {
        axes[k] = ir_fresh(p, ir_def(p, d)->extent[k], ir_axis_name(p, d, k));
        subs[k] = ir_idx(p, axes[k]);
    }
}

static void label_after(IrProgram *p, IrDef made, IrDef d, const char *prefix) {
    const IrDefInfo *info = ir_def(p, made), *of = ir_def(p, d);
    const char *name = of->label ? of->label : name_text(ir_session(p)->names, of->name);
    if (!info->name && !info->label && info->kind != IR_DEF_INPUT && *name)
        ir_set_label(p, made, arena_printf(ir_arena(p), "%s%s", prefix, name));
}

IrDef calc_define_like(IrProgram *p, IrDef d, const IrIdx *axes, IrTerm body, const char *prefix) {
    IrElem elem = ir_def(p, d)->elem;
    IrDef made = ir_define(p, 0, elem == IR_F32 ? IR_F32 : IR_F64, axes, ir_def(p, d)->rank, body);
    if (made)
        label_after(p, made, d, prefix);
    return made;
}

IrDef calc_zero_like(IrProgram *p, IrDef d) {
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    calc_open_axes(p, d, axes, subs);
    return ir_define(p, 0, ir_def(p, d)->elem == IR_F32 ? IR_F32 : IR_F64, axes, ir_def(p, d)->rank,
                     ir_real(p, 0));
}
