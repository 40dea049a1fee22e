/* tokens — three passes over the list of tokens that settle what spelling cannot: which bracket belongs to
 * which, which newlines end a statement, and which names are keywords where they stand. */
#include "parser.h"

#include <stdlib.h>

/* Deeper brackets are reported; well below what a recursive walk over the tree can take. */
enum { MAX_BRACKETS = 500 };

static bool is_opener(int kind) { return kind == '(' || kind == '[' || kind == '{'; }
static bool is_closer(int kind) { return kind == ')' || kind == ']' || kind == '}'; }
static int closer_of(int opener) { return opener == '(' ? ')' : opener == '[' ? ']' : '}'; }

/* True for a token that can be the last of an expression. */
static bool ends_expression(int kind) {
    switch (kind) {
    case NAME:
    case NUMBER:
    case STRING:
    case BOOL:
    case STAR:
    case MISREAD:
    case PRIME:
    case TRANSPOSE:
    case ')':
    case ']':
    case '}': return true;
    default:
        return false;
    }
}

static bool is_word(Parser *parser, const Token *token, Word_ word) {
    return token->kind == NAME && token->value.name == parser->words->of[word];
}

static bool is_one_of(Parser *parser, const Token *token, Word_ first, Word_ last) {
    for (int word = (int)first; token->kind == NAME && word <= (int)last; word++)
        if (token->value.name == parser->words->of[word])
            return true;
    return false;
}

/* ---- brackets ---- */

/* True when the token (the first of its line) can only begin a statement, so that an open ( or [ was
 * forgotten. */
static bool begins_statement(Parser *parser, const Token *token) {
    const Token *next = token + 1;
    switch (token->kind) {
    case 0: case '}': case DECLARE: case FN:
        return true;
    case NAME:
        if (next->kind == '=' || next->kind == '~' || next->kind == NAME)
            return true;
        return is_one_of(parser, token, WORD_print, WORD_expect)
               && (next->kind == STRING || next->kind == NUMBER);
    default:
        return false;
    }
}

typedef VEC(uint32_t) OpenVec; /* token numbers of the brackets still open */

static void report_unclosed(Parser *parser, const Token *opener, const Token *here) {
    Diag *diag =
        diag_error(parser->session, DIAG_BRACKET, opener->span, "this `%c` is never closed", opener->kind);
    if (here->kind != 0)
        diag_note_at(parser->session, diag, here->span, "here something else begins");
    diag_help(parser->session, diag, "add `%c`", closer_of(opener->kind));
}

static void close_top(TokenVec *out, OpenVec *open, Token closer) {
    uint32_t opener = vec_pop(open);
    closer.kind = closer_of(out->at[opener].kind);
    closer.match = opener;
    out->at[opener].match = out->n;
    vec_push(out, closer);
}

/* True for `on s`, `for 10` … behind something complete: they stand in no parentheses. */
static bool begins_clause(Parser *parser, const Token *token, int before) {
    const Token *next = token + 1;
    return ends_expression(before) && is_one_of(parser, token, WORD_on, WORD_within)
           && (next->kind == NAME || next->kind == NUMBER);
}

/* Closes what was forgotten before `token`: every ( and [ down to the next {, with `braces` also those. */
static void close_forgotten(Parser *parser, TokenVec *out, OpenVec *open, const Token *token, bool braces) {
    for (int said = 0; open->n; said++) {
        const Token *opener = &out->at[open->at[open->n - 1]];
        if (opener->kind == '{' && !braces)
            return;
        if (said < 2) /* the innermost tell enough */
            report_unclosed(parser, opener, token);
        Token closer = {.span = {parser->file, token->span.start, token->span.start}};
        close_top(out, open, closer);
    }
}

/* How many { of the file have no }: only then is a line at the left margin taken for the end of a block. */
static int count_missing_braces(Parser *parser) {
    int depth = 0;
    for (uint32_t i = 0; i < parser->tokens.n; i++)
        depth += (parser->tokens.at[i].kind == '{') - (parser->tokens.at[i].kind == '}');
    return depth;
}

static bool at_left_margin(Parser *parser, const Token *token) {
    uint32_t start = token->span.start;
    return start == 0 || parser->source->text[start - 1] == '\n' || parser->source->text[start - 1] == '\r';
}

static bool begins_top_level(Parser *parser, const Token *token) {
    if (!at_left_margin(parser, token))
        return false;
    return token->kind == DECLARE || token->kind == FN
        || (is_one_of(parser, token, WORD_system, WORD_run) && token[1].kind == NAME);
}

