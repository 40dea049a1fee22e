/* build_stmt — statements whose form has a rule of its own: definitions that share a source, equations that
 * are terms, the clauses of a run. */
#include "parser.h"

/* `data y[8], sigma[8] = json(…)`: the source belongs to all names before it that have none of their own. */
static void share_source(Declarator *at, uint32_t n) {
    for (uint32_t i = n - 1; i-- > 0;)
        if (!at[i].init)
            at[i].init = at[i + 1].init;
}

/* `param a, b : real > 0` reads as if the type belonged to both: each declarator says its own. */
static void report_shared_type(Parser *parser, const Declarator *at, uint32_t n) {
    for (uint32_t i = 0; i + 1 < n; i++) {
        if (at[i].type || at[i].init || !at[i + 1].type)
            continue;
        const char *name = name_text(parser->session->names, at[i].name);
        const char *next = name_text(parser->session->names, at[i + 1].name);
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, at[i].span,
                                "`%s` has no type: the one after `%s` is that of `%s` alone", name, next, next);
        diag_help(parser->session, diag, "write a type after each: `%s : real, %s : …`", name, next);
    }
}

Item build_declare(Parser *parser, Span span, DeclKind kind, Seq *declarators) {
    Stmt *stmt = build_stmt(parser, STMT_DECLARE, span);
    stmt->declare.kind = kind;
    stmt->declare.at = declarators->at;
    stmt->declare.n = declarators->n;
    if (kind == DECL_DATA)
        share_source(stmt->declare.at, stmt->declare.n);
    if (kind == DECL_PARAM || kind == DECL_COORD)
        report_shared_type(parser, stmt->declare.at, stmt->declare.n);
    for (uint32_t i = 0; i < stmt->declare.n; i++) {
        const Declarator *d = &stmt->declare.at[i];
        const char *name = name_text(parser->session->names, d->name);
        if (d->start && kind != DECL_STATE) {
            Diag *diag = diag_error(parser->session, DIAG_SYNTAX, d->start->span,
                                    "`from` gives a state its first value");
            diag_help(parser->session, diag, "write the value after `=`, or declare `state %s`", name);
        }
        if (!d->init && (kind == DECL_CONST || kind == DECL_LET || kind == DECL_DATA)) {
            const char *what = kind == DECL_CONST ? "constant" : kind == DECL_LET ? "definition" : "data";
            Diag *diag =
                diag_error(parser->session, DIAG_SYNTAX, d->span, "the %s `%s` has no value", what, name);
            diag_help(parser->session, diag,
                      kind == DECL_DATA ? "say where it is: `= csv(\"file.csv\")`" : "add `= …`");
        }
    }
    return build_item(stmt);
}

static const struct { Word_ word; TermKind kind; } term_words[] = {
    {WORD_kinetic, TERM_KINETIC}, {WORD_potential, TERM_POTENTIAL}, {WORD_dissipation, TERM_DISSIPATION},
    {WORD_force, TERM_FORCE}, {WORD_temperature, TERM_TEMPERATURE}, {WORD_lagrangian, TERM_LAGRANGIAN},
    {WORD_hamiltonian, TERM_HAMILTONIAN}, {WORD_metric, TERM_METRIC}, {WORD_proposal, TERM_PROPOSAL},
    {WORD_accept, TERM_ACCEPT},
};

static Item build_term(Parser *parser, Span span, TermKind kind, BinderList axes, bool has_axes,
                       Expr *value) {
    Stmt *stmt = build_stmt(parser, STMT_TERM, span);
    stmt->term.kind = kind;
    stmt->term.axes = axes;
    stmt->term.has_axes = has_axes;
    stmt->term.value = value;
    (void)parser;
    return build_item(stmt);
}

/* Subscripts on the left of an equation, read as the indices they bind. */
static BinderList subs_as_binders(Parser *parser, const Expr *subscript) {
    Seq *binders = SEQ(parser, Binder);
    for (uint32_t i = 0; i < subscript->subscript.subs.n; i++) {
        Expr *sub = subscript->subscript.subs.at[i];
        Binder binder = sub ? build_binder(parser, sub->span, sub, false) : (Binder){.span = subscript->span};
        SEQ_PUSH(parser, binders, binder);
    }
    return (BinderList){binders->at, binders->n};
}

