/* place — what stands where. The grammar reads every block as a list of items; here the list becomes the
 * statements of a system, the lines of a function or the parts of a word, and what does not belong is
 * reported in the user's words. */
#include "parser.h"

#include <string.h>

#define IN(place) (1u << (place))
#define DECLARATIONS_IN (IN(PLACE_FILE) | IN(PLACE_SYSTEM) | IN(PLACE_DYNAMICS))

static const char *place_name(Place place) {
    switch (place) {
    case PLACE_FILE: return "at the outer level";
    case PLACE_SYSTEM: return "in a system";
    case PLACE_DYNAMICS: return "in a dynamics";
    case PLACE_FLOW: return "in a flow";
    case PLACE_RUN: return "in a run";
    case PLACE_WHEN: return "in a `when`";
    }
    return "";
}

/* Where each kind of statement may stand. */
static uint32_t places_of(const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_PRECISION: case STMT_USE: case STMT_FN: case STMT_SYSTEM: case STMT_DYNAMICS: case STMT_RUN:
        return IN(PLACE_FILE);
    case STMT_DECLARE:
        if (stmt->declare.kind == DECL_STATE)
            return IN(PLACE_SYSTEM) | IN(PLACE_DYNAMICS) | IN(PLACE_RUN);
        if (stmt->declare.kind == DECL_LET)
            return DECLARATIONS_IN | IN(PLACE_FLOW) | IN(PLACE_RUN) | IN(PLACE_WHEN);
        if (stmt->declare.kind == DECL_CONST || stmt->declare.kind == DECL_DATA)
            return DECLARATIONS_IN;
        return IN(PLACE_FILE) | IN(PLACE_SYSTEM) | IN(PLACE_DYNAMICS);
    case STMT_TERM:
        if (stmt->term.kind == TERM_PUSH)
            return IN(PLACE_DYNAMICS) | IN(PLACE_RUN);
        return IN(PLACE_SYSTEM) | IN(PLACE_DYNAMICS);
    case STMT_TILDE: case STMT_SYMMETRY:
        return IN(PLACE_SYSTEM);
    case STMT_FLOW: case STMT_STEP: case STMT_METHOD:
        return IN(PLACE_DYNAMICS);
    case STMT_RECORD: case STMT_PRINT: case STMT_PLOT:
        return IN(PLACE_RUN) | IN(PLACE_WHEN) | IN(PLACE_FILE);
    case STMT_SAVE: case STMT_EXPECT:
        return IN(PLACE_RUN) | IN(PLACE_FILE);
    case STMT_SETTING: case STMT_WHEN: case STMT_START:
        return IN(PLACE_RUN);
    case STMT_STOP: case STMT_ACT:
        return IN(PLACE_WHEN);
    case STMT_ERROR:
        return ~0u;
    case STMT_COUNT:
        break;
    }
    return 0;
}

static const char *term_name(TermKind kind) {
    switch (kind) {
    case TERM_KINETIC: return "kinetic";
    case TERM_POTENTIAL: return "potential";
    case TERM_DISSIPATION: return "dissipation";
    case TERM_FORCE:
    case TERM_PUSH: return "force";
    case TERM_CONSTRAINT: return "constraint";
    case TERM_TEMPERATURE: return "temperature";
    case TERM_LAGRANGIAN: return "lagrangian";
    case TERM_HAMILTONIAN: return "hamiltonian";
    case TERM_METRIC: return "metric";
    case TERM_PROPOSAL: return "proposal";
    case TERM_ACCEPT: return "accept";
    case TERM_LAW: return "a law of motion";
    }
    return "";
}

static const char *decl_name(DeclKind kind) {
    switch (kind) {
    case DECL_CONST: return "const";
    case DECL_DATA: return "data";
    case DECL_PARAM: return "param";
    case DECL_COORD: return "coord";
    case DECL_SPIN: return "spin";
    case DECL_BIT: return "bit";
    case DECL_ANGLE: return "angle";
    case DECL_UNIT: return "unit";
    case DECL_LET: return "let";
    case DECL_STATE: return "state";
    }
    return "";
}

static const char *statement_word(Parser *parser, const Stmt *stmt) {
    switch (stmt->kind) {
    case STMT_TERM: return term_name(stmt->term.kind);
    case STMT_DECLARE: return decl_name(stmt->declare.kind);
    case STMT_TILDE: return "~";
    case STMT_SETTING: return name_text(parser->session->names, stmt->setting.name);
    case STMT_PRECISION:
    case STMT_USE:
    case STMT_FN:
    case STMT_SYSTEM:
    case STMT_DYNAMICS:
    case STMT_FLOW:
    case STMT_STEP:
    case STMT_METHOD:
    case STMT_RUN:
    case STMT_RECORD:
    case STMT_PRINT:
    case STMT_PLOT:
    case STMT_SAVE:
    case STMT_EXPECT:
    case STMT_WHEN: case STMT_STOP: case STMT_ACT: case STMT_START: case STMT_SYMMETRY: case STMT_ERROR: case STMT_COUNT:
        break;
    }
    return ast_stmt_kind_name(stmt->kind);
}

