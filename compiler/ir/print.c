/* print — the program as text that read.c takes back.
 *
 *   index k.1 = bound 0 : 784           a bound index: its level and extent
 *   input x : f64[784] data
 *   view W : f32[784, 128] = q + 0
 *   def h : f64[j:128] = relu(sum[k.1](x[k.1] * W[k.1, j]) + b[j])
 *   linalg L : f64[3, 3] = cholesky(A)
 *   concat g : f64[20] = A @ 0, B @ 10
 *   input k : i64[] bound 1 to 20
 *   scan y : f64[21, 4] = row over k, before from start [backward]
 *   root z : f64[2] = of u : r, J from s     the u with r(u) = 0, J = ∂r/∂u, started at s
 *
 * Terms used more than once and worth a name come before the body as `$1 = …` on lines of their own. Names that occur
 * twice get a number (`h%7`), so the text is unambiguous; axis names are local to their line. */
#include "printer.h"

#include <stdlib.h>

const char *const ir_elem_names[] = {"f64", "f32", "i64", "i32", "u8"};
const char *const ir_role_names[] = {"none",  "coord", "velocity", "momentum", "state", "data",
                                     "batch", "hyper", "time",     "step",     "seed",  "output", "bound",
                                     "unknown"};
const char *const ir_linalg_names[] = {"cholesky",      "solve",   "solve_spd", "solve_lower",
                                       "solve_lower_t", "inverse", "logdet",    "polar",
                                       "leading",       "spectral_norm", "nuclear_norm"};

static void print_shape(Printer *w, IrDef d, bool named) {
    const IrDefInfo *info = &w->p->defs.at[d];
    buf_printf(w->out, " : %s[", ir_elem_names[info->elem]);
    for (uint32_t k = 0; k < info->rank; k++) {
        if (k)
            buf_puts(w->out, ", ");
        if (named) {
            ir_put_axis(w, k);
            buf_puts(w->out, ":");
        }
        buf_printf(w->out, "%llu", (unsigned long long)info->extent[k]);
    }
    buf_puts(w->out, "]");
}

static bool is_worth_sharing(const IrProgram *p, IrTerm t) {
    IrOp op = op_of(p, t);
    return op != IR_CONST && op != IR_INDEX && op != IR_READ && type_of(p, t) == IR_REAL;
}

#define PRINT_DEPTH 200

/* The terms of a body, operands before users and left before right: an order that follows from the structure alone, so
 * that what was read back prints the same. Counts uses on the way. */
static void list_body(Printer *w, IrTerm body, IrTerms *list) {
    const IrProgram *p = w->p;
    IrTerms stack = {0};
    IrTerm operands[IR_MAX_RANK];
    vec_push(&stack, body);
    w->shape[body].uses = 1;
    while (stack.n) {
        IrTerm t = stack.at[stack.n - 1];
        if (w->shape[t].listed) {
            stack.n--;
            continue;
        }
        uint32_t n = ir_operands(p, t, operands);
        bool ready = w->shape[t].entered;
        w->shape[t].entered = true;
        for (uint32_t k = n; k-- > 0 && !ready;) {
            w->shape[operands[k]].uses += w->shape[operands[k]].uses < 2;
            if (!w->shape[operands[k]].listed)
                vec_push(&stack, operands[k]);
        }
        if (ready || !n) {
            w->shape[t].listed = true;
            vec_push(list, t);
            stack.n--;
        }
    }
    vec_free(&stack);
}

/* Prints `$k = …` lines for what the body uses more than once, and for what lies deep, operands first. */
static void print_locals(Printer *w, IrTerm body, const IrTerms *list) {
    const IrProgram *p = w->p;
    uint32_t n_local = 0;
    IrTerm operands[IR_MAX_RANK];
    for (uint32_t j = 0; j < list->n; j++) {
        IrTerm t = list->at[j];
        TermShape *shape = &w->shape[t];
        uint32_t n = ir_operands(p, t, operands);
        for (uint32_t k = 0; k < n; k++)
            if (!w->shape[operands[k]].local && w->shape[operands[k]].depth >= shape->depth)
                shape->depth = (uint8_t)(w->shape[operands[k]].depth + 1);
        if (t == body || (!(shape->uses > 1 && is_worth_sharing(p, t)) && shape->depth < PRINT_DEPTH))
            continue;
        buf_printf(w->out, "  $%u = ", n_local + 1);
        ir_put_term(w, t, 0);
        buf_puts(w->out, "\n");
        shape->local = ++n_local;
    }
}

