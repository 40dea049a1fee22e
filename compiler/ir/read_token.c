/* read_token — the text of the IR as names, numbers, operators and strings, one token of lookahead. */
#include "read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

void reader_fail(Reader *r, const char *expected) {
    if (!r->failed)
        diag_error(r->p->session, DIAG_IR_TEXT, (Span){0}, "line %u: expected %s, found '%s'", r->line,
                   expected, r->token == TOKEN_END ? "the end" : r->word);
    r->failed = true;
    r->token = TOKEN_END;
    r->word[0] = 0;
}

/* ---- tokens -------------------------------------------------------------------------------------------- */

static bool is_name_byte(char c) { return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80; }

static void take(Reader *r, size_t n, int token) {
    if (n >= sizeof r->word)
        n = sizeof r->word - 1;
    memcpy(r->word, r->at, n);
    r->word[n] = 0;
    r->at += n;
    r->token = token;
}

/* Names carry their number: h%3 (a definition), k.2 (a bound index), a0' (an axis without a name). */
static size_t name_length(const char *s) {
    size_t n = 0;
    while (is_name_byte(s[n]))
        n++;
    if (s[n] == '\'')
        return n + 1;
    if ((s[n] == '%' || s[n] == '.') && isdigit((unsigned char)s[n + 1])) {
        n++;
        while (isdigit((unsigned char)s[n]))
            n++;
    }
    return n;
}

static size_t number_length(const char *s) {
    size_t n = 0;
    while (isdigit((unsigned char)s[n]) || s[n] == '.')
        n++;
    if (s[n] == 'e') {
        n++;
        n += s[n] == '+' || s[n] == '-';
        while (isdigit((unsigned char)s[n]))
            n++;
    }
    return n;
}

void reader_next(Reader *r) {
    r->after_newline = false;
    if (r->failed)
        return;
    while (*r->at == ' ' || *r->at == '\n') {
        r->after_newline |= *r->at == '\n';
        r->line += *r->at == '\n';
        r->at++;
    }
    const char *s = r->at;
    if (!*s) {
        take(r, 0, TOKEN_END);
    } else if (isdigit((unsigned char)*s)) {
        take(r, number_length(s), TOKEN_NUMBER);
    } else if (is_name_byte(*s) || (*s == '%' && isdigit((unsigned char)s[1]))) {
        take(r, name_length(s), TOKEN_NAME);
    } else if (*s == '$') {
        size_t n = 1;
        while (isdigit((unsigned char)s[n]))
            n++;
        take(r, n, TOKEN_NAME);
    } else if (*s == '"') {
        const char *end = strchr(s + 1, '"');
        r->at = s + 1;
        take(r, end ? (size_t)(end - s - 1) : 0, TOKEN_STRING);
        r->at += end ? 1 : 0;
    } else {
        bool two = (s[1] == '=' && strchr("=!<>:", *s));
        take(r, two ? 2 : 1, TOKEN_SIGN);
    }
}

bool reader_is(const Reader *r, const char *word) {
    return r->token != TOKEN_STRING && !strcmp(r->word, word);
}

bool reader_accept(Reader *r, const char *word) {
    if (r->token == TOKEN_END || !reader_is(r, word))
        return false;
    reader_next(r);
    return true;
}

void reader_expect(Reader *r, const char *word) {
    if (!reader_accept(r, word))
        reader_fail(r, word);
}

uint64_t reader_count(Reader *r) {
    if (r->token != TOKEN_NUMBER || strpbrk(r->word, ".e"))
        reader_fail(r, "a whole number");
    uint64_t n = strtoull(r->word, NULL, 10);
    reader_next(r);
    return n;
}

Name reader_split_name(Reader *r, char mark, uint32_t *number) {
    char *at = strrchr(r->word, mark);
    if (!at || r->token != TOKEN_NAME) {
        reader_fail(r, mark == '%' ? "a definition" : "a bound index");
        *number = 0;
        return 0;
    }
    *number = (uint32_t)strtoul(at + 1, NULL, 10);
    Name name = at == r->word ? 0 : name_intern_ident(r->p->session->names, r->word, (size_t)(at - r->word));
    reader_next(r);
    return name;
}
