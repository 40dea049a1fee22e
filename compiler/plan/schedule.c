/* schedule — versions: what is computed, when, and what is kept between calls.
 *
 * needs: a function's groups of assignments; normalized definitions and decide's choices.
 * gives: FuncPlan.ops in an order that may be run as it stands.
 * changes: buffers are made for what is computed.
 *
 * A definition is computed when it is wanted and its buffer does not hold the present version. An assignment
 * outdates everything that depends on its target. Of a cyclic function, two kinds of definitions are kept
 * between calls: those that nothing in a call changes, and those wanted when the call begins whose value when
 * the call ends is that of the next beginning (they depend on nothing that changes outside the function, and
 * the call computes them again after the last assignment they depend on). NAME_prepare computes both kinds
 * once. */
#include "../../runtime/rt.h"
#include "pass.h"

static DefState *state_of(FuncPlan *fp, IrDef d) {
    while (fp->state.n <= d)
        vec_push(&fp->state, (DefState){0});
    return &fp->state.at[d];
}

/* ---- what changes ---- */

static bool overlaps(IrProgram *ir, IrDef a, IrDef b);

static IrDef root_of(const IrProgram *ir, IrDef d) {
    const IrDefInfo *info = ir_def(ir, d);
    return info->kind == IR_DEF_VIEW ? info->parent : d;
}

/* Notes the targets of all groups, and the INPUTs they lie in, so that most questions need no search. */
static void note_targets(FuncPlan *fp) {
    for (uint32_t g = 0; g < fp->n_groups; g++) {
        for (uint32_t i = 0; i < fp->groups[g].n; i++) {
            IrDef target = fp->groups[g].at[i].target;
            state_of(fp, target)->is_target = true;
            state_of(fp, root_of(fp->plan->ir, target))->holds_target = true;
        }
    }
}

static bool is_assigned(FuncPlan *fp, IrDef d) {
    if (state_of(fp, d)->is_target || !state_of(fp, root_of(fp->plan->ir, d))->holds_target)
        return state_of(fp, d)->is_target;
    for (uint32_t g = 0; g < fp->n_groups; g++)
        for (uint32_t i = 0; i < fp->groups[g].n; i++)
            if (overlaps(fp->plan->ir, fp->groups[g].at[i].target, d))
                return true;
    return false;
}

static void learn(FuncPlan *fp, IrDef d) {
    if (state_of(fp, d)->known)
        return;
    state_of(fp, d)->known = true;
    const IrDefInfo *info = ir_def(fp->plan->ir, d);
    bool outside = false, changing = false;
    if (info->kind == IR_DEF_INPUT || info->kind == IR_DEF_VIEW) {
        IrDef root = info->kind == IR_DEF_VIEW ? info->parent : d;
        const IrDefInfo *input = ir_def(fp->plan->ir, root);
        outside = input->volatile_ || input->role == IR_ROLE_BATCH || input->role == IR_ROLE_TIME ||
                  input->role == IR_ROLE_STEP || input->role == IR_ROLE_BOUND || input->role == IR_ROLE_UNKNOWN;
        changing = is_assigned(fp, d);
    } else {
        const PlanBody *body = &plan_def_of(fp->plan, d)->body;
        outside = body->noisy || (body->body && plan_has_op(fp->plan, body->body, IR_DRAW));
        for (uint32_t i = 0; i < plan_def_of(fp->plan, d)->body.deps.n; i++) {
            IrDef dep = plan_def_of(fp->plan, d)->body.deps.at[i];
            learn(fp, dep);
            outside |= state_of(fp, dep)->outside;
            changing |= state_of(fp, dep)->changing;
        }
    }
    DefState *s = state_of(fp, d);
    s->outside = outside;
    s->changing = changing || outside;
}

static bool is_fixed(void *context, IrDef d) {
    FuncPlan *fp = context;
    if (!fp->source->cyclic)
        return false;
    learn(fp, d);
    return !state_of(fp, d)->changing;
}

/* ---- places ---- */

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
    if (!state_of(fp, d)->buffer) {
        uint32_t buffer =
            plan_new_buffer(fp->plan, ir_def(fp->plan->ir, d)->elem, ir_size(fp->plan->ir, d), d, true);
        state_of(fp, d)->buffer = buffer;
    }
    return state_of(fp, d)->buffer;
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

