/* print — the planned code for a reader: --emit=plan. */
#include "pass.h"

typedef struct Printer {
    const Plan *plan;
    const PlanFunc *func;
    Buf *out;
} Printer;

static const char *elem_name(IrElem elem) {
    switch (elem) {
    case IR_F64: return "f64";
    case IR_F32: return "f32";
    case IR_I64: return "i64";
    case IR_I32: return "i32";
    case IR_U8: return "u8";
    }
    return "?";
}

static const char *type_name(PlanType type) {
    switch (type) {
    case PLAN_VOID: return "void";
    case PLAN_F64: return "f64";
    case PLAN_F32: return "f32";
    case PLAN_I64: return "int";
    case PLAN_BOOL: return "bool";
    }
    return "?";
}

static void print_buffer(Printer *p, uint32_t buffer) {
    const PlanBuffer *b = &p->plan->buffers.at[buffer];
    const IrDefInfo *info = ir_def(p->plan->ir, b->def);
    const char *name = info->label ? info->label : name_text(p->plan->session->names, info->name);
    buf_printf(p->out, "%s#%u", name && *name ? name : "t", buffer);
}

static void print_value(Printer *p, PlanValue v) {
    const PlanNode *n = &p->func->nodes.at[v];
    double real;
    if (n->kind == PLAN_CONST && n->type == PLAN_I64)
        buf_printf(p->out, "%lld", (long long)n->bits);
    else if (n->kind == PLAN_CONST && n->type == PLAN_BOOL)
        buf_puts(p->out, n->bits ? "true" : "false");
    else if (n->kind == PLAN_CONST) {
        memcpy(&real, &n->bits, sizeof real);
        buf_printf(p->out, "%.17g", real);
    } else
        buf_printf(p->out, "%c%u", n->kind == PLAN_INDEX ? 'i' : 'v', v);
}

static void print_place(Printer *p, uint32_t buffer, PlanValue at) {
    print_buffer(p, buffer);
    buf_puts(p->out, "[");
    print_value(p, at);
    buf_puts(p->out, "]");
}

static void print_args(Printer *p, const PlanNode *n) {
    for (uint32_t i = 0; i < (n->fused ? 2 : 3) && n->arg[i]; i++) {
        buf_puts(p->out, i ? ", " : "");
        print_value(p, n->arg[i]);
    }
}

static void print_call(Printer *p, const PlanCall *call) {
    buf_printf(p->out, "%s(", call->name);
    for (uint32_t i = 0; i < call->args.n; i++) {
        const PlanArg *a = &call->args.at[i];
        buf_puts(p->out, i ? ", " : "");
        if (a->kind == PLAN_ARG_POINTER) {
            buf_puts(p->out, "&");
            print_place(p, a->buffer, a->value);
        } else if (a->kind == PLAN_ARG_VALUE)
            print_value(p, a->value);
        else
            buf_printf(p->out, "%lld", (long long)a->number);
    }
    buf_puts(p->out, ")");
}

static const char *status_text(uint32_t status) {
    static const char *const text[] = {
#define STATUS(ident, text) text,
#include "../../runtime/rt_status.def"
#undef STATUS
    };
    return text[status];
}

static void print_scope(Printer *p, uint32_t scope, int indent);

static void print_loop(Printer *p, const PlanLoop *loop, int indent) {
    if (loop->repeat) {
        buf_puts(p->out, "repeat\n");
        print_scope(p, loop->scope, indent + 1);
        return;
    }
    buf_printf(p->out, "%s i%u from ", loop->parallel ? "parallel" : "for", loop->index);
    print_value(p, loop->lo);
    buf_puts(p->out, " to ");
    print_value(p, loop->hi);
    if (loop->parallel)
        buf_printf(p->out, " by pieces of %lld", (long long)loop->chunk);
    buf_puts(p->out, "\n");
    print_scope(p, loop->scope, indent + 1);
}