static void print_value(Printer *w, IrTerm value) {
    IrTerms list = {0};
    buf_puts(w->out, "\n");
    list_body(w, value, &list);
    print_locals(w, value, &list);
    buf_puts(w->out, "  ");
    ir_put_term(w, value, 0);
    buf_puts(w->out, "\n");
    for (uint32_t k = 0; k < list.n; k++)
        w->shape[list.at[k]] = (TermShape){0};
    vec_free(&list);
}

static void print_scan(Printer *w, const IrDefInfo *info) {
    buf_puts(w->out, " = ");
    ir_put_def_name(w, info->operand[0]);
    for (uint32_t k = 0; k <= info->lags; k++) {
        buf_puts(w->out, k ? ", " : " over ");
        ir_put_def_name(w, info->bound[k]);
    }
    if (info->operand[1]) {
        buf_puts(w->out, " from ");
        ir_put_def_name(w, info->operand[1]);
    }
    buf_puts(w->out, info->backward ? " backward" : "");
}

static void print_def(Printer *w, IrDef d) {
    static const char *const kinds[] = {"input", "view", "def", "concat", "linalg", "scan", "root"};
    const IrDefInfo *info = &w->p->defs.at[d];
    w->def = d;
    buf_printf(w->out, "%s ", kinds[info->kind]);
    ir_put_def_name(w, d);
    print_shape(w, d, info->kind == IR_DEF_EXPR);
    if (info->role != IR_ROLE_NONE)
        buf_printf(w->out, " %s", ir_role_names[info->role]);
    buf_puts(w->out, info->flex ? " flex" : "");
    buf_puts(w->out, info->volatile_ ? " volatile" : "");
    if (info->label)
        buf_printf(w->out, " \"%s\"", info->label);
    switch (info->kind) {
    case IR_DEF_INPUT:
        if (info->role == IR_ROLE_BOUND && !info->rank && info->lo <= info->hi && info->elem == IR_I64)
            buf_printf(w->out, " %lld to %lld", (long long)info->lo, (long long)info->hi);
        break;
    case IR_DEF_VIEW:
        buf_puts(w->out, " = ");
        ir_put_def_name(w, info->parent);
        buf_printf(w->out, " + %llu", (unsigned long long)info->offset);
        break;
    case IR_DEF_EXPR:
        buf_puts(w->out, " =");
        print_value(w, info->body);
        return;
    case IR_DEF_CONCAT:
        buf_puts(w->out, " =");
        for (uint32_t k = 0; k < info->n_pieces; k++) {
            buf_puts(w->out, k ? ", " : " ");
            ir_put_def_name(w, info->pieces[k].def);
            buf_printf(w->out, " @ %llu", (unsigned long long)info->pieces[k].at[0]);
            if (info->rank > 1)
                buf_printf(w->out, " %llu", (unsigned long long)info->pieces[k].at[1]);
        }
        break;
    case IR_DEF_LINALG:
        buf_printf(w->out, " = %s(", ir_linalg_names[info->linalg]);
        ir_put_def_name(w, info->operand[0]);
        if (info->operand[1]) {
            buf_puts(w->out, ", ");
            ir_put_def_name(w, info->operand[1]);
        }
        buf_puts(w->out, ")");
        break;
    case IR_DEF_SCAN: print_scan(w, info); break;
    case IR_DEF_ROOT:
        buf_puts(w->out, " = of ");
        ir_put_def_name(w, info->unknown);
        buf_puts(w->out, " : ");
        ir_put_def_name(w, info->operand[0]);
        buf_puts(w->out, ", ");
        ir_put_def_name(w, info->operand[1]);
        buf_puts(w->out, " from ");
        ir_put_def_name(w, info->start);
        break;
    }
    buf_puts(w->out, "\n");
}

