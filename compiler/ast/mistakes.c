/* mistakes — syntax errors that are easy to name: a list of small functions, each of which knows one mistake and the form that
 * was meant. */
#include "complain.h"

#include <string.h>

/* The place of an error: the token at fault, its neighbours, the first token of its statement. */
typedef struct Fault {
    Parser *parser;
    const Wanted *wanted;
    const Token *token, *before, *first; /* before: NULL at the beginning of the file */
} Fault;

static const char *found(const Fault *f) { return parser_token_text(f->parser, f->token); }
static bool wants(const Fault *f, int word) { return f->wanted->word[word - 256]; }

static bool say(const Fault *f, Span span, const char *message, const char *help) {
    Diag *diag = diag_error(f->parser->session, DIAG_SYNTAX, span, "%s", message);
    if (help)
        diag_help(f->parser->session, diag, "%s", help);
    return true;
}

/* "expected WHAT, found …" with a mend. */
static bool say_expected(const Fault *f, const char *what, const char *help) {
    const char *message = arena_printf(f->parser->session->arena, "expected %s, found %s", what, found(f));
    return say(f, f->token->span, message, help);
}

static bool is_comparison(int kind) {
    return kind == EQ || kind == NE || kind == '<' || kind == '>' || kind == LE || kind == GE;
}

/* Statements that begin with a word of another language. */
static bool foreign_word(const Fault *f) {
    if (f->first->kind != SETTING && f->first->kind != NAME)
        return false;
    const char *help = place_foreign_help(f->parser, f->first->value.name);
    if (!help)
        return false;
    Session *session = f->parser->session;
    const char *word = name_text(session->names, f->first->value.name);
    Diag *diag = diag_error(session, DIAG_MISPLACED, f->first->span, "`%s` means nothing here", word);
    diag_help(session, diag, "%s", help);
    return true;
}

/* `for i in …` on a line of its own was taken for the end of the line before. */
static bool loop(const Fault *f) {
    return f->token->line && f->token->kind == FOR && f->token[1].kind == NAME && f->token[2].kind == IN
           && say(f, f->token->span, "`for` begins no statement",
                  "there are no loops: use an index, as in `let y[i] = x[i]^2` or `sum[i](x[i])`");
}

/* `parm x = 1`: a word that nothing begins with, but nearly. */
static bool misspelled_statement(const Fault *f) {
    static const char *const words[] = {"const",  "param",  "coord", "data", "let",      "fn",     "system", "dynamics",
                                        "run",    "record", "print", "save", "expect",   "plot",   "when",   "use",
                                        "spin",   "state",  "flow",  "step", "method",   "symmetry"};
    if (f->first->kind != SETTING || f->first + 1 == f->token)
        return false;
    Session *session = f->parser->session;
    const char *word = name_text(session->names, f->first->value.name);
    const char *near = diag_nearest(word, words, sizeof words / sizeof *words);
    if (!near)
        return false;
    Diag *diag = diag_error(session, DIAG_SYNTAX, f->first->span, "`%s` begins no statement", word);
    diag_help(session, diag, "did you mean `%s`?", near);
    return true;
}

static bool colon_for_block(const Fault *f) {
    return f->token->kind == ':' && f->wanted->symbol['{']
           && say_expected(f, "`{`", "what belongs to it stands in braces: { … }");
}

static bool colon_in_slice(const Fault *f) {
    return f->token->kind == ':' && f->wanted->symbol[']']
           && say_expected(f, "`]`", "a slice is written x[0..2], both ends included, or x[:]");
}

static bool comma_between_statements(const Fault *f) {
    return f->token->kind == ',' && f->wanted->end && f->wanted->operator_ && f->first->kind == NAME
           && say(f, f->token->span, "`,` does not end a statement", "put `;` or a new line between statements");
}

