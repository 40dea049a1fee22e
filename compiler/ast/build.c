/* build — the nodes the grammar's actions make. Each function fills one kind of node; what a reader is likely
 * to have meant by a wrong form is reported here, where the form is at hand. */
#include "parser.h"

#include <string.h>

/* ---- lists ---- */

Seq *seq_new(Parser *parser, size_t size) {
    Seq *seq = ARENA_NEW(parser->session->arena, Seq);
    seq->size = size;
    return seq;
}

void seq_push_(Parser *parser, Seq *seq, const void *element) {
    if (seq->n == seq->cap) {
        uint32_t cap = seq->cap ? seq->cap * 2 : 4;
        void *at = arena_alloc(parser->session->arena, cap * seq->size);
        if (seq->n)
            memcpy(at, seq->at, seq->n * seq->size);
        seq->at = at;
        seq->cap = cap;
    }
    memcpy((char *)seq->at + seq->n++ * seq->size, element, seq->size);
}

static ExprList expr_list(const Seq *seq) { return seq ? (ExprList){seq->at, seq->n} : (ExprList){0}; }
static ArgList arg_list(const Seq *seq) { return seq ? (ArgList){seq->at, seq->n} : (ArgList){0}; }
static BinderList binder_list(const Seq *seq) {
    return seq ? (BinderList){seq->at, seq->n} : (BinderList){0};
}
static ParamList param_list(const Seq *seq) { return seq ? (ParamList){seq->at, seq->n} : (ParamList){0}; }

/* ---- expressions ---- */

static Expr *new_expr(Parser *parser, ExprKind kind, Span span) {
    Expr *expr = ARENA_NEW(parser->session->arena, Expr);
    *expr = (Expr){.kind = kind, .span = span, .depth = 1};
    return expr;
}

static void deepen(Expr *expr, const Expr *child) {
    if (child && child->depth >= expr->depth)
        expr->depth = child->depth + 1;
}

static void deepen_list(Expr *expr, ExprList list) {
    for (uint32_t i = 0; i < list.n; i++)
        deepen(expr, list.at[i]);
}

static void deepen_args(Expr *expr, ArgList list) {
    for (uint32_t i = 0; i < list.n; i++)
        deepen(expr, list.at[i].value);
}

/* The expression, or an ERROR in its place when it is deeper than walks may recurse. */
static Expr *bounded(Parser *parser, Expr *expr) {
    if (expr->depth <= AST_MAX_DEPTH)
        return expr;
    parser_report_depth(parser, expr->span);
    return build_error(parser, expr->span);
}

Expr *build_error(Parser *parser, Span span) { return new_expr(parser, EXPR_ERROR, span); }

Expr *build_number(Parser *parser, Span span, double value, bool is_int) {
    Expr *expr = new_expr(parser, EXPR_NUMBER, span);
    expr->number.value = value;
    expr->number.is_int = is_int;
    return expr;
}

Expr *build_string(Parser *parser, Span span, Name text) {
    Expr *expr = new_expr(parser, EXPR_STRING, span);
    expr->string.text = text;
    return expr;
}

Expr *build_bool(Parser *parser, Span span, bool value) {
    Expr *expr = new_expr(parser, EXPR_BOOL, span);
    expr->boolean.value = value;
    return expr;
}

Expr *build_name(Parser *parser, Span span, Name name) {
    Expr *expr = new_expr(parser, EXPR_NAME, span);
    expr->name.name = name;
    return expr;
}

Expr *build_prime(Parser *parser, Span span, Expr *of) {
    if (of->kind == EXPR_PRIME) {
        Expr *expr = new_expr(parser, EXPR_PRIME, span);
        expr->prime.of = of->prime.of;
        expr->prime.count = of->prime.count + 1;
        expr->depth = of->depth;
        return expr;
    }
    Expr *expr = new_expr(parser, EXPR_PRIME, span);
    expr->prime.of = of;
    expr->prime.count = 1;
    deepen(expr, of);
    return bounded(parser, expr);
}

Expr *build_array(Parser *parser, Span span, Seq *items) {
    Expr *expr = new_expr(parser, EXPR_ARRAY, span);
    expr->array.items = expr_list(items);
    deepen_list(expr, expr->array.items);
    if (!items->n)
        diag_error(parser->session, DIAG_SYNTAX, span, "an array needs at least one element");
    return bounded(parser, expr);
}

Expr *build_unary(Parser *parser, Span span, UnaryOp op, Expr *a) {
    if (a->kind == EXPR_ERROR)
        return build_error(parser, span);
    Expr *expr = new_expr(parser, EXPR_UNARY, span);
    expr->unary.op = op;
    expr->unary.a = a;
    deepen(expr, a);
    return bounded(parser, expr);
}