/* `q' = rate` or `v'[i] = rate`: the rates of a flow are states' declarations in form. */
static Item build_rate(Parser *parser, Span span, Expr *lhs, const Expr *prime, const Expr *subscript,
                       Expr *rhs) {
    Seq *declarators = SEQ(parser, Declarator);
    Declarator d = {.span = span, .name_span = prime->prime.of->span, .name = prime->prime.of->name.name,
                    .primes = prime->prime.count, .init = rhs};
    if (subscript) {
        d.has_axes = true;
        d.axes = subs_as_binders(parser, subscript);
    }
    (void)lhs;
    SEQ_PUSH(parser, declarators, d);
    Item item = build_declare(parser, span, DECL_STATE, declarators);
    item.is_rate = true;
    return item;
}

/* `q = e` or `v[i] = e` in a flow, in the same form without primes. */
Item build_jump(Parser *parser, Span span, const Expr *lhs, Expr *rhs) {
    Seq *declarators = SEQ(parser, Declarator);
    const Expr *head = lhs->kind == EXPR_SUBSCRIPT ? lhs->subscript.of : lhs;
    Declarator d = {.span = span, .name_span = head->span, .name = head->name.name, .init = rhs};
    if (head != lhs) {
        d.has_axes = true;
        d.axes = subs_as_binders(parser, lhs);
    }
    SEQ_PUSH(parser, declarators, d);
    return build_declare(parser, span, DECL_STATE, declarators);
}

void report_equation(Parser *parser, Span span, const Expr *lhs) {
    Diag *diag;
    if (lhs->kind == EXPR_ERROR)
        return;
    if (lhs->kind == EXPR_NAME) {
        const char *name = name_text(parser->session->names, lhs->name.name);
        diag =
            diag_error(parser->session, DIAG_EQUATION, lhs->span, "`%s` is not declared by this line", name);
        static const char *const terms[] = {"kinetic",    "potential",   "dissipation", "temperature",
                                            "lagrangian", "hamiltonian", "metric"};
        const char *near = diag_nearest(name, terms, sizeof terms / sizeof *terms);
        if (near)
            diag_help(parser->session, diag, "did you mean `%s`?", near);
        else
            diag_help(parser->session, diag, "write `let %s = …` (or const, param, coord, data)", name);
    } else if (lhs->kind == EXPR_SUBSCRIPT && lhs->subscript.of->kind == EXPR_NAME) {
        const char *name = name_text(parser->session->names, lhs->subscript.of->name.name);
        diag = diag_error(parser->session, DIAG_EQUATION, lhs->span, "`%s[…]` is not declared by this line",
                          name);
        diag_help(parser->session, diag, "write `let %s[…] = …`", name);
    } else if (lhs->kind == EXPR_CALL) {
        const char *name = name_text(parser->session->names, lhs->call.callee->name.name);
        diag = diag_error(parser->session, DIAG_EQUATION, lhs->span, "a function is declared with `fn`");
        diag_help(parser->session, diag, "write `fn %s(…) = …`", name);
    } else {
        diag = diag_error(parser->session, DIAG_EQUATION, span, "an equation that holds is a `constraint`");
        diag_help(parser->session, diag, "write `constraint` before it");
    }
}

/* What an equation is by its left side: a rate, a term of a system, or neither (no statement). */
static Item equation_of(Parser *parser, Span span, Expr *lhs, Expr *rhs) {
    const Expr *head = lhs, *subscript = NULL;
    if (lhs->kind == EXPR_SUBSCRIPT) {
        subscript = lhs;
        head = lhs->subscript.of;
    } else if (lhs->kind == EXPR_PRIME && lhs->prime.of->kind == EXPR_SUBSCRIPT) {
        subscript = lhs->prime.of; /* v[i]' is v'[i] */
        Expr *moved = build_prime(parser, lhs->span, subscript->subscript.of);
        moved->prime.count = lhs->prime.count;
        head = moved;
    }
    if (head->kind == EXPR_PRIME && head->prime.of->kind == EXPR_NAME)
        return build_rate(parser, span, lhs, head, subscript, rhs);
    if (head->kind == EXPR_NAME)
        for (size_t i = 0; i < sizeof term_words / sizeof *term_words; i++)
            if (parser->words->of[term_words[i].word] == head->name.name) {
                BinderList axes = subscript ? subs_as_binders(parser, subscript) : (BinderList){0};
                return build_term(parser, span, term_words[i].kind, axes, subscript != NULL, rhs);
            }
    return (Item){.span = span};
}