/* Whether two INPUTs or VIEWs share elements. */
static bool overlaps(IrProgram *ir, IrDef a, IrDef b) {
    const IrDefInfo *x = ir_def(ir, a), *y = ir_def(ir, b);
    if (root_of(ir, a) != root_of(ir, b))
        return false;
    uint64_t at_a = x->kind == IR_DEF_VIEW ? x->offset : 0, at_b = y->kind == IR_DEF_VIEW ? y->offset : 0;
    return at_a < at_b + ir_size(ir, b) && at_b < at_a + ir_size(ir, a);
}

/* ---- operations ---- */

static void whole_strides(Op *op, OpOut *out) {
    uint64_t stride = 1;
    for (uint32_t i = op->rank; i-- > 0; stride *= op->extent[i])
        out->stride[i] = stride;
}

static Op *new_op(FuncPlan *fp, OpKind kind, IrDef def, const PlanBody *body, uint32_t rank,
                  const uint64_t *extent) {
    Op *op = ARENA_NEW(fp->plan->arena, Op);
    op->kind = kind;
    op->def = def;
    op->body = body;
    op->rank = rank;
    if (rank)
        memcpy(op->extent, extent, sizeof *extent * rank);
    op->repeated = fp->n_open > 0;
    op->elem = body ? body->elem : IR_F64;
    return op;
}

void plan_push_op(FuncPlan *fp, Op *op) {
    plan_op_reads(fp, op);
    vec_push(&fp->ops, op);
}

Op *plan_body_op(FuncPlan *fp, IrDef def, const PlanBody *body, uint32_t rank, const uint64_t *extent,
                 IrDef as, uint32_t buffer, uint64_t at) {
    OpKind kind = body->form == FORM_CONTRACT ? OP_CONTRACT
                  : body->form == FORM_LINALG ? OP_LINALG
                                              : OP_LOOPS;
    Op *op = new_op(fp, kind, def, body, rank, extent);
    op->n_out = 1;
    op->out[0] = (OpOut){.def = as, .buffer = buffer, .at = at};
    whole_strides(op, &op->out[0]);
    if (kind == OP_LOOPS)
        plan_order_loops(fp, op, plan_expand(fp->plan, body->body));
    return op;
}

const PlanBody *plan_simple_body(FuncPlan *fp, IrTerm t, IrElem elem) {
    PlanBody *body = ARENA_NEW(fp->plan->arena, PlanBody);
    *body = (PlanBody){.form = FORM_MAP, .elem = elem, .body = t};
    return body;
}

IrTerm plan_whole_read(IrProgram *ir, IrDef d) {
    IrTerm subs[IR_MAX_RANK];
    uint32_t rank = ir_def(ir, d)->rank;
    for (uint32_t i = 0; i < rank; i++)
        subs[i] = ir_idx(ir, ir_axis(ir, i, ir_def(ir, d)->extent[i]));
    return ir_read(ir, d, subs, rank);
}

/* Sets `n` elements of CONCAT d from element `at` to 0. */
static void fill_gap(FuncPlan *fp, IrDef d, uint64_t at, uint64_t n) {
    uint64_t base;
    uint32_t buffer = plan_buffer_of(fp, d, &base);
    const PlanBody *zero = plan_simple_body(fp, ir_real(fp->plan->ir, 0), ir_def(fp->plan->ir, d)->elem);
    Op *op = plan_body_op(fp, d, zero, 1, &n, 0, buffer, base + at);
    plan_out_place(fp, &op->out[0], d);
    plan_push_op(fp, op);
}

