/* scan — the file as a list of tokens: runs lag.l over the text and reports what no token can be made of.
 * What was meant is put in its place where that is plain (`**` becomes `^`), so that reading goes on. */
#include "parser.h"

#include "lag_scanner.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double scan_number(const char *text, size_t length) {
    char digits[400];
    size_t n = 0;
    for (size_t i = 0; i < length && n + 1 < sizeof digits; i++)
        if (text[i] != '_')
            digits[n++] = text[i];
    digits[n] = '\0';
    return length < sizeof digits ? strtod(digits, NULL) : INFINITY;
}

/* ⁰ to ⁹, in UTF-8 (¹ ² ³ have two bytes, the others three). */
double scan_superscript(const char *text, size_t length) {
    double value = 0;
    for (size_t i = 0; i < length;) {
        const unsigned char *b = (const unsigned char *)text + i;
        int digit = b[0] == 0xC2 ? (b[1] == 0xB9 ? 1 : b[1] - 0xB0) : b[2] - 0xB0;
        value = value * 10 + digit;
        i += b[0] == 0xC2 ? 2 : 3;
    }
    return value;
}

int scan_string(Scan *scan, ScanValue *value, const char *text, size_t length) {
    Buf out = {0};
    buf_puts(&out, "");
    for (size_t i = 1; i + 1 < length; i++) {
        char c = text[i];
        if (c == '\\') {
            c = text[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
        }
        buf_write(&out, &c, 1);
    }
    value->name = name_intern(scan->names, out.at, out.n);
    buf_free(&out);
    return STRING;
}

bool scan_at_word_end(const Scan *scan) {
    unsigned char c = (unsigned char)scan->text[scan->end];
    unsigned char d = c ? (unsigned char)scan->text[scan->end + 1] : 0;
    bool superscript = c == 0xC2 || (c == 0xE2 && d == 0x81);
    bool in_word = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
    return !in_word
           && (c < 0x80 || superscript || (c == 0xE2 && d == 0x88)); /* 0xE2 0x88: mathematical operators */
}

/* The length of a string without an end: up to a comment, and to the brackets at its end. */
int scan_broken_string(const char *text, int length) {
    for (int i = 1; i + 1 < length; i++)
        if ((text[i] == ' ' || text[i] == '\t') && text[i + 1] == '#')
            length = i;
    while (length > 1 && strchr(")]} ;\t", text[length - 1]))
        length--;
    return length;
}

/* Reports every run of bytes that is not UTF-8, at most one a line. */
static void check_utf8(Parser *parser) {
    const unsigned char *text = (const unsigned char *)parser->source->text;
    uint32_t n = parser->source->length;
    bool said = false;
    for (uint32_t i = 0; i < n;) {
        unsigned char c = text[i];
        uint32_t more = c < 0x80                ? 0
                        : c >= 0xC2 && c < 0xE0 ? 1
                        : c >= 0xE0 && c < 0xF0 ? 2
                        : c >= 0xF0 && c < 0xF5 ? 3
                                                : 9;
        bool good = more != 9 && i + more < n + (more == 0);
        for (uint32_t k = 1; good && k <= more; k++)
            good = (text[i + k] & 0xC0) == 0x80;
        if (good && more == 2)
            good = !(c == 0xE0 && text[i + 1] < 0xA0) && !(c == 0xED && text[i + 1] > 0x9F);
        if (good && more == 3)
            good = !(c == 0xF0 && text[i + 1] < 0x90) && !(c == 0xF4 && text[i + 1] > 0x8F);
        if (c == '\n' || c == '\r')
            said = false;
        if (!good && !said) {
            Span span = {parser->file, i, i + 1};
            diag_error(parser->session, DIAG_LEX_UTF8, span, "byte 0x%02X is not UTF-8 text", c);
            said = true;
        }
        i += good ? more + 1 : 1;
    }
}

/* What was meant by an operator of another language, and how it is written here. */
static const struct { int found, meant; const char *wrong, *right; } foreign[] = {
    {STAR_STAR, '^', "**", "a power is written `^`, as in x^2"},
    {AND_AND, AND, "&&", "write `and`"},
    {OR_OR, OR, "||", "write `or`; an absolute value is abs(x), a norm is norm(x)"},
    {BANG, NOT, "!", "write `not`; a factorial is gamma(n + 1)"},
    {LESS_GREATER, NE, "<>", "write `!=`"},
    {COLON_EQUAL, '=', ":=", "write `=`"},
};

static const char *operator_help(const char *text) {
    if (text[0] == '?')
        return "a choice is written `if c then a else b`";
    if (text[0] == '&')
        return "write `and`";
    if (text[0] == '\\')
        return "names are written plainly, without LaTeX: θ or theta";
    if (!strncmp(text, "∘", 3) || !strncmp(text, "⊗", 3))
        return "a function of a function is f(g(x)), a product of tensors is written with indices: a[i] * "
               "b[j]";
    if (text[1] == '=' && text[0] != '=')
        return "names do not change; what changes from step to step is a `state`, as in `state n = n + 1 "
               "from 0`";
    return "a function is written `fn f(x) = x^2`, a definition with `=`";
}

static const char *number_help(Parser *parser, const char *text, uint32_t length) {
    uint32_t i = 0;
    while (i < length && ((text[i] >= '0' && text[i] <= '9') || text[i] == '.' || text[i] == '_'))
        i++;
    if (i == length)
        return text[i - 1] == '.' ? arena_printf(parser->session->arena, "write %.*s0", (int)length, text)
                                  : NULL;
    bool exponent = (text[i] == 'e' || text[i] == 'E') && i + 1 == length;
    if (exponent)
        return "an exponent needs digits, as in 1e-3";
    if (text[0] == '0' && i == 1 && (text[i] == 'x' || text[i] == 'b'))
        return "numbers are decimal";
    return arena_printf(parser->session->arena, "for a product write %.*s * %.*s", (int)i, text,
                        (int)(length - i), text + i);
}

static void report_character(Parser *parser, Span span) {
    const char *text = parser->source->text + span.start;
    unsigned char c = (unsigned char)text[0];
    Diag *diag;
    if (c < 0x20 || c == 0x7F)
        diag =
            diag_error(parser->session, DIAG_LEX_CHAR, span, "a control character (0x%02X) in the text", c);
    else
        diag = diag_error(parser->session, DIAG_LEX_CHAR, span, "the character `%.*s` means nothing here",
                          (int)(span.end - span.start), text);
    if (c == '$')
        diag_help(parser->session, diag, "names are written plainly, without LaTeX: θ or theta");
    else if (c == '`' || !strncmp(text, "“", 3) || !strncmp(text, "”", 3))
        diag_help(parser->session, diag, "text is put in straight double quotes: \"file.csv\"");
    else if (!strncmp(text, "∫", 3))
        diag_help(parser->session, diag, "an integral is written as a sum over a grid: h * sum[i](f[i])");
}

/* Reports a token of no meaning and turns it into what was meant; false when it is to be left out. */
static bool mend(Parser *parser, Token *token) {
    const char *text = parser->source->text + token->span.start;
    uint32_t length = token->span.end - token->span.start;
    Session *session = parser->session;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (foreign[i].found == token->kind) {
            Diag *diag = diag_error(session, DIAG_LEX_OPERATOR, token->span, "`%s` is not an operator here",
                                    foreign[i].wrong);
            diag_help(session, diag, "%s", foreign[i].right);
            token->kind = foreign[i].meant;
            return true;
        }
    switch (token->kind) {
    case BAD_NUMBER: {
        Diag *diag =
            diag_error(session, DIAG_LEX_NUMBER, token->span, "`%.*s` is not a number", (int)length, text);
        const char *help = number_help(parser, text, length);
        if (help)
            diag_help(session, diag, "%s", help);
        token->kind = MISREAD;
        return true;
    }
    case BAD_STRING: {
        Diag *diag = diag_error(session, DIAG_LEX_STRING, token->span, "this text has no closing quote");
        diag_help(session, diag, "add `\"` at its end; text stays on one line");
        token->kind = MISREAD;
        return true;
    }
    case BAD_OPERATOR: {
        Diag *diag = diag_error(session, DIAG_LEX_OPERATOR, token->span, "`%.*s` is not an operator here",
                                (int)length, text);
        diag_help(session, diag, "%s", operator_help(text));
        return true;
    }
    case BAD_COMMENT: {
        Span span = {token->span.file, token->span.start, token->span.start + 2};
        Diag *diag = diag_error(session, DIAG_LEX_OPERATOR, span, "`%.2s` is not an operator here", text);
        diag_help(session, diag, "a comment begins with `#`");
        return false;
    }
    case BAD_CHAR:
        report_character(parser, token->span);
        return false;
    default:
        return true;
    }
}

/* What follows an operator of no meaning is not read, up to the end of its line or of the brackets it is in.
 */
static Token skip_operand(Parser *parser, Scan *scan, yyscan_t scanner, Token *misread) {
    Token token = {0};
    int depth = 0;
    while ((token.kind = lag_scan(&token.value, scanner)) != 0) {
        token.span = (Span){parser->file, scan->start, scan->end};
        bool closes = token.kind == ')' || token.kind == ']' || token.kind == '}';
        if (token.kind == SEP || token.kind == SEMICOLON || token.kind == COMMENT || token.kind == '{'
            || (closes && depth == 0))
            break;
        depth += (token.kind == '(' || token.kind == '[') - closes;
        misread->span.end = token.span.end;
        token = (Token){0};
    }
    return token;
}

static void push(Parser *parser, Token token) {
    vec_push(&parser->tokens, token);
}

/* One token of the scanner is one of the list, but for x² (two: ^ 2) and ″ (two primes). */
static void push_expanded(Parser *parser, Token token) {
    if (token.kind == SUPERSCRIPT) {
        push(parser, (Token){.kind = '^', .span = token.span});
        token.kind = NUMBER;
    } else if (token.kind == PRIME2) {
        token.kind = PRIME;
        push(parser, token);
    } else if (token.kind == NUMBER && isinf(token.value.number.value)) {
        diag_error(parser->session, DIAG_LEX_NUMBER, token.span,
                   "this number is too large for a 64-bit real");
        token.kind = MISREAD;
    }
    push(parser, token);
}

void parser_read_tokens(Parser *parser) {
    Scan scan = {.session = parser->session, .names = parser->session->names, .text = parser->source->text,
                 .file = parser->file};
    check_utf8(parser);
    yyscan_t scanner;
    lag_scan_lex_init_extra(&scan, &scanner);
    lag_scan__scan_bytes(parser->source->text, (int)parser->source->length, scanner);
    Token token = {0};
    while ((token.kind = lag_scan(&token.value, scanner)) != 0) {
        token.span = (Span){parser->file, scan.start, scan.end};
        bool kept = mend(parser, &token);
        if (kept && token.kind == BAD_OPERATOR) {
            Token misread = {.kind = MISREAD, .span = token.span};
            push(parser, (Token){.kind = '+', .span = token.span});
            token = skip_operand(parser, &scan, scanner, &misread);
            push(parser, misread);
            if (token.kind == 0)
                break;
            kept = mend(parser, &token);
        }
        if (token.kind == COMMENT)
            vec_push(&parser->comments, token.span);
        else if (kept)
            push_expanded(parser, token);
        token = (Token){0};
    }
    lag_scan_lex_destroy(scanner);
    push(parser, (Token){.kind = 0, .span = {parser->file, parser->source->length, parser->source->length}});
}