/* Skips a group nested too deeply: one MISREAD takes its place. */
static uint32_t skip_deep_group(Parser *parser, uint32_t i) {
    int depth = 0;
    for (; parser->tokens.at[i].kind != 0; i++) {
        depth += is_opener(parser->tokens.at[i].kind) ? 1 : is_closer(parser->tokens.at[i].kind) ? -1 : 0;
        if (depth == 0)
            return i;
    }
    return i - 1;
}

static void take_closer(Parser *parser, TokenVec *out, OpenVec *open, Token token) {
    if (token.kind == '}')
        close_forgotten(parser, out, open, &token, false);
    if (!open->n || (token.kind != '}' && out->at[open->at[open->n - 1]].kind == '{')) {
        Diag *diag =
            diag_error(parser->session, DIAG_BRACKET, token.span, "this `%c` closes nothing", token.kind);
        diag_help(parser->session, diag, "remove it, or open it with `%c` where it should begin",
                  token.kind == ')' ? '(' : token.kind == ']' ? '[' : '{');
        return;
    }
    const Token *opener = &out->at[open->at[open->n - 1]];
    if (closer_of(opener->kind) != token.kind) {
        Diag *diag = diag_error(parser->session, DIAG_BRACKET, token.span, "`%c` is closed by `%c`",
                                opener->kind, token.kind);
        diag_note_at(parser->session, diag, opener->span, "opened here");
        diag_help(parser->session, diag, "write `%c`", closer_of(opener->kind));
    }
    close_top(out, open, token);
}

void parser_match_brackets(Parser *parser) {
    TokenVec out = {0};
    OpenVec open = {0};
    int missing = count_missing_braces(parser);
    bool line = true;
    int before = SEP;
    for (uint32_t i = 0; i < parser->tokens.n; i++) {
        Token token = parser->tokens.at[i];
        if (token.kind == SEP) {
            line = true;
            vec_push(&out, token);
            continue;
        }
        token.line = line;
        parser->tokens.at[i].line = line;
        if (line && missing > 0 && open.n && begins_top_level(parser, &parser->tokens.at[i])) {
            missing -= (int)open.n;
            close_forgotten(parser, &out, &open, &token, true);
            vec_push(&out, (Token){.kind = SEP, .span = {parser->file, token.span.start, token.span.start}});
        } else if (line && open.n && out.at[open.at[open.n - 1]].kind != '{'
                   && ends_expression(before) && begins_statement(parser, &parser->tokens.at[i])) {
            close_forgotten(parser, &out, &open, &token, false);
            vec_push(&out, (Token){.kind = SEP, .span = {parser->file, token.span.start, token.span.start}});
        }
        if (!line && open.n && out.at[open.at[open.n - 1]].kind == '(' && begins_clause(parser, &parser->tokens.at[i], before))
            close_forgotten(parser, &out, &open, &token, false);
        line = false;
        before = token.kind;
        if (token.kind == 0 || token.kind == '{') /* no block stands in ( ) or [ ] */
            close_forgotten(parser, &out, &open, &token, token.kind == 0);
        if (is_closer(token.kind)) {
            take_closer(parser, &out, &open, token);
            continue;
        }
        if (is_opener(token.kind) && open.n >= MAX_BRACKETS) {
            parser_report_depth(parser, token.span);
            uint32_t end = skip_deep_group(parser, i);
            token.kind = MISREAD;
            token.span.end = parser->tokens.at[end].span.end;
            i = end;
            if (out.n && ends_expression(out.at[out.n - 1].kind)) /* arguments or subscripts: left out */
                continue;
        } else if (is_opener(token.kind)) {
            vec_push(&open, out.n);
        }
        vec_push(&out, token);
    }
    vec_free(&open);
    vec_free(&parser->tokens);
    parser->tokens = out;
}

/* ---- lines ---- */

/* True when a statement cannot end after this token. */
static bool must_go_on(int kind) {
    if (is_opener(kind))
        return true;
    switch (kind) {
    case '+':
    case '-':
    case '*':
    case '/':
    case '@':
    case '%':
    case '^':
    case '=':
    case '~':
    case ',':
    case ':':
    case '<':
    case '>':
    case '|':
    case EQ:
    case NE:
    case LE:
    case GE:
    case AND:
    case OR:
    case NOT:
    case IN:
    case IF:
    case THEN:
    case ELSE: case DRAW: case DOTDOT: case SQRT: case DECLARE: case FN: case SEP: case SEMICOLON:
        return true;
    default:
        return false;
    }
}