static void copy_piece(FuncPlan *fp, IrDef d, const IrPiece *piece) {
    IrProgram *ir = fp->plan->ir;
    uint64_t base, extent[IR_MAX_RANK];
    uint32_t buffer = plan_buffer_of(fp, d, &base), rank = ir_def(ir, piece->def)->rank;
    memcpy(extent, ir_def(ir, piece->def)->extent, sizeof extent);
    const PlanBody *copy = plan_simple_body(fp, plan_whole_read(ir, piece->def), ir_def(ir, d)->elem);
    Op *op = plan_body_op(fp, d, copy, rank, extent, 0, buffer, base);
    plan_out_place(fp, &op->out[0], d);
    const IrDefInfo *info = ir_def(ir, d);
    if (info->rank == 1)
        op->out[0].at += piece->at[0];
    else {
        op->out[0].at += piece->at[0] * info->extent[1] + piece->at[1];
        /* A piece of rank 1 is a row of the concat. */
        op->out[0].stride[0] = rank == 2 ? info->extent[1] : 1;
        op->out[0].stride[1] = 1;
    }
    plan_push_op(fp, op);
}

static int by_place(const void *a, const void *b) {
    const IrPiece *x = a, *y = b;
    return x->at[0] < y->at[0] ? -1 : x->at[0] > y->at[0];
}

/* What the pieces that lie in place do not cover: copies of the others, zeros between them. */
static void compute_concat(FuncPlan *fp, IrDef d) {
    IrProgram *ir = fp->plan->ir;
    uint32_t n = ir_def(ir, d)->n_pieces;
    IrPiece *pieces = ARENA_ARRAY(fp->plan->arena, IrPiece, n);
    memcpy(pieces, ir_def(ir, d)->pieces, sizeof *pieces * n);
    uint64_t size = ir_size(ir, d), covered = 0;
    if (ir_def(ir, d)->rank == 1) {
        qsort(pieces, n, sizeof *pieces, by_place);
        for (uint32_t i = 0; i < n; i++) {
            if (pieces[i].at[0] > covered)
                fill_gap(fp, d, covered, pieces[i].at[0] - covered);
            covered = pieces[i].at[0] + ir_size(ir, pieces[i].def);
        }
        if (covered < size)
            fill_gap(fp, d, covered, size - covered);
    } else {
        for (uint32_t i = 0; i < n; i++)
            covered += ir_size(ir, pieces[i].def);
        if (covered < size)
            fill_gap(fp, d, 0, size);
    }
    for (uint32_t i = 0; i < n; i++) {
        PlanDef *piece = plan_def_of(fp->plan, pieces[i].def);
        bool here = piece->home == d && piece->home_at == pieces[i].at[0];
        if (!here || ir_def(ir, d)->rank != 1)
            copy_piece(fp, d, &pieces[i]);
    }
}

static void compute_op(FuncPlan *fp, IrDef d) {
    IrProgram *ir = fp->plan->ir;
    PlanBody *body = ARENA_NEW(fp->plan->arena, PlanBody);
    *body = plan_def_of(fp->plan, d)->body;
    if (body->form == FORM_CONCAT) {
        compute_concat(fp, d);
        return;
    }
    uint64_t at, extent[IR_MAX_RANK];
    memcpy(extent, ir_def(ir, d)->extent, sizeof extent);
    uint32_t buffer = plan_buffer_of(fp, d, &at);
    Op *op = plan_body_op(fp, d, body, ir_def(ir, d)->rank, extent, d, buffer, at);
    plan_out_place(fp, &op->out[0], d);
    plan_push_op(fp, op);
    if (plan_def_of(fp->plan, d)->is_check)
        plan_push_op(fp, new_op(fp, OP_STOP, d, NULL, 0, extent));
}

/* ---- versions ---- */

static void want_body(FuncPlan *fp, const PlanBody *body);
static void want(FuncPlan *fp, IrDef d);

/* Copies `from`, which lies elsewhere, to element `at` of scan d, or to the row that is computed. */
static void copy_rows(FuncPlan *fp, IrDef d, IrDef from, uint64_t at, bool row) {
    uint64_t base, extent[IR_MAX_RANK];
    uint32_t buffer = plan_buffer_of(fp, d, &base);
    if (!fp->record)
        return;
    memcpy(extent, ir_def(fp->plan->ir, from)->extent, sizeof extent);
    const PlanBody *copy = plan_simple_body(fp, plan_whole_read(fp->plan->ir, from), ir_def(fp->plan->ir, d)->elem);
    Op *op = plan_body_op(fp, d, copy, ir_def(fp->plan->ir, from)->rank, extent, 0, buffer, base + at);
    if (row) {
        op->out[0].place = op->out[0].scan = d;
        op->out[0].lag = 0;
    } else {
        plan_out_place(fp, &op->out[0], d);
    }
    plan_push_op(fp, op);
}