Expr *build_binary(Parser *parser, Span span, BinaryOp op, Expr *a, Expr *b) {
    if (a->kind == EXPR_ERROR || b->kind == EXPR_ERROR)
        return build_error(parser, span);
    Expr *expr = new_expr(parser, EXPR_BINARY, span);
    expr->binary.op = op;
    expr->binary.a = a;
    expr->binary.b = b;
    if (a->kind == EXPR_BINARY)
        expr->depth = a->depth;
    else
        deepen(expr, a);
    deepen(expr, b);
    return bounded(parser, expr);
}

Expr *build_subscript(Parser *parser, Span span, Expr *of, Seq *subs) {
    Expr *expr = new_expr(parser, EXPR_SUBSCRIPT, span);
    expr->subscript.of = of;
    expr->subscript.subs = expr_list(subs);
    deepen(expr, of);
    deepen_list(expr, expr->subscript.subs);
    return bounded(parser, expr);
}

static bool is_name(Parser *parser, const Expr *expr, Word_ word) {
    return expr->kind == EXPR_NAME && expr->name.name == parser->words->of[word];
}

/* The reduction a name stands for, or -1. */
static int reduction_of(Parser *parser, const Expr *callee) {
    for (int word = WORD_sum; word <= (int)WORD_all; word++)
        if (is_name(parser, callee, (Word_)word))
            return word - (int)WORD_sum + (int)REDUCE_SUM;
    return -1;
}

/* `sum(i, x[i])` is not a sum over i: report it with the form it should have. */
static Expr *misformed_reduction(Parser *parser, Span span, const Expr *callee, ArgList args) {
    const char *name = name_text(parser->session->names, callee->name.name);
    Diag *diag;
    if (args.n == 0) {
        diag = diag_error(parser->session, DIAG_REDUCTION_FORM, span, "`%s()` has nothing to reduce", name);
        diag_help(parser->session, diag, "write %s(x) for all elements, or %s[i](x[i]) over an index", name,
                  name);
        return build_error(parser, span);
    }
    diag = diag_error(parser->session, DIAG_REDUCTION_FORM, span,
                      "`%s` takes one expression in its parentheses, not %u", name, args.n);
    if (args.at[0].value->kind == EXPR_NAME && !args.at[0].name) {
        const char *index = name_text(parser->session->names, args.at[0].value->name.name);
        diag_help(parser->session, diag, "the index goes in brackets: %s[%s](…)", name, index);
    } else {
        diag_help(parser->session, diag, "an index goes in brackets: %s[i](…)", name);
    }
    return build_error(parser, span);
}

Expr *build_call(Parser *parser, Span span, Expr *callee, Seq *args) {
    ArgList list = arg_list(args);
    if (callee->kind == EXPR_ERROR)
        return build_error(parser, span);
    if (callee->kind != EXPR_NAME) {
        Diag *diag =
            diag_error(parser->session, DIAG_BAD_CALL, callee->span, "only a function's name can be called");
        if (callee->kind == EXPR_PRIME)
            diag_help(parser->session, diag, "the derivative of f at x is written grad(f(x), x)");
        else if (callee->kind == EXPR_FIELD)
            diag_help(parser->session, diag, "functions have no prefix: write `%s(…)`",
                      name_text(parser->session->names, callee->field.name));
        else if (callee->kind == EXPR_SUBSCRIPT && callee->subscript.of->kind == EXPR_NAME)
            diag_help(parser->session, diag,
                      "over an index go sum, prod, mean, min, max, argmin, argmax, any and all: the variance over i of e is "
                      "`mean[i]((e - mean[i](e))^2)`");
        else if (callee->kind == EXPR_NUMBER || callee->kind == EXPR_CALL)
            diag_help(parser->session, diag, "for a product write `*` before the parenthesis");
        return build_error(parser, span);
    }
    int op = reduction_of(parser, callee);
    bool elementwise = list.n >= 2 && (op == REDUCE_MAX || op == REDUCE_MIN);
    if (op >= 0 && !elementwise) {
        if (list.n != 1 || list.at[0].name)
            return misformed_reduction(parser, span, callee, list);
        return build_reduce(parser, span, (ReduceOp)op, NULL, NULL, list.at[0].value);
    }
    Expr *expr = new_expr(parser, EXPR_CALL, span);
    expr->call.callee = callee;
    expr->call.args = list;
    deepen(expr, callee);
    deepen_args(expr, list);
    return bounded(parser, expr);
}

