/* fuse — operations that share their outermost loop.
 *
 * needs: FuncPlan.ops in an order that is right as it stands.
 * gives: kernels: lists of operations built into one outer loop (or one call).
 * changes: an operation may move up past others it has nothing to do with, into the kernel it shares data
 * with.
 *
 * Two operations may share a loop when everything one of them writes and the other touches is the same
 * element of that loop's axis in both: iteration i of the later needs nothing but iteration i of the earlier.
 */
#include "pass.h"

#define PARALLEL_WORK 1e6 /* operations from which a loop is cut into pieces */
#define PIECE_WORK 4e5
#define MAX_RESULTS 4096.0 /* elements of a reduction that may have a partial result for each piece */
#define MAX_PIECES 256
#define MAX_FUSED 32 /* operations in one loop: beyond, the loop has more streams than the machine */

static bool touches(const OpOut *out, const Op *writer, const OpRead *r, const IrProgram *ir) {
    (void)ir;
    if (r->buffer != out->buffer || (r->scan && r->scan == out->scan && r->lag != out->lag))
        return false;
    if (r->scan != out->scan)
        return true;
    uint64_t last = out->at;
    for (uint32_t i = 0; i < writer->rank; i++)
        last += (writer->extent[i] - 1) * out->stride[i];
    return r->lo <= last && out->at < r->hi;
}

static bool writes_overlap(const Op *x, const OpOut *a, const Op *y, const OpOut *b) {
    if (a->buffer != b->buffer || (a->scan && a->scan == b->scan && a->lag != b->lag))
        return false;
    if (a->scan != b->scan)
        return true;
    uint64_t last_a = a->at, last_b = b->at;
    for (uint32_t i = 0; i < x->rank; i++)
        last_a += (x->extent[i] - 1) * a->stride[i];
    for (uint32_t i = 0; i < y->rank; i++)
        last_b += (y->extent[i] - 1) * b->stride[i];
    return a->at <= last_b && b->at <= last_a;
}

/* Whether read r of `reader` takes, at `depth`, the element of `out` that the writer's loop at that depth is
 * at. */
static bool is_aligned(IrProgram *ir, const Op *writer, const OpOut *out, const Op *reader, const OpRead *r,
                       uint32_t depth) {
    int axis = writer->loop[depth].axis;
    if (axis < 0 || !out->def || !r->read)
        return false;
    IrNode node = *ir_node(ir, r->read);
    if (node.arg[0] != out->def || (uint32_t)axis >= node.arg[2])
        return false;
    const IrNode *sub = ir_node(ir, ir_read_subs(ir, r->read)[axis]);
    return sub->op == IR_INDEX && sub->arg[0] == reader->loop[depth].index;
}

bool plan_may_share(FuncPlan *fp, const Op *earlier, const Op *later, uint32_t depth) {
    IrProgram *ir = fp->plan->ir;
    if (earlier->kind != OP_LOOPS || later->kind != OP_LOOPS || earlier->n_loops <= depth ||
        later->n_loops <= depth)
        return false;
    const OpLoop *a = &earlier->loop[depth], *b = &later->loop[depth];
    if (a->extent != b->extent || a->guard || b->guard)
        return false;
    for (uint32_t o = 0; o < earlier->n_out; o++)
        for (uint32_t i = 0; i < later->reads.n; i++)
            if (touches(&earlier->out[o], earlier, &later->reads.at[i], ir) &&
                !is_aligned(ir, earlier, &earlier->out[o], later, &later->reads.at[i], depth))
                return false;
    for (uint32_t o = 0; o < later->n_out; o++)
        for (uint32_t i = 0; i < earlier->reads.n; i++)
            if (touches(&later->out[o], later, &earlier->reads.at[i], ir) &&
                !is_aligned(ir, later, &later->out[o], earlier, &earlier->reads.at[i], depth))
                return false;
    for (uint32_t o = 0; o < earlier->n_out; o++)
        for (uint32_t q = 0; q < later->n_out; q++)
            if (writes_overlap(earlier, &earlier->out[o], later, &later->out[q]) &&
                (!earlier->out[o].def || earlier->out[o].def != later->out[q].def || a->axis < 0 ||
                 a->axis != b->axis))
                return false;
    return true;
}

/* What nothing moves across: ends of the function, and of iterations. */
static bool stays(const Op *op) {
    return op->kind == OP_STOP || op->kind == OP_OPEN || op->kind == OP_TURN || op->kind == OP_CLOSE;
}

/* Whether the two may not change places. */
static bool conflict(const Op *earlier, const Op *later, const IrProgram *ir) {
    if (stays(earlier) || stays(later))
        return true;
    for (uint32_t o = 0; o < earlier->n_out; o++) {
        for (uint32_t i = 0; i < later->reads.n; i++)
            if (touches(&earlier->out[o], earlier, &later->reads.at[i], ir))
                return true;
        for (uint32_t q = 0; q < later->n_out; q++)
            if (writes_overlap(earlier, &earlier->out[o], later, &later->out[q]))
                return true;
    }
    for (uint32_t o = 0; o < later->n_out; o++)
        for (uint32_t i = 0; i < earlier->reads.n; i++)
            if (touches(&later->out[o], later, &earlier->reads.at[i], ir))
                return true;
    return false;
}

