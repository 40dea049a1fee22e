/* arith — operators on values: elementwise between equal shapes or with a number, integers promoted to reals.
 */
#include "internal.h"

static const char *op_text(BinaryOp op) {
    static const char *const text[] = {
        "+", "-", "*", "/", "^", "@", "%", "==", "!=", "<", "<=", ">", ">=", "and", "or"};
    return text[op];
}

static Val bad_kind(Sema *s, BinaryOp op, const Val *v, Span span) {
    if (v->kind != VAL_POISON)
        sema_error(s, DIAG_TYPE, span, "`%s` needs numbers, and this is %s", op_text(op),
                   sema_shape_text(s, v));
    return val_poison();
}

static bool is_logic(BinaryOp op) { return op == BINARY_AND || op == BINARY_OR; }

/* Whether `a` and `b` are two conditions compared with each other: `(x > 0) == (y > 0)`. */
static bool compares_conditions(Sema *s, BinaryOp op, const Val *a, const Val *b) {
    return (op == BINARY_EQ || op == BINARY_NE) && val_type(s, a) == IR_BOOL && val_type(s, b) == IR_BOOL;
}

/* Operand types an operator takes: logic needs truth values, everything else numbers. */
static bool type_fits(Sema *s, BinaryOp op, const Val *v, Span span) {
    IrType type = val_type(s, v);
    if (is_logic(op) == (type == IR_BOOL)) return true;
    if (is_logic(op)) {
        sema_error(s, DIAG_TYPE, span, "`%s` joins conditions, and this is %s", op_text(op),
                   sema_type_text(type));
    } else {
        Diag *d =
            sema_error(s, DIAG_TYPE, span, "`%s` needs numbers, and this is true or false", op_text(op));
        sema_help(s, d, "write `if … then 1 else 0` to count with a condition");
    }
    return false;
}

static IrTerm int_power(Sema *s, IrTerm a, IrTerm b) {
    double exponent;
    if (!ir_is_const(s->ir, b, &exponent) || exponent < 0 || exponent > 64) return 0;
    IrTerm power = ir_int(s->ir, 1);
    for (int64_t k = 0; k < (int64_t)exponent; k++) power = ir_mul(s->ir, power, a);
    return power;
}

/* The real one is a − b ⌊a/b⌋. By 0 it is NaN: said aloud, since folding makes 0 of 0 · ⌊a/0⌋. */
static IrTerm modulo(Sema *s, IrTerm a, IrTerm b, bool integers) {
    IrProgram *p = s->ir;
    if (integers) return ir_op2(p, IR_IMOD, a, b);
    a = ir_to_real(p, a);
    b = ir_to_real(p, b);
    IrTerm rest = ir_sub(p, a, ir_mul(p, b, ir_op1(p, IR_FLOOR, ir_div(p, a, b))));
    return ir_select(p, ir_op2(p, IR_EQ, b, ir_real(p, 0)), ir_real(p, NAN), rest);
}

static IrTerm combine(Sema *s, BinaryOp op, IrTerm a, IrTerm b) {
    IrProgram *p = s->ir;
    bool integers = ir_node(p, a)->type == IR_INT && ir_node(p, b)->type == IR_INT;
    IrTerm power;
    if (!integers && !is_logic(op)) {
        a = ir_to_real(p, a);
        b = ir_to_real(p, b);
    }
    switch (op) {
    case BINARY_ADD: return ir_add(p, a, b);
    case BINARY_SUB: return ir_sub(p, a, b);
    case BINARY_MUL: return ir_mul(p, a, b);
    case BINARY_DIV: return ir_div(p, ir_to_real(p, a), ir_to_real(p, b));
    case BINARY_POW:
        power = integers ? int_power(s, a, b) : 0;
        return power ? power : ir_pow(p, ir_to_real(p, a), ir_to_real(p, b));
    case BINARY_MOD: return modulo(s, a, b, integers);
    case BINARY_EQ: return ir_op2(p, IR_EQ, a, b);
    case BINARY_NE: return ir_op2(p, IR_NE, a, b);
    case BINARY_LT: return ir_op2(p, IR_LT, a, b);
    case BINARY_LE: return ir_op2(p, IR_LE, a, b);
    case BINARY_GT: return ir_op2(p, IR_LT, b, a);
    case BINARY_GE: return ir_op2(p, IR_LE, b, a);
    case BINARY_AND: return ir_op2(p, IR_AND, a, b);
    case BINARY_OR: return ir_op2(p, IR_OR, a, b);
    case BINARY_MATMUL: break;
    }
    return 0;
}

static Val shape_error(Sema *s, BinaryOp op, Span span, const Val *a, const Val *b, Span sa, Span sb) {
    Diag *d = sema_error(s, DIAG_SHAPE, span, "`%s` needs equal shapes or a number, and these are %s and %s",
                         op_text(op), sema_shape_text(s, a), sema_shape_text(s, b));
    sema_note(s, d, sa, "%s", sema_shape_text(s, a));
    sema_note(s, d, sb, "%s", sema_shape_text(s, b));
    sema_help(s, d, "write the indices out: `let c[i,j] = a[i,j] %s b[j]`", op_text(op));
    return val_poison();
}

Val sema_binary(Sema *s, BinaryOp op, Span span, Val a, Val b, Span sa, Span sb) {
    if (!val_ok(&a)) return bad_kind(s, op, &a, sa);
    if (!val_ok(&b)) return bad_kind(s, op, &b, sb);
    if (!compares_conditions(s, op, &a, &b) && (!type_fits(s, op, &a, sa) || !type_fits(s, op, &b, sb)))
        return val_poison();
    if (a.rank && b.rank && !val_same_shape(s, &a, &b)) return shape_error(s, op, span, &a, &b, sa, sb);
    Span before = ir_at(s->ir, span);
    Val out = a.rank ? a : b;
    IrTerm right = a.rank && b.rank ? val_aligned(s, &a, &b) : b.body;
    out.open_shape = (a.open_shape || b.open_shape) && out.rank == 0;
    for (uint32_t k = 0; a.rank && b.rank && k < out.rank; k++) {
        out.axis[k].periodic = a.axis[k].periodic && b.axis[k].periodic;
        if (b.axis[k].full > out.axis[k].full) out.axis[k].full = b.axis[k].full;
    }
    out.body = combine(s, op, a.body, right);
    ir_at(s->ir, before);
    return out;
}

Val sema_negate(Sema *s, Span span, Val a) {
    if (!val_ok(&a)) return bad_kind(s, BINARY_SUB, &a, span);
    if (!type_fits(s, BINARY_SUB, &a, span)) return val_poison();
    a.body = ir_neg(s->ir, a.body);
    return a;
}

Val sema_map1(Sema *s, Val a, IrTerm (*fn)(IrProgram *, IrTerm)) {
    if (!val_ok(&a)) return a;
    a.body = fn(s->ir, ir_to_real(s->ir, a.body));
    return a;
}