static uint64_t start_place(const IrProgram *ir, IrDef d, const IrScan *scan) {
    return scan->backward ? ir_size(ir, d) / scan->count * (scan->count - scan->lags) : 0;
}

/* A region of operations, gone through for every row. What it needs from outside has been computed; what it computes is
 * another thing for the next row, and nothing after the last one. */
static void compute_scan(FuncPlan *fp, IrDef d) {
    IrProgram *ir = fp->plan->ir;
    IrScan scan = ir_scan_of(ir, d);
    if (scan.start && plan_def_of(fp->plan, scan.start)->home != d)
        copy_rows(fp, d, scan.start, start_place(ir, d, &scan), false);
    if (fp->record)
        plan_push_op(fp, new_op(fp, OP_OPEN, d, NULL, 0, NULL));
    fp->n_open++;
    fp->epoch++;
    want(fp, scan.row);
    if (plan_def_of(fp->plan, scan.row)->home != d)
        copy_rows(fp, d, scan.row, 0, true);
    fp->n_open--;
    if (fp->record)
        plan_push_op(fp, new_op(fp, OP_CLOSE, d, NULL, 0, NULL));
    fp->epoch++;
    for (IrDef k = 1; k < fp->state.n; k++)
        if (fp->state.at[k].valid && ir_in_scan(ir, d, k))
            fp->state.at[k].valid = fp->state.at[k].untouched = false;
}

/* Forgets what was computed from an unknown: it is another one in the next iteration, and none outside. */
static void outdate_equation(FuncPlan *fp, IrDef unknown) {
    fp->epoch++;
    for (IrDef d = 1; d < fp->state.n; d++)
        if (fp->state.at[d].valid && ir_def_depends(fp->plan->ir, d, unknown))
            fp->state.at[d].valid = fp->state.at[d].untouched = false;
}

static void push_newton(FuncPlan *fp, OpKind kind, IrDef root, uint32_t keeps) {
    if (!fp->record)
        return;
    Op *op = new_op(fp, kind, root, NULL, 0, NULL);
    op->buffer = keeps;
    plan_push_op(fp, op);
}

/* u is solved for in its own buffer, in a region of operations that is repeated; then it is copied to that of the root. What
 * the equation needs from outside has been computed. */
static void compute_root(FuncPlan *fp, IrDef d) {
    IrProgram *ir = fp->plan->ir;
    PlanBody body = plan_def_of(fp->plan, d)->body;
    uint64_t size = ir_size(ir, d), at;
    uint32_t keeps = fp->record ? plan_new_buffer(fp->plan, IR_F64, RT_NEWTON_WORK(size), d, true) : 0;
    push_newton(fp, OP_OPEN, d, keeps);
    fp->n_open++;
    fp->epoch++;
    want(fp, body.residual);
    push_newton(fp, OP_LOOK, d, keeps);
    want(fp, body.correction);
    push_newton(fp, OP_CLOSE, d, keeps);
    fp->n_open--;
    outdate_equation(fp, body.unknown);
    if (!fp->record)
        return;
    uint32_t buffer = plan_buffer_of(fp, d, &at);
    const PlanBody *copy = plan_simple_body(fp, plan_whole_read(ir, body.unknown), IR_F64);
    Op *op = plan_body_op(fp, d, copy, 1, &size, d, buffer, at);
    plan_out_place(fp, &op->out[0], d);
    plan_push_op(fp, op);
}

/* Makes d and what it reads valid. While nothing is outdated, a definition wanted once stays so: the walk comes
 * to each once, also to those computed where they are used. */
