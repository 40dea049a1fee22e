/* replace — replacement of definitions, through every definition a term depends on. */
#include "program.h"

#include <stdlib.h>
#include <string.h>

/* ---- replacement --------------------------------------------------------------------------------------- */

typedef struct Replacing {
    const IrReplace *r;
    uint32_t n;
    IrDef *image;         /* by definition: what it became; itself when it did not change */
    const IrReplace **by; /* by definition: its replacement, or NULL */
    uint32_t n_defs;
} Replacing;

/* body with its AXIS indices set to the subscripts of a read. */
static IrTerm body_at(IrProgram *p, IrTerm body, IrDef shape, const IrTerm *subs) {
    IrIdx from[IR_MAX_RANK];
    uint32_t rank = p->defs.at[shape].rank;
    for (uint32_t k = 0; k < rank; k++)
        from[k] = ir_axis(p, k, p->defs.at[shape].extent[k]);
    return ir_subst(p, body, from, subs, rank);
}

static IrTerm replaced_read(IrProgram *p, const Replacing *s, IrDef d, const IrTerm *subs) {
    const IrReplace *r = s->by[d];
    uint32_t rank = p->defs.at[d].rank;
    if (r)
        return r->body ? body_at(p, r->body, d, subs) : ir_read(p, r->to, subs, rank);
    const IrDefInfo *info = &p->defs.at[d];
    if (info->kind == IR_DEF_VIEW
        && s->image[d] == 0) { /* a window of a replaced block: element offset + place */
        IrTerm place = ir_int(p, 0);
        IrDef parent = info->parent;
        int64_t offset = (int64_t)info->offset;
        for (uint32_t k = 0; k < rank; k++)
            place = ir_add(p, ir_mul(p, place, ir_int(p, (int64_t)p->defs.at[d].extent[k])), subs[k]);
        place = ir_add(p, place, ir_int(p, offset));
        return replaced_read(p, s, parent, &place);
    }
    return s->image[d] == d ? 0 : ir_read(p, s->image[d], subs, rank);
}

static IrTerm map_replaced(IrProgram *p, void *context, IrTerm read) {
    Replacing *s = context;
    IrDef d = arg_of(p, read, 0);
    IrTerm subs[IR_MAX_RANK];
    ir_operands(p, read, subs);
    if (d >= s->n_defs)
        return read;
    IrTerm t = replaced_read(p, s, d, subs);
    return t ? t : read;
}

/* The definition that stands for d as an operand of a whole-tensor operation. */
static IrDef replaced_def(IrProgram *p, const Replacing *s, IrDef d) {
    const IrReplace *r = s->by[d];
    if (r && !r->body)
        return r->to;
    if (!r && s->image[d])
        return s->image[d];
    IrIdx axes[IR_MAX_RANK];
    IrTerm subs[IR_MAX_RANK];
    IrDefInfo info = p->defs.at[d];
    for (uint32_t k = 0; k < info.rank; k++) {
        axes[k] = ir_axis(p, k, info.extent[k]);
        subs[k] = ir_idx(p, axes[k]);
    }
    return ir_define(p, info.name, info.elem, axes, info.rank, replaced_read(p, s, d, subs));
}

/* A scan whose row or start changes: another scan, with bound INPUTs of its own. */
static IrDef rebuild_scan(IrProgram *p, const Replacing *s, IrDef d) {
    IrScan old = ir_scan_of(p, d), made = old;
    IrReplace bound[1 + IR_MAX_LAGS];
    IrDef row = replaced_def(p, s, old.row);
    made = ir_scan_open(p, d);
    bound[0] = (IrReplace){.from = old.counter, .to = made.counter};
    for (uint32_t k = 0; k < old.lags; k++)
        bound[1 + k] = (IrReplace){.from = old.before[k], .to = made.before[k]};
    made.row = ir_replace_def(p, row, bound, 1 + old.lags);
    made.start = old.start ? replaced_def(p, s, old.start) : 0;
    return ir_scan(p, p->defs.at[d].name, &made);
}

/* Definition d, which changes, made again from the images of what it uses; 0 for a view of a replaced block.
 */
static IrDef rebuild_def(IrProgram *p, const Replacing *s, IrDef d) {
    IrDefInfo info = p->defs.at[d];
    IrDef result = d;
    switch (info.kind) {
    case IR_DEF_INPUT: return d;
    case IR_DEF_VIEW: {
        const IrReplace *r = s->by[info.parent];
        if (r && r->body)
            return 0;
        IrDef parent = r ? r->to : s->image[info.parent];
        if (parent == info.parent)
            return d;
        return parent ? ir_view(p, info.name, parent, info.offset, info.rank, info.extent) : 0;
    }
    case IR_DEF_EXPR: {
        IrIdx axes[IR_MAX_RANK];
        for (uint32_t k = 0; k < info.rank; k++)
            axes[k] = ir_axis(p, k, info.extent[k]);
        Span before = ir_at(p, info.span);
        IrTerm body = ir_map_reads(p, info.body, map_replaced, (void *)s);
        result = ir_define(p, info.name, info.elem, axes, info.rank, body);
        ir_at(p, before);
        break;
    }
    case IR_DEF_CONCAT: {
        IrPiece *pieces = ARENA_ARRAY(p->arena, IrPiece, info.n_pieces + 1);
        for (uint32_t k = 0; k < info.n_pieces; k++) {
            pieces[k] = info.pieces[k];
            pieces[k].def = replaced_def(p, s, pieces[k].def);
        }
        result = ir_concat(p, info.name, info.elem, info.rank, info.extent, pieces, info.n_pieces);
        break;
    }
    case IR_DEF_LINALG: {
        IrDef a = replaced_def(p, s, info.operand[0]);
        IrDef b = info.operand[1] ? replaced_def(p, s, info.operand[1]) : 0;
        result = ir_linalg(p, info.linalg, a, b);
        break;
    }
    case IR_DEF_SCAN: result = rebuild_scan(p, s, d); break;
    case IR_DEF_ROOT: {
        Span before = ir_at(p, info.span);
        IrDef residual = replaced_def(p, s, info.operand[0]), jacobian = replaced_def(p, s, info.operand[1]);
        result = ir_root(p, info.name, info.unknown, residual, jacobian, replaced_def(p, s, info.start));
        ir_at(p, before);
        break;
    }
    }
    if (result != d) {
        if (!p->defs.at[result].label)
            p->defs.at[result].label = info.label;
        p->defs.at[result].flex |= info.flex;
        for (uint32_t k = 0; k < info.rank && p->defs.at[result].kind == IR_DEF_EXPR; k++)
            if (!p->axis_names.at[result][k])
                p->axis_names.at[result][k] = p->axis_names.at[d][k];
    }
    return result;
}