Item build_equation(Parser *parser, Span span, Expr *lhs, Expr *rhs) {
    Item item = equation_of(parser, span, lhs, rhs);
    item.lhs = lhs;
    item.rhs = rhs;
    return item;
}

Item build_tilde(Parser *parser, Span span, Expr *lhs, Expr *dist) {
    Stmt *stmt = build_stmt(parser, STMT_TILDE, span);
    stmt->tilde.lhs = lhs;
    stmt->tilde.dist = dist;
    if (dist->kind == EXPR_DRAW) {
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, dist->span,
                                "after `~` stands the distribution, not a draw from it");
        diag_help(parser->session, diag, "leave out `draw`");
        stmt->kind = STMT_ERROR;
    } else if (dist->kind != EXPR_CALL && dist->kind != EXPR_ERROR) {
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, dist->span, "after `~` stands a distribution");
        diag_help(parser->session, diag, "for example normal(mu, sigma)");
        stmt->kind = STMT_ERROR;
    } else if (dist->kind == EXPR_ERROR) {
        stmt->kind = STMT_ERROR;
    }
    return build_item(stmt);
}

Item build_step(Parser *parser, Span span, Expr *by, Block body) {
    Stmt *stmt = build_stmt(parser, STMT_STEP, span);
    stmt->step.by = by;
    stmt->step.word = place_word(parser, body.items);
    if (!body.items->n) {
        Diag *diag = diag_error(parser->session, DIAG_WORD_FORM, body.span, "a step needs at least one part");
        diag_help(parser->session, diag, "for example `step { p; q }`");
    }
    return build_item(stmt);
}

Item build_method(Parser *parser, Span span, Expr *call) {
    Stmt *stmt = build_stmt(parser, STMT_METHOD, span);
    stmt->method.call = call;
    return build_item(stmt);
}

Item build_symmetry(Parser *parser, Span span, Name name, Seq *items) {
    Stmt *stmt = build_stmt(parser, STMT_SYMMETRY, span);
    stmt->symmetry.name = name;
    stmt->symmetry.items = (ArgList){items->at, items->n};
    return build_item(stmt);
}

Item build_use(Parser *parser, Span span, Name path, bool is_file) {
    Stmt *stmt = build_stmt(parser, STMT_USE, span);
    stmt->use.path = path;
    stmt->use.is_file = is_file;
    return build_item(stmt);
}

Item build_precision(Parser *parser, Span span, Name type) {
    Stmt *stmt = build_stmt(parser, STMT_PRECISION, span);
    stmt->precision.type = type;
    return build_item(stmt);
}

Item build_setting(Parser *parser, Span span, Name name, Expr *value, Expr *of) {
    Stmt *stmt = build_stmt(parser, STMT_SETTING, span);
    stmt->setting.name = name;
    stmt->setting.value = value;
    stmt->setting.of = of;
    return build_item(stmt);
}

Item build_expect(Parser *parser, Span span, Expr *value, Expr *within) {
    Stmt *stmt = build_stmt(parser, STMT_EXPECT, span);
    stmt->expect.value = value;
    stmt->expect.within = within;
    return build_item(stmt);
}

Item build_when(Parser *parser, Span span, Expr *a, Expr *b, Name direction, Span direction_span, Block body) {
    Stmt *stmt = build_stmt(parser, STMT_WHEN, span);
    stmt->when.a = a;
    stmt->when.b = b;
    stmt->when.direction = direction == PARSER_WORD(parser, rising)    ? 1
                           : direction == PARSER_WORD(parser, falling) ? -1
                                                                       : 0;
    if (direction && !stmt->when.direction) {
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, direction_span,
                                "an event is one way, `rising` or `falling`, or either when nothing is said");
        diag_help(parser->session, diag, "rising: the left side begins to be larger than the right one");
    }
    stmt->when.items = place_statements(parser, body.items, PLACE_WHEN);
    return build_item(stmt);
}

