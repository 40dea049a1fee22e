/* complain — syntax errors in the user's words. The grammar says what it could have gone on with; from that and the
 * tokens around the place come the message and the mend. */
#include "parser.h"

#include <string.h>

/* What the grammar could have gone on with, as far as a message needs it. */
typedef struct Wanted {
    bool value, name, string, end, operator_, statement, block;
    bool symbol[128]; /* punctuation, by its character */
    bool word[512];   /* keywords, by token number less 256 */
} Wanted;

static const struct { const char *symbol; int kind; } wanted_words[] = {
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
        buf_printf(out, "%s%s%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", quoted ? "`" : "", parts[i], quoted ? "`" : "");
    }
    if (!n)
        buf_puts(out, "something else");
}

static bool is_comparison(int kind) {
    return kind == EQ || kind == NE || kind == '<' || kind == '>' || kind == LE || kind == GE;
}

static bool is_text(Parser *parser, const Token *token, const char *text) {
    size_t n = strlen(text);
    return token->span.end - token->span.start == n && !memcmp(parser->source->text + token->span.start, text, n);
}

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

/* A message of its own for a mistake that is easy to name; NULL: the general one. */
static Diag *special(Parser *parser, const Wanted *w, uint32_t at) {
    Session *session = parser->session;
    const Token *token = &parser->tokens.at[at], *before = at ? token - 1 : NULL, *next = token + (token->kind != 0);
    const Token *first = &parser->tokens.at[statement_start(parser, at)];
    Diag *diag = NULL;
    const char *foreign = first->kind == SETTING || first->kind == NAME ? place_foreign_help(parser, first->value.name) : NULL;
    if (foreign) {
        diag = diag_error(session, DIAG_MISPLACED, first->span, "`%s` means nothing here", name_text(session->names, first->value.name));
        diag_help(session, diag, "%s", foreign);
    } else if (first->kind == SETTING && first->value.name == PARSER_WORD(parser, force)) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `on`, found %s", parser_token_text(parser, token));
        diag_help(session, diag, "a force acts on a coordinate: force on x = …");
    } else if (first->kind == RUN && w->word[ON - 256] && token->kind != '{') {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `on` and a system, found %s", parser_token_text(parser, token));
        diag_help(session, diag, "a run is written `run dynamics on system for duration { … }`");
    } else if (w->word[TO - 256]) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `to` and a file, found %s", parser_token_text(parser, token));
        diag_help(session, diag, "write save x, y to \"file.safetensors\"");
    } else if (first->kind == WHEN && token->kind == '{') {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `=`, found `{`");
        diag_help(session, diag, "a moment is given by an equation: when x = 0 { … }");
    } else if (first->kind == PLOT && w->symbol['(']) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `(`, found %s", parser_token_text(parser, token));
        diag_help(session, diag, "say what kind of plot: plot line(t, x)");
    } else if (first->kind == PRECISION) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected f32 or f64, found %s", parser_token_text(parser, token));
    } else if (before && w->name && (before->kind == SYSTEM || before->kind == DYNAMICS || before->kind == FLOW || before->kind == FN)) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "this %s needs a name, found %s", parser_token_text(parser, before) ,
                          parser_token_text(parser, token));
    } else if (token->kind == '|' && w->value) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected a value, found `|`");
        diag_help(session, diag, "an absolute value is abs(x), a norm is norm(x)");
    } else if (w->value && token->line && before && (token->kind == DECLARE || token->kind == FN)) {
        diag = diag_error(session, DIAG_SYNTAX, before->span, "expected a value after %s", parser_token_text(parser, before));
    } else if (w->word[ELSE - 256] && token->kind == SEP) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `else`, found the end of the line");
        diag_help(session, diag, "an `if` is a value and needs both cases: if c then a else b");
    } else if (token->kind == '=' && (w->symbol[')'] || w->symbol[']'] || w->word[THEN - 256] || w->word[ELSE - 256]
                               || first->kind == EXPECT)) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "`=` defines, it does not compare");
        diag_help(session, diag, "write `==`");
    } else if (is_comparison(token->kind) && w->operator_) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "comparisons do not chain");
        diag_help(session, diag, "write `a < b and b < c`");
    } else if (token->kind == '=' && next->kind == '=') {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "the two signs of `==` are apart");
    } else if (token->kind == PRIME && w->value) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected a value, found `'`");
        diag_help(session, diag, "text is put in double quotes; a velocity is written x'");
    } else if (token->kind == '+' && w->value) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "a value does not begin with `+`");
    } else if (before && before->kind == DECLARE && token->kind != NAME) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected the name that is declared, found %s",
                          parser_token_text(parser, token));
        if (token->kind == DECLARE || token->kind == FN || token->kind == DRAW || token->kind == IN)
            diag_help(session, diag, "%s has a meaning of its own and cannot be a name", parser_token_text(parser, token));
    } else if (first->kind == DECLARE && token->kind == '(' && before && before->kind == NAME && before - 1 == first) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "a function is declared with `fn`");
        diag_help(session, diag, "write `fn %s(…) = …`", name_text(session->names, before->value.name));
    } else if (token->kind == ELSE || token->kind == THEN) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "%s without its `if`", parser_token_text(parser, token));
        diag_help(session, diag, "a choice is written `if c then a else b`");
    } else if (token->kind == '{' && w->value) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected a value, found `{`");
        diag_help(session, diag, "lists are written in brackets: [1, 2, 3]; a function's block follows its name without `=`");
    } else if (token->kind == DOTDOT) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "a range stands only after `in`, in brackets and as an argument");
        diag_help(session, diag, "for example sum[i in 1..10](i^2)");
    } else if (token->kind == ':' && w->word[THEN - 256]) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "expected `then`, found `:`");
        diag_help(session, diag, "a choice is written `if c then a else b`");
    } else if (token->kind == DECLARE && w->operator_ && w->end) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "%s begins a statement, but the one before has not ended",
                          parser_token_text(parser, token));
        diag_help(session, diag, "put it on its own line, or `;` before it");
    } else if (token->kind == SEP && before && before->kind == ')' && first->kind == FN) {
        diag = diag_error(session, DIAG_SYNTAX, token->span, "this function has no body");
        diag_help(session, diag, "add `= …`, or a block `{ … }` whose last line is the value");
    }
    return diag;
}

