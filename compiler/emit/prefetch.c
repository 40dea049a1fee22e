/* prefetch — rows that a list of row numbers picks from data, asked for while the row before is at work.
 *
 * needs: a loop i with r = list[i], and inside it a loop j that reads data[r·stride + j]      gives: prefetches of the row
 * of i + 1      changes: nothing
 *
 * The processor follows rows that lie one after the other by itself; where the next row of a minibatch lies it cannot
 * know, and waits for its first lines each time. */
#include "parts.h"

enum { LINE = 64, MOST_LINES = 64 }; /* a longer row is followed by the processor once it has begun */

/* A row read in the loop: of `buffer`, from list[i]·stride on, `length` elements. */
typedef struct Row {
    const PlanNode *number; /* the load from the list */
    uint32_t buffer;
    int64_t stride, length;
} Row;

static const PlanNode *node_at(const Emitter *e, PlanValue v) {
    return &e->func->nodes.at[v];
}

/* r·stride with r = list[i]. */
static bool is_row_start(const Emitter *e, const PlanLoop *loop, PlanValue v, Row *row) {
    const PlanNode *n = node_at(e, v);
    if (n->kind != PLAN_OP || n->op != IR_MUL)
        return false;
    for (int side = 0; side < 2; side++) {
        const PlanNode *number = node_at(e, n->arg[side]), *stride = node_at(e, n->arg[1 - side]);
        if (number->kind == PLAN_LOAD && number->arg[1] == loop->index && stride->kind == PLAN_CONST) {
            row->number = number;
            row->stride = (int64_t)stride->bits;
            return row->stride > 0;
        }
    }
    return false;
}

/* Looks for a load of data[r·stride + j] in the loop j. */
static bool find_row(const Emitter *e, const PlanLoop *loop, const PlanLoop *inner, Row *row) {
    const PlanNode *lo = node_at(e, inner->lo), *hi = node_at(e, inner->hi);
    const PlanScope *scope = &e->func->scopes.at[inner->scope];
    if (lo->kind != PLAN_CONST || hi->kind != PLAN_CONST || (int64_t)lo->bits != 0)
        return false;
    row->length = (int64_t)hi->bits;
    for (uint32_t i = 0; i < scope->body.n; i++) {
        const PlanNode *load = node_at(e, scope->body.at[i]), *at = node_at(e, load->arg[1]);
        if (load->kind != PLAN_LOAD || at->kind != PLAN_OP || at->op != IR_ADD ||
            !plan_buffer(e->plan, (uint32_t)load->bits)->is_data)
            continue;
        row->buffer = (uint32_t)load->bits;
        for (int side = 0; side < 2; side++)
            if (at->arg[side] == inner->index && is_row_start(e, loop, at->arg[1 - side], row))
                return true;
    }
    return false;
}

static void ask_for(Emitter *e, LLVMValueRef address) {
    LLVMTypeRef pointer = LLVMTypeOf(address), i32 = LLVMInt32TypeInContext(e->m->context);
    LLVMValueRef args[] = {address, LLVMConstInt(i32, 0, 0) /* to read */, LLVMConstInt(i32, 3, 0) /* and keep */,
                           LLVMConstInt(i32, 1, 0) /* data */};
    unsigned id = LLVMLookupIntrinsicID("llvm.prefetch", strlen("llvm.prefetch"));
    LLVMBuildCall2(e->b, LLVMIntrinsicGetType(e->m->context, id, &pointer, 1),
                   LLVMGetIntrinsicDeclaration(e->m->module, id, &pointer, 1), args, 4, "");
}

/* The row of iteration i + 1, or once more that of the last. */
static void prefetch_row(Emitter *e, const Row *row, LLVMValueRef i, LLVMValueRef hi) {
    LLVMValueRef next = LLVMBuildNSWAdd(e->b, i, emit_int(e->m, 1), "");
    next = LLVMBuildSelect(e->b, LLVMBuildICmp(e->b, LLVMIntSLT, next, hi, ""), next, i, "");
    uint32_t list = (uint32_t)row->number->bits;
    IrElem elem = plan_buffer(e->plan, list)->elem, of = plan_buffer(e->plan, row->buffer)->elem;
    LLVMValueRef number = LLVMBuildLoad2(e->b, emit_elem_type(e->m, elem), emit_pointer(e, list, next), "");
    LLVMTypeRef i64 = LLVMInt64TypeInContext(e->m->context);
    number = elem == IR_U8 ? LLVMBuildZExt(e->b, number, i64, "") : elem == IR_I32 ? LLVMBuildSExt(e->b, number, i64, "") : number;
    LLVMValueRef start = emit_pointer(e, row->buffer, LLVMBuildMul(e->b, number, emit_int(e->m, row->stride), ""));
    int64_t bytes = row->length * (int64_t)plan_elem_bytes(of);
    for (int64_t line = 0; line * LINE < bytes && line < MOST_LINES; line++) {
        LLVMValueRef at = emit_int(e->m, line * LINE);
        ask_for(e, LLVMBuildGEP2(e->b, LLVMInt8TypeInContext(e->m->context), start, &at, 1, ""));
    }
}

void emit_prefetch(Emitter *e, const PlanLoop *loop, LLVMValueRef i, LLVMValueRef hi) {
    const PlanScope *scope = &e->func->scopes.at[loop->scope];
    for (uint32_t k = 0; k < scope->body.n; k++) {
        const PlanNode *n = node_at(e, scope->body.at[k]);
        Row row;
        if (n->kind == PLAN_LOOP && find_row(e, loop, &e->func->loops.at[n->arg[0]], &row)) {
            prefetch_row(e, &row, i, hi);
            return;
        }
    }
}
