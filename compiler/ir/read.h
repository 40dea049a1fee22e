/* read — what the files of the reader of IR text share: the text, token by token. */
#ifndef LAG_IR_READ_H
#define LAG_IR_READ_H

#include "print.h"

typedef struct Reader {
    IrProgram *p;
    const char *at;
    uint32_t line;
    char word[256]; /* present token: a name, number or operator; empty at the end */
    enum { TOKEN_END, TOKEN_NAME, TOKEN_NUMBER, TOKEN_SIGN, TOKEN_STRING } token;
    bool after_newline;
    VEC(IrDef) defs;        /* by number in the text */
    VEC(IrIdx) indices;     /* bound indices by number */
    VEC(IrTerm) locals;     /* `$` terms of the present definition */
    Name axis[IR_MAX_RANK]; /* axes of the present definition */
    uint64_t extent[IR_MAX_RANK];
    uint32_t rank;
    uint32_t nesting;
    bool failed;
} Reader;

/* Reports what was expected in the place of the present token; from then on the text is at its end. */
void reader_fail(Reader *r, const char *expected);
void reader_next(Reader *r);
bool reader_is(const Reader *r, const char *word); /* whether the present token is `word` */
bool reader_accept(Reader *r, const char *word);   /* goes past it if it is */
void reader_expect(Reader *r, const char *word);   /* goes past it, or fails */
uint64_t reader_count(Reader *r);                  /* a whole number */
/* The text of the present token before `mark` as a Name, and the number behind it. */
Name reader_split_name(Reader *r, char mark, uint32_t *number);

#endif
