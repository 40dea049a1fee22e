/* complain — syntax errors in the user's words. The grammar says what it could have gone on with; from that
 * and the tokens around the place come the message and the mend. */
#include "parser.h"

#include <string.h>

/* What the grammar could have gone on with, as far as a message needs it. */
typedef struct Wanted {
    bool value, name, string, end, operator_, statement, block;
    bool symbol[128]; /* punctuation, by its character */
    bool word[512];   /* keywords, by token number less 256 */
} Wanted;

static const struct {
    const char *symbol;
    int kind;
} wanted_words[] = {
    {"then", THEN}, {"else", ELSE}, {"in", IN}, {"on", ON}, {"to", TO}, {"by", BY}, {"for", FOR},
};

static Wanted read_wanted(const char *const *expected, int n) {
    Wanted w = {0};
    for (int i = 0; i < n; i++) {
        const char *s = expected[i];
        w.value |= !strcmp(s, "a number");
        w.name |= !strcmp(s, "a name");
        w.string |= !strcmp(s, "a string");
        w.end |= !strcmp(s, "the end of the line");
        w.operator_ |= !strcmp(s, "'+'");
        w.statement |= !strcmp(s, "run");
        if (s[0] == '\'' && s[1] && s[2] == '\'' && !s[3] && (unsigned char)s[1] < 128)
            w.symbol[(int)s[1]] = true;
        for (size_t k = 0; k < sizeof wanted_words / sizeof *wanted_words; k++)
            if (!strcmp(s, wanted_words[k].symbol))
                w.word[wanted_words[k].kind - 256] = true;
    }
    return w;
}

const char *parser_token_text(Parser *parser, const Token *token) {
    const char *text = parser->source->text + token->span.start;
    int length = (int)(token->span.end - token->span.start);
    if (token->kind == 0)
        return "the end of the file";
    if (token->kind == SEP)
        return text[0] == ';' && length == 1 ? "`;`" : "the end of the line";
    if (length == 0)
        return "the end of the line";
    return arena_printf(parser->session->arena, "`%.*s`", length > 40 ? 40 : length, text);
}

/* "a value", "`)` or `,`" … */
static void describe(const Wanted *w, Buf *out) {
    if (w->statement) {
        buf_puts(out, "a statement");
        return;
    }
    if (w->value) {
        buf_puts(out, "a value");
        return;
    }
    const char *parts[16];
    int n = 0;
    if (w->name)
        parts[n++] = "a name";
    if (w->string)
        parts[n++] = "a text in quotes";
    static const char *const symbols[] = {"=", "~", "(", ")", "[", "]", "{", ",", ":"};
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
        bool noise = w->operator_ && strchr("([", symbols[i][0]);
        bool noise_too = w->operator_ && w->end && strchr("~=", symbols[i][0]);
        if (w->symbol[(int)symbols[i][0]] && !noise && !noise_too)
            parts[n++] = symbols[i];
    }
    for (size_t k = 0; k < sizeof wanted_words / sizeof *wanted_words; k++)
        if (w->word[wanted_words[k].kind - 256])
            parts[n++] = wanted_words[k].symbol;
    if (w->operator_)
        parts[n++] = "an operator";
    if (w->end)
        parts[n++] = "the end of the line";
    for (int i = 0; i < n; i++) {
        bool quoted = strlen(parts[i]) <= 4;
        buf_printf(out, "%s%s%s%s",
                   i == 0       ? ""
                   : i + 1 == n ? " or "
                                : ", ",
                   quoted ? "`" : "", parts[i], quoted ? "`" : "");
    }
    if (!n)
        buf_puts(out, "something else");
}

/* ---- mistakes that are easy to name ---- */

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

/* The first token of the statement `at` is in, at its own level of braces. */
static uint32_t statement_start(const Parser *parser, uint32_t at) {
    uint32_t i = at;
    while (i > 0) {
        int before = parser->tokens.at[i - 1].kind;
        if (before == '}' && parser->tokens.at[i - 1].match < i - 1)
            i = parser->tokens.at[i - 1].match;
        else if (before == SEP || before == '{')
            break;
        else
            i--;
    }
    return i;
}

static bool speak_of_mistake(Parser *parser, const Wanted *wanted, uint32_t at) {
    const Token *tokens = parser->tokens.at;
    Fault fault = {.parser = parser,
                   .wanted = wanted,
                   .token = &tokens[at],
                   .before = at ? &tokens[at - 1] : NULL,
                   .first = &tokens[statement_start(parser, at)]};
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++)
        if (mistakes[i](&fault))
            return true;
    return false;
}