Item build_start(Parser *parser, Span span, Expr *target, Expr *value) {
    Stmt *stmt = build_stmt(parser, STMT_START, span);
    stmt->start.target = target;
    stmt->start.value = value;
    return build_item(stmt);
}

Item build_stop(Parser *parser, Span span, Expr *after, Name unit, Span unit_span) {
    Stmt *stmt = build_stmt(parser, STMT_STOP, span);
    stmt->stop.after = after;
    if (unit && unit != PARSER_WORD(parser, times) && unit != PARSER_WORD(parser, time)) {
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, unit_span, "how often is counted in times");
        diag_help(parser->session, diag, "write `stop after 3 times`");
    }
    return build_item(stmt);
}

/* ---- runs ---- */

Clauses *build_clauses(Parser *parser) {
    Clauses *clauses = ARENA_NEW(parser->session->arena, Clauses);
    clauses->ons = SEQ(parser, RunOn);
    clauses->more = SEQ(parser, Expr *);
    return clauses;
}

static void report_twice(Parser *parser, Span span, const char *what) {
    diag_error(parser->session, DIAG_TWICE, span, "this run already has %s", what);
}

/* The last of them names the system; with several dynamics those before say what each moves. */
Clauses *clause_on(Parser *parser, Clauses *clauses, Name system, bool prefix, Span span, Seq *args) {
    RunOn on = {{system, prefix, span}, clauses->more->n};
    SEQ_PUSH(parser, clauses->ons, on);
    clauses->system = system;
    clauses->system_span = span;
    clauses->system_args = args ? (ArgList){args->at, args->n} : (ArgList){0};
    return clauses;
}

Clauses *clause_and(Parser *parser, Clauses *clauses, Expr *dynamics) {
    SEQ_PUSH(parser, clauses->more, dynamics);
    return clauses;
}

static void report_group(Parser *parser, Stmt *stmt, Span span, const char *what) {
    Diag *diag = diag_error(parser->session, DIAG_SYNTAX, span, "%s", what);
    diag_help(parser->session, diag, "write `run adam(lr = 1e-3) on W*, sgd(lr = 0.1) on b* on net`");
    stmt->kind = STMT_ERROR;
}

/* Several dynamics, each with the names it moves; the last may be left without, for what the others leave. */
static void build_groups(Parser *parser, Stmt *stmt, Expr *first, const Clauses *clauses) {
    const RunOn *ons = clauses->ons->at;
    uint32_t n = clauses->ons->n, names = n - 1;
    RunGroup *groups = ARENA_ARRAY(parser->session->arena, RunGroup, clauses->more->n + 1);
    stmt->run.groups = groups;
    stmt->run.n_groups = clauses->more->n + 1;
    if (ons[n - 1].name.prefix || ons[n - 1].group != clauses->more->n)
        report_group(parser, stmt, ons[n - 1].name.span, "after the last dynamics stands `on` and the system");
    for (uint32_t g = 0; g < stmt->run.n_groups; g++) {
        groups[g] = (RunGroup){.dynamics = g ? ((Expr **)clauses->more->at)[g - 1] : first,
                               .names = ARENA_ARRAY(parser->session->arena, GroupName, n)};
        for (uint32_t k = 0; k < names; k++)
            if (ons[k].group == g)
                groups[g].names[groups[g].n_names++] = ons[k].name;
        if (!groups[g].n_names && g + 1 < stmt->run.n_groups)
            report_group(parser, stmt, groups[g].dynamics->span, "several dynamics say what each moves, and this one does not");
    }
}

Clauses *clause_for(Parser *parser, Clauses *clauses, Span word, Expr *duration, Name unit, Span span) {
    if (clauses->duration)
        report_twice(parser, word, "a duration after `for`");
    clauses->duration = duration;
    clauses->unit = unit;
    clauses->unit_span = span;
    return clauses;
}