/* True when no statement can begin with this token. A `-` with a blank after it goes on with the line before;
 * `-x` begins a value. */
static bool goes_on(Parser *parser, const Token *token) {
    switch (token->kind) {
    case '+':
    case '*':
    case '/':
    case '@':
    case '%':
    case '^':
    case '=':
    case '~':
    case ',':
    case '<':
    case '>':
    case EQ:
    case NE:
    case LE:
    case GE:
    case AND:
    case OR:
    case IN:
    case THEN:
    case ELSE:
    case '{':
    case ')':
    case ']':
    case '|':
    case DOTDOT: case PRIME: case TRANSPOSE:
        return true;
    case '-': {
        char after = parser->source->text[token->span.end];
        return after == ' ' || after == '\t' || after == '\n' || after == '\r';
    }
    case NAME: {
        int next = token[1].kind;
        bool used_as_name =
            next == '=' || next == '~' || next == '[' || next == '(' || next == PRIME || next == SEP;
        return is_one_of(parser, token, WORD_on, WORD_from) && !used_as_name;
    }
    default:
        return false;
    }
}

/* True for what cannot be inside an expression, so that the line before it is broken off. */
static bool is_new_statement(Parser *parser, const Token *token) {
    return token->kind == DECLARE || token->kind == FN || token->kind == 0 || token->kind == '}'
        || (is_one_of(parser, token, WORD_data, WORD_constraint) && token[1].kind == NAME);
}

void parser_lay_out(Parser *parser) {
    TokenVec out = {0};
    VEC(int) open = {0};
    uint32_t *moved = base_calloc(parser->tokens.n + 1, sizeof *moved);
    for (uint32_t i = 0; i < parser->tokens.n; i++) {
        Token *token = &parser->tokens.at[i];
        int before = out.n ? out.at[out.n - 1].kind : SEP;
        if (token->kind == SEP) {
            const Token *next = token + 1;
            while (next->kind == SEP)
                next++;
            bool in_brackets = open.n && open.at[open.n - 1] != '{';
            bool unfinished = must_go_on(before) && !is_new_statement(parser, next);
            if (in_brackets || unfinished || before == SEP || goes_on(parser, next))
                continue;
        }
        if (token->kind == SEMICOLON)
            token->kind = SEP;
        if (token->kind == SEP && (before == SEP || before == '{'))
            continue;
        if ((token->kind == '}' || token->kind == 0) && before != SEP && before != '{')
            vec_push(&out,
                     (Token){.kind = SEP, .span = {parser->file, token->span.start, token->span.start}});
        if (is_opener(token->kind))
            vec_push(&open, token->kind);
        moved[i] = out.n;
        Token copy = *token;
        if (is_closer(token->kind)) {
            if (open.n)
                (void)vec_pop(&open);
            copy.match = moved[token->match];
            out.at[copy.match].match = out.n;
        }
        vec_push(&out, copy);
    }
    free(moved);
    vec_free(&open);
    vec_free(&parser->tokens);
    parser->tokens = out;
}

/* ---- keywords ---- */

/* A word that begins a statement, and what must follow it for that; otherwise it is a name like any other. */
typedef enum Follow { FOLLOW_ANY, FOLLOW_NAME, FOLLOW_BLOCK, FOLLOW_ON, FOLLOW_END } Follow;
static const struct { Word_ word; int kind; DeclKind decl; Follow follow; } statement_words[] = {
    {WORD_data, DECLARE, DECL_DATA, FOLLOW_NAME},
    {WORD_spin, DECLARE, DECL_SPIN, FOLLOW_NAME},
    {WORD_bit, DECLARE, DECL_BIT, FOLLOW_NAME},
    {WORD_angle, DECLARE, DECL_ANGLE, FOLLOW_NAME},
    {WORD_unit, DECLARE, DECL_UNIT, FOLLOW_NAME},
    {WORD_state, DECLARE, DECL_STATE, FOLLOW_NAME},
    {WORD_system, SYSTEM, 0, FOLLOW_ANY},
    {WORD_dynamics, DYNAMICS, 0, FOLLOW_ANY},
    {WORD_run, RUN, 0, FOLLOW_ANY},
    {WORD_record, RECORD, 0, FOLLOW_ANY},
    {WORD_print, PRINT, 0, FOLLOW_ANY},
    {WORD_plot, PLOT, 0, FOLLOW_NAME},
    {WORD_save, SAVE, 0, FOLLOW_ANY},
    {WORD_expect, EXPECT, 0, FOLLOW_ANY},
    {WORD_use, USE, 0, FOLLOW_ANY},
    {WORD_precision, PRECISION, 0, FOLLOW_ANY},
    {WORD_flow, FLOW, 0, FOLLOW_ANY},
    {WORD_step, STEP, 0, FOLLOW_BLOCK},
    {WORD_method, METHOD, 0, FOLLOW_NAME},
    {WORD_when, WHEN, 0, FOLLOW_ANY},
    {WORD_stop, STOP, 0, FOLLOW_END},
    {WORD_symmetry, SYMMETRY, 0, FOLLOW_NAME},
    {WORD_repeat, REPEAT, 0, FOLLOW_ANY},
    {WORD_compose, COMPOSE, 0, FOLLOW_NAME},
    {WORD_force, FORCE, 0, FOLLOW_ON},
    {WORD_constraint, CONSTRAINT, 0, FOLLOW_ANY},
};