/* Words of other languages that would begin a statement there. */
const char *place_foreign_help(Parser *parser, Name name) {
    if (name == PARSER_WORD(parser, def))
        return "a function is written `fn f(x) = x^2`";
    if (name == PARSER_WORD(parser, return))
        return "the last line of a function's block is its value: leave out `return`";
    if (name == PARSER_WORD(parser, import))
        return "another file is read with `use \"file.lag\"`, a part of the library with `use nn`";
    if (name == PARSER_WORD(parser, var))
        return "a definition is written `let x = …`, a constant `const x = …`";
    if (name == PARSER_WORD(parser, for) || name == PARSER_WORD(parser, while))
        return "there are no loops: use an index, as in `let y[i] = x[i]^2` or `sum[i](x[i])`";
    if (name == PARSER_WORD(parser, print))
        return "write `print x` inside a run or after it";
    return NULL;
}

static void report_misplaced(Parser *parser, const Stmt *stmt, Place place) {
    const char *word = statement_word(parser, stmt);
    uint32_t places = places_of(stmt);
    Span span = stmt->span;
    if (stmt->kind == STMT_SETTING && place_foreign_help(parser, stmt->setting.name)) {
        span.end = span.start + (uint32_t)strlen(word);
        Diag *diag = diag_error(parser->session, DIAG_MISPLACED, span, "`%s` means nothing here", word);
        diag_help(parser->session, diag, "%s", place_foreign_help(parser, stmt->setting.name));
        return;
    }
    Buf where = {0};
    int n = 0;
    for (int p = PLACE_FILE; p <= (int)PLACE_WHEN; p++)
        if (places & IN(p))
            buf_printf(&where, "%s%s", n++ ? " or " : "", place_name((Place)p));
    Diag *diag =
        diag_error(parser->session, DIAG_MISPLACED, span, "`%s` does not belong %s", word, place_name(place));
    if (n)
        diag_help(parser->session, diag, "it stands %s", where.at);
    buf_free(&where);
}

static void report_stray(Parser *parser, const Item *item) {
    if (item->body) {
        Diag *diag = diag_error(parser->session, DIAG_MISPLACED, item->span, "`repeat` does not belong here");
        diag_help(parser->session, diag, "it stands in a `step`: step { repeat 10 { p/2; q; p/2 } }");
        return;
    }
    if (item->value->kind == EXPR_ERROR)
        return;
    if (item->composes) {
        Diag *diag = diag_error(parser->session, DIAG_MISPLACED, item->span, "`compose` does not belong here");
        diag_help(parser->session, diag, "it stands in a `step`: step by h { compose leapfrog(1/2); compose leapfrog(1/2) }");
        return;
    }
    Diag *diag = diag_error(parser->session, DIAG_STRAY_VALUE, item->span, "this value goes nowhere");
    if (item->value->kind == EXPR_BINARY && item->value->binary.op == BINARY_EQ)
        diag_help(parser->session, diag,
                  "`==` compares; a definition is `let x = …`, a constraint `constraint a = b`");
    else
        diag_help(parser->session, diag, "give it a name with `let`, or show it with `print`");
}

/* `x' = e` outside of a flow: what may have been meant depends on the place. */
static void report_rate(Parser *parser, const Item *item, Place place) {
    const Declarator *d = &item->stmt->declare.at[0];
    const char *name = name_text(parser->session->names, d->name), *primes = d->primes == 1 ? "'" : "''";
    if (place == PLACE_SYSTEM) {
        Diag *diag = diag_error(parser->session, DIAG_EQUATION, item->span,
                                "in a system, accelerations follow from energies and forces, not from `%s%s = …`",
                                name, primes);
        diag_help(parser->session, diag, "`force on %s = …` pushes %s; `%s' = …` is a law of first order", name, name,
                  name);
        return;
    }
    Diag *diag = diag_error(parser->session, DIAG_EQUATION, item->span, "an equation for %s%s stands in a `flow`", name,
                            primes);
    if (place == PLACE_FILE)
        diag_help(parser->session, diag, "an initial velocity goes with its coordinate: coord %s = 1, %s' = 0", name,
                  name);
    else if (place == PLACE_DYNAMICS)
        diag_help(parser->session, diag, "write `state %s' = …` for a memory, or put it into `flow name { … }`", name);
}

