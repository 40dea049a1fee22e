/* parse — the way from a registered source to a File: tokens, brackets, lines, keywords, grammar. */
#include "parser.h"

#include <stdlib.h>

int parser_next_token(ParseValue *value, Span *span, Parser *parser) {
    const Token *token = &parser->tokens.at[parser->next];
    parser->last = parser->next;
    if (token->kind != 0)
        parser->next++;
    value->token = token->value;
    *span = token->span;
    return token->kind;
}

static void intern_words(Session *session, Words *words) {
    static const char *const text[] = {
#define WORD(ident, text) text,
#include "words.def"
#undef WORD
    };
    for (int i = 0; i < WORD_COUNT; i++)
        words->of[i] = name_of(session->names, text[i]);
}

File *ast_parse(Session *session, uint32_t source) {
    Words words;
    intern_words(session, &words);
    Parser parser = {
        .session = session, .source = source_get(session, source), .file = source, .words = &words};
    parser_read_tokens(&parser);
    parser_match_brackets(&parser);
    parser_lay_out(&parser);
    parser_name_keywords(&parser);
    if (lag_parse(&parser) != 0 || !parser.items)
        parser.items = SEQ(&parser, Item);
    File *file = ARENA_NEW(session->arena, File);
    file->source = source;
    file->items = place_statements(&parser, parser.items, PLACE_FILE);
    file->comments.at = arena_copy(session->arena, parser.comments.at, parser.comments.n * sizeof(Span));
    file->comments.n = parser.comments.n;
    vec_free(&parser.comments);
    vec_free(&parser.tokens);
    return file;
}

const char *ast_expr_kind_name(ExprKind kind) {
    static const char *const names[] = {
#define EXPR(kind, name) [EXPR_##kind] = name,
#include "ast.def"
    };
    return kind < EXPR_COUNT ? names[kind] : "";
}

const char *ast_stmt_kind_name(StmtKind kind) {
    static const char *const names[] = {
#define STMT(kind, name) [STMT_##kind] = name,
#include "ast.def"
    };
    return kind < STMT_COUNT ? names[kind] : "";
}