Expr *build_reduce(Parser *parser, Span span, ReduceOp op, Seq *binders, Expr *guard, Expr *body) {
    Expr *expr = new_expr(parser, EXPR_REDUCE, span);
    expr->reduce.op = op;
    expr->reduce.binders = binder_list(binders);
    expr->reduce.guard = guard;
    expr->reduce.body = body;
    deepen(expr, guard);
    deepen(expr, body);
    for (uint32_t i = 0; i < expr->reduce.binders.n; i++) {
        const Binder *binder = &expr->reduce.binders.at[i];
        deepen(expr, binder->extent);
        deepen(expr, binder->set);
        if (!binder->name) {
            Diag *diag =
                diag_error(parser->session, DIAG_REDUCTION_FORM, binder->span, "an index needs a name");
            diag_help(parser->session, diag, "write `i : 10` for an index i with 10 values");
        }
    }
    return bounded(parser, expr);
}

Expr *build_transpose(Parser *parser, Span span, Expr *of) {
    Expr *expr = new_expr(parser, EXPR_TRANSPOSE, span);
    expr->transpose.of = of;
    deepen(expr, of);
    return bounded(parser, expr);
}

Expr *build_if(Parser *parser, Span span, Expr *cond, Expr *then, Expr *other) {
    Expr *expr = new_expr(parser, EXPR_IF, span);
    expr->cond.cond = cond;
    expr->cond.then = then;
    expr->cond.other = other;
    deepen(expr, cond);
    deepen(expr, then);
    deepen(expr, other);
    return bounded(parser, expr);
}

Expr *build_draw_call(Parser *parser, Span name_span, Span end, Name name, Seq *args) {
    return build_call(parser, span_join(name_span, end), build_name(parser, name_span, name), args);
}

Expr *build_draw(Parser *parser, Span span, Expr *dist) {
    if (dist->kind != EXPR_CALL)
        return build_error(parser, span);
    Expr *expr = new_expr(parser, EXPR_DRAW, span);
    expr->draw.dist = dist;
    deepen(expr, dist);
    return bounded(parser, expr);
}

Expr *build_range(Parser *parser, Span span, Expr *lo, Expr *hi) {
    Expr *expr = new_expr(parser, EXPR_RANGE, span);
    expr->range.lo = lo;
    expr->range.hi = hi;
    deepen(expr, lo);
    deepen(expr, hi);
    return bounded(parser, expr);
}

Expr *build_field(Parser *parser, Span span, Expr *of, Name name) {
    Expr *expr = new_expr(parser, EXPR_FIELD, span);
    expr->field.of = of;
    expr->field.name = name;
    deepen(expr, of);
    if (of->kind != EXPR_NAME && of->kind != EXPR_ERROR) {
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, span, "`.` goes after the name of a run");
        diag_help(parser->session, diag, "functions are called as f(x), elements are read as x[i]");
        return build_error(parser, span);
    }
    return bounded(parser, expr);
}

/* √x is sqrt(x). */
Expr *build_sqrt(Parser *parser, Span span, Span sign, Expr *of) {
    Seq *args = SEQ(parser, Arg);
    Arg arg = build_arg(parser, of->span, 0, of);
    SEQ_PUSH(parser, args, arg);
    return build_call(parser, span, build_name(parser, sign, PARSER_WORD(parser, sqrt)), args);
}

Expr *build_block(Parser *parser, Span span, Seq *lets, Expr *value, uint32_t lets_depth) {
    Expr *expr = new_expr(parser, EXPR_BLOCK, span);
    expr->block.lets = (StmtList){lets->at, lets->n};
    expr->block.value = value;
    expr->depth = lets_depth + 1;
    deepen(expr, value);
    return bounded(parser, expr);
}

/* A lone name is an index or an extent: sema decides; so it stands in `name`. */
Binder build_binder(Parser *parser, Span span, Expr *alone, bool periodic) {
    (void)parser;
    Binder binder = {.span = span, .periodic = periodic};
    if (alone->kind == EXPR_NAME)
        binder.name = alone->name.name;
    else
        binder.extent = alone;
    return binder;
}

Arg build_arg(Parser *parser, Span span, Name name, Expr *value) {
    (void)parser;
    return (Arg){.span = span, .name = name, .value = value};
}

Declarator *build_declarator(Parser *parser, Span span, Name name, uint32_t primes, Seq *axes) {
    Declarator *d = ARENA_NEW(parser->session->arena, Declarator);
    *d = (Declarator){.span = span, .name_span = span, .name = name, .primes = primes};
    d->has_axes = axes != NULL;
    d->axes = binder_list(axes);
    return d;
}

void build_type_args(Declarator *declarator, Seq *args) { declarator->type_args = expr_list(args); }

Param build_param(Span span, Name name, Seq *axes, Expr *init) {
    return (Param){
        .span = span, .name = name, .axes = binder_list(axes), .has_axes = axes != NULL, .init = init};
}

/* ---- statements: build_stmt.c has those with a rule of their own ---- */