/* Lists the bound indices inside t that have no number yet. */
static void declare_indices(Printer *w, IrTerm t, uint8_t *seen, uint32_t *n) {
    const IrProgram *p = w->p;
    VEC(IrTerm) stack = {0};
    IrTerm operands[IR_MAX_RANK];
    vec_push(&stack, t);
    while (stack.n) {
        IrTerm u = vec_pop(&stack);
        if (seen[u >> 3] & (1u << (u & 7)))
            continue;
        seen[u >> 3] |= (uint8_t)(1u << (u & 7));
        uint32_t count = ir_operands(p, u, operands);
        for (uint32_t k = count; k-- > 0;)
            vec_push(&stack, operands[k]);
        if (!ir_op_is_reduce(op_of(p, u)) || w->idx_number[arg_of(p, u, 0)])
            continue;
        const IrIndex *i = &p->indices.at[arg_of(p, u, 0)];
        w->idx_number[arg_of(p, u, 0)] = ++*n;
        buf_puts(w->out, "index ");
        ir_put_index(w, arg_of(p, u, 0));
        buf_printf(w->out, " = bound %u : %llu\n", i->number, (unsigned long long)i->extent);
    }
    vec_free(&stack);
}

static void print_reached(Printer *w, const uint8_t *mark, const IrFunc *f) {
    const IrProgram *p = w->p;
    uint8_t *seen = base_calloc(p->nodes.n / 8 + 1, 1);
    uint32_t n = 0, n_index = 0;
    w->exact = true;
    w->def_number = base_calloc(p->defs.n, sizeof *w->def_number);
    w->idx_number = base_calloc(p->indices.n, sizeof *w->idx_number);
    w->shape = base_calloc(p->nodes.n, sizeof *w->shape);
    for (IrDef d = 1; d < p->defs.n; d++)
        if (mark[d] && p->defs.at[d].kind == IR_DEF_EXPR)
            declare_indices(w, p->defs.at[d].body, seen, &n_index);
    for (uint32_t g = 0; f && g < f->groups.n; g++)
        for (uint32_t k = 0; k < f->groups.at[g].n; k++)
            declare_indices(w, f->groups.at[g].at[k].value, seen, &n_index);
    for (IrDef d = 1; d < p->defs.n; d++)
        if (mark[d])
            w->def_number[d] = ++n;
    for (IrDef d = 1; d < p->defs.n; d++)
        if (mark[d])
            print_def(w, d);
    free(seen);
}

static void printer_free(Printer *w) {
    free(w->def_number);
    free(w->idx_number);
    free(w->shape);
}

void ir_print(const IrProgram *p, const IrDef *roots, uint32_t n, Buf *out) {
    Printer w = {.p = p, .out = out};
    uint8_t *mark = base_calloc(p->defs.n, 1);
    for (uint32_t k = 0; k < n; k++)
        mark[roots[k]] = 1;
    ir_reach(p, 0, mark);
    print_reached(&w, mark, NULL);
    printer_free(&w);
    free(mark);
}

void ir_print_func(const IrProgram *p, const IrFunc *f, Buf *out) {
    Printer w = {.p = p, .out = out};
    uint8_t *mark = base_calloc(p->defs.n, 1);
    for (uint32_t g = 0; g < f->groups.n; g++)
        for (uint32_t k = 0; k < f->groups.at[g].n; k++) {
            ir_reach(p, f->groups.at[g].at[k].value, mark);
            mark[f->groups.at[g].at[k].target] = 1;
        }
    ir_reach(p, 0, mark);
    print_reached(&w, mark, f);
    buf_printf(out, "func %s%s\n", f->name ? f->name : "?", f->cyclic ? " cyclic" : "");
    for (uint32_t g = 0; g < f->groups.n; g++) {
        buf_puts(out, "group\n");
        for (uint32_t k = 0; k < f->groups.at[g].n; k++) {
            const IrAssign *a = &f->groups.at[g].at[k];
            w.def = a->target;
            ir_put_def_name(&w, a->target);
            buf_puts(out, " :=");
            print_value(&w, a->value);
        }
    }
    printer_free(&w);
    free(mark);
}
