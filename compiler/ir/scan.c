/* scan — recursions over a first axis: the definition, its bound INPUTs, and when two are one. */
#include "program.h"

#include <string.h>

uint32_t def_bound(const IrDefInfo *info, IrDef out[1 + IR_MAX_LAGS]) {
    if (info->kind != IR_DEF_SCAN)
        return 0;
    memcpy(out, info->bound, sizeof *out * (1u + info->lags));
    return 1u + info->lags;
}

IrDef ir_counter(IrProgram *p, Name name, int64_t lo, int64_t hi) {
    IrDef d = ir_input(p, name, IR_ROLE_BOUND, IR_I64, 0, NULL);
    p->defs.at[d].lo = lo;
    p->defs.at[d].hi = hi;
    return d;
}

IrDef ir_before(IrProgram *p, Name name, IrElem elem, uint32_t rank, const uint64_t *extent) {
    IrDef d = ir_input(p, name, IR_ROLE_BOUND, elem, rank, extent);
    p->defs.at[d].lo = 1; /* an empty range: not a counter */
    return d;
}

IrScan ir_scan_of(const IrProgram *p, IrDef d) {
    const IrDefInfo *info = &p->defs.at[d];
    IrScan s = {.count = info->extent[0], .lags = info->lags, .backward = info->backward};
    s.counter = info->bound[0];
    memcpy(s.before, info->bound + 1, sizeof *s.before * s.lags);
    s.row = info->operand[0];
    s.start = info->operand[1];
    return s;
}

void ir_scan_range(const IrScan *scan, int64_t *lo, int64_t *hi) {
    *lo = scan->backward ? 0 : scan->lags;
    *hi = (int64_t)scan->count - 1 - (scan->backward ? scan->lags : 0);
}

IrScan ir_scan_open(IrProgram *p, IrDef d) {
    IrScan s = ir_scan_of(p, d);
    IrDefInfo counter = p->defs.at[s.counter];
    s.counter = ir_counter(p, counter.name, counter.lo, counter.hi);
    for (uint32_t k = 0; k < s.lags; k++) {
        IrDefInfo before = p->defs.at[s.before[k]];
        s.before[k] = ir_before(p, before.name, before.elem, before.rank, before.extent);
        p->defs.at[s.before[k]].label = before.label;
    }
    return s;
}

/* Whether the scan described by `info` is `old` but for the names of what they bind. */
static bool is_same_scan(IrProgram *p, const IrDefInfo *info, IrDef old) {
    const IrDefInfo *is = &p->defs.at[old];
    if (is->elem != info->elem || is->rank != info->rank || is->lags != info->lags || is->backward != info->backward
        || is->operand[1] != info->operand[1]
        || memcmp(is->extent, info->extent, sizeof *is->extent * is->rank))
        return false;
    IrReplace bound[1 + IR_MAX_LAGS];
    IrDef row = is->operand[0];
    for (uint32_t k = 0; k <= info->lags; k++)
        bound[k] = (IrReplace){.from = info->bound[k], .to = is->bound[k]};
    return ir_replace_def(p, info->operand[0], bound, 1u + info->lags) == row;
}

IrDef ir_scan(IrProgram *p, Name name, const IrScan *scan) {
    if (!scan->row || (scan->lags && !scan->start))
        return 0;
    IrDefInfo row = p->defs.at[scan->row], info = {.name = name, .kind = IR_DEF_SCAN, .elem = row.elem};
    info.rank = (uint8_t)(row.rank + 1);
    info.extent[0] = scan->count;
    memcpy(info.extent + 1, row.extent, sizeof *row.extent * row.rank);
    info.operand[0] = scan->row;
    info.operand[1] = scan->start;
    info.bound[0] = scan->counter;
    memcpy(info.bound + 1, scan->before, sizeof *scan->before * scan->lags);
    info.lags = (uint8_t)scan->lags;
    info.backward = scan->backward;
    for (uint32_t k = 0; k < p->scans.n; k++)
        if (is_same_scan(p, &info, p->scans.at[k]))
            return p->scans.at[k];
    IrDef d = def_add(p, info);
    for (uint32_t k = 0; k < row.rank; k++)
        p->axis_names.at[d][k + 1] = ir_axis_name(p, scan->row, k);
    p->axis_names.at[d][0] = p->defs.at[scan->counter].name;
    vec_push(&p->scans, d);
    vec_push(&p->scan_watch, 0);
    return d;
}