enum { STATE_NEW, STATE_SAME, STATE_CHANGED, STATE_OPEN };

/* Whether t reads, at any depth, a definition that changes; `state` keeps the answer for every term looked
 * at. */
static bool term_changes(const IrProgram *p, IrTerm t, const uint8_t *def_changed, uint8_t *state) {
    VEC(IrTerm) stack = {0};
    IrTerm operands[IR_MAX_RANK];
    vec_push(&stack, t);
    while (stack.n) {
        IrTerm u = stack.at[stack.n - 1];
        uint32_t n = ir_operands(p, u, operands);
        if (state[u] == STATE_NEW) {
            state[u] = STATE_OPEN;
            for (uint32_t k = 0; k < n; k++)
                if (state[operands[k]] == STATE_NEW)
                    vec_push(&stack, operands[k]);
            continue;
        }
        if (state[u] == STATE_OPEN) {
            bool changed = is_op(p, u, IR_READ) && def_changed[arg_of(p, u, 0)];
            for (uint32_t k = 0; k < n; k++)
                changed |= state[operands[k]] == STATE_CHANGED;
            state[u] = changed ? STATE_CHANGED : STATE_SAME;
        }
        stack.n--;
    }
    vec_free(&stack);
    return state[t] == STATE_CHANGED;
}

static bool binds_replaced(const Replacing *s, const IrDefInfo *info) {
    IrDef bound[1 + IR_MAX_LAGS];
    bool binds = false;
    for (uint32_t k = def_bound(info, bound); k-- > 0;)
        binds |= s->by[bound[k]] != NULL;
    return binds;
}

static bool def_changes(const IrProgram *p, const Replacing *s, IrDef d, const uint8_t *changed,
                        uint8_t *state) {
    const IrDefInfo *info = &p->defs.at[d];
    if (s->by[d])
        return true;
    switch (info->kind) {
    case IR_DEF_INPUT: return false;
    case IR_DEF_VIEW: return changed[info->parent];
    case IR_DEF_EXPR: return term_changes(p, info->body, changed, state);
    case IR_DEF_CONCAT:
        for (uint32_t k = 0; k < info->n_pieces; k++)
            if (changed[info->pieces[k].def])
                return true;
        return false;
    case IR_DEF_SCAN:
        /* what it binds itself is not what is meant outside of it */
        return (changed[info->operand[0]] && !binds_replaced(s, info)) || (info->operand[1] && changed[info->operand[1]]);
    case IR_DEF_LINALG: return changed[info->operand[0]] || (info->operand[1] && changed[info->operand[1]]);
    case IR_DEF_ROOT:
        return !s->by[info->unknown]
               && (changed[info->operand[0]] || changed[info->operand[1]] || changed[info->start]);
    }
    return false;
}

static void replacing_run(IrProgram *p, Replacing *s, IrTerm t, IrDef root) {
    s->n_defs = p->defs.n;
    s->image = base_calloc(s->n_defs, sizeof *s->image);
    s->by = base_calloc(s->n_defs, sizeof *s->by);
    for (uint32_t k = 0; k < s->n; k++)
        s->by[s->r[k].from] = &s->r[k];
    uint8_t *state = base_calloc(p->nodes.n, 1);
    uint8_t *changed = base_calloc(s->n_defs, 1);
    uint8_t *reached = base_calloc(s->n_defs, 1);
    if (root) {
        reached[root] = 1;
        ir_reach(p, 0, reached);
    } else {
        ir_reach(p, t, reached);
    }
    for (IrDef d = 1; d < s->n_defs; d++) {
        changed[d] = reached[d] && def_changes(p, s, d, changed, state);
        s->image[d] = changed[d] && !s->by[d] ? rebuild_def(p, s, d) : d;
    }
    free(state);
    free(changed);
    free(reached);
}

static void replacing_free(Replacing *s) {
    free(s->image);
    free(s->by);
}

IrTerm ir_replace(IrProgram *p, IrTerm t, const IrReplace *r, uint32_t n) {
    Replacing s = {.r = r, .n = n};
    if (!t)
        return 0;
    replacing_run(p, &s, t, 0);
    t = ir_map_reads(p, t, map_replaced, &s);
    replacing_free(&s);
    return t;
}

IrDef ir_replace_def(IrProgram *p, IrDef d, const IrReplace *r, uint32_t n) {
    Replacing s = {.r = r, .n = n};
    if (!d)
        return 0;
    replacing_run(p, &s, 0, d);
    d = replaced_def(p, &s, d);
    replacing_free(&s);
    return d;
}