static void want(FuncPlan *fp, IrDef d) {
    PlanDef *def = plan_def_of(fp->plan, d);
    if (def->body.form == FORM_INPUT || def->body.form == FORM_VIEW || state_of(fp, d)->seen == fp->epoch)
        return;
    state_of(fp, d)->seen = fp->epoch;
    if (def->inlined) {
        PlanBody body = def->body;
        want_body(fp, &body);
        return;
    }
    DefState *s = state_of(fp, d);
    if (s->valid) {
        s->wanted |= s->kept && s->untouched;
        return;
    }
    s->valid = true;
    s->wanted |= s->untouched;
    PlanBody body = def->body;
    want_body(fp, &body);
    s = state_of(fp, d);
    s->computed++;
    s->untouched = false;
    if (body.form == FORM_SCAN)
        compute_scan(fp, d);
    else if (body.form == FORM_ROOT)
        compute_root(fp, d);
    else if (fp->record)
        compute_op(fp, d);
}

static void want_body(FuncPlan *fp, const PlanBody *body) {
    for (uint32_t i = 0; i < body->deps.n; i++)
        want(fp, body->deps.at[i]);
}

/* After assignments to the group's targets. */
static void outdate(FuncPlan *fp, const AssignGroup *group) {
    IrProgram *ir = fp->plan->ir;
    uint32_t n = ir_def_count(ir) + 1;
    uint8_t *moved = base_calloc(n, 1);
    for (uint32_t i = 0; i < group->n; i++)
        moved[group->at[i].target] = 1;
    ir_spread(ir, moved);
    fp->epoch++;
    for (IrDef d = 1; d < fp->state.n; d++) {
        IrDefKind kind = ir_def(ir, d)->kind;
        if (moved[d] && kind != IR_DEF_INPUT && kind != IR_DEF_VIEW)
            fp->state.at[d].valid = fp->state.at[d].untouched = false;
    }
    free(moved);
}

/* ---- groups ---- */

static void run_groups(FuncPlan *fp) {
    for (uint32_t g = 0; g < fp->n_groups; g++) {
        AssignGroup *group = &fp->groups[g];
        for (uint32_t i = 0; i < group->n; i++)
            want_body(fp, &group->at[i].body);
        if (fp->record)
            plan_schedule_group(fp, group);
        outdate(fp, group);
    }
}

/* ---- analysis ---- */

static bool is_computed(const PlanDef *def) { return def->body.form != FORM_INPUT && def->body.form != FORM_VIEW; }

/* Whether d is computed in the region of scan or root s. */
static bool is_in_region(FuncPlan *fp, IrDef s, IrDef d) {
    const PlanDef *def = &fp->plan->defs.at[s];
    if (def->mark != fp->plan->walk)
        return false;
    return def->body.form == FORM_SCAN ? ir_in_scan(fp->plan->ir, s, d)
                                       : def->body.form == FORM_ROOT && ir_def_depends(fp->plan->ir, d, def->body.unknown);
}

/* The innermost scan or root in whose region d is computed; 0: in none. */
static IrDef region_of(FuncPlan *fp, IrDef d) {
    Plan *plan = fp->plan;
    IrDef region = 0;
    for (IrDef s = 1; s < plan->defs.n && !region; s++) /* scans inside come before those around them */
        if (is_in_region(fp, s, d))
            region = s;
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
    if (is_computed(row) && !row->home && row->body.form != FORM_SCAN && region_of(fp, scan.row) == d) {
        row->home = row->scan = d;
        row->home_at = 0;
    }
    if (!scan.start || !is_computed(start) || start->home || start->body.form == FORM_SCAN)
        return;
    learn(fp, d);
    learn(fp, scan.start);
    if (state_of(fp, d)->changing == state_of(fp, scan.start)->changing &&
        state_of(fp, d)->outside == state_of(fp, scan.start)->outside && region_of(fp, scan.start) == region_of(fp, d)) {
        start->home = d;
        start->home_at = start_place(plan->ir, d, &scan);
    }
}

