/* print_term — single terms as text, for people or, with every name unique, for read.c. */
#include "printer.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether text can stand as a name on its own: letters (any UTF-8), digits, underscores. */
static bool is_plain(const char *text) {
    if (!*text || isdigit((unsigned char)*text))
        return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '_' && (unsigned char)*text < 0x80)
            return false;
    return true;
}

static const char *text_of(const Printer *w, Name name) {
    const char *text = name ? name_text(w->p->session->names, name) : "";
    return is_plain(text) ? text : "";
}

static bool name_is_taken(const Printer *w, Name name) {
    static const char *const words[] = {"true", "false", "inf", "nan", "and", "or", "not", "div", "mod"};
    const char *text = text_of(w, name);
    for (size_t k = 0; k < sizeof words / sizeof *words; k++)
        if (!strcmp(text, words[k]))
            return true;
    return false;
}

void ir_put_def_name(Printer *w, IrDef d) {
    const IrDefInfo *info = &w->p->defs.at[d];
    const char *text = text_of(w, info->name);
    if (w->exact) {
        buf_printf(w->out, "%s%%%u", text, w->def_number[d]);
    } else if (info->label) {
        buf_puts(w->out, info->label);
    } else if (*text) {
        buf_puts(w->out, text);
    } else {
        buf_printf(w->out, "d%u", d);
    }
}

/* The name of axis k of the definition in scope: its own when it is told apart from the others by it. */
void ir_put_axis(Printer *w, uint32_t k) {
    Name name = w->def ? ir_axis_name(w->p, w->def, k) : 0;
    bool unique = name && *text_of(w, name) && !name_is_taken(w, name);
    for (uint32_t j = 0; unique && w->def && j < w->p->defs.at[w->def].rank; j++)
        unique = j == k || ir_axis_name(w->p, w->def, j) != name;
    if (unique)
        buf_puts(w->out, text_of(w, name));
    else if (w->exact)
        buf_printf(w->out, "a%u'", k);
    else
        buf_printf(w->out, "%c", "ijklmnuv"[k % 8]);
}

void ir_put_index(Printer *w, IrIdx i) {
    const IrIndex *index = &w->p->indices.at[i];
    const char *text = text_of(w, index->name);
    switch (index->kind) {
    case IR_AXIS: ir_put_axis(w, index->number); break;
    case IR_BOUND:
        if (w->exact)
            buf_printf(w->out, "%s.%u", *text ? text : "k", w->idx_number[i]);
        else if (*text)
            buf_puts(w->out, text);
        else
            buf_printf(w->out, "k%u", index->number);
        break;
    case IR_FRESH:
        if (*text && !w->exact)
            buf_puts(w->out, text);
        else
            buf_printf(w->out, "?%u", index->number);
        break;
    }
}

void ir_print_real(double v, bool exact, Buf *out) {
    char text[40];
    if (isnan(v) || isinf(v)) {
        buf_puts(out, isnan(v) ? "nan" : v > 0 ? "inf" : "-inf");
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v)
            break;
    }
    buf_puts(out, text);
    if (exact && !strpbrk(text, ".e"))
        buf_puts(out, ".0");
}

static const uint8_t strengths[IR_OP_COUNT] = {
#define INFIX(ident, strength) [IR_##ident] = BIND_##strength,
#include "op.def"
    [IR_NEG] = BIND_SIGN,
};

static int binding(const IrProgram *p, IrTerm t) {
    double v;
    if (ir_is_const(p, t, &v))
        return v < 0 || signbit(v) ? BIND_SIGN : BIND_ATOM;
    return strengths[op_of(p, t)] ? strengths[op_of(p, t)] : BIND_ATOM;
}

static void print_list(Printer *w, const IrTerm *at, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        if (k)
            buf_puts(w->out, ", ");
        ir_put_term(w, at[k], 0);
    }
}

static void print_reduce(Printer *w, IrTerm t) {
    const IrProgram *p = w->p;
    buf_printf(w->out, "%s[", ir_op_name(op_of(p, t)));
    ir_put_index(w, arg_of(p, t, 0));
    if (!w->exact)
        buf_printf(w->out, " : %llu", (unsigned long long)p->indices.at[arg_of(p, t, 0)].extent);
    if (arg_of(p, t, 1)) {
        buf_puts(w->out, " | ");
        ir_put_term(w, arg_of(p, t, 1), 0);
    }
    buf_puts(w->out, "](");
    ir_put_term(w, arg_of(p, t, 2), 0);
    buf_puts(w->out, ")");
}

