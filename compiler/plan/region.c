/* region — the loop around the operations that compute a scan's rows, or solve an equation.
 *
 * needs: kernels in order, the operations of a region between OPEN and CLOSE, with a TURN where the loop may be left.
 * gives: the loop; where rows lie; which loads must stay inside.
 * changes: nothing else.
 *
 * Rows are read and written where they are stored: the row computed and those before it are windows of the scan's buffer
 * that move with the loop's variable. Values made from nothing that changes in the region go outside of the loop by
 * themselves, as from any loop (value.c); a load of what the region writes does not. */
#include "pass.h"

uint32_t plan_region_scope(const Builder *b) { return b->regions.n ? b->regions.at[b->regions.n - 1].scope : 1; }

uint32_t plan_changing_scope(const Builder *b, uint32_t buffer) {
    for (uint32_t k = b->regions.n; k-- > 0;) {
        const Region *r = &b->regions.at[k];
        if (buffer >= r->made)
            return r->scope;
        for (uint32_t i = 0; i < r->written.n; i++)
            if (r->written.at[i] == buffer)
                return r->scope;
    }
    return 0;
}

static const Region *region_of(const Builder *b, IrDef scan) {
    for (uint32_t k = b->regions.n; k-- > 0;)
        if (b->regions.at[k].def == scan)
            return &b->regions.at[k];
    return NULL;
}

PlanValue plan_counter(Builder *b, IrDef d) {
    const PlanDef *def = plan_def_of(b->plan, d);
    const Region *r = def->scan && !def->home ? region_of(b, def->scan) : NULL;
    return r ? r->row : 0;
}

/* First element of the row `lag` before the one computed, in the scan. */
static PlanValue row_place(Builder *b, IrDef scan, uint32_t lag) {
    IrScan s = ir_scan_of(b->plan->ir, scan);
    const Region *r = region_of(b, scan);
    int64_t size = (int64_t)(ir_size(b->plan->ir, scan) / s.count), back = s.backward ? (int64_t)lag : -(int64_t)lag;
    if (!r)
        return 0;
    return value_scale(b, value_add(b, r->row, value_int(b, back)), size);
}

PlanValue plan_row_base(Builder *b, IrDef d) {
    PlanValue base = 0;
    for (; d; d = plan_def_of(b->plan, d)->home) {
        const PlanDef *def = plan_def_of(b->plan, d);
        if (!def->scan || !def->home)
            continue;
        PlanValue row = row_place(b, def->scan, def->lag);
        base = base && row ? value_add(b, base, row) : row ? row : base;
    }
    return base;
}

PlanValue plan_row_place(Builder *b, IrDef d, uint64_t at) {
    PlanValue base = d ? plan_row_base(b, d) : 0, first = value_int(b, (int64_t)at);
    return base ? value_add(b, base, first) : first;
}

PlanValue plan_out_start(Builder *b, const OpOut *out) {
    PlanValue at = plan_row_place(b, out->place, out->at);
    return out->place && out->place == out->scan ? value_add(b, at, row_place(b, out->scan, out->lag)) : at;
}

static const PlanRegion *about(const Builder *b, const Op *op) { return plan_def_of(b->plan, op->def)->body.region; }

/* What the operations of the region that begins with kernel `open` write. */
static void written_in_region(Builder *b, const KernelList *kernels, uint32_t open, NumberList *out) {
    uint64_t at;
    uint32_t depth = 0;
    for (uint32_t k = open; k < kernels->n; k++) {
        for (uint32_t i = 0; i < kernels->at[k].ops.n; i++) {
            const Op *op = kernels->at[k].ops.at[i];
            for (uint32_t o = 0; o < op->n_out; o++)
                vec_push(out, op->out[o].buffer);
            if (op->kind == OP_TURN)
                vec_push(out, plan_buffer_of(b->fp, about(b, op)->carried[0], &at));
            depth += op->kind == OP_OPEN;
            depth -= op->kind == OP_CLOSE;
        }
        if (!depth)
            return;
    }
}

/* The loop over the rows of a scan. */
static void open_rows(Builder *b, IrDef d, Region *r) {
    IrScan scan = ir_scan_of(b->plan->ir, d);
    int64_t lo, hi;
    ir_scan_range(&scan, &lo, &hi);
    r->loop = loop_open(b, value_int(b, scan.backward ? 0 : lo), value_int(b, hi + 1));
    r->row = b->func->loops.at[r->loop].index;
    if (scan.backward)
        r->row = value_op(b, IR_SUB, PLAN_I64, value_int(b, hi), r->row, 0);
}

/* The loop that turns leave. */
static void open_repeat(Builder *b, const PlanRegion *about, Region *r) {
    r->loop = loop_open(b, value_int(b, 0), value_int(b, 0));
    b->func->loops.at[r->loop].repeat = true;
    b->func->loops.at[r->loop].trips = about->trips;
}

void plan_open_region(Builder *b, const KernelList *kernels, uint32_t at) {
    const Op *open = kernels->at[at].ops.at[0];
    Region r = {.def = open->def, .made = b->plan->buffers.n};
    if (about(b, open)->begin)
        plan_emit_region_call(b, open);
    written_in_region(b, kernels, at, &r.written);
    for (uint32_t k = 0; k < r.written.n; k++)
        value_touch(b, r.written.at[k]);
    switch (about(b, open)->kind) {
    case REGION_ROWS: open_rows(b, open->def, &r); break;
    case REGION_REPEAT: open_repeat(b, about(b, open), &r); break;
    }
    r.scope = b->func->loops.at[r.loop].scope;
    vec_push(&b->regions, r);
    b->epoch++;
}

void plan_close_region(Builder *b) {
    Region r = vec_pop(&b->regions);
    loop_close(b, r.loop);
    for (uint32_t k = 0; k < r.written.n; k++)
        value_touch(b, r.written.at[k]);
    b->epoch++;
    vec_free(&r.written);
}
