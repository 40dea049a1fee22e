/* equal — whether two trees of one session say the same: everything but spans, comments and depths. */
#ifndef LAG_TEST_EQUAL_H
#define LAG_TEST_EQUAL_H

#include "front.h"

static bool same_expr(const Expr *a, const Expr *b);
static bool same_stmts(StmtList a, StmtList b);

static bool same_exprs(ExprList a, ExprList b) {
    for (uint32_t i = 0; a.n == b.n && i < a.n; i++)
        if (!same_expr(a.at[i], b.at[i]))
            return false;
    return a.n == b.n;
}

static bool same_args(ArgList a, ArgList b) {
    for (uint32_t i = 0; a.n == b.n && i < a.n; i++)
        if (a.at[i].name != b.at[i].name || !same_expr(a.at[i].value, b.at[i].value))
            return false;
    return a.n == b.n;
}

static bool same_binders(BinderList a, BinderList b) {
    for (uint32_t i = 0; a.n == b.n && i < a.n; i++) {
        const Binder *x = &a.at[i], *y = &b.at[i];
        if (x->name != y->name || x->periodic != y->periodic || !same_expr(x->extent, y->extent)
            || !same_expr(x->set, y->set))
            return false;
    }
    return a.n == b.n;
}

static bool same_expr(const Expr *a, const Expr *b) {
    if (!a || !b)
        return a == b;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case EXPR_NUMBER:
        return !memcmp(&a->number.value, &b->number.value, sizeof(double))
               && a->number.is_int == b->number.is_int;
    case EXPR_STRING: return a->string.text == b->string.text;
    case EXPR_BOOL: return a->boolean.value == b->boolean.value;
    case EXPR_NAME: return a->name.name == b->name.name;
    case EXPR_PRIME: return a->prime.count == b->prime.count && same_expr(a->prime.of, b->prime.of);
    case EXPR_ARRAY: return same_exprs(a->array.items, b->array.items);
    case EXPR_UNARY: return a->unary.op == b->unary.op && same_expr(a->unary.a, b->unary.a);
    case EXPR_BINARY:
        return a->binary.op == b->binary.op && same_expr(a->binary.a, b->binary.a)
               && same_expr(a->binary.b, b->binary.b);
    case EXPR_SUBSCRIPT:
        return same_expr(a->subscript.of, b->subscript.of)
               && same_exprs(a->subscript.subs, b->subscript.subs);
    case EXPR_CALL: return same_expr(a->call.callee, b->call.callee) && same_args(a->call.args, b->call.args);
    case EXPR_REDUCE:
        return a->reduce.op == b->reduce.op && same_binders(a->reduce.binders, b->reduce.binders)
               && same_expr(a->reduce.guard, b->reduce.guard) && same_expr(a->reduce.body, b->reduce.body);
    case EXPR_TRANSPOSE: return same_expr(a->transpose.of, b->transpose.of);
    case EXPR_IF:
        return same_expr(a->cond.cond, b->cond.cond) && same_expr(a->cond.then, b->cond.then)
               && same_expr(a->cond.other, b->cond.other);
    case EXPR_DRAW: return same_expr(a->draw.dist, b->draw.dist);
    case EXPR_BLOCK:
        return same_stmts(a->block.lets, b->block.lets) && same_expr(a->block.value, b->block.value);
    case EXPR_RANGE: return same_expr(a->range.lo, b->range.lo) && same_expr(a->range.hi, b->range.hi);
    case EXPR_FIELD: return a->field.name == b->field.name && same_expr(a->field.of, b->field.of);
    case EXPR_ERROR:
    case EXPR_COUNT: return true;
    }
    return false;
}

static bool same_params(ParamList a, ParamList b) {
    for (uint32_t i = 0; a.n == b.n && i < a.n; i++)
        if (a.at[i].name != b.at[i].name || a.at[i].has_axes != b.at[i].has_axes
            || !same_binders(a.at[i].axes, b.at[i].axes) || !same_expr(a.at[i].init, b.at[i].init))
            return false;
    return a.n == b.n;
}

static bool same_declarator(const Declarator *a, const Declarator *b) {
    return a->name == b->name && a->primes == b->primes && a->has_axes == b->has_axes
           && same_binders(a->axes, b->axes) && a->type == b->type && same_exprs(a->type_args, b->type_args)
           && (!a->bound || a->bound_op == b->bound_op) && same_expr(a->bound, b->bound)
           && same_expr(a->lower, b->lower) && same_expr(a->upper, b->upper) && same_expr(a->init, b->init)
           && same_expr(a->start, b->start);
}

static bool same_word(WordList a, WordList b) {
    for (uint32_t i = 0; a.n == b.n && i < a.n; i++)
        if (a.at[i].part != b.at[i].part || a.at[i].composes != b.at[i].composes
            || a.at[i].is_adjoint != b.at[i].is_adjoint || !same_args(a.at[i].args, b.at[i].args) || !same_expr(a.at[i].fraction, b.at[i].fraction)
            || !same_expr(a.at[i].count, b.at[i].count) || !same_word(a.at[i].body, b.at[i].body))
            return false;
    return a.n == b.n;
}

