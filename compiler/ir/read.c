/* read — takes back what print.c wrote: terms by precedence climbing, definitions line by line. Terms are built
 * raw, not folded, so that printing what was read gives the same text. */
#include "read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NESTING 2000

static IrDef read_def_name(Reader *r) {
    uint32_t number;
    reader_split_name(r, '%', &number);
    if (number == 0 || number > r->defs.n) {
        reader_fail(r, "a definition made before");
        return 0;
    }
    return r->defs.at[number - 1];
}

/* ---- terms --------------------------------------------------------------------------------------------- */

static IrTerm read_term(Reader *r, int strength);

static IrTerm failed_term(Reader *r, const char *expected) {
    reader_fail(r, expected);
    return ir_int(r->p, 0);
}

static IrOp op_by_name(const char *name, uint32_t arity, bool reduce) {
    for (int op = IR_NONE + 1; op < IR_OP_COUNT; op++)
        if (!strcmp(ir_op_name((IrOp)op), name) && ir_op_is_reduce((IrOp)op) == reduce
            && (reduce || ir_op_arity((IrOp)op) == arity))
            return (IrOp)op;
    return IR_NONE;
}

/* The type of an operation's result from its operands, as op.def has it. */
static IrTerm apply(Reader *r, IrOp op, const IrTerm *at, uint32_t n) {
    IrProgram *p = r->p;
    IrType last = type_of(p, at[n - 1]), type = last;
    switch (op_result(op)) {
    case RESULT_REAL: type = IR_REAL; break;
    case RESULT_INT: type = IR_INT; break;
    case RESULT_BOOL: type = IR_BOOL; break;
    case RESULT_NUM:
    case RESULT_SAME: break;
    }
    return raw_node(p, op, type, at[0], n > 1 ? at[1] : 0, n > 2 ? at[2] : 0);
}

static uint32_t read_list(Reader *r, IrTerm *out, uint32_t max, const char *close) {
    uint32_t n = 0;
    if (reader_accept(r, close))
        return 0;
    do {
        IrTerm t = read_term(r, 0);
        if (n == max) {
            reader_fail(r, "fewer operands");
            return n;
        }
        out[n++] = t;
    } while (reader_accept(r, ","));
    reader_expect(r, close);
    return n;
}

static IrIdx read_bound(Reader *r) {
    uint32_t number;
    reader_split_name(r, '.', &number);
    if (number == 0 || number > r->indices.n) {
        reader_fail(r, "an index declared before");
        return 0;
    }
    return r->indices.at[number - 1];
}

static IrTerm read_reduce(Reader *r, IrOp op) {
    reader_expect(r, "[");
    IrIdx i = read_bound(r);
    IrTerm guard = reader_accept(r, "|") ? read_term(r, 0) : 0;
    reader_expect(r, "]");
    reader_expect(r, "(");
    IrTerm body = read_term(r, 0);
    reader_expect(r, ")");
    return r->failed ? ir_int(r->p, 0) : raw_reduce(r->p, op, i, guard, body);
}

static IrTerm read_draw(Reader *r) {
    IrDrawKind kind = reader_is(r, "uniform") ? IR_DRAW_UNIFORM : IR_DRAW_NORMAL;
    reader_next(r);
    reader_expect(r, "(");
    uint32_t site = (uint32_t)reader_count(r);
    reader_expect(r, ",");
    IrTerm position = read_term(r, 0);
    reader_expect(r, ")");
    return ir_draw(r->p, kind, site, position);
}

static IrTerm read_element(Reader *r) {
    IrTerm subs[IR_MAX_RANK];
    IrDef d = read_def_name(r);
    reader_expect(r, "[");
    uint32_t n = read_list(r, subs, IR_MAX_RANK, "]");
    if (r->failed || n != r->p->defs.at[d].rank)
        return failed_term(r, "as many subscripts as the tensor has axes");
    return ir_read(r->p, d, subs, n);
}