static bool is_text(Parser *parser, const Token *token, const char *text) {
    size_t n = strlen(text);
    const char *at = parser->source->text + token->span.start;
    return token->span.end - token->span.start == n && !memcmp(at, text, n);
}

/* Two values side by side: what may have been left out between them. */
static void help_side_by_side(Parser *parser, Diag *diag, const Token *before, const Token *token) {
    Session *session = parser->session;
    if (before->kind == ']' && parser->tokens.at[before->match].span.start > 0) {
        const Token *name = &parser->tokens.at[before->match] - 1;
        if (name >= parser->tokens.at && name->kind == NAME
            && (is_text(parser, name, "sum") || is_text(parser, name, "mean") || is_text(parser, name, "prod")
                || is_text(parser, name, "max") || is_text(parser, name, "min"))) {
            diag_help(session, diag, "what is reduced stands in parentheses: %s[i](…)",
                      name_text(session->names, name->value.name));
            return;
        }
    }
    if (before->kind == NAME && token->kind == NUMBER)
        diag_help(session, diag, "an operator is missing between %s and %s",
                  parser_token_text(parser, before), parser_token_text(parser, token));
    else
        diag_help(session, diag,
                  "write `*` for a product, `,` in a list, `;` or a new line between statements");
}

static bool begins_value(int kind) {
    switch (kind) {
    case NAME:
    case NUMBER:
    case STRING:
    case BOOL:
    case REDUCE:
    case DRAW:
    case IF:
    case SETTING:
    case '(':
    case SQRT: return true;
    default: return false;
    }
}

static bool has_block(int kind) {
    switch (kind) {
    case SYSTEM:
    case DYNAMICS:
    case RUN:
    case FN:
    case FLOW:
    case STEP:
    case WHEN:
    case REPEAT:
    case SETTING:
    case NAME: return true;
    default: return false;
    }
}

/* Goes on after the statement at fault: to its SEP, or to the block that belongs to it. Braces where no block
 * can be are passed over. */
static void skip_statement(Parser *parser, uint32_t at) {
    bool skip_braces = !has_block(parser->tokens.at[statement_start(parser, at)].kind);
    for (uint32_t i = at;; i++) {
        int kind = parser->tokens.at[i].kind;
        if (kind == SEP || kind == '{' || kind == 0) {
            if (i != at)
                parser->next = i;
            if (kind == '{' && skip_braces)
                parser->next = parser->tokens.at[i].match + (i != at);
            if (kind != '{' || !skip_braces || i == at)
                return;
            i = parser->tokens.at[i].match;
        }
        if ((kind == '(' || kind == '[') && parser->tokens.at[i].match > i)
            i = parser->tokens.at[i].match;
    }
}

void parser_complain(Parser *parser, const char *const *expected, int n_expected) {
    enum { MOST = 100 };
    uint32_t at = parser->last;
    const Token *token = &parser->tokens.at[at], *before = at ? token - 1 : NULL;
    skip_statement(parser, at);
    if (parser->n_complaints++ >= MOST) {
        if (parser->n_complaints == MOST + 1)
            diag_error(parser->session, DIAG_TOO_MANY_ERRORS, token->span,
                       "more than %d syntax errors: is this a .lag file?", MOST);
        return;
    }
    Wanted wanted = read_wanted(expected, n_expected);
    if (speak_of_mistake(parser, &wanted, at))
        return;
    Buf what = {0};
    describe(&wanted, &what);
    Span span = token->span;
    if (span.start == span.end && before) /* a mark put in by the layout: point after what is there */
        span = (Span){parser->file, before->span.end, before->span.end};
    Diag *diag = diag_error(parser->session, DIAG_SYNTAX, span, "expected %s, found %s", what.at,
                            parser_token_text(parser, token));
    if (before && begins_value(token->kind) && wanted.operator_)
        help_side_by_side(parser, diag, before, token);
    buf_free(&what);
}

void parser_report_depth(Parser *parser, Span span) {
    if (parser->too_deep)
        return;
    parser->too_deep = true;
    Diag *diag = diag_error(parser->session, DIAG_TOO_DEEP, span, "this is nested too deeply to be read");
    diag_help(parser->session, diag, "give parts of it a name with `let`");
}
