/* method — `method dop853(rtol = 1e-9)`: a method of the runtime, a scheme that is derived and compiled, or one that this build
 * does not have, and its arguments, as the runtime's methods.def lists them.
 * Needs: the scope the arguments are written in. Gives: the method and its arguments as numbers. */
#include "run.h"

static const Method methods[] = {
#define METHOD(name, args) {#name, "", true, true, false, {args}},
#define SCHEME(name, args) {#name, "", true, true, true, {args}},
#define ABSENT(name, needs, missing, args)                                                                   \
    {#name, missing, NEEDS_##needs == NEEDS_MOTION, NEEDS_##needs != NEEDS_NOTHING, false, {args}},
#define NEEDS_MOTION 2
#define NEEDS_STEPS 1
#define NEEDS_NOTHING 0
#define NO_ARGUMENTS {NULL, ARG_COUNT, false},
#define POSITIVE(name) {#name, ARG_POSITIVE, false},
#define NOT_NEGATIVE(name) {#name, ARG_NOT_NEGATIVE, false},
#define COUNT(name) {#name, ARG_COUNT, false},
#define SHARE(name) {#name, ARG_SHARE, false},
#define NEEDED_POSITIVE(name) {#name, ARG_POSITIVE, true},
#define NEEDED_COUNT(name) {#name, ARG_COUNT, true},
#define NEEDED_NOT_NEGATIVE(name) {#name, ARG_NOT_NEGATIVE, true},
#include "../../runtime/integrate/methods.def"
#undef NO_ARGUMENTS
#undef POSITIVE
#undef NOT_NEGATIVE
#undef COUNT
#undef SHARE
#undef NEEDED_POSITIVE
#undef NEEDED_COUNT
#undef NEEDED_NOT_NEGATIVE
};
#define N_METHODS (sizeof methods / sizeof *methods)

uint32_t method_count(void) { return N_METHODS; }
const char *method_name(uint32_t i) { return methods[i].name; }

const Method *method_find(const char *name) {
    for (size_t k = 0; k < N_METHODS; k++)
        if (!strcmp(methods[k].name, name)) return &methods[k];
    return NULL;
}

static uint32_t arg_count(const Method *method) {
    uint32_t n = 0;
    while (n < METHOD_MAX_ARGS && method->args[n].name) n++;
    return n;
}

/* Whether it takes Taylor coefficients in place of a right-hand side. */
static bool takes_jets(const char *name) {
#define JETS(ident) if (!strcmp(name, #ident)) return true;
#include "../../runtime/integrate/methods.def"
    return false;
}

const MethodArg *method_arg(const Method *method, const char *name) {
    for (uint32_t k = 0; k < arg_count(method); k++)
        if (!strcmp(method->args[k].name, name)) return &method->args[k];
    return NULL;
}

static void unknown_method(Join *j, const char *name, Span span) {
    const char *names[N_METHODS];
    for (size_t k = 0; k < N_METHODS; k++) names[k] = methods[k].name;
    Diag *d = sema_error(j->s, DIAG_METHOD, span, "unknown method `%s`", name);
    const char *near = diag_nearest(name, names, N_METHODS);
    if (near) sema_help(j->s, d, "did you mean `%s`?", near);
    j->failed = true;
}

/* ---- arguments ---- */

static void unknown_argument(Join *j, const Method *method, const char *name, Span span) {
    const char *names[METHOD_MAX_ARGS];
    uint32_t n = arg_count(method);
    Buf list = {0};
    for (uint32_t k = 0; k < n; k++) {
        names[k] = method->args[k].name;
        buf_printf(&list, "%s`%s`", !k ? "" : k + 1 == n ? " and " : ", ", names[k]);
    }
    Diag *d = sema_error(j->s, DIAG_ARG_NAME, join_place(j, span), "`%s` has no argument `%s`", method->name,
                         name);
    const char *near = diag_nearest(name, names, n);
    if (near)
        sema_help(j->s, d, "did you mean `%s`?", near);
    else if (n)
        sema_help(j->s, d, n == 1 ? "its argument is %s" : "its arguments are %s", list.at);
    else
        sema_help(j->s, d, "it takes none");
    buf_free(&list);
}

static bool is_allowed(ArgKind kind, double value) {
    if (!isfinite(value)) return false;
    switch (kind) {
    case ARG_POSITIVE: return value > 0;
    case ARG_NOT_NEGATIVE: return value >= 0;
    case ARG_COUNT: return value >= 0 && value == floor(value) && value <= 9007199254740992.0;
    case ARG_SHARE: return value > 0 && value < 1;
    }
    return false;
}

static const char *allowed_text(ArgKind kind) {
    switch (kind) {
    case ARG_POSITIVE: return "a positive number";
    case ARG_NOT_NEGATIVE: return "a number that is not negative";
    case ARG_COUNT: return "a whole number that is not negative";
    case ARG_SHARE: return "a number between 0 and 1";
    }
    return "a number";
}

/* The name of an argument: given, or that of the value, `dop853(rtol)`. */
static Name arg_name(const Arg *arg) {
    return arg->name ? arg->name : arg->value->kind == EXPR_NAME ? arg->value->name.name : 0;
}

static bool said_before(Join *j, const Expr *call, uint32_t k, Name name) {
    for (uint32_t b = 0; b < k; b++) {
        const Arg *before = &call->call.args.at[b];
        if (arg_name(before) != name) continue;
        Diag *d = sema_error(j->s, DIAG_ARG_NAME, call->call.args.at[k].span,
                             "the argument `%s` is given twice", sema_name(j->s, name));
        sema_note(j->s, d, before->span, "given here before");
        return true;
    }
    return false;
}

/* Argument k of the call, checked and added to the run; false after an error. */
static bool take_argument(Join *j, Scope *scope, const Method *method, const Expr *call, uint32_t k) {
    Sema *s = j->s;
    SemaRun *out = j->out;
    const Arg *arg = &call->call.args.at[k];
    Name name = arg_name(arg);
    if (!name) {
        Diag *d = sema_error(s, DIAG_ARG_NAME, arg->span, "the arguments of a method are named");
        sema_help(s, d, "write `%s(%s = %s)`", method->name,
                  arg_count(method) ? method->args[0].name : "name", sema_span_text(s, arg->span));
        return false;
    }
    const MethodArg *known = method_arg(method, name_ascii(s->session->names, name));
    if (!known) {
        unknown_argument(j, method, sema_name(s, name), arg->span);
        return false;
    }
    double *value = &out->method_values[out->n_method_args];
    if (said_before(j, call, k, name) || !sema_const(s, scope, arg->value, value, "an argument of a method"))
        return false;
    if (!is_allowed(known->kind, *value)) {
        sema_error(s, DIAG_NUMBER_RANGE, join_place(j, arg->value->span),
                   "`%s` of `%s` is %s, and this is %g", known->name, method->name, allowed_text(known->kind),
                   *value);
        return false;
    }
    out->method_names[out->n_method_args++] = name;
    return true;
}

static bool has_needed(Join *j, const Method *method, Span span) {
    for (uint32_t k = 0; k < arg_count(method); k++) {
        bool given = !method->args[k].needed;
        for (uint32_t a = 0; a < j->out->n_method_args && !given; a++)
            given = !strcmp(name_ascii(j->s->session->names, j->out->method_names[a]), method->args[k].name);
        if (given) continue;
        Diag *d = sema_error(j->s, DIAG_ARG_COUNT, join_place(j, span), "`%s` needs its argument `%s`",
                             method->name, method->args[k].name);
        sema_help(j->s, d, "write `%s(%s = …)`", method->name, method->args[k].name);
        return false;
    }
    return true;
}

/* A scheme is run as a word is: its argument h is the length of a step. */
static void step_of_scheme(Join *j) {
    SemaRun *out = j->out;
    out->word_span = out->method_span;
    for (uint32_t a = 0; a < out->n_method_args; a++)
        if (!strcmp(name_ascii(j->s->session->names, out->method_names[a]), "h"))
            out->by = ir_real(j->s->ir, out->method_values[a]);
}

void join_method(Join *j, Scope *scope, const Expr *call) {
    Sema *s = j->s;
    const Expr *callee = call->kind == EXPR_CALL ? call->call.callee : call;
    const char *name = sema_name(s, callee->name.name);
    const Method *method = method_find(name);
    if (!method) {
        unknown_method(j, name, callee->span);
        return;
    }
    SemaRun *out = j->out;
    uint32_t n = call->kind == EXPR_CALL ? call->call.args.n : 0;
    *(method->is_scheme ? &out->scheme : &out->method) = method->name;
    out->method_span = call->span;
    out->of_jets = takes_jets(method->name);
    out->method_names = ARENA_ARRAY(s->arena, Name, n + 1);
    out->method_values = ARENA_ARRAY(s->arena, double, n + 1);
    bool ok = true;
    for (uint32_t k = 0; k < n; k++) ok = take_argument(j, scope, method, call, k) && ok;
    if (!ok || !has_needed(j, method, call->span)) j->failed = true;
    if (method->is_scheme) step_of_scheme(j);
    if (method->missing[0] && !out->missing) {
        out->missing = method->missing;
        out->missing_span = call->span;
    }
}