/* An axis of the present definition, or an operation written as a function. */
static IrTerm read_named(Reader *r) {
    char word[256];
    strcpy(word, r->word);
    Name name = name_intern_ident(r->p->session->names, word, strlen(word));
    reader_next(r);
    for (uint32_t k = 0; k < r->rank; k++)
        if (r->axis[k] == name)
            return raw_node(r->p, IR_INDEX, IR_INT, ir_axis(r->p, k, r->extent[k]), 0, 0);
    if (reader_is(r, "[")) {
        IrOp op = op_by_name(word, 0, true);
        return op ? read_reduce(r, op) : failed_term(r, "a reduction before '['");
    }
    IrTerm at[3];
    if (!reader_accept(r, "("))
        return failed_term(r, "an axis or an operation");
    uint32_t n = read_list(r, at, 3, ")");
    IrOp op = n ? op_by_name(word, n, false) : IR_NONE;
    return op && !r->failed ? apply(r, op, at, n) : failed_term(r, "an operation that exists");
}

static IrTerm read_number(Reader *r, bool negative) {
    IrProgram *p = r->p;
    IrTerm t;
    if (reader_is(r, "inf") || reader_is(r, "nan"))
        t = ir_real(p, reader_is(r, "nan") ? NAN : negative ? -INFINITY : INFINITY);
    else if (strpbrk(r->word, ".e"))
        t = ir_real(p, (negative ? -1 : 1) * strtod(r->word, NULL));
    else /* INT64_MIN has no positive counterpart: negated in unsigned arithmetic */
        t = ir_int(p, (int64_t)(negative ? -strtoull(r->word, NULL, 10) : strtoull(r->word, NULL, 10)));
    reader_next(r);
    return t;
}

static IrTerm read_atom(Reader *r) {
    IrProgram *p = r->p;
    if (reader_accept(r, "(")) {
        IrTerm t = read_term(r, 0);
        reader_expect(r, ")");
        return t;
    }
    if (r->token == TOKEN_NUMBER || reader_is(r, "inf") || reader_is(r, "nan"))
        return read_number(r, false);
    if (reader_is(r, "true") || reader_is(r, "false")) {
        bool value = reader_is(r, "true");
        reader_next(r);
        return ir_bool(p, value);
    }
    if (reader_accept(r, "draw"))
        return read_draw(r);
    if (r->token != TOKEN_NAME)
        return failed_term(r, "a term");
    if (r->word[0] == '$') {
        uint32_t k = (uint32_t)strtoul(r->word + 1, NULL, 10);
        if (k == 0 || k > r->locals.n)
            return failed_term(r, "a local term made before");
        reader_next(r);
        return r->locals.at[k - 1];
    }
    if (strchr(r->word, '%'))
        return read_element(r);
    if (strchr(r->word, '.')) {
        IrIdx i = read_bound(r);
        return r->failed ? ir_int(p, 0) : raw_node(p, IR_INDEX, IR_INT, i, 0, 0);
    }
    return read_named(r);
}

/* Strength of the operator at hand; 0 for none. */
static int infix_strength(const Reader *r, IrOp *op) {
    static const struct {
        IrOp op;
        int strength;
    } operators[] = {
#define INFIX(ident, strength) {IR_##ident, BIND_##strength},
#include "op.def"
    };
    if (r->token == TOKEN_STRING || r->token == TOKEN_END || r->after_newline)
        return 0;
    for (size_t k = 0; k < sizeof operators / sizeof *operators; k++)
        if (reader_is(r, ir_op_name(operators[k].op))) {
            *op = operators[k].op;
            return operators[k].strength;
        }
    return 0;
}

static IrTerm read_signed(Reader *r) {
    if (!reader_accept(r, "-"))
        return read_atom(r);
    if (r->token == TOKEN_NUMBER || reader_is(r, "inf"))
        return read_number(r, true);
    IrTerm a = read_term(r, BIND_POWER);
    return raw_node(r->p, IR_NEG, type_of(r->p, a), a, 0, 0);
}

static IrTerm read_term(Reader *r, int strength) {
    IrOp op = IR_NONE;
    if (++r->nesting > MAX_NESTING)
        return failed_term(r, "fewer brackets");
    IrTerm left = read_signed(r);
    for (int s; !r->failed && (s = infix_strength(r, &op)) && s >= strength;) {
        reader_next(r);
        IrTerm at[2] = {left, read_term(r, s + 1)};
        left = r->failed ? left : apply(r, op, at, 2);
    }
    r->nesting--;
    return left;
}

/* ---- definitions --------------------------------------------------------------------------------------- */

static uint32_t word_in(const Reader *r, const char *const *words, uint32_t n) {
    for (uint32_t k = 0; k < n; k++)
        if (reader_is(r, words[k]))
            return k;
    return n;
}

