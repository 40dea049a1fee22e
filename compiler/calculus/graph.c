/* graph — what a derivative walks: reached definitions, which of them move, and bodies whose inner sums have
 * names.
 *
 * Why inner sums get names: the derivative of relu(Σ_i W[i,j] x[n,i]) with respect to W multiplies a factor
 * that depends on the sum by x[n,i]. Left inside, the sum would be computed again for every i. As a
 * definition it is computed once, and since equal definitions are one, the forward pass can share it. */
#include "calculus_internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- what moves ---------------------------------------------------------------------------------------- */

/* Whether t reads, at any depth, an active definition; `state` keeps the answer for every term looked at. */
static bool reads_active(const IrProgram *p, IrTerm t, const uint8_t *active, uint8_t *state) {
    IrTerms stack = {0};
    IrTerm operands[IR_MAX_RANK];
    vec_push(&stack, t);
    while (stack.n) { /* state: 0 new, 1 still, 2 moves, 3 operands pushed */
        IrTerm u = stack.at[stack.n - 1];
        if (state[u] == 1 || state[u] == 2) {
            stack.n--;
            continue;
        }
        uint32_t n = ir_operands(p, u, operands);
        if (state[u] == 0) {
            state[u] = 3;
            for (uint32_t k = 0; k < n; k++)
                if (state[operands[k]] == 0)
                    vec_push(&stack, operands[k]);
            continue;
        }
        const IrNode *node = ir_node(p, u);
        bool moves = node->op == IR_READ && active[node->arg[0]];
        for (uint32_t k = 0; k < n; k++)
            moves |= state[operands[k]] == 2;
        state[u] = moves ? 2 : 1;
        stack.n--;
    }
    vec_free(&stack);
    return state[t] == 2;
}

/* The rows before move where a scan does: marks them, and says whether any was not marked. */
static bool move_rows_before(const IrProgram *p, const CalcGraph *g, uint8_t *before) {
    bool more = false;
    for (IrDef d = 1; d < g->n_defs; d++) {
        const IrDefInfo *info = ir_def(p, d);
        for (uint32_t k = 1; info->kind == IR_DEF_SCAN && g->active[d] && k <= info->lags; k++) {
            more |= !before[info->bound[k]];
            before[info->bound[k]] = 1;
        }
    }
    return more;
}

static bool def_moves(const IrProgram *p, const CalcGraph *g, IrDef d, const IrDef *wrt, uint32_t n,
                      uint8_t *state) {
    const IrDefInfo *info = ir_def(p, d);
    for (uint32_t k = 0; k < n; k++)
        if (calc_overlaps(p, d, wrt[k]))
            return true;
    switch (info->kind) {
    case IR_DEF_INPUT:
    case IR_DEF_VIEW: return false;
    case IR_DEF_EXPR: return reads_active(p, info->body, g->active, state);
    case IR_DEF_CONCAT:
        for (uint32_t k = 0; k < info->n_pieces; k++)
            if (g->active[info->pieces[k].def])
                return true;
        return false;
    case IR_DEF_LINALG:
    case IR_DEF_SCAN:
        return g->active[info->operand[0]] || (info->operand[1] && g->active[info->operand[1]]);
    case IR_DEF_ROOT: return g->active[info->operand[0]];
    }
    return false;
}

CalcGraph calc_graph(IrProgram *p, IrTerm t, IrDef d, const IrDef *wrt, uint32_t n) {
    CalcGraph g = {.n_defs = ir_def_count(p) + 1};
    g.reached = base_calloc(g.n_defs, 1);
    g.active = base_calloc(g.n_defs, 1);
    if (d)
        g.reached[d] = 1;
    ir_reach_into(p, t, g.reached, IR_INTO_RESIDUAL);
    uint8_t *state = base_calloc(ir_term_count(p) + 1, 1), *before = base_calloc(g.n_defs, 1);
    do {
        memset(state, 0, ir_term_count(p) + 1);
        for (IrDef k = 1; k < g.n_defs; k++)
            g.active[k] = g.reached[k] && (before[k] || def_moves(p, &g, k, wrt, n, state));
    } while (move_rows_before(p, &g, before));
    free(state);
    free(before);
    return g;
}

void calc_graph_free(CalcGraph *g) {
    free(g->reached);
    free(g->active);
}

typedef struct MovesWalk {
    const CalcGraph *graph;
    bool moves;
} MovesWalk;

static bool visit_moves(const IrProgram *p, void *context, IrTerm t) {
    MovesWalk *w = context;
    w->moves |= ir_node(p, t)->op == IR_READ && calc_moves(w->graph, ir_node(p, t)->arg[0]);
    return !w->moves;
}

bool calc_term_moves(const IrProgram *p, const CalcGraph *g, IrTerm t) {
    MovesWalk w = {g, false};
    ir_walk(p, t, visit_moves, &w);
    return w.moves;
}

/* ---- names for inner sums ------------------------------------------------------------------------------ */

typedef struct ElemWalk {
    bool f32, f64;
} ElemWalk;

static bool visit_elem(const IrProgram *p, void *context, IrTerm t) {
    ElemWalk *w = context;
    const IrNode *node = ir_node(p, t);
    if (node->op == IR_READ && !ir_def(p, node->arg[0])->flex) {
        w->f32 |= ir_def(p, node->arg[0])->elem == IR_F32;
        w->f64 |= ir_def(p, node->arg[0])->elem == IR_F64;
    }
    return !w->f64;
}

/* The precision a term is computed in: f64 when anything it reads directly is, else f32 when something is. */
static IrElem elem_of(const IrProgram *p, IrTerm t, IrElem otherwise) {
    ElemWalk w = {0};
    ir_walk(p, t, visit_elem, &w);
    return w.f64 ? IR_F64 : w.f32 ? IR_F32 : otherwise;
}