static void print_node(Printer *p, PlanValue v, int indent) {
    const PlanNode *n = &p->func->nodes.at[v];
    buf_printf(p->out, "%*s", 2 * indent, "");
    switch ((PlanKind)n->kind) {
    case PLAN_OP:
        buf_printf(p->out, "v%u = %s %s(", v, type_name((PlanType)n->type), ir_op_name((IrOp)n->op));
        print_args(p, n);
        buf_puts(p->out, n->fused ? ") at once\n" : ")\n");
        break;
    case PLAN_CONVERT:
        buf_printf(p->out, "v%u = %s(", v, type_name((PlanType)n->type));
        print_value(p, n->arg[0]);
        buf_puts(p->out, ")\n");
        break;
    case PLAN_LOAD:
        buf_printf(p->out, "v%u = ", v);
        print_place(p, (uint32_t)n->bits, n->arg[1]);
        buf_puts(p->out, "\n");
        break;
    case PLAN_DRAW:
        buf_printf(p->out, "v%u = draw %s site %llu at ", v, n->op == IR_DRAW_NORMAL ? "normal" : "uniform",
                   (unsigned long long)n->bits);
        print_value(p, n->arg[1]);
        buf_puts(p->out, "\n");
        break;
    case PLAN_STORE:
        print_place(p, (uint32_t)n->bits, n->arg[1]);
        buf_puts(p->out, " = ");
        print_value(p, n->arg[2]);
        buf_puts(p->out, n->dead ? "  (dropped)\n" : "\n");
        break;
    case PLAN_ZERO:
        print_place(p, (uint32_t)n->bits, n->arg[1]);
        buf_puts(p->out, " and on: ");
        print_value(p, n->arg[2]);
        buf_puts(p->out, n->dead ? " times 0  (dropped)\n" : " times 0\n");
        break;
    case PLAN_ACC:
        buf_printf(p->out, "v%u = new %s %s\n", v, type_name((PlanType)n->type), ir_op_name((IrOp)n->op));
        break;
    case PLAN_STEP:
        buf_printf(p->out, "v%u takes ", n->arg[0]);
        print_value(p, n->arg[1]);
        if (n->arg[2]) {
            buf_puts(p->out, " if ");
            print_value(p, n->arg[2]);
        }
        buf_puts(p->out, "\n");
        break;
    case PLAN_RESULT: buf_printf(p->out, "v%u = result v%u\n", v, n->arg[0]); break;
    case PLAN_LOOP: print_loop(p, &p->func->loops.at[n->arg[0]], indent); break;
    case PLAN_CALL:
        print_call(p, &p->func->calls.at[n->arg[0]]);
        buf_puts(p->out, "\n");
        break;
    case PLAN_TURN:
        buf_puts(p->out, "by ");
        print_call(p, &p->func->calls.at[n->arg[0]]);
        buf_puts(p->out, ": on, again or leave\n");
        break;
    case PLAN_STOP: buf_printf(p->out, "stop if v%u: %s\n", n->arg[0], status_text(n->op)); break;
    case PLAN_FLAG: buf_printf(p->out, "flag v%u unless finite\n", n->arg[0]); break;
    case PLAN_NONE:
    case PLAN_CONST:
    case PLAN_INDEX: break;
    }
}

static void print_scope(Printer *p, uint32_t scope, int indent) {
    const PlanScope *s = &p->func->scopes.at[scope];
    for (uint32_t i = 0; i < s->body.n; i++)
        print_node(p, s->body.at[i], indent);
}

void plan_print(const Plan *plan, Buf *out) {
    Printer p = {.plan = plan, .out = out};
    buf_printf(out, "memory %llu bytes, %u data\n", (unsigned long long)plan->memory, plan->slots);
    for (uint32_t b = 1; b < plan->buffers.n; b++) {
        const PlanBuffer *buffer = &plan->buffers.at[b];
        buf_puts(out, "  ");
        print_buffer(&p, b);
        buf_printf(out, " %s[%llu] ", elem_name(buffer->elem), (unsigned long long)buffer->count);
        if (buffer->is_data)
            buf_printf(out, "data %u\n", buffer->slot);
        else
            buf_printf(out, "at %llu%s\n", (unsigned long long)buffer->offset,
                       buffer->is_scratch ? " scratch" : "");
    }
    for (uint32_t k = 0; k < plan->funcs.n; k++) {
        p.func = plan->funcs.at[k];
        buf_printf(out, "%s:\n", p.func->name);
        print_scope(&p, 1, 1);
    }
}