static bool tilde_of_declaration(const Fault *f) {
    return f->token->kind == '~' && f->first->kind == DECLARE
           && say(f, f->token->span, "`~` stands in a system, not in a declaration",
                  "declare it first, and write `x ~ normal(0, 1)` in the system; a random start is "
                  "`= draw normal(0, 1)`");
}

static bool print_with_parentheses(const Fault *f) {
    return f->first->kind == PRINT && f->token->kind == ',' && f->wanted->symbol[')']
           && say_expected(f, "`)`", "what is printed stands without parentheses: print \"loss\" = loss, x");
}

static bool force_without_on(const Fault *f) {
    return f->first->kind == SETTING && f->first->value.name == PARSER_WORD(f->parser, force)
           && say_expected(f, "`on`", "a force acts on a coordinate: force on x = …");
}

static bool run_without_on(const Fault *f) {
    return f->first->kind == RUN && wants(f, ON) && f->token->kind != '{'
           && say_expected(f, "`on` and a system",
                           "a run is written `run dynamics on system for duration { … }`");
}

static bool save_without_to(const Fault *f) {
    return wants(f, TO) && say_expected(f, "`to` and a file", "write save x, y to \"file.safetensors\"");
}

static bool when_without_equation(const Fault *f) {
    return f->first->kind == WHEN && (f->token->kind == '{' || f->token->kind == NAME) && f->wanted->symbol['=']
           && say_expected(f, "`=`", "a moment is given by an equation: when x = 0 { … }");
}

static bool plot_without_form(const Fault *f) {
    return f->first->kind == PLOT && f->wanted->symbol['(']
           && say_expected(f, "`(`", "say what kind of plot: plot line(t, x)");
}

static bool precision_of(const Fault *f) {
    return f->first->kind == PRECISION && say_expected(f, "f32 or f64", NULL);
}

static bool without_name(const Fault *f) {
    int kind = f->before ? f->before->kind : 0;
    if (!f->wanted->name || (kind != SYSTEM && kind != DYNAMICS && kind != FLOW && kind != FN))
        return false;
    const char *what = parser_token_text(f->parser, f->before);
    return say(f, f->token->span,
               arena_printf(f->parser->session->arena, "this %s needs a name, found %s", what, found(f)),
               NULL);
}

static bool bars(const Fault *f) {
    return f->token->kind == '|' && f->wanted->value
           && say_expected(f, "a value", "an absolute value is abs(x), a norm is norm(x)");
}

/* `let y =` and a new statement: the place to mend is the line before. */
static bool broken_off(const Fault *f) {
    if (!f->wanted->value || !f->token->line || !f->before
        || (f->token->kind != DECLARE && f->token->kind != FN))
        return false;
    const char *last = parser_token_text(f->parser, f->before);
    return say(f, f->before->span, arena_printf(f->parser->session->arena, "expected a value after %s", last),
               NULL);
}

static bool if_without_else(const Fault *f) {
    return wants(f, ELSE) && f->token->kind == SEP
           && say_expected(f, "`else`", "an `if` is a value and needs both cases: if c then a else b");
}

static bool equals_for_comparison(const Fault *f) {
    const Wanted *w = f->wanted;
    bool in_value =
        w->symbol[')'] || w->symbol[']'] || wants(f, THEN) || wants(f, ELSE) || f->first->kind == EXPECT;
    return f->token->kind == '=' && in_value
           && say(f, f->token->span, "`=` defines, it does not compare", "write `==`");
}

static bool chained_comparison(const Fault *f) {
    return is_comparison(f->token->kind) && f->wanted->operator_
           && say(f, f->token->span, "comparisons do not chain", "write `a < b and b < c`");
}

static bool single_quotes(const Fault *f) {
    return f->token->kind == PRIME && f->wanted->value
           && say_expected(f, "a value", "text is put in double quotes; a velocity is written x'");
}

static bool leading_plus(const Fault *f) {
    return f->token->kind == '+' && f->wanted->value
           && say(f, f->token->span, "a value does not begin with `+`", NULL);
}