Clauses *clause_over(Parser *parser, Clauses *clauses, Span word, Expr *count, Name unit, Span span) {
    bool known = !unit || unit == PARSER_WORD(parser, copies) || unit == PARSER_WORD(parser, copy)
                 || unit == PARSER_WORD(parser, chains) || unit == PARSER_WORD(parser, chain);
    if (clauses->over)
        report_twice(parser, word, "a number after `over`");
    if (!known) {
        Diag *diag = diag_error(parser->session, DIAG_SYNTAX, span, "a run is over copies or chains of its system");
        diag_help(parser->session, diag, "write `over 4 chains`, `over 100 copies`");
    }
    clauses->over = count;
    clauses->over_unit = unit;
    return clauses;
}

static DurationUnit unit_of(Parser *parser, Name unit) {
    if (!unit)
        return DURATION_TIME;
    if (unit == PARSER_WORD(parser, steps) || unit == PARSER_WORD(parser, step))
        return DURATION_STEPS;
    if (unit == PARSER_WORD(parser, epochs) || unit == PARSER_WORD(parser, epoch))
        return DURATION_EPOCHS;
    return DURATION_OTHER;
}

Item build_run(Parser *parser, Span span, Name label, Expr *dynamics, Clauses *clauses, const Block *body) {
    Stmt *stmt = build_stmt(parser, STMT_RUN, span);
    stmt->run.dynamics = dynamics;
    stmt->run.label = label;
    stmt->run.system = clauses->system;
    stmt->run.system_span = clauses->system_span;
    stmt->run.system_args = clauses->system_args;
    stmt->run.duration = clauses->duration;
    stmt->run.unit = unit_of(parser, clauses->unit);
    stmt->run.unit_name = clauses->unit;
    stmt->run.over = clauses->over;
    stmt->run.over_unit = clauses->over_unit;
    if (body)
        stmt->run.items = place_statements(parser, body->items, PLACE_RUN);
    for (uint32_t k = 1; k < clauses->ons->n && !clauses->more->n; k++)
        report_twice(parser, ((const RunOn *)clauses->ons->at)[k].name.span, "a system after `on`");
    if (clauses->more->n && clauses->ons->n)
        build_groups(parser, stmt, dynamics, clauses);
    else if (clauses->ons->n && ((const RunOn *)clauses->ons->at)[0].name.prefix)
        report_group(parser, stmt, clauses->system_span, "one dynamics moves all that its system has");
    if (dynamics->kind != EXPR_NAME && dynamics->kind != EXPR_CALL) {
        if (dynamics->kind != EXPR_ERROR) {
            Diag *diag = diag_error(parser->session, DIAG_SYNTAX, dynamics->span,
                                    "after `run` stands the name of a dynamics");
            diag_help(parser->session, diag, "for example `run adam(lr = 1e-3) on classifier`");
        }
        stmt->kind = STMT_ERROR;
    } else if (!clauses->system) {
        Diag *diag = diag_error(parser->session, DIAG_RUN_WITHOUT_SYSTEM, dynamics->span,
                                "this run does not say what it moves");
        diag_help(parser->session, diag, "add `on` and the name of a system");
        stmt->kind = STMT_ERROR;
    }
    return build_item(stmt);
}

/* `every 0.1`, `every 10 steps`, `every epoch`; a unit of the method (`every 5 sweeps`) is one of its steps.
 */
Every build_every(Parser *parser, Span span, Expr *count, Name unit) {
    Every every = {.span = span, .unit = EVERY_TIME, .count = count};
    if (!unit && count->kind == EXPR_NAME) {
        Name word = count->name.name;
        bool is_unit = unit_of(parser, word) != DURATION_OTHER || word == PARSER_WORD(parser, sweep);
        if (!is_unit)
            return every; /* a constant: a stretch of time */
        unit = word;
        every.count = NULL;
    }
    if (unit)
        every.unit = unit_of(parser, unit) == DURATION_EPOCHS ? EVERY_EPOCH : EVERY_STEPS;
    every.word = unit;
    return every;
}
