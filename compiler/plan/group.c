/* group — the assignments of one group in an order that may be run.
 *
 * needs: normalized assignments; what they read has been computed
 * gives: their operations, each value computed from what stood before the group
 * changes: buffers are made for what takes a detour */
#include "pass.h"

/* Whether a body, with what is put into it, reads elements of `target`; *other: in another way than element
 * for element (as `target` itself at the loops' own indices). */
static void reads_of(const Op *op, uint32_t buffer, uint64_t lo, uint64_t hi, IrDef target, IrProgram *ir,
                     bool *any, bool *other) {
    for (uint32_t i = 0; i < op->reads.n; i++) {
        const OpRead *r = &op->reads.at[i];
        if (r->buffer != buffer || r->lo >= hi || lo >= r->hi)
            continue;
        *any = true;
        if (!r->read || ir_node(ir, r->read)->arg[0] != target || op->by_memory || op->reduce != IR_NONE) {
            *other = true;
            continue;
        }
        const IrTerm *subs = ir_read_subs(ir, r->read);
        uint32_t n_subs = ir_node(ir, r->read)->arg[2]; /* `target` may be of another rank than what is computed */
        for (uint32_t k = 0; k < op->n_loops; k++) {
            const IrNode *sub = (uint32_t)op->loop[k].axis < n_subs ? ir_node(ir, subs[op->loop[k].axis]) : ir_node(ir, 0);
            if (sub->op != IR_INDEX || sub->arg[0] != op->loop[k].index)
                *other = true;
        }
    }
}

static Op *assign_op(FuncPlan *fp, const Assign *a) {
    uint64_t at, extent[IR_MAX_RANK];
    IrProgram *ir = fp->plan->ir;
    memcpy(extent, ir_def(ir, a->target)->extent, sizeof extent);
    uint32_t buffer = plan_buffer_of(fp, a->target, &at);
    Op *op = plan_body_op(fp, a->target, &a->body, ir_def(ir, a->target)->rank, extent, a->target, buffer, at);
    op->out[0].assigned = true;
    plan_op_reads(fp, op);
    return op;
}

/* Computes into a buffer of its own; the copy into the target comes when the whole group is computed. */
static Op *detour(FuncPlan *fp, Op *op) {
    IrProgram *ir = fp->plan->ir;
    uint32_t buffer =
        plan_new_buffer(fp->plan, ir_def(ir, op->def)->elem, ir_size(ir, op->def), op->def, true);
    /* The copy reads the detour's buffer under the target's shape: a definition that no one else spells. */
    IrDef def = ir_input(ir, 0, IR_ROLE_NONE, ir_def(ir, op->def)->elem, op->rank, op->extent);
    plan_normalize_def(fp->plan, def);
    while (fp->plan->input_buffer.n <= def)
        vec_push(&fp->plan->input_buffer, 0);
    fp->plan->input_buffer.at[def] = buffer;
    const PlanBody *copy = plan_simple_body(fp, ir_read_whole(ir, def), op->elem);
    Op *back = plan_body_op(fp, op->def, copy, op->rank, op->extent, op->def, op->out[0].buffer, op->out[0].at);
    back->out[0].assigned = true;
    op->out[0].def = def;
    op->out[0].buffer = buffer;
    op->out[0].at = 0;
    op->out[0].assigned = false;
    return back;
}

static bool same_loops(const Op *a, const Op *b) {
    return a->kind == OP_LOOPS && b->kind == OP_LOOPS && a->reduce == IR_NONE && b->reduce == IR_NONE &&
           a->rank == b->rank && memcmp(a->extent, b->extent, sizeof *a->extent * a->rank) == 0;
}

/* Joins elementwise assignments that read each other's targets into one operation that computes all values
 * before it stores any. */
static bool merge_group(FuncPlan *fp, Op **op, uint32_t n) {
    IrProgram *ir = fp->plan->ir;
    if (n > sizeof op[0]->out / sizeof *op[0]->out)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        if (!same_loops(op[0], op[i]))
            return false;
        for (uint32_t j = 0; j < n; j++) {
            bool any = false, other = false;
            const OpOut *t = &op[j]->out[0];
            reads_of(op[i], t->buffer, t->at, t->at + ir_size(ir, op[j]->def), t->def, ir, &any, &other);
            if (other)
                return false;
        }
    }
    for (uint32_t i = 1; i < n; i++) {
        IrIdx from[IR_MAX_RANK];
        IrTerm to[IR_MAX_RANK];
        for (uint32_t k = 0; k < op[0]->n_loops; k++) {
            from[k] = op[i]->loop[k].index;
            to[k] = ir_idx(ir, op[0]->loop[k].index);
        }
        op[0]->out[i] = op[i]->out[0];
        op[0]->out[i].value = ir_subst(ir, op[i]->out[0].value, from, to, op[0]->n_loops);
        op[0]->work += op[i]->work;
        op[0]->n_out++;
        vec_free(&op[i]->reads);
    }
    plan_push_op(fp, op[0]);
    return true;
}