static bool same_every(Every a, Every b) { return a.unit == b.unit && same_expr(a.count, b.count); }

static bool same_run(const Stmt *a, const Stmt *b) {
    return a->run.label == b->run.label && same_expr(a->run.dynamics, b->run.dynamics)
           && a->run.system == b->run.system && same_args(a->run.system_args, b->run.system_args)
           && same_expr(a->run.duration, b->run.duration) && a->run.unit == b->run.unit
           && a->run.unit_name == b->run.unit_name && same_expr(a->run.over, b->run.over)
           && same_stmts(a->run.items, b->run.items);
}

static bool same_stmt(const Stmt *a, const Stmt *b) {
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case STMT_PRECISION: return a->precision.type == b->precision.type;
    case STMT_USE: return a->use.path == b->use.path && a->use.is_file == b->use.is_file;
    case STMT_DECLARE:
        for (uint32_t i = 0; a->declare.n == b->declare.n && i < a->declare.n; i++)
            if (!same_declarator(&a->declare.at[i], &b->declare.at[i]))
                return false;
        return a->declare.kind == b->declare.kind && a->declare.n == b->declare.n;
    case STMT_FN:
        return a->fn.name == b->fn.name && same_params(a->fn.params, b->fn.params)
               && same_expr(a->fn.body, b->fn.body);
    case STMT_SYSTEM:
        return a->system.name == b->system.name && same_params(a->system.params, b->system.params)
               && same_stmts(a->system.items, b->system.items);
    case STMT_DYNAMICS: {
        ParamList x = {(Param *)&a->dynamics.pattern, a->dynamics.has_pattern};
        ParamList y = {(Param *)&b->dynamics.pattern, b->dynamics.has_pattern};
        return a->dynamics.name == b->dynamics.name && same_params(a->dynamics.params, b->dynamics.params)
               && same_params(x, y) && same_stmts(a->dynamics.items, b->dynamics.items);
    }
    case STMT_TERM:
        return a->term.kind == b->term.kind && a->term.on == b->term.on
               && a->term.has_axes == b->term.has_axes && same_binders(a->term.axes, b->term.axes)
               && same_expr(a->term.value, b->term.value) && same_expr(a->term.rhs, b->term.rhs);
    case STMT_TILDE: return same_expr(a->tilde.lhs, b->tilde.lhs) && same_expr(a->tilde.dist, b->tilde.dist);
    case STMT_FLOW: return a->flow.name == b->flow.name && same_stmts(a->flow.items, b->flow.items);
    case STMT_STEP: return same_expr(a->step.by, b->step.by) && same_word(a->step.word, b->step.word);
    case STMT_METHOD: return same_expr(a->method.call, b->method.call);
    case STMT_RUN: return same_run(a, b);
    case STMT_RECORD:
        return same_args(a->record.items, b->record.items) && same_every(a->record.every, b->record.every);
    case STMT_PRINT:
        return same_args(a->print.items, b->print.items) && same_every(a->print.every, b->print.every);
    case STMT_PLOT:
        return a->plot.form == b->plot.form && a->plot.path == b->plot.path && same_args(a->plot.items, b->plot.items) &&
               same_every(a->plot.every, b->plot.every);
    case STMT_SAVE: return a->save.path == b->save.path && same_args(a->save.items, b->save.items);
    case STMT_EXPECT:
        return same_expr(a->expect.value, b->expect.value) && same_expr(a->expect.within, b->expect.within);
    case STMT_SETTING:
        return a->setting.name == b->setting.name && same_expr(a->setting.value, b->setting.value) &&
               same_expr(a->setting.of, b->setting.of);
    case STMT_WHEN:
        return same_expr(a->when.a, b->when.a) && same_expr(a->when.b, b->when.b)
               && a->when.direction == b->when.direction && same_stmts(a->when.items, b->when.items);
    case STMT_START:
        return same_expr(a->start.target, b->start.target) && same_expr(a->start.value, b->start.value);
    case STMT_STOP: return same_expr(a->stop.after, b->stop.after);
    case STMT_ACT: return same_expr(a->act.target, b->act.target) && same_expr(a->act.value, b->act.value);
    case STMT_SYMMETRY:
        return a->symmetry.name == b->symmetry.name && same_args(a->symmetry.items, b->symmetry.items);
    case STMT_ERROR:
    case STMT_COUNT: return true;
    }
    return false;
}

static bool same_stmts(StmtList a, StmtList b) {
    for (uint32_t i = 0; a.n == b.n && i < a.n; i++)
        if (!same_stmt(a.at[i], b.at[i]))
            return false;
    return a.n == b.n;
}

#endif