/* `x' = e` in a system: the law of a coordinate. */
static Stmt *place_law(Parser *parser, const Stmt *rate) {
    const Declarator *d = &rate->declare.at[0];
    Stmt *stmt = build_stmt(parser, STMT_TERM, rate->span);
    stmt->term.kind = TERM_LAW;
    stmt->term.on = d->name;
    stmt->term.axes = d->axes;
    stmt->term.has_axes = d->has_axes;
    stmt->term.value = d->init;
    return stmt;
}

/* `q = e` in a flow: the part moves it there at once. */
static bool place_jump(Parser *parser, Item *item) {
    const Expr *head = item->lhs->kind == EXPR_SUBSCRIPT ? item->lhs->subscript.of : item->lhs;
    if (head->kind != EXPR_NAME)
        return false;
    Item jump = build_jump(parser, item->span, item->lhs, item->rhs);
    item->stmt = jump.stmt;
    item->is_rate = true;
    return true;
}

/* An equation that is neither a rate nor a term means something in a `when` alone, or it moves something in a flow. */
static void settle_equation(Parser *parser, Item *item, Place place) {
    Stmt *stmt = item->stmt;
    bool moves = place == PLACE_DYNAMICS || place == PLACE_RUN;
    if (moves && stmt && stmt->kind == STMT_TERM && stmt->term.kind == TERM_FORCE && !stmt->term.on && !stmt->term.has_axes)
        stmt->term.kind = TERM_PUSH; /* in a system a force is one on something */
    if (item->stmt || !item->lhs)
        return;
    if (place == PLACE_FLOW && place_jump(parser, item))
        return;
    report_equation(parser, item->span, item->lhs);
    item->stmt = build_stmt(parser, STMT_ERROR, item->span);
}

/* `x' = -x'` in a `when`: what the event does. */
static Stmt *place_act(Parser *parser, const Item *item) {
    Stmt *stmt = build_stmt(parser, STMT_ACT, item->span);
    stmt->act.target = item->lhs;
    stmt->act.value = item->rhs;
    return stmt;
}

StmtList place_statements(Parser *parser, Seq *items, Place place) {
    Seq *out = SEQ(parser, Stmt *);
    for (uint32_t i = 0; i < items->n; i++) {
        Item *item = (Item *)items->at + i;
        if (place != PLACE_WHEN)
            settle_equation(parser, item, place);
        Stmt *stmt = item->stmt;
        if (item->lhs && place == PLACE_WHEN) {
            stmt = place_act(parser, item);
        } else if (item->is_rate && place == PLACE_SYSTEM && stmt->declare.at[0].primes == 1) {
            stmt = place_law(parser, stmt);
        } else if (item->is_rate && place != PLACE_FLOW) {
            report_rate(parser, item, place);
            stmt = build_stmt(parser, STMT_ERROR, item->span);
        } else if (stmt && !(item->is_rate && place == PLACE_FLOW) && !(places_of(stmt) & IN(place))) {
            report_misplaced(parser, stmt, place);
            stmt = build_stmt(parser, STMT_ERROR, item->span);
        } else if (!stmt) {
            report_stray(parser, item);
            stmt = build_stmt(parser, STMT_ERROR, item->span);
        }
        SEQ_PUSH(parser, out, stmt);
    }
    return (StmtList){out->at, out->n};
}

/* ---- functions ---- */

static void report_in_function(Parser *parser, const Item *item) {
    if (item->stmt && item->stmt->kind == STMT_ERROR)
        return;
    if (!item->stmt) {
        Diag *diag = diag_error(parser->session, DIAG_STRAY_VALUE, item->span,
                                "only the last line of a function is its value");
        diag_help(parser->session, diag, "give this one a name with `let`");
        return;
    }
    const char *word = statement_word(parser, item->stmt);
    Diag *diag =
        diag_error(parser->session, DIAG_MISPLACED, item->span, "`%s` does not belong in a function", word);
    if (item->stmt->kind == STMT_SETTING && place_foreign_help(parser, item->stmt->setting.name))
        diag_help(parser->session, diag, "%s", place_foreign_help(parser, item->stmt->setting.name));
    else
        diag_help(parser->session, diag, "a function holds `let`s and, as its last line, its value");
}