static bool is_read_by(IrProgram *ir, const Op *target, const Op *by, bool *other) {
    bool any = false;
    const OpOut *t = &target->out[0];
    reads_of(by, t->buffer, t->at, t->at + ir_size(ir, target->def), t->def, ir, &any, other);
    return any;
}

/* An assignment of a group that is not made yet. */
typedef struct Waiting {
    Op *op;
    uint32_t number;     /* in the group */
    uint32_t readers;    /* other waiting assignments that read its target */
    bool clashes;        /* reads its own target otherwise than element for element */
    VEC(uint32_t) reads; /* the others whose targets it reads */
} Waiting;

static int by_buffer(const void *a, const void *b) {
    const Waiting *x = *(Waiting *const *)a, *y = *(Waiting *const *)b;
    uint32_t of_x = x->op->out[0].buffer, of_y = y->op->out[0].buffer;
    return of_x != of_y ? (of_x > of_y) - (of_x < of_y) : (x->number > y->number) - (x->number < y->number);
}

/* The first of `n` assignments, in order of buffer, whose target lies in `buffer`, or one past it. */
static uint32_t first_in(Waiting **sorted, uint32_t n, uint32_t buffer) {
    uint32_t lo = 0, hi = n;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        if (sorted[mid]->op->out[0].buffer < buffer)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* Who reads whose target. `seen`, by number, is the last assignment asked about. */
static void find_readers(FuncPlan *fp, Waiting *waiting, uint32_t n) {
    IrProgram *ir = fp->plan->ir;
    Waiting **sorted = base_calloc(n, sizeof *sorted);
    uint32_t *seen = base_calloc(n, sizeof *seen);
    for (uint32_t i = 0; i < n; i++)
        sorted[i] = &waiting[i];
    qsort(sorted, n, sizeof *sorted, by_buffer);
    for (uint32_t j = 0; j < n; j++) {
        Waiting *by = &waiting[j];
        for (uint32_t r = 0; r < by->op->reads.n; r++) {
            uint32_t buffer = by->op->reads.at[r].buffer;
            for (uint32_t k = first_in(sorted, n, buffer); k < n && sorted[k]->op->out[0].buffer == buffer; k++) {
                Waiting *target = sorted[k];
                bool other = false, is_new = seen[target->number] != j + 1;
                seen[target->number] = j + 1;
                if (!is_new || !is_read_by(ir, target->op, by->op, &other))
                    continue;
                target->clashes |= target == by && other;
                target->readers += target != by;
                if (target != by)
                    vec_push(&by->reads, target->number);
            }
        }
    }
    free(sorted);
    free(seen);
}

/* Takes one out of those that wait. */
static void leave(Waiting *waiting, Waiting *w) {
    for (uint32_t i = 0; i < w->reads.n; i++)
        waiting[w->reads.at[i]].readers--;
    vec_free(&w->reads);
    w->op = NULL;
}

/* Joins all that wait, from number `first` on; false when they are not alike. */
static bool merge_waiting(FuncPlan *fp, Waiting *waiting, uint32_t first, uint32_t n) {
    Op *op[sizeof(((Op *)0)->out) / sizeof(OpOut)];
    uint32_t left = 0;
    for (uint32_t i = first; i < n; i++) {
        if (waiting[i].op && left == sizeof op / sizeof *op)
            return false;
        if (waiting[i].op)
            op[left++] = waiting[i].op;
    }
    if (left < 2 || !merge_group(fp, op, left))
        return false;
    for (uint32_t i = first; i < n; i++)
        if (waiting[i].op)
            leave(waiting, &waiting[i]);
    return true;
}

/* One group: every value is computed from what stood before the group. Assignments whose target the others do
 * not read any more go first; a ring is merged into one loop or takes a detour. */
void plan_schedule_group(FuncPlan *fp, const AssignGroup *group) {
    Waiting *waiting = ARENA_ARRAY(fp->plan->arena, Waiting, group->n);
    Op **back = ARENA_ARRAY(fp->plan->arena, Op *, group->n);
    uint32_t n = group->n, n_back = 0;
    for (uint32_t i = 0; i < n; i++)
        waiting[i] = (Waiting){.op = assign_op(fp, &group->at[i]), .number = i};
    find_readers(fp, waiting, n);
    for (uint32_t first = 0; first < n;) {
        if (!waiting[first].op) {
            first++;
            continue;
        }
        uint32_t pick = first;
        while (pick < n && (!waiting[pick].op || waiting[pick].readers || waiting[pick].clashes))
            pick++;
        if (pick == n && merge_waiting(fp, waiting, first, n))
            break;
        if (pick == n) {
            pick = first;
            back[n_back++] = detour(fp, waiting[first].op);
        }
        plan_push_op(fp, waiting[pick].op);
        leave(waiting, &waiting[pick]);
    }
    for (uint32_t i = 0; i < n_back; i++)
        plan_push_op(fp, back[i]);
}
