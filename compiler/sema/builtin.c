/* builtin — calls of built-in functions, from the tables ir/op.def and builtins.def. */
#include "builtin.h"

typedef enum MapType { MAP_REAL, MAP_NUM } MapType;

struct Builtin {
    const char *name;
    uint8_t lo, hi;
    MapType type;
    IrTerm (*map1)(IrProgram *p, IrTerm a);
    IrTerm (*map2)(IrProgram *p, IrTerm a, IrTerm b);
    BuiltinFn fn;
    Val (*syntax)(Sema *s, Scope *scope, const Expr *call); /* takes its arguments as they are written */
};

#define MAP1(name, type, term)                                                                               \
    static IrTerm map_##name(IrProgram *p, IrTerm a) { return term; }
#define MAP2(name, type, term)                                                                               \
    static IrTerm map_##name(IrProgram *p, IrTerm a, IrTerm b) { return term; }
#define SPECIAL(...)
#include "builtins.def"
#undef MAP1
#undef MAP2
#undef SPECIAL

/* The operations of op.def that programs may call. */
#define FN1(ident, ...)                                                                                      \
    static IrTerm op_##ident(IrProgram *p, IrTerm a) { return ir_op1(p, IR_##ident, a); }
#define FN2(ident, ...)                                                                                      \
    static IrTerm op_##ident(IrProgram *p, IrTerm a, IrTerm b) { return ir_op2(p, IR_##ident, a, b); }
#include "../ir/op.def"

static const Builtin table[] = {
#define FN1(ident, print, result, ...) {print, 1, 1, MAP_##result, op_##ident, NULL, NULL, NULL},
#define FN2(ident, print, result, ...) {print, 2, 2, MAP_##result, NULL, op_##ident, NULL, NULL},
#include "../ir/op.def"
#define MAP1(name, type, term) {#name, 1, 1, MAP_##type, map_##name, NULL, NULL, NULL},
#define MAP2(name, type, term) {#name, 2, 2, MAP_##type, NULL, map_##name, NULL, NULL},
#define SPECIAL(name, lo, hi, fn) {#name, lo, hi, MAP_REAL, NULL, NULL, fn, NULL},
#include "builtins.def"
#undef MAP1
#undef MAP2
#undef SPECIAL
    {"grad", 2, 2, MAP_REAL, NULL, NULL, NULL, sema_grad},
    {"hess", 2, 3, MAP_REAL, NULL, NULL, NULL, sema_hess},
    {"jvp", 3, 3, MAP_REAL, NULL, NULL, NULL, sema_jvp},
    {"vjp", 3, 3, MAP_REAL, NULL, NULL, NULL, sema_vjp},
    {"at", 3, 3, MAP_REAL, NULL, NULL, NULL, sema_at},
    {"stationary", 2, 2, MAP_REAL, NULL, NULL, NULL, sema_stationary},
    {"root", 2, 2, MAP_REAL, NULL, NULL, NULL, sema_root},
    {"trajectory", 3, 5, MAP_REAL, NULL, NULL, NULL, sema_trajectory},
    {"series", 1, 1, MAP_REAL, NULL, NULL, NULL, statistic_series},
    {"p", 1, 1, MAP_REAL, NULL, NULL, NULL, sema_momentum},
};
#define N_TABLE (sizeof table / sizeof *table)

uint32_t builtin_count(void) { return N_TABLE; }
const char *builtin_name(uint32_t i) { return table[i].name; }

const Builtin *builtin_find(const char *name) {
    for (size_t k = 0; k < N_TABLE; k++)
        if (!strcmp(table[k].name, name)) return &table[k];
    return NULL;
}

/* ---- arguments ---- */

Span args_span(const Args *a, uint32_t k) { return a->call->call.args.at[k].value->span; }

bool args_real(Args *a, uint32_t k) {
    if (val_type(a->s, &a->at[k]) == IR_BOOL) {
        sema_error(a->s, DIAG_TYPE, args_span(a, k), "`%s` needs numbers, and this is true or false",
                   a->name);
        return false;
    }
    a->at[k] = val_to_real(a->s, a->at[k]);
    return true;
}