Expr *place_function_body(Parser *parser, Block block) {
    Seq *lets = SEQ(parser, Stmt *);
    Expr *value = NULL;
    uint32_t depth = 0;
    for (uint32_t i = 0; i < block.items->n; i++) {
        Item *item = (Item *)block.items->at + i;
        settle_equation(parser, item, PLACE_WHEN);
        bool is_let = item->stmt && item->stmt->kind == STMT_DECLARE && item->stmt->declare.kind == DECL_LET;
        if (is_let)
            SEQ_PUSH(parser, lets, item->stmt);
        else if (item->value && i + 1 == block.items->n)
            value = item->value;
        else
            report_in_function(parser, item);
    }
    bool failed = false;
    if (block.items->n) { /* a last line that was reported already would have been the value */
        const Stmt *last = ((const Item *)block.items->at)[block.items->n - 1].stmt;
        failed = last && last->kind != STMT_DECLARE;
    }
    if (!value) {
        Span at = {block.span.file, block.span.end - 1, block.span.end};
        if (!failed) {
            Diag *diag = diag_error(parser->session, DIAG_BLOCK_VALUE, at, "this function has no value");
            diag_help(parser->session, diag, "its last line is its value: add one");
        }
        value = build_error(parser, at);
    }
    for (uint32_t i = 0; i < lets->n; i++) {
        const Stmt *let = ((Stmt **)lets->at)[i];
        for (uint32_t k = 0; k < let->declare.n; k++)
            if (let->declare.at[k].init && let->declare.at[k].init->depth > depth)
                depth = let->declare.at[k].init->depth;
    }
    return build_block(parser, block.span, lets, value, depth);
}

/* ---- words ---- */

static void report_part(Parser *parser, const Item *item) {
    if (item->stmt && item->stmt->kind == STMT_ERROR)
        return;
    if (item->value && item->value->kind == EXPR_ERROR)
        return;
    Diag *diag = diag_error(parser->session, DIAG_WORD_FORM, item->span, "this is not a part of a step");
    diag_help(
        parser->session, diag,
        "parts are p, q, bath, a state or a flow; `p/2` is half a step of p, `repeat 10 { … }` repeats");
}

/* `p`, `p/2`, `q(0.3)`: the part and its fraction of a step; false for anything else. */
static bool read_part(Parser *parser, const Expr *value, Word *word) {
    if (value->kind == EXPR_NAME) {
        word->part = value->name.name;
        return true;
    }
    if (value->kind == EXPR_BINARY && value->binary.op == BINARY_DIV && value->binary.a->kind == EXPR_NAME) {
        Expr *one = build_number(parser, value->binary.a->span, 1, true);
        word->part = value->binary.a->name.name;
        word->fraction = build_binary(parser, value->span, BINARY_DIV, one, value->binary.b);
        return true;
    }
    bool one_arg = value->kind == EXPR_CALL && value->call.args.n == 1 && !value->call.args.at[0].name;
    if (one_arg) {
        word->part = value->call.callee->name.name;
        word->fraction = value->call.args.at[0].value;
        return true;
    }
    return false;
}

/* `compose leapfrog`, `leapfrog/3`, `damped_leapfrog(w, friction = 0.2)`: a word, its fraction of a step and its
 * parameters. */
static bool read_composed(Parser *parser, const Item *item, Word *word) {
    const Expr *value = item->value;
    word->composes = true;
    word->is_adjoint = item->is_adjoint;
    if (value->kind != EXPR_CALL || value->call.callee->kind != EXPR_NAME)
        return value->kind != EXPR_CALL && read_part(parser, value, word);
    ArgList args = value->call.args;
    word->part = value->call.callee->name.name;
    if (args.n && !args.at[0].name) {
        word->fraction = args.at[0].value;
        args = (ArgList){args.at + 1, args.n - 1};
    }
    word->args = args;
    for (uint32_t i = 0; i < args.n; i++)
        if (!args.at[i].name)
            return false;
    return true;
}

static void report_composed(Parser *parser, const Item *item) {
    Diag *diag = diag_error(parser->session, DIAG_WORD_FORM, item->span, "this is not a word to compose of");
    diag_help(parser->session, diag,
              "name a dynamics, its fraction of the step and its parameters: `compose leapfrog(1/3)`, "
              "`compose damped_leapfrog(w, friction = 0.2)`");
}

WordList place_word(Parser *parser, Seq *items) {
    Seq *out = SEQ(parser, Word);
    for (uint32_t i = 0; i < items->n; i++) {
        Item *item = (Item *)items->at + i;
        settle_equation(parser, item, PLACE_WHEN);
        Word word = {.span = item->span};
        if (item->body) {
            word.count = item->repeat;
            word.body = place_word(parser, item->body);
        } else if (item->composes) {
            if (!read_composed(parser, item, &word)) {
                report_composed(parser, item);
                continue;
            }
        } else if (!item->value || !read_part(parser, item->value, &word)) {
            report_part(parser, item);
            continue;
        }
        SEQ_PUSH(parser, out, word);
    }
    return (WordList){out->at, out->n};
}
