/* complain — what complain.c (any syntax error) and mistakes.c (those that are easy to name) share. */
#ifndef LAG_AST_COMPLAIN_H
#define LAG_AST_COMPLAIN_H

#include "parser.h"

/* What the grammar could have gone on with, as far as a message needs it. */
typedef struct Wanted {
    bool value, name, string, end, operator_, statement, block;
    bool symbol[128]; /* punctuation, by its character */
    bool word[512];   /* keywords, by token number less 256 */
} Wanted;

/* The first token of the statement `at` is in, at its own level of braces. */
uint32_t parser_statement_start(const Parser *parser, uint32_t at);
/* Names the mistake made at token `at`; false: it is none of those that are known. */
bool parser_speak_of_mistake(Parser *parser, const Wanted *wanted, uint32_t at);

#endif
