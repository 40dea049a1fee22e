/* read — takes back what print.c wrote: one token of lookahead, terms by precedence climbing. Terms are built
 * raw, not folded, so that printing what was read gives the same text. */
#include "print.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NESTING 2000

typedef struct Reader {
    IrProgram *p;
    const char *at;
    uint32_t line;
    char word[256]; /* present token: a name, number or operator; empty at the end */
    enum { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_STRING } token;
    bool after_newline;
    VEC(IrDef) defs;        /* by number in the text */
    VEC(IrIdx) indices;     /* bound indices by number */
    VEC(IrTerm) locals;     /* `$` terms of the present definition */
    Name axis[IR_MAX_RANK]; /* axes of the present definition */
    uint64_t extent[IR_MAX_RANK];
    uint32_t rank;
    uint32_t nesting;
    bool failed;
} Reader;

static void fail(Reader *r, const char *expected) {
    if (!r->failed)
        diag_error(r->p->session, DIAG_IR_TEXT, (Span){0}, "line %u: expected %s, found '%s'", r->line,
                   expected, r->token == TOKEN_END ? "the end" : r->word);
    r->failed = true;
    r->token = TOKEN_END;
    r->word[0] = 0;
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

static bool is_name_byte(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

static void take(Reader *r, size_t n, int token) {
    if (n >= sizeof r->word)
        n = sizeof r->word - 1;
    memcpy(r->word, r->at, n);
    r->word[n] = 0;
    r->at += n;
    r->token = token;
}

/* Names carry their number: h%3 (a definition), k.2 (a bound index), a0' (an axis without a name). */
static size_t name_length(const char *s) {
    size_t n = 0;
    while (is_name_byte(s[n]))
        n++;
    if (s[n] == '\'')
        return n + 1;
    if ((s[n] == '%' || s[n] == '.') && isdigit((unsigned char)s[n + 1])) {
        n++;
        while (isdigit((unsigned char)s[n]))
            n++;
    }
    return n;
}

static size_t number_length(const char *s) {
    size_t n = 0;
    while (isdigit((unsigned char)s[n]) || s[n] == '.')
        n++;
    if (s[n] == 'e') {
        n++;
        n += s[n] == '+' || s[n] == '-';
        while (isdigit((unsigned char)s[n]))
            n++;
    }
    return n;
}

static void next(Reader *r) {
    r->after_newline = false;
    if (r->failed)
        return;
    while (*r->at == ' ' || *r->at == '\n') {
        r->after_newline |= *r->at == '\n';
        r->line += *r->at == '\n';
        r->at++;
    }
    const char *s = r->at;
    if (!*s) {
        take(r, 0, TOKEN_END);
    } else if (isdigit((unsigned char)*s)) {
        take(r, number_length(s), TOKEN_NUMBER);
    } else if (is_name_byte(*s) || (*s == '%' && isdigit((unsigned char)s[1]))) {
        take(r, name_length(s), TOKEN_NAME);
    } else if (*s == '$') {
        size_t n = 1;
        while (isdigit((unsigned char)s[n]))
            n++;
        take(r, n, TOKEN_NAME);
    } else if (*s == '"') {
        const char *end = strchr(s + 1, '"');
        r->at = s + 1;
        take(r, end ? (size_t)(end - s - 1) : 0, TOKEN_STRING);
        r->at += end ? 1 : 0;
    } else {
        bool two = (s[1] == '=' && strchr("=!<>:", *s));
        take(r, two ? 2 : 1, TOKEN_SIGN);
    }
}

static bool is_word(const Reader *r, const char *word) {
    return r->token != TOKEN_STRING && !strcmp(r->word, word);
}

static bool accept(Reader *r, const char *word) {
    if (r->token == TOKEN_END || !is_word(r, word))
        return false;
    next(r);
    return true;
}

static void expect(Reader *r, const char *word) {
    if (!accept(r, word))
        fail(r, word);
}

static uint64_t read_count(Reader *r) {
    if (r->token != TOKEN_NUMBER || strpbrk(r->word, ".e"))
        fail(r, "a whole number");
    uint64_t n = strtoull(r->word, NULL, 10);
    next(r);
    return n;
}

/* The text before `mark` as a Name, and the number behind it. */
static Name split_name(Reader *r, char mark, uint32_t *number) {
    char *at = strrchr(r->word, mark);
    if (!at || r->token != TOKEN_NAME) {
        fail(r, mark == '%' ? "a definition" : "a bound index");
        *number = 0;
        return 0;
    }
    *number = (uint32_t)strtoul(at + 1, NULL, 10);
    Name name = at == r->word ? 0 : name_intern_ident(r->p->session->names, r->word, (size_t)(at - r->word));
    next(r);
    return name;
}

static IrDef read_def_name(Reader *r) {
    uint32_t number;
    split_name(r, '%', &number);
    if (number == 0 || number > r->defs.n) {
        fail(r, "a definition made before");
        return 0;
    }
    return r->defs.at[number - 1];
}

/* ---- terms --------------------------------------------------------------------------------------------- */

static IrTerm read_term(Reader *r, int strength);

static IrTerm failed_term(Reader *r, const char *expected) {
    fail(r, expected);
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
    if (accept(r, close))
        return 0;
    do {
        IrTerm t = read_term(r, 0);
        if (n == max) {
            fail(r, "fewer operands");
            return n;
        }
        out[n++] = t;
    } while (accept(r, ","));
    expect(r, close);
    return n;
}

static IrIdx read_bound(Reader *r) {
    uint32_t number;
    split_name(r, '.', &number);
    if (number == 0 || number > r->indices.n) {
        fail(r, "an index declared before");
        return 0;
    }
    return r->indices.at[number - 1];
}

static IrTerm read_reduce(Reader *r, IrOp op) {
    expect(r, "[");
    IrIdx i = read_bound(r);
    IrTerm guard = accept(r, "|") ? read_term(r, 0) : 0;
    expect(r, "]");
    expect(r, "(");
    IrTerm body = read_term(r, 0);
    expect(r, ")");
    return r->failed ? ir_int(r->p, 0) : raw_reduce(r->p, op, i, guard, body);
}

static IrTerm read_draw(Reader *r) {
    IrDrawKind kind = is_word(r, "uniform") ? IR_DRAW_UNIFORM : IR_DRAW_NORMAL;
    next(r);
    expect(r, "(");
    uint32_t site = (uint32_t)read_count(r);
    expect(r, ",");
    IrTerm position = read_term(r, 0);
    expect(r, ")");
    return ir_draw(r->p, kind, site, position);
}

static IrTerm read_element(Reader *r) {
    IrTerm subs[IR_MAX_RANK];
    IrDef d = read_def_name(r);
    expect(r, "[");
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
    next(r);
    for (uint32_t k = 0; k < r->rank; k++)
        if (r->axis[k] == name)
            return raw_node(r->p, IR_INDEX, IR_INT, ir_axis(r->p, k, r->extent[k]), 0, 0);
    if (is_word(r, "[")) {
        IrOp op = op_by_name(word, 0, true);
        return op ? read_reduce(r, op) : failed_term(r, "a reduction before '['");
    }
    IrTerm at[3];
    if (!accept(r, "("))
        return failed_term(r, "an axis or an operation");
    uint32_t n = read_list(r, at, 3, ")");
    IrOp op = n ? op_by_name(word, n, false) : IR_NONE;
    return op && !r->failed ? apply(r, op, at, n) : failed_term(r, "an operation that exists");
}

static IrTerm read_number(Reader *r, bool negative) {
    IrProgram *p = r->p;
    IrTerm t;
    if (is_word(r, "inf") || is_word(r, "nan"))
        t = ir_real(p, is_word(r, "nan") ? NAN : negative ? -INFINITY : INFINITY);
    else if (strpbrk(r->word, ".e"))
        t = ir_real(p, (negative ? -1 : 1) * strtod(r->word, NULL));
    else /* INT64_MIN has no positive counterpart: negated in unsigned arithmetic */
        t = ir_int(p, (int64_t)(negative ? -strtoull(r->word, NULL, 10) : strtoull(r->word, NULL, 10)));
    next(r);
    return t;
}

static IrTerm read_atom(Reader *r) {
    IrProgram *p = r->p;
    if (accept(r, "(")) {
        IrTerm t = read_term(r, 0);
        expect(r, ")");
        return t;
    }
    if (r->token == TOKEN_NUMBER || is_word(r, "inf") || is_word(r, "nan"))
        return read_number(r, false);
    if (is_word(r, "true") || is_word(r, "false")) {
        bool value = is_word(r, "true");
        next(r);
        return ir_bool(p, value);
    }
    if (accept(r, "draw"))
        return read_draw(r);
    if (r->token != TOKEN_NAME)
        return failed_term(r, "a term");
    if (r->word[0] == '$') {
        uint32_t k = (uint32_t)strtoul(r->word + 1, NULL, 10);
        if (k == 0 || k > r->locals.n)
            return failed_term(r, "a local term made before");
        next(r);
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
        if (is_word(r, ir_op_name(operators[k].op))) {
            *op = operators[k].op;
            return operators[k].strength;
        }
    return 0;
}

static IrTerm read_signed(Reader *r) {
    if (!accept(r, "-"))
        return read_atom(r);
    if (r->token == TOKEN_NUMBER || is_word(r, "inf"))
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
        next(r);
        IrTerm at[2] = {left, read_term(r, s + 1)};
        left = r->failed ? left : apply(r, op, at, 2);
    }
    r->nesting--;
    return left;
}

/* ---- definitions --------------------------------------------------------------------------------------- */

static uint32_t word_in(const Reader *r, const char *const *words, uint32_t n) {
    for (uint32_t k = 0; k < n; k++)
        if (is_word(r, words[k]))
            return k;
    return n;
}

static void read_index(Reader *r) {
    uint32_t number;
    Name name = split_name(r, '.', &number);
    expect(r, "=");
    expect(r, "bound");
    uint32_t level = (uint32_t)read_count(r);
    expect(r, ":");
    uint64_t extent = read_count(r);
    if (number != r->indices.n + 1)
        fail(r, "indices numbered in order");
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
    h->name = split_name(r, '%', &h->number);
    expect(r, ":");
    uint32_t elem = word_in(r, ir_elem_names, 5);
    if (elem == 5)
        fail(r, "an element type");
    h->elem = (IrElem)(elem % 5);
    next(r);
    expect(r, "[");
    for (r->rank = 0; !r->failed && !accept(r, "]");) {
        if (r->rank == IR_MAX_RANK) {
            fail(r, "fewer axes");
            break;
        }
        r->axis[r->rank] = 0;
        if (r->token == TOKEN_NAME) {
            r->axis[r->rank] = name_intern_ident(r->p->session->names, r->word, strlen(r->word));
            next(r);
            expect(r, ":");
        }
        r->extent[r->rank++] = read_count(r);
        if (!is_word(r, "]"))
            expect(r, ",");
    }
    uint32_t role = word_in(r, ir_role_names, 12);
    if (role < 12)
        next(r);
    h->role = (IrRole)(role % 12);
    h->flex = accept(r, "flex");
    h->volatile_ = accept(r, "volatile");
    h->label[0] = 0;
    if (r->token == TOKEN_STRING) {
        strcpy(h->label, r->word);
        next(r);
    }
}

static IrDef read_expr(Reader *r, const Head *h) {
    IrIdx axes[IR_MAX_RANK];
    expect(r, "=");
    r->locals.n = 0;
    r->nesting = 0;
    while (!r->failed && r->token == TOKEN_NAME && r->word[0] == '$') {
        const char *start = r->at; /* `$1 = …` is a local line, `$1 + …` the body */
        char word[256];
        strcpy(word, r->word);
        next(r);
        if (!is_word(r, "=")) {
            r->at = start;
            strcpy(r->word, word);
            r->token = TOKEN_NAME;
            break;
        }
        next(r);
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
    expect(r, "=");
    do {
        IrPiece piece = {.def = read_def_name(r)};
        expect(r, "@");
        piece.at[0] = read_count(r);
        if (r->rank > 1)
            piece.at[1] = read_count(r);
        vec_push(&pieces, piece);
    } while (accept(r, ","));
    IrDef d = r->failed ? 0 : ir_concat(r->p, h->name, h->elem, r->rank, r->extent, pieces.at, pieces.n);
    vec_free(&pieces);
    return d;
}

static IrDef read_linalg(Reader *r) {
    expect(r, "=");
    uint32_t fn = word_in(r, ir_linalg_names, IR_LINALG_COUNT);
    if (fn == IR_LINALG_COUNT)
        fail(r, "a whole-tensor operation");
    next(r);
    expect(r, "(");
    IrDef a = read_def_name(r), b = accept(r, ",") ? read_def_name(r) : 0;
    expect(r, ")");
    return r->failed ? 0 : ir_linalg(r->p, (IrLinalg)fn, a, b);
}

static IrDef read_view(Reader *r, const Head *h) {
    expect(r, "=");
    IrDef parent = read_def_name(r);
    expect(r, "+");
    uint64_t offset = read_count(r);
    return r->failed ? 0 : ir_view(r->p, h->name, parent, offset, r->rank, r->extent);
}

static void read_def(Reader *r) {
    static const char *const kinds[] = {"input", "view", "def", "concat", "linalg"};
    uint32_t kind = word_in(r, kinds, 5);
    Head h = {0};
    IrDef d = 0;
    if (kind == 5) {
        fail(r, "a definition");
        return;
    }
    next(r);
    read_head(r, &h);
    if (h.number != r->defs.n + 1)
        fail(r, "definitions numbered in order");
    if (r->failed)
        return;
    switch ((IrDefKind)kind) {
    case IR_DEF_INPUT: d = ir_input(r->p, h.name, h.role, h.elem, r->rank, r->extent); break;
    case IR_DEF_VIEW: d = read_view(r, &h); break;
    case IR_DEF_EXPR: d = read_expr(r, &h); break;
    case IR_DEF_CONCAT: d = read_concat(r, &h); break;
    case IR_DEF_LINALG: d = read_linalg(r); break;
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
    next(&r);
    while (!r.failed && r.token != TOKEN_END) {
        if (accept(&r, "index"))
            read_index(&r);
        else
            read_def(&r);
    }
    vec_free(&r.defs);
    vec_free(&r.indices);
    vec_free(&r.locals);
    return !r.failed;
}