static void read_index(Reader *r) {
    uint32_t number;
    Name name = reader_split_name(r, '.', &number);
    reader_expect(r, "=");
    reader_expect(r, "bound");
    uint32_t level = (uint32_t)reader_count(r);
    reader_expect(r, ":");
    uint64_t extent = reader_count(r);
    if (number != r->indices.n + 1)
        reader_fail(r, "indices numbered in order");
    if (!r->failed)
        vec_push(&r->indices, index_bound(r->p, level, extent, name));
}

typedef struct Head {
    Name name;
    uint32_t number;
    IrElem elem;
    IrRole role;
    bool flex, volatile_;
    char label[256];
} Head;

static void read_head(Reader *r, Head *h) {
    h->name = reader_split_name(r, '%', &h->number);
    reader_expect(r, ":");
    uint32_t elem = word_in(r, ir_elem_names, 5);
    if (elem == 5)
        reader_fail(r, "an element type");
    h->elem = (IrElem)(elem % 5);
    reader_next(r);
    reader_expect(r, "[");
    for (r->rank = 0; !r->failed && !reader_accept(r, "]");) {
        if (r->rank == IR_MAX_RANK) {
            reader_fail(r, "fewer axes");
            break;
        }
        r->axis[r->rank] = 0;
        if (r->token == TOKEN_NAME) {
            r->axis[r->rank] = name_intern_ident(r->p->session->names, r->word, strlen(r->word));
            reader_next(r);
            reader_expect(r, ":");
        }
        r->extent[r->rank++] = reader_count(r);
        if (!reader_is(r, "]"))
            reader_expect(r, ",");
    }
    uint32_t role = word_in(r, ir_role_names, 14);
    if (role < 14)
        reader_next(r);
    h->role = (IrRole)(role % 14);
    h->flex = reader_accept(r, "flex");
    h->volatile_ = reader_accept(r, "volatile");
    h->label[0] = 0;
    if (r->token == TOKEN_STRING) {
        strcpy(h->label, r->word);
        reader_next(r);
    }
}

static IrDef read_expr(Reader *r, const Head *h) {
    IrIdx axes[IR_MAX_RANK];
    reader_expect(r, "=");
    r->locals.n = 0;
    r->nesting = 0;
    while (!r->failed && r->token == TOKEN_NAME && r->word[0] == '$') {
        const char *start = r->at; /* `$1 = …` is a local line, `$1 + …` the body */
        char word[256];
        strcpy(word, r->word);
        reader_next(r);
        if (!reader_is(r, "=")) {
            r->at = start;
            strcpy(r->word, word);
            r->token = TOKEN_NAME;
            break;
        }
        reader_next(r);
        IrTerm local = read_term(r, 0);
        vec_push(&r->locals, local);
    }
    IrTerm body = read_term(r, 0);
    if (r->failed)
        return 0;
    for (uint32_t k = 0; k < r->rank; k++)
        axes[k] = ir_axis(r->p, k, r->extent[k]);
    IrDef d = ir_define(r->p, h->name, h->elem, axes, r->rank, body);
    for (uint32_t k = 0; k < r->rank; k++)
        if (!strchr(name_text(r->p->session->names, r->axis[k]), '\''))
            ir_name_axis(r->p, d, k, r->axis[k]);
    return d;
}

static IrDef read_concat(Reader *r, const Head *h) {
    VEC(IrPiece) pieces = {0};
    reader_expect(r, "=");
    do {
        IrPiece piece = {.def = read_def_name(r)};
        reader_expect(r, "@");
        piece.at[0] = reader_count(r);
        if (r->rank > 1)
            piece.at[1] = reader_count(r);
        vec_push(&pieces, piece);
    } while (reader_accept(r, ","));
    IrDef d = r->failed ? 0 : ir_concat(r->p, h->name, h->elem, r->rank, r->extent, pieces.at, pieces.n);
    vec_free(&pieces);
    return d;
}

static IrDef read_linalg(Reader *r) {
    reader_expect(r, "=");
    uint32_t fn = word_in(r, ir_linalg_names, IR_LINALG_COUNT);
    if (fn == IR_LINALG_COUNT)
        reader_fail(r, "a whole-tensor operation");
    reader_next(r);
    reader_expect(r, "(");
    IrDef a = read_def_name(r), b = reader_accept(r, ",") ? read_def_name(r) : 0;
    reader_expect(r, ")");
    return r->failed ? 0 : ir_linalg(r->p, (IrLinalg)fn, a, b);
}