Stmt *build_stmt(Parser *parser, StmtKind kind, Span span) {
    Stmt *stmt = ARENA_NEW(parser->session->arena, Stmt);
    stmt->kind = kind;
    stmt->span = span;
    return stmt;
}

Item build_item(Stmt *stmt) { return (Item){.span = stmt->span, .stmt = stmt}; }

Item build_fn(Parser *parser, Span span, Name name, Span name_span, Seq *params, Seq *axes, Expr *body) {
    Stmt *stmt = build_stmt(parser, STMT_FN, span);
    stmt->fn.name = name;
    stmt->fn.name_span = name_span;
    stmt->fn.params = param_list(params);
    stmt->fn.axes = binder_list(axes);
    stmt->fn.has_axes = axes != NULL;
    stmt->fn.body = body;
    return build_item(stmt);
}

Item build_system(Parser *parser, Span span, Name name, Span name_span, Seq *params, const Block *body) {
    Stmt *stmt = build_stmt(parser, STMT_SYSTEM, span);
    stmt->system.name = name;
    stmt->system.name_span = name_span;
    stmt->system.params = param_list(params);
    stmt->system.items = place_statements(parser, body->items, PLACE_SYSTEM);
    return build_item(stmt);
}

Item build_dynamics(Parser *parser, Span span, Name name, Span name_span, Seq *params, const Param *pattern,
                    const Block *body) {
    Stmt *stmt = build_stmt(parser, STMT_DYNAMICS, span);
    stmt->dynamics.name = name;
    stmt->dynamics.name_span = name_span;
    stmt->dynamics.params = param_list(params);
    stmt->dynamics.has_pattern = pattern != NULL;
    if (pattern)
        stmt->dynamics.pattern = *pattern;
    stmt->dynamics.items = place_statements(parser, body->items, PLACE_DYNAMICS);
    return build_item(stmt);
}

Item build_flow(Parser *parser, Span span, Name name, Span name_span, Block body) {
    Stmt *stmt = build_stmt(parser, STMT_FLOW, span);
    stmt->flow.name = name;
    stmt->flow.name_span = name_span;
    stmt->flow.items = place_statements(parser, body.items, PLACE_FLOW);
    return build_item(stmt);
}

Item build_force(Parser *parser, Span span, Seq *axes, Name on, Expr *value) {
    Stmt *stmt = build_stmt(parser, STMT_TERM, span);
    stmt->term.kind = TERM_FORCE;
    stmt->term.on = on;
    stmt->term.axes = binder_list(axes);
    stmt->term.has_axes = axes != NULL;
    stmt->term.value = value;
    return build_item(stmt);
}

Item build_constraint(Parser *parser, Span span, Expr *value, Expr *rhs) {
    Stmt *stmt = build_stmt(parser, STMT_TERM, span);
    stmt->term.kind = TERM_CONSTRAINT;
    stmt->term.value = value;
    stmt->term.rhs = rhs;
    if (value->kind == EXPR_BINARY && value->binary.op == BINARY_EQ && !rhs) {
        Diag *diag =
            diag_error(parser->session, DIAG_SYNTAX, span, "a constraint is an equation with one `=`");
        diag_help(parser->session, diag, "write `constraint a = b`; `==` compares");
    }
    return build_item(stmt);
}

Item build_constraint_over(Parser *parser, Span span, Span word, Span end, Expr *value, Expr *rhs) {
    Span over = {word.file, word.end, end.end};
    Diag *diag = diag_error(parser->session, DIAG_SYNTAX, over, "a constraint does not name its indices");
    diag_help(parser->session, diag, "leave this out: the subscripts that nobody declared are its indices");
    return build_constraint(parser, span, value, rhs);
}

Item build_plot(Parser *parser, Span span, Name form, Span form_span, Seq *items, Every every, Name path) {
    Stmt *stmt = build_stmt(parser, STMT_PLOT, span);
    stmt->plot.form = form;
    stmt->plot.form_span = form_span;
    stmt->plot.items = arg_list(items);
    stmt->plot.every = every;
    stmt->plot.path = path;
    return build_item(stmt);
}

Item build_save(Parser *parser, Span span, Seq *items, Name path) {
    Stmt *stmt = build_stmt(parser, STMT_SAVE, span);
    stmt->save.items = arg_list(items);
    stmt->save.path = path;
    return build_item(stmt);
}

Item build_record(Parser *parser, Span span, StmtKind kind, Seq *items, Every every) {
    Stmt *stmt = build_stmt(parser, kind, span);
    if (kind == STMT_RECORD) {
        stmt->record.items = arg_list(items);
        stmt->record.every = every;
    } else {
        stmt->print.items = arg_list(items);
        stmt->print.every = every;
    }
    return build_item(stmt);
}