bool args_rank(Args *a, uint32_t k, uint32_t rank, const char *what) {
    if (a->at[k].rank != rank) {
        sema_error(a->s, DIAG_SHAPE, args_span(a, k), "`%s` needs %s here, and this is %s", a->name, what,
                   sema_shape_text(a->s, &a->at[k]));
        return false;
    }
    return args_real(a, k);
}

void args_define(Args *a, uint32_t k) { a->at[k] = val_define(a->s, a->at[k], 0, args_span(a, k), a->scope); }

static bool check_call(Sema *s, const Builtin *b, const Expr *e) {
    uint32_t n = e->call.args.n;
    for (uint32_t k = 0; k < n; k++)
        if (e->call.args.at[k].name && b->syntax != sema_trajectory) {
            sema_error(s, DIAG_ARG_NAME, e->call.args.at[k].span, "the arguments of `%s` have no names",
                       b->name);
            return false;
        }
    if (n >= b->lo && n <= b->hi) return true;
    if (b->lo == b->hi)
        sema_error(s, DIAG_ARG_COUNT, e->span, "`%s` takes %u argument%s, and %u %s given", b->name, b->lo,
                   b->lo == 1 ? "" : "s", n, n == 1 ? "is" : "are");
    else
        sema_error(s, DIAG_ARG_COUNT, e->span, "`%s` takes %u to %u arguments, and %u %s given", b->name,
                   b->lo, b->hi, n, n == 1 ? "is" : "are");
    return false;
}

/* ---- elementwise ---- */

static bool map_type(Args *a, uint32_t k, MapType type) {
    if (type == MAP_REAL || val_type(a->s, &a->at[k]) == IR_BOOL) return args_real(a, k);
    return true;
}

static Val call_map1(Args *a, const Builtin *b) {
    if (!map_type(a, 0, b->type)) return val_poison();
    a->at[0].body = b->map1(a->s->ir, a->at[0].body);
    return a->at[0];
}

static Val call_map2(Args *a, const Builtin *b) {
    if (!map_type(a, 0, b->type) || !map_type(a, 1, b->type)) return val_poison();
    Val *x = &a->at[0], *y = &a->at[1], out = x->rank ? *x : *y;
    if (x->rank && y->rank && !val_same_shape(a->s, x, y)) {
        Diag *d = sema_error(a->s, DIAG_SHAPE, a->call->span,
                             "`%s` needs equal shapes or a number, and these are %s and %s", a->name,
                             sema_shape_text(a->s, x), sema_shape_text(a->s, y));
        sema_note(a->s, d, args_span(a, 1), "%s", sema_shape_text(a->s, y));
        return val_poison();
    }
    if (val_type(a->s, x) != val_type(a->s, y)) {
        *x = val_to_real(a->s, *x);
        *y = val_to_real(a->s, *y);
    }
    IrTerm right = x->rank && y->rank ? val_aligned(a->s, x, y) : y->body;
    out.open_shape = (x->open_shape || y->open_shape) && out.rank == 0;
    out.body = b->map2(a->s->ir, x->body, right);
    return out;
}

Val builtin_call(Sema *s, Scope *scope, const Builtin *b, const Expr *e) {
    if (!check_call(s, b, e)) return val_poison();
    if (b->syntax) return b->syntax(s, scope, e);
    uint32_t n = e->call.args.n;
    Val *vals = base_calloc(n + 1, sizeof *vals);
    Args a = {s, scope, e, b->name, vals, n};
    bool ok = true, open = false;
    for (uint32_t k = 0; k < n; k++) {
        vals[k] = sema_expr(s, scope, e->call.args.at[k].value);
        if (!val_ok(&vals[k]) && vals[k].kind != VAL_POISON)
            sema_error(s, DIAG_TYPE, args_span(&a, k), "`%s` needs numbers, and this is %s", b->name,
                       sema_shape_text(s, &vals[k]));
        ok = ok && val_ok(&vals[k]);
        open = open || vals[k].open_shape;
    }
    Val out = val_poison();
    ir_at(s->ir, e->span);
    if (ok && open && b->fn)
        out = vals[0]; /* the shape of a state is being found out: nothing to compute with yet */
    else if (ok)
        out = b->map1 ? call_map1(&a, b) : b->map2 ? call_map2(&a, b) : b->fn(&a);
    free(vals);
    return out;
}
