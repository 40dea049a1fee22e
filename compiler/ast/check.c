/* check — the invariants of the tree: every node has a kind of ast.def, children where its kind needs them, a
 * span inside its file, and a depth above its children's (along a chain of operators, not below it). Tests run it after every parse. */
#include "ast.h"

typedef struct Checker {
    Session *session;
    const Source *source;
    uint32_t file;
    Buf *out;
    bool ok;
} Checker;

static void fail(Checker *c, Span span, const char *what) {
    buf_printf(c->out, "bytes %u..%u: %s\n", span.start, span.end, what);
    c->ok = false;
}

static void check_span(Checker *c, Span span, const char *what) {
    if (span.file != c->file || span.start > span.end || span.end > c->source->length)
        fail(c, span, what);
}

static void check_expr(Checker *c, const Expr *expr, const Expr *parent);
static void check_stmts(Checker *c, StmtList list);

static void check_optional(Checker *c, const Expr *expr, const Expr *parent) {
    if (expr)
        check_expr(c, expr, parent);
}

static void check_exprs(Checker *c, ExprList list, const Expr *parent) {
    for (uint32_t i = 0; i < list.n; i++)
        check_optional(c, list.at[i], parent);
}

static void check_args(Checker *c, ArgList list, const Expr *parent) {
    for (uint32_t i = 0; i < list.n; i++) {
        check_span(c, list.at[i].span, "argument outside of its file");
        check_expr(c, list.at[i].value, parent);
    }
}

static void check_binders(Checker *c, BinderList list, const Expr *parent) {
    for (uint32_t i = 0; i < list.n; i++) {
        const Binder *binder = &list.at[i];
        check_span(c, binder->span, "index outside of its file");
        if (!binder->name && !binder->extent)
            fail(c, binder->span, "index without name and extent");
        if (binder->set && (!binder->name || binder->extent))
            fail(c, binder->span, "index with a set and an extent");
        check_optional(c, binder->extent, parent);
        check_optional(c, binder->set, parent);
    }
}

static void check_callee(Checker *c, const Expr *expr) {
    if (expr->call.callee->kind != EXPR_NAME)
        fail(c, expr->span, "call of something without a name");
}

/* a op b op c …, from the outermost operator inwards. */
static void check_binary(Checker *c, const Expr *expr) {
    check_expr(c, expr->binary.b, expr);
    while (expr->binary.a && expr->binary.a->kind == EXPR_BINARY) {
        const Expr *parent = expr;
        expr = expr->binary.a;
        check_span(c, expr->span, "expression outside of its file");
        if (parent->depth < expr->depth)
            fail(c, expr->span, "deeper than the chain it begins");
        check_expr(c, expr->binary.b, expr);
    }
    check_expr(c, expr->binary.a, expr);
}

static void check_expr(Checker *c, const Expr *expr, const Expr *parent) {
    if (!expr) {
        fail(c, parent ? parent->span : (Span){0}, "missing expression");
        return;
    }
    check_span(c, expr->span, "expression outside of its file");
    if (expr->depth < 1 || expr->depth > AST_MAX_DEPTH)
        fail(c, expr->span, "depth out of bounds");
    if (parent && parent->depth <= expr->depth)
        fail(c, expr->span, "not deeper than what it holds");
    switch (expr->kind) {
    case EXPR_NUMBER: case EXPR_BOOL: case EXPR_ERROR:
        break;
    case EXPR_STRING: break;
    case EXPR_NAME:
        if (!expr->name.name)
            fail(c, expr->span, "name without text");
        break;
    case EXPR_PRIME:
        if (!expr->prime.count || (expr->prime.of && expr->prime.of->kind == EXPR_PRIME))
            fail(c, expr->span, "primes are counted in one node");
        check_expr(c, expr->prime.of, expr);
        break;
    case EXPR_ARRAY: check_exprs(c, expr->array.items, expr); break;
    case EXPR_UNARY: check_expr(c, expr->unary.a, expr); break;
    case EXPR_BINARY: check_binary(c, expr); break;
    case EXPR_SUBSCRIPT:
        check_expr(c, expr->subscript.of, expr);
        check_exprs(c, expr->subscript.subs, expr);
        if (!expr->subscript.subs.n)
            fail(c, expr->span, "no subscripts");
        break;
    case EXPR_CALL:
        check_expr(c, expr->call.callee, expr);
        check_callee(c, expr);
        check_args(c, expr->call.args, expr);
        break;
    case EXPR_REDUCE:
        check_binders(c, expr->reduce.binders, expr);
        check_optional(c, expr->reduce.guard, expr);
        check_expr(c, expr->reduce.body, expr);
        break;
    case EXPR_TRANSPOSE: check_expr(c, expr->transpose.of, expr); break;
    case EXPR_IF:
        check_expr(c, expr->cond.cond, expr);
        check_expr(c, expr->cond.then, expr);
        check_expr(c, expr->cond.other, expr);
        break;
    case EXPR_DRAW:
        if (expr->draw.dist->kind != EXPR_CALL)
            fail(c, expr->span, "draw of something that is no call");
        check_expr(c, expr->draw.dist, expr);
        break;
    case EXPR_BLOCK:
        check_stmts(c, expr->block.lets);
        check_expr(c, expr->block.value, expr);
        break;
    case EXPR_RANGE:
        check_expr(c, expr->range.lo, expr);
        check_expr(c, expr->range.hi, expr);
        break;
    case EXPR_FIELD: check_expr(c, expr->field.of, expr); break;
    case EXPR_COUNT: fail(c, expr->span, "not a kind of expression"); break;
    }
}