static bool follows(Parser *parser, const Token *token, Follow follow) {
    const Token *next = token + 1;
    switch (follow) {
    case FOLLOW_ANY:
        return next->kind != '=' && next->kind != '~' && next->kind != PRIME && next->kind != '.'
               && next->kind != '/';
    case FOLLOW_NAME:
        return next->kind == NAME || next->kind == NUMBER;
    case FOLLOW_BLOCK:
        return next->kind == '{' || is_word(parser, next, WORD_by);
    case FOLLOW_ON:
        if (next->kind == '[')
            next = &parser->tokens.at[next->match] + 1;
        return is_word(parser, next, WORD_on);
    case FOLLOW_END:
        return next->kind == SEP || is_word(parser, next, WORD_after);
    }
    return false;
}

/* `batch 128`, `seed 7`: a name and at once a value; `x from …` is where x starts from. */
static bool is_setting(Parser *parser, const Token *token) {
    int next = token[1].kind;
    return !is_word(parser, &token[1], WORD_from) && (next == NAME || next == NUMBER || next == STRING || next == BOOL);
}

static void name_statement_word(Parser *parser, Token *token) {
    for (size_t i = 0; i < sizeof statement_words / sizeof *statement_words; i++)
        if (is_word(parser, token, statement_words[i].word)) {
            if (follows(parser, token, statement_words[i].follow)) {
                token->kind = statement_words[i].kind;
                if (token->kind == DECLARE)
                    token->value.decl = statement_words[i].decl;
                if (token->kind == CONSTRAINT && token[1].kind == '[' && token[1].span.start == token->span.end)
                    token->kind = CONSTRAINT_OVER;
                return;
            }
        }
    if (is_setting(parser, token))
        token->kind = SETTING;
}

static const int clause_kinds[] = {ON, FOR, OVER, EVERY, WITHIN, FROM, BY, TO, OF, AFTER, PERIODIC};

/* `on`, `for` … after something complete, where no name could stand. */
static void name_clause_word(Parser *parser, Token *token, int before) {
    if (!ends_expression(before) && before != FORCE && before != STEP && before != STOP)
        return;
    for (int i = 0; i <= (int)WORD_periodic - (int)WORD_on; i++)
        if (token->value.name == parser->words->of[WORD_on + i])
            token->kind = clause_kinds[i];
}

/* `adam on W*`: all names that begin so, and no product. */
static bool is_star(const Parser *parser, uint32_t i) {
    const Token *at = parser->tokens.at;
    return at[i].kind == '*' && i >= 2 && at[i - 1].kind == NAME && at[i - 2].kind == ON && at[i].span.start == at[i - 1].span.end;
}

void parser_name_keywords(Parser *parser) {
    int before = SEP;
    for (uint32_t i = 0; i < parser->tokens.n; i++) {
        Token *token = &parser->tokens.at[i];
        if (is_star(parser, i))
            token->kind = STAR;
        if (token->kind == NAME) {
            bool reduces = token[1].kind == '[' && parser->tokens.at[token[1].match + 1].kind == '('
                && is_one_of(parser, token, WORD_sum, WORD_all);
            if (reduces) {
                Name name = token->value.name;
                token->kind = REDUCE;
                for (int word = 0; word <= (int)WORD_all - (int)WORD_sum; word++)
                    if (parser->words->of[WORD_sum + word] == name)
                        token->value.reduce = (ReduceOp)(REDUCE_SUM + word);
            } else if (before == SEP || before == '{') {
                name_statement_word(parser, token);
            } else if (before == COMPOSE && is_word(parser, token, WORD_adjoint) && token[1].kind == NAME) {
                token->kind = ADJOINT;
            } else {
                name_clause_word(parser, token, before);
            }
        }
        before = token->kind;
    }
}