static bool bad_declared_name(const Fault *f) {
    if (!f->before || f->before->kind != DECLARE || f->token->kind == NAME)
        return false;
    int kind = f->token->kind;
    bool reserved = kind == DECLARE || kind == FN || kind == DRAW || kind == IN || kind == IF || kind == NOT
                    || kind == BOOL;
    const char *help = "%s has a meaning of its own and cannot be a name";
    return say_expected(f, "the name that is declared",
                        reserved ? arena_printf(f->parser->session->arena, help, found(f)) : NULL);
}

static bool function_as_let(const Fault *f) {
    bool called = f->first->kind == DECLARE && f->token->kind == '(' && f->before && f->before->kind == NAME
                  && f->before - 1 == f->first;
    if (!called)
        return false;
    Session *session = f->parser->session;
    const char *name = name_text(session->names, f->before->value.name);
    return say(f, f->token->span, "a function is declared with `fn`",
               arena_printf(session->arena, "write `fn %s(…) = …`", name));
}

static bool part_of_if(const Fault *f) {
    if (f->token->kind != ELSE && f->token->kind != THEN)
        return false;
    return say(f, f->token->span, arena_printf(f->parser->session->arena, "%s without its `if`", found(f)),
               "a choice is written `if c then a else b`");
}

static bool braces_for_list(const Fault *f) {
    return f->token->kind == '{' && f->wanted->value
           && say_expected(f, "a value",
                           "lists are written in brackets: [1, 2, 3]; a function's block follows its name "
                           "without `=`");
}

static bool range_alone(const Fault *f) {
    return f->token->kind == DOTDOT
           && say(f, f->token->span, "a range stands only after `in`, in brackets and as an argument",
                  "for example sum[i in 1..10](i^2)");
}

static bool if_with_colon(const Fault *f) {
    return f->token->kind == ':' && wants(f, THEN)
           && say_expected(f, "`then`", "a choice is written `if c then a else b`");
}

static bool colon_for_equals(const Fault *f) {
    return f->token->kind == ':' && f->wanted->end && f->wanted->operator_
           && say(f, f->token->span, "`:` does not define", "write `=`");
}

static bool second_statement(const Fault *f) {
    if (f->token->kind != DECLARE || !f->wanted->operator_ || !f->wanted->end)
        return false;
    const char *form = "%s begins a statement, but the one before has not ended";
    return say(f, f->token->span, arena_printf(f->parser->session->arena, form, found(f)),
               "put it on its own line, or `;` before it");
}

static bool function_without_body(const Fault *f) {
    return f->token->kind == SEP && f->before && f->before->kind == ')' && f->first->kind == FN
           && say(f, f->token->span, "this function has no body",
                  "add `= …`, or a block `{ … }` whose last line is the value");
}

/* The first that applies speaks. */
static bool (*const mistakes[])(const Fault *) = {
    foreign_word,       loop,                  misspelled_statement,
    colon_for_block,    colon_in_slice,        comma_between_statements,
    tilde_of_declaration, print_with_parentheses,
    force_without_on,   run_without_on,
    save_without_to,    when_without_equation, plot_without_form,
    precision_of,       without_name,          bars,
    broken_off,         if_without_else,       equals_for_comparison,
    chained_comparison, single_quotes,         leading_plus,
    bad_declared_name,  function_as_let,       part_of_if,
    braces_for_list,    range_alone,           if_with_colon, colon_for_equals,
    second_statement,   function_without_body,
};

bool parser_speak_of_mistake(Parser *parser, const Wanted *wanted, uint32_t at) {
    const Token *tokens = parser->tokens.at;
    Fault fault = {.parser = parser,
                   .wanted = wanted,
                   .token = &tokens[at],
                   .before = at ? &tokens[at - 1] : NULL,
                   .first = &tokens[parser_statement_start(parser, at)]};
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        if (mistakes[i](&fault))
            return true;
    return false;
}
