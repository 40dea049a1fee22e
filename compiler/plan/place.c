/* place — where definitions lie: in buffers of their own, in a CONCAT, in the rows of a scan. */
#include "pass.h"

uint32_t plan_new_buffer(Plan *plan, IrElem elem, uint64_t count, IrDef def, bool scratch) {
    vec_push(&plan->buffers,
             (PlanBuffer){.elem = elem, .count = count ? count : 1, .def = def, .is_scratch = scratch});
    return plan->buffers.n - 1;
}

static uint32_t input_buffer(Plan *plan, IrDef d) {
    while (plan->input_buffer.n <= d)
        vec_push(&plan->input_buffer, 0);
    if (!plan->input_buffer.at[d]) {
        const IrDefInfo *info = ir_def(plan->ir, d);
        uint32_t buffer = plan_new_buffer(plan, info->elem, ir_size(plan->ir, d), d, false);
        if (ir_def(plan->ir, d)->role == IR_ROLE_DATA) {
            plan->buffers.at[buffer].is_data = true;
            plan->buffers.at[buffer].slot = plan->slots++;
        }
        plan->input_buffer.at[d] = buffer;
    }
    return plan->input_buffer.at[d];
}

uint32_t plan_buffer_of(FuncPlan *fp, IrDef d, uint64_t *at) {
    *at = 0;
    for (;;) {
        const IrDefInfo *info = ir_def(fp->plan->ir, d);
        PlanDef *def = plan_def_of(fp->plan, d);
        if (info->kind == IR_DEF_VIEW) {
            *at += info->offset;
            d = info->parent;
        } else if (def->home) {
            *at += def->home_at;
            d = def->home;
        } else
            break;
    }
    if (ir_def(fp->plan->ir, d)->kind == IR_DEF_INPUT)
        return input_buffer(fp->plan, d);
    if (!plan_state_of(fp, d)->buffer) {
        uint32_t buffer =
            plan_new_buffer(fp->plan, ir_def(fp->plan->ir, d)->elem, ir_size(fp->plan->ir, d), d, true);
        plan_state_of(fp, d)->buffer = buffer;
    }
    return plan_state_of(fp, d)->buffer;
}

IrDef plan_row_of(Plan *plan, IrDef d, uint32_t *lag) {
    for (; plan_def_of(plan, d)->home; d = plan_def_of(plan, d)->home)
        if (plan_def_of(plan, d)->scan) {
            *lag = plan_def_of(plan, d)->lag;
            return plan_def_of(plan, d)->scan;
        }
    *lag = 0;
    return 0;
}

void plan_out_place(FuncPlan *fp, OpOut *out, IrDef d) {
    out->scan = plan_row_of(fp->plan, d, &out->lag);
    out->place = out->scan ? d : 0;
}

uint64_t plan_start_place(const IrProgram *ir, IrDef d) {
    IrScan scan = ir_scan_of(ir, d);
    return scan.backward ? ir_size(ir, d) / scan.count * (scan.count - scan.lags) : 0;
}

static bool is_computed(const PlanDef *def) { return def->body.form != FORM_INPUT && def->body.form != FORM_VIEW; }

static bool has_rows(const PlanDef *def) { return def->body.region && def->body.region->kind == REGION_ROWS; }

/* The innermost region that d is computed in; 0: in none. */
static IrDef region_of(FuncPlan *fp, IrDef d) {
    Plan *plan = fp->plan;
    IrDef region = 0;
    for (IrDef s = 1; s < plan->defs.n && !region; s++) { /* regions inside come before those around them */
        const PlanDef *def = &plan->defs.at[s];
        if (def->mark == plan->walk && def->body.region && ir_is_inside(plan->ir, s, d))
            region = s;
    }
    return region;
}

/* Rows are computed in place, and so are those a scan starts from. */
static void find_rows(FuncPlan *fp, IrDef d) {
    Plan *plan = fp->plan;
    IrScan scan = ir_scan_of(plan->ir, d);
    plan_def_of(plan, scan.counter)->scan = d;
    for (uint32_t k = 0; k < scan.lags; k++) {
        PlanDef *before = plan_def_of(plan, scan.before[k]);
        *before = (PlanDef){.body = before->body, .home = d, .scan = d, .lag = k + 1};
    }
    PlanDef *row = plan_def_of(plan, scan.row), *start = plan_def_of(plan, scan.start);
    if (is_computed(row) && !row->home && !has_rows(row) && region_of(fp, scan.row) == d) {
        row->home = row->scan = d;
        row->home_at = 0;
    }
    if (!scan.start || !is_computed(start) || start->home || has_rows(start))
        return;
    plan_learn(fp, d);
    plan_learn(fp, scan.start);
    if (plan_state_of(fp, d)->changing == plan_state_of(fp, scan.start)->changing &&
        plan_state_of(fp, d)->outside == plan_state_of(fp, scan.start)->outside && region_of(fp, scan.start) == region_of(fp, d)) {
        start->home = d;
        start->home_at = plan_start_place(plan->ir, d);
    }
}

void plan_find_homes(FuncPlan *fp) {
    Plan *plan = fp->plan;
    for (IrDef d = 1; d < plan->defs.n; d++)
        plan_def_of(plan, d)->home = plan_def_of(plan, d)->scan = 0;
    for (IrDef d = 1; d < plan->defs.n; d++)
        if (plan->defs.at[d].mark == plan->walk && has_rows(&plan->defs.at[d]))
            find_rows(fp, d);
    for (IrDef d = 1; d < plan->defs.n; d++) {
        if (plan->defs.at[d].mark != plan->walk || plan->defs.at[d].body.form != FORM_CONCAT ||
            ir_def(plan->ir, d)->rank != 1)
            continue;
        for (uint32_t i = 0; i < ir_def(plan->ir, d)->n_pieces; i++) {
            IrPiece piece = ir_def(plan->ir, d)->pieces[i];
            PlanDef *def = plan_def_of(plan, piece.def);
            plan_learn(fp, piece.def);
            plan_learn(fp, d);
            bool own = is_computed(def) && !def->home;
            if (own && ir_def(plan->ir, piece.def)->elem == ir_def(plan->ir, d)->elem &&
                plan_state_of(fp, piece.def)->changing == plan_state_of(fp, d)->changing &&
                plan_state_of(fp, piece.def)->outside == plan_state_of(fp, d)->outside &&
                region_of(fp, piece.def) == region_of(fp, d)) {
                def->home = d;
                def->home_at = piece.at[0];
            }
        }
    }
}