static int64_t read_whole(Reader *r) {
    bool negative = reader_accept(r, "-");
    int64_t v = (int64_t)reader_count(r);
    return negative ? -v : v;
}

static IrDef read_input(Reader *r, const Head *h) {
    if (h->role != IR_ROLE_BOUND)
        return ir_input(r->p, h->name, h->role, h->elem, r->rank, r->extent);
    if (r->rank || h->elem != IR_I64 || r->after_newline)
        return ir_before(r->p, h->name, h->elem, r->rank, r->extent);
    int64_t lo = read_whole(r);
    reader_expect(r, "to");
    return ir_counter(r->p, h->name, lo, read_whole(r));
}

static IrDef read_scan(Reader *r, const Head *h) {
    IrScan scan = {.count = r->rank ? r->extent[0] : 0};
    reader_expect(r, "=");
    scan.row = read_def_name(r);
    reader_expect(r, "over");
    scan.counter = read_def_name(r);
    while (!r->failed && reader_accept(r, ",")) {
        if (scan.lags == IR_MAX_LAGS)
            reader_fail(r, "fewer rows before");
        else
            scan.before[scan.lags++] = read_def_name(r);
    }
    if (reader_accept(r, "from"))
        scan.start = read_def_name(r);
    scan.backward = reader_accept(r, "backward");
    if (!r->rank || (scan.start == 0) != (scan.lags == 0))
        reader_fail(r, "a scan over its first axis, with rows to start from where it has rows before");
    return r->failed ? 0 : ir_scan(r->p, h->name, &scan);
}

static IrDef read_root(Reader *r, const Head *h) {
    IrProgram *p = r->p;
    reader_expect(r, "=");
    reader_expect(r, "of");
    IrDef unknown = read_def_name(r);
    reader_expect(r, ":");
    IrDef residual = read_def_name(r);
    reader_expect(r, ",");
    IrDef jacobian = read_def_name(r);
    reader_expect(r, "from");
    IrDef start = read_def_name(r);
    if (!r->failed && (p->defs.at[unknown].role != IR_ROLE_UNKNOWN || p->defs.at[unknown].unknown))
        reader_fail(r, "an unknown that no other root has");
    return r->failed ? 0 : ir_root(p, h->name, unknown, residual, jacobian, start);
}

static IrDef read_view(Reader *r, const Head *h) {
    reader_expect(r, "=");
    IrDef parent = read_def_name(r);
    reader_expect(r, "+");
    uint64_t offset = reader_count(r);
    return r->failed ? 0 : ir_view(r->p, h->name, parent, offset, r->rank, r->extent);
}

static void read_def(Reader *r) {
    static const char *const kinds[] = {"input", "view", "def", "concat", "linalg", "scan", "root"};
    uint32_t kind = word_in(r, kinds, 7);
    Head h = {0};
    IrDef d = 0;
    if (kind == 7) {
        reader_fail(r, "a definition");
        return;
    }
    reader_next(r);
    read_head(r, &h);
    if (h.number != r->defs.n + 1)
        reader_fail(r, "definitions numbered in order");
    if (r->failed)
        return;
    switch ((IrDefKind)kind) {
    case IR_DEF_INPUT: d = read_input(r, &h); break;
    case IR_DEF_VIEW: d = read_view(r, &h); break;
    case IR_DEF_EXPR: d = read_expr(r, &h); break;
    case IR_DEF_CONCAT: d = read_concat(r, &h); break;
    case IR_DEF_LINALG: d = read_linalg(r); break;
    case IR_DEF_SCAN: d = read_scan(r, &h); break;
    case IR_DEF_ROOT: d = read_root(r, &h); break;
    }
    if (r->failed || !d)
        return;
    IrDefInfo *info = &r->p->defs.at[d];
    info->role = h.role;
    info->flex = h.flex;
    info->volatile_ = h.volatile_;
    if (!info->name)
        info->name = h.name;
    if (h.label[0])
        ir_set_label(r->p, d, h.label);
    vec_push(&r->defs, d);
}

bool ir_read_text(IrProgram *p, const char *text) {
    Reader r = {.p = p, .at = text, .line = 1};
    reader_next(&r);
    while (!r.failed && r.token != TOKEN_END) {
        if (reader_accept(&r, "index"))
            read_index(&r);
        else
            read_def(&r);
    }
    vec_free(&r.defs);
    vec_free(&r.indices);
    vec_free(&r.locals);
    return !r.failed;
}