/* Two values side by side: what may have been left out between them. */
static void help_side_by_side(Parser *parser, Diag *diag, const Token *before, const Token *token) {
    Session *session = parser->session;
    if (before->kind == ']' && parser->tokens.at[before->match].span.start > 0) {
        const Token *name = &parser->tokens.at[before->match] - 1;
        if (name >= parser->tokens.at && name->kind == NAME && (is_text(parser, name, "sum") || is_text(parser, name, "mean")
            || is_text(parser, name, "prod") || is_text(parser, name, "max") || is_text(parser, name, "min"))) {
            diag_help(session, diag, "what is reduced stands in parentheses: %s[i](…)",
                      name_text(session->names, name->value.name));
            return;
        }
    }
    if (before->kind == NAME && token->kind == NUMBER)
        diag_help(session, diag, "an operator is missing between %s and %s", parser_token_text(parser, before),
                  parser_token_text(parser, token));
    else
        diag_help(session, diag, "write `*` for a product, `,` in a list, `;` or a new line between statements");
}

static bool begins_value(int kind) {
    switch (kind) {
    case NAME: case NUMBER: case STRING: case BOOL: case REDUCE: case DRAW: case IF: case SETTING: case '(': case SQRT:
        return true;
    default:
        return false;
    }
}

static bool has_block(int kind) {
    switch (kind) {
    case SYSTEM: case DYNAMICS: case RUN: case FN: case FLOW: case STEP: case WHEN: case REPEAT: case SETTING: case NAME:
        return true;
    default:
        return false;
    }
}

/* Goes on after the statement at fault: to its SEP, or to the block that belongs to it. Braces where no block can be are
 * passed over. */
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
            diag_error(parser->session, DIAG_TOO_MANY_ERRORS, token->span, "more than %d syntax errors: is this a .lag file?", MOST);
        return;
    }
    Wanted wanted = read_wanted(expected, n_expected);
    if (special(parser, &wanted, at))
        return;
    Buf what = {0};
    describe(&wanted, &what);
    Span span = token->span;
    if (span.start == span.end && before) /* a mark put in by the layout: point after what is there */
        span = (Span){parser->file, before->span.end, before->span.end};
    Diag *diag = diag_error(parser->session, DIAG_SYNTAX, span, "expected %s, found %s", what.at, parser_token_text(parser, token));
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