/* Operators written between their operands. The right operand of a same-strength operator is parenthesized,
 * and so is the left one of ^, so that the text has one reading. */
static void print_infix(Printer *w, IrTerm t, int strength) {
    const IrProgram *p = w->p;
    bool power = is_op(p, t, IR_POW);
    IrTerm b = arg_of(p, t, 1);
    double v;
    if (!w->exact && is_op(p, t, IR_ADD) && const_real(p, b, &v) && v < 0) { /* x − 1 for people */
        ir_put_term(w, arg_of(p, t, 0), strength);
        buf_puts(w->out, " - ");
        ir_print_real(-v, false, w->out);
        return;
    }
    ir_put_term(w, arg_of(p, t, 0), power ? BIND_ATOM : strength == BIND_COMPARE ? strength + 1 : strength);
    buf_printf(w->out, power ? "%s" : " %s ", ir_op_name(op_of(p, t)));
    ir_put_term(w, b, strength + 1);
}

static void print_bare(Printer *w, IrTerm t) {
    const IrProgram *p = w->p;
    const IrNode *n = node_of(p, t);
    double v;
    bool b;
    if (const_real(p, t, &v)) {
        ir_print_real(v, w->exact, w->out);
    } else if (const_bool(p, t, &b)) {
        buf_puts(w->out, b ? "true" : "false");
    } else if (n->op == IR_CONST) {
        buf_printf(w->out, "%lld", (long long)(n->arg[0] | (uint64_t)n->arg[1] << 32));
    } else if (n->op == IR_INDEX) {
        ir_put_index(w, n->arg[0]);
    } else if (n->op == IR_READ) {
        ir_put_def_name(w, n->arg[0]);
        if (n->arg[2] || w->exact) {
            buf_puts(w->out, "[");
            print_list(w, ir_read_subs(p, t), n->arg[2]);
            buf_puts(w->out, "]");
        }
    } else if (n->op == IR_DRAW) {
        buf_printf(w->out, "draw %s(%u, ", n->arg[0] == IR_DRAW_UNIFORM ? "uniform" : "normal", n->arg[1]);
        ir_put_term(w, n->arg[2], 0);
        buf_puts(w->out, ")");
    } else if (ir_op_is_reduce(n->op)) {
        print_reduce(w, t);
    } else if (n->op == IR_NEG) {
        buf_puts(w->out, "-");
        ir_put_term(w, n->arg[0], BIND_SIGN + 1);
    } else if (!w->exact && n->op == IR_TO_REAL && type_of(p, n->arg[0]) == IR_INT) {
        ir_put_term(w, n->arg[0], BIND_ATOM);
    } else if (!w->exact && n->op == IR_TO_REAL) { /* Iverson bracket */
        buf_puts(w->out, "[");
        ir_put_term(w, n->arg[0], 0);
        buf_puts(w->out, "]");
    } else if (binding(p, t) < BIND_ATOM) {
        print_infix(w, t, binding(p, t));
    } else {
        IrTerm operands[IR_MAX_RANK];
        uint32_t count = ir_operands(p, t, operands);
        buf_printf(w->out, "%s(", ir_op_name(n->op));
        print_list(w, operands, count);
        buf_puts(w->out, ")");
    }
}

void ir_put_term(Printer *w, IrTerm t, int outer) {
    if (w->shape && w->shape[t].local) {
        buf_printf(w->out, "$%u", w->shape[t].local);
        return;
    }
    bool wrap = binding(w->p, t) < outer;
    if (wrap)
        buf_puts(w->out, "(");
    print_bare(w, t);
    if (wrap)
        buf_puts(w->out, ")");
}

void ir_print_term(const IrProgram *p, IrTerm t, Buf *out) {
    Printer w = {.p = p, .out = out};
    if (t)
        ir_put_term(&w, t, 0);
    else
        buf_puts(out, "?");
}

void ir_print_body(const IrProgram *p, IrDef d, Buf *out) {
    Printer w = {.p = p, .out = out, .def = d};
    ir_put_term(&w, p->defs.at[d].body, 0);
}