static void check_params(Checker *c, ParamList list) {
    for (uint32_t i = 0; i < list.n; i++) {
        check_span(c, list.at[i].span, "parameter outside of its file");
        check_binders(c, list.at[i].axes, NULL);
        check_optional(c, list.at[i].init, NULL);
    }
}

static void check_declare(Checker *c, const Stmt *stmt) {
    if (!stmt->declare.n)
        fail(c, stmt->span, "declaration of nothing");
    for (uint32_t i = 0; i < stmt->declare.n; i++) {
        const Declarator *d = &stmt->declare.at[i];
        check_span(c, d->span, "declarator outside of its file");
        check_span(c, d->name_span, "declared name outside of its file");
        if (!d->name)
            fail(c, d->span, "declarator without a name");
        if (!d->lower != !d->upper)
            fail(c, d->span, "half an interval");
        check_binders(c, d->axes, NULL);
        check_exprs(c, d->type_args, NULL);
        check_optional(c, d->bound, NULL);
        check_optional(c, d->lower, NULL);
        check_optional(c, d->upper, NULL);
        check_optional(c, d->init, NULL);
        check_optional(c, d->start, NULL);
    }
}

static void check_word(Checker *c, WordList list) {
    for (uint32_t i = 0; i < list.n; i++) {
        const Word *word = &list.at[i];
        check_span(c, word->span, "part outside of its file");
        check_optional(c, word->fraction, NULL);
        check_args(c, word->args, NULL);
        if (!word->part)
            check_expr(c, word->count, NULL);
        check_word(c, word->body);
    }
}

static void check_run(Checker *c, const Stmt *stmt) {
    check_expr(c, stmt->run.dynamics, NULL);
    for (uint32_t g = 1; g < stmt->run.n_groups; g++)
        check_expr(c, stmt->run.groups[g].dynamics, NULL);
    if (!stmt->run.system)
        fail(c, stmt->span, "run without a system");
    check_args(c, stmt->run.system_args, NULL);
    check_optional(c, stmt->run.duration, NULL);
    check_optional(c, stmt->run.over, NULL);
    check_stmts(c, stmt->run.items);
}

static void check_stmt(Checker *c, const Stmt *stmt) {
    check_span(c, stmt->span, "statement outside of its file");
    switch (stmt->kind) {
    case STMT_PRECISION: case STMT_USE: case STMT_ERROR:
        break;
    case STMT_DECLARE: check_declare(c, stmt); break;
    case STMT_FN:
        check_params(c, stmt->fn.params);
        check_binders(c, stmt->fn.axes, NULL);
        check_expr(c, stmt->fn.body, NULL);
        break;
    case STMT_SYSTEM:
        check_params(c, stmt->system.params);
        check_stmts(c, stmt->system.items);
        break;
    case STMT_DYNAMICS:
        check_params(c, stmt->dynamics.params);
        check_stmts(c, stmt->dynamics.items);
        break;
    case STMT_TERM:
        check_binders(c, stmt->term.axes, NULL);
        check_expr(c, stmt->term.value, NULL);
        check_optional(c, stmt->term.rhs, NULL);
        break;
    case STMT_TILDE:
        check_expr(c, stmt->tilde.lhs, NULL);
        check_expr(c, stmt->tilde.dist, NULL);
        if (stmt->tilde.dist->kind != EXPR_CALL)
            fail(c, stmt->span, "~ without a distribution");
        break;
    case STMT_FLOW: check_stmts(c, stmt->flow.items); break;
    case STMT_STEP:
        check_optional(c, stmt->step.by, NULL);
        check_word(c, stmt->step.word);
        break;
    case STMT_METHOD: check_expr(c, stmt->method.call, NULL); break;
    case STMT_RUN: check_run(c, stmt); break;
    case STMT_RECORD:
        check_args(c, stmt->record.items, NULL);
        check_optional(c, stmt->record.every.count, NULL);
        break;
    case STMT_PRINT:
        check_args(c, stmt->print.items, NULL);
        check_optional(c, stmt->print.every.count, NULL);
        break;
    case STMT_PLOT:
        check_args(c, stmt->plot.items, NULL);
        check_optional(c, stmt->plot.every.count, NULL);
        break;
    case STMT_SAVE: check_args(c, stmt->save.items, NULL); break;
    case STMT_EXPECT:
        check_expr(c, stmt->expect.value, NULL);
        check_optional(c, stmt->expect.within, NULL);
        break;
    case STMT_SETTING:
        check_expr(c, stmt->setting.value, NULL);
        check_optional(c, stmt->setting.of, NULL);
        break;
    case STMT_WHEN:
        check_expr(c, stmt->when.a, NULL);
        check_expr(c, stmt->when.b, NULL);
        check_stmts(c, stmt->when.items);
        break;
    case STMT_START:
        check_expr(c, stmt->start.target, NULL);
        check_expr(c, stmt->start.value, NULL);
        break;
    case STMT_STOP: check_optional(c, stmt->stop.after, NULL); break;
    case STMT_ACT:
        check_expr(c, stmt->act.target, NULL);
        check_expr(c, stmt->act.value, NULL);
        break;
    case STMT_SYMMETRY: check_args(c, stmt->symmetry.items, NULL); break;
    case STMT_COUNT: fail(c, stmt->span, "not a kind of statement"); break;
    }
}

static void check_stmts(Checker *c, StmtList list) {
    for (uint32_t i = 0; i < list.n; i++)
        check_stmt(c, list.at[i]);
}

bool ast_check(Session *session, const File *file, Buf *out) {
    Checker checker = {.session = session,
                       .source = source_get(session, file->source),
                       .file = file->source,
                       .out = out,
                       .ok = true};
    check_stmts(&checker, file->items);
    for (uint32_t i = 0; i < file->comments.n; i++)
        check_span(&checker, file->comments.at[i], "comment outside of its file");
    return checker.ok;
}