/* Whether the two touch a common buffer: what makes sharing a loop pay. */
static bool shares_data(const Op *a, const Op *b) {
    for (uint32_t i = 0; i < b->reads.n; i++) {
        for (uint32_t o = 0; o < a->n_out; o++)
            if (a->out[o].buffer == b->reads.at[i].buffer)
                return true;
        for (uint32_t k = 0; k < a->reads.n; k++)
            if (a->reads.at[k].buffer == b->reads.at[i].buffer)
                return true;
    }
    for (uint32_t i = 0; i < a->reads.n; i++)
        for (uint32_t o = 0; o < b->n_out; o++)
            if (b->out[o].buffer == a->reads.at[i].buffer)
                return true;
    return false;
}

static bool joins(FuncPlan *fp, const Kernel *k, const Op *op) {
    bool data = false;
    if (op->kind != OP_LOOPS || op->n_loops == 0 || k->ops.n >= MAX_FUSED)
        return false;
    for (uint32_t i = 0; i < k->ops.n; i++) {
        if (!plan_may_share(fp, k->ops.at[i], op, 0))
            return false;
        data |= shares_data(k->ops.at[i], op);
    }
    return data;
}

/* Piece sizes follow from the loop alone, never from the number of threads. A loop that reduces is cut as
 * well where its results are few. */
static void decide_pieces(Kernel *k) {
    double work = 0;
    bool reduces = false;
    for (uint32_t i = 0; i < k->ops.n; i++) {
        const Op *op = k->ops.at[i];
        if (op->kind != OP_LOOPS || op->n_loops == 0 || op->loop[0].guard)
            return;
        bool arg = op->reduce == IR_ARGMAX || op->reduce == IR_ARGMIN;
        double size = 1;
        for (uint32_t a = 0; a < op->rank; a++)
            size *= (double)op->extent[a];
        if (op->loop[0].axis < 0 && (arg || size > MAX_RESULTS))
            return;
        if (i > 0 && reduces != (op->loop[0].axis < 0))
            return;
        reduces = op->loop[0].axis < 0;
        work += op->work;
    }
    if (work < PARALLEL_WORK)
        return;
    int64_t extent = (int64_t)k->ops.at[0]->loop[0].extent;
    double each = work / (double)extent;
    int64_t chunk = (int64_t)(PIECE_WORK / each);
    if (each < 500)
        chunk = (chunk + 1023) / 1024 * 1024;
    chunk = chunk < 1 ? 1 : chunk;
    if (reduces && extent / chunk > MAX_PIECES)
        chunk = (extent + MAX_PIECES - 1) / MAX_PIECES;
    k->chunk = chunk < extent ? chunk : 0;
}

/* Whether neighbouring kernels are one loop: what comes between an operation and the loop it shares no data with may itself be
 * of that loop (a decay of weights between the momenta and the move). */
static bool merges(FuncPlan *fp, const Kernel *a, const Kernel *b) {
    bool data = false;
    if (a->ops.n + b->ops.n > MAX_FUSED)
        return false;
    for (uint32_t j = 0; j < b->ops.n; j++) {
        const Op *op = b->ops.at[j], *first = a->ops.at[0];
        if (op->kind != OP_LOOPS || op->n_loops == 0 || first->kind != OP_LOOPS || first->n_loops == 0 ||
            (op->loop[0].axis < 0) != (first->loop[0].axis < 0))
            return false;
        data = joins(fp, a, op) || data;
        for (uint32_t i = 0; i < a->ops.n; i++)
            if (!plan_may_share(fp, a->ops.at[i], op, 0))
                return false;
    }
    return data;
}

static void merge_neighbours(FuncPlan *fp, KernelList *list) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < list->n; k++) {
        if (n && merges(fp, &list->at[n - 1], &list->at[k])) {
            for (uint32_t i = 0; i < list->at[k].ops.n; i++)
                vec_push(&list->at[n - 1].ops, list->at[k].ops.at[i]);
            vec_free(&list->at[k].ops);
        } else {
            list->at[n++] = list->at[k];
        }
        for (uint32_t i = 0; i < list->at[n - 1].ops.n; i++)
            list->at[n - 1].ops.at[i]->kernel = n - 1;
    }
    list->n = n;
}

void plan_fuse(FuncPlan *fp, KernelList *out) {
    for (uint32_t i = 0; i < fp->ops.n; i++) {
        Op *op = fp->ops.at[i];
        uint32_t at = out->n;
        for (uint32_t k = out->n; k-- > 0 && out->n - k <= 64;) {
            if (joins(fp, &out->at[k], op)) {
                at = k;
                break;
            }
            bool blocked = false;
            for (uint32_t j = 0; j < out->at[k].ops.n && !blocked; j++)
                blocked = conflict(out->at[k].ops.at[j], op, fp->plan->ir);
            if (blocked)
                break;
        }
        if (at == out->n)
            vec_push(out, (Kernel){0});
        op->kernel = at;
        vec_push(&out->at[at].ops, op);
    }
    merge_neighbours(fp, out);
    for (uint32_t k = 0; k < out->n; k++)
        decide_pieces(&out->at[k]);
}