/* Gives rows of scans and pieces of rank-1 CONCATs their place inside it. */
static void find_homes(FuncPlan *fp) {
    Plan *plan = fp->plan;
    for (IrDef d = 1; d < plan->defs.n; d++)
        plan_def_of(plan, d)->home = plan_def_of(plan, d)->scan = 0;
    for (IrDef d = 1; d < plan->defs.n; d++)
        if (plan->defs.at[d].mark == plan->walk && plan->defs.at[d].body.form == FORM_SCAN)
            find_rows(fp, d);
    for (IrDef d = 1; d < plan->defs.n; d++) {
        if (plan->defs.at[d].mark != plan->walk || plan->defs.at[d].body.form != FORM_CONCAT ||
            ir_def(plan->ir, d)->rank != 1)
            continue;
        for (uint32_t i = 0; i < ir_def(plan->ir, d)->n_pieces; i++) {
            IrPiece piece = ir_def(plan->ir, d)->pieces[i];
            PlanDef *def = plan_def_of(plan, piece.def);
            learn(fp, piece.def);
            learn(fp, d);
            bool own = is_computed(def) && !def->home;
            if (own && ir_def(plan->ir, piece.def)->elem == ir_def(plan->ir, d)->elem &&
                state_of(fp, piece.def)->changing == state_of(fp, d)->changing &&
                state_of(fp, piece.def)->outside == state_of(fp, d)->outside &&
                region_of(fp, piece.def) == region_of(fp, d)) {
                def->home = d;
                def->home_at = piece.at[0];
            }
        }
    }
}

static void begin(FuncPlan *fp, bool kept) {
    fp->epoch++;
    for (IrDef d = 0; d < fp->state.n; d++) {
        DefState *s = &fp->state.at[d];
        s->valid = kept && s->kept;
        s->untouched = true;
        s->computed = 0;
        s->wanted = false;
    }
}

/* Two rehearsals: the first finds what could be kept, the second which of that is asked for. */
static void find_kept(FuncPlan *fp) {
    fp->record = false;
    state_of(fp, ir_def_count(fp->plan->ir));
    begin(fp, false);
    run_groups(fp);
    for (IrDef d = 1; d < fp->state.n; d++) {
        if (!fp->state.at[d].computed || !fp->source->cyclic)
            continue;
        learn(fp, d);
        DefState *s = &fp->state.at[d];
        bool carried = s->computed > 1 && s->wanted && s->valid && !s->outside;
        s->kept = !s->changing || carried;
    }
    begin(fp, true);
    run_groups(fp);
    for (IrDef d = 1; d < fp->state.n; d++) {
        DefState *s = &fp->state.at[d];
        s->kept = s->kept && s->wanted;
        if (!s->kept)
            continue;
        vec_push(&fp->kept, d);
        uint64_t at;
        uint32_t buffer = plan_buffer_of(fp, d, &at);
        fp->plan->buffers.at[buffer].is_scratch = false;
    }
}

void plan_analyze(FuncPlan *fp) {
    Plan *plan = fp->plan;
    IrProgram *ir = plan->ir;
    VEC(DecideRoot) roots = {0};
    fp->n_groups = fp->source->groups.n;
    fp->groups = ARENA_ARRAY(plan->arena, AssignGroup, fp->n_groups + 1);
    for (uint32_t g = 0; g < fp->n_groups; g++) {
        const IrGroup *group = &fp->source->groups.at[g];
        fp->groups[g] = (AssignGroup){.at = ARENA_ARRAY(plan->arena, Assign, group->n + 1), .n = group->n};
        for (uint32_t i = 0; i < group->n; i++) {
            Assign *a = &fp->groups[g].at[i];
            uint64_t extent[IR_MAX_RANK];
            a->target = group->at[i].target;
            a->span = group->at[i].span;
            plan_normalize_def(plan, a->target);
            memcpy(extent, ir_def(ir, a->target)->extent, sizeof extent);
            plan_normalize_term(plan, group->at[i].value, ir_def(ir, a->target)->elem,
                                ir_def(ir, a->target)->rank, extent, &a->body);
            vec_push(&roots, (DecideRoot){&a->body, a->target});
        }
    }
    note_targets(fp);
    plan_decide(plan, roots.at, roots.n, is_fixed, fp);
    find_homes(fp);
    vec_free(&roots);
    find_kept(fp);
}

void plan_schedule(FuncPlan *fp, bool prepare) {
    fp->record = true;
    fp->in_prepare = prepare;
    fp->ops.n = 0;
    begin(fp, !prepare);
    if (!prepare) {
        run_groups(fp);
        return;
    }
    for (uint32_t i = 0; i < fp->kept.n; i++)
        want(fp, fp->kept.at[i]);
}