static IrTerm guard_read(IrProgram *p, void *context, IrTerm read) {
    IrNode node = *ir_node(p, read);
    IrTerm subs[IR_MAX_RANK], valid = ir_bool(p, true);
    (void)context;
    ir_operands(p, read, subs);
    for (uint32_t k = 0; k < node.arg[2]; k++)
        valid = ir_op2(p, IR_AND, valid, calc_in_range(p, subs[k], ir_def(p, node.arg[0])->extent[k]));
    IrTerm nothing = node.type == IR_REAL  ? ir_real(p, 0)
                     : node.type == IR_INT ? ir_int(p, 0)
                                           : ir_bool(p, false);
    return ir_select(p, valid, read, nothing);
}

IrTerm calc_guard_reads(IrProgram *p, IrTerm t) { return ir_map_reads(p, t, guard_read, NULL); }

IrTerm calc_named(IrProgram *p, IrTerm t, IrElem elem, bool certain) {
    uint32_t n;
    const IrIdx *set = ir_set(p, ir_node(p, t)->free, &n);
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    if (n > IR_MAX_RANK)
        return t;
    Span before = ir_at(p, ir_node(p, t)->span);
    if (!certain) /* a condition around t may have kept its reads inside their tensors */
        t = calc_guard_reads(p, t);
    set = ir_set(p, ir_node(p, t)->free, &n);
    for (uint32_t k = 0; k < n; k++)
        axes[k] = set[k];
    for (uint32_t k = 0; k < n; k++)
        subs[k] = ir_idx(p, axes[k]);
    IrType type = (IrType)ir_node(p, t)->type;
    IrElem stored = type == IR_REAL ? elem_of(p, t, elem) : type == IR_INT ? IR_I64 : IR_U8;
    IrDef d = ir_define(p, 0, stored, axes, n, t);
    ir_at(p, before);
    return ir_read(p, d, subs, n);
}

/* Marks, by place in the list, what is computed whenever the last term is: not only in a branch of a select.
 */
static uint8_t *mark_certain(const IrProgram *p, const IrTerms *list, bool certain) {
    uint8_t *mark = base_calloc(list->n, 1);
    IrTerm operands[IR_MAX_RANK];
    mark[list->n - 1] = certain;
    for (uint32_t k = list->n; k-- > 0;) {
        const IrNode *node = ir_node(p, list->at[k]);
        if (!mark[k] || ir_op_is_reduce((IrOp)node->op))
            continue;
        uint32_t n = ir_operands(p, list->at[k], operands);
        for (uint32_t j = 0; j < (node->op == IR_SELECT ? 1 : n); j++)
            mark[ir_position(list, operands[j])] = 1;
    }
    return mark;
}

/* t with every reduction outside of reductions replaced by the read of its definition. */
static IrTerm name_all(IrProgram *p, IrTerm t, IrElem elem, bool certain, CalcDefs *made) {
    IrTerms list = {0};
    ir_list_below(p, t, &list);
    IrTerm *image = base_calloc(list.n, sizeof *image);
    uint8_t *sure = mark_certain(p, &list, certain);
    for (uint32_t k = 0; k < list.n; k++) {
        IrTerm u = list.at[k], operands[IR_MAX_RANK];
        IrNode node = *ir_node(p, u);
        image[k] = u;
        if (ir_op_is_reduce((IrOp)node.op)) {
            if (node.type == IR_REAL) {
                image[k] = calc_named(p, u, elem, sure[k]);
                if (ir_node(p, image[k])->op == IR_READ)
                    vec_push(made, ir_node(p, image[k])->arg[0]);
            }
            continue;
        }
        uint32_t n = ir_operands(p, u, operands);
        bool changed = false;
        for (uint32_t j = 0; j < n; j++) {
            IrTerm to = image[ir_position(&list, operands[j])];
            changed |= to != operands[j];
            operands[j] = to;
        }
        if (!changed || node.op == IR_CONST || node.op == IR_INDEX)
            continue;
        Span before = ir_at(p, node.span);
        image[k] = ir_with_operands(p, u, operands, n);
        ir_at(p, before);
    }
    IrTerm result = list.n ? image[list.n - 1] : t;
    free(image);
    free(sure);
    vec_free(&list);
    return result;
}

static IrTerm name_below(IrProgram *p, IrTerm t, IrElem elem, bool certain, CalcDefs *made) {
    IrNode node = *ir_node(p, t);
    if (!node.height)
        return t;
    /* a guarded reduction is what naming makes: named again it would be its own definition */
    if (node.op == IR_SELECT && ir_op_is_reduce((IrOp)ir_node(p, node.arg[1])->op)
        && !ir_node(p, node.arg[2])->height && !ir_node(p, node.arg[0])->height)
        return ir_select(p, node.arg[0], name_below(p, node.arg[1], elem, false, made), node.arg[2]);
    if (!ir_op_is_reduce((IrOp)node.op))
        return name_all(p, t, elem, certain, made);
    IrIdx i;
    IrTerm guard, body;
    ir_open(p, t, &i, &guard, &body);
    if (ir_node(p, body)->op == IR_SUM && node.op == IR_SUM)
        body = name_below(p, body, elem, certain && !guard, made);
    else
        body = name_all(p, body, elem, certain && !guard, made);
    return ir_reduce(p, (IrOp)node.op, i, guard, body);
}

IrTerm calc_name_sums(IrProgram *p, IrTerm t, IrElem elem, CalcDefs *made) {
    return name_below(p, t, elem, true, made);
}
