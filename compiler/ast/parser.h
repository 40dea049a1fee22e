/* parser — what the scanner, the grammar's actions and the passes around them share; private to ast/.
 *
 *   bytes ─ lag.l ─ tokens.c ─ lag.y (+ build.c, place.c) ─ File
 *           spelling  brackets,   tree
 *                     lines,
 *                     keywords
 *
 * The whole file is turned into a list of tokens first, so that every question that needs a look around (does
 * this newline end a statement, which bracket is not closed, is `state` a keyword here) is asked of an array.
 */
#ifndef LAG_PARSER_H
#define LAG_PARSER_H

#include "ast.h"

/* A list under construction, in the session's arena. */
typedef struct Seq {
    void *at;
    uint32_t n, cap;
    size_t size;
} Seq;

/* What stands between separators before its place gives it a meaning: a statement, or an expression (the
 * value of a function's block, one part of a word). */
typedef struct Item {
    Span span;
    Stmt *stmt;    /* or NULL */
    Expr *value;
    Expr *repeat;  /* `repeat n { … }` */
    Seq *body;     /* of Item: what the repetition holds */
    bool composes; /* `compose leapfrog(w)`: the value is another dynamics' word */
    bool is_adjoint; /* `compose adjoint symplectic_euler` */
    bool is_rate;  /* `x' = e` without `state`: only a flow holds such */
    Expr *lhs, *rhs; /* of an equation; where it is nothing else (no stmt), it assigns, in a `when` */
} Item;

typedef struct Block { Span span; Seq *items; } Block;

/* `on NAME` in a run: what the dynamics moves, or its system. */
typedef struct RunOn {
    GroupName name;
    uint32_t group; /* of the dynamics before it */
} RunOn;

/* The clauses after a run's dynamics, in any order. */
typedef struct Clauses {
    Seq *ons;  /* of RunOn */
    Seq *more; /* of Expr *: dynamics after the first */
    Name system;
    Span system_span;
    ArgList system_args;
    Expr *duration;
    Name unit;
    Span unit_span;
    Expr *over;
    Name over_unit;
    bool has_system;
} Clauses;

/* What a token carries. */
typedef union ScanValue {
    Name name;
    struct { double value; bool is_int; } number;
    bool boolean;
    DeclKind decl;
    ReduceOp reduce;
} ScanValue;

/* What a symbol of the grammar carries; a stack of them is copied as it grows, so they are small. */
typedef union ParseValue {
    ScanValue token;
    bool flag;
    BinaryOp op;
    uint32_t count;
    Expr *expr;
    Item item;
    Block block;
    Seq *seq;
    Binder binder;
    Arg arg;
    Param param;
    Declarator *declarator;
    Every every;
    Clauses *clauses;
} ParseValue;
typedef struct Parser Parser;
#include "lag_parser.h"

/* What the scanner carries along. */
typedef struct Scan {
    Session *session;
    Names *names;
    const char *text;
    uint32_t file, start, end; /* of the present token */
} Scan;

typedef struct Token {
    int kind;
    Span span;
    ScanValue value;
    uint32_t match; /* brackets: the number of the other one */
    bool line;      /* the first token of a line */
} Token;
typedef VEC(Token) TokenVec;

struct Parser {
    Session *session;
    const Source *source;
    uint32_t file;
    TokenVec tokens;
    uint32_t next;         /* the token the grammar reads next */
    uint32_t last;         /* and the one it read before */
    bool too_deep;         /* said once */
    VEC(Span) comments;
    Seq *items;            /* what the grammar found at file level */
    uint32_t n_complaints;
    const struct Words *words;
};

/* Words the front end asks for by spelling, interned once per parse. */
typedef enum Word_ {
#define WORD(ident, text) WORD_##ident,
#include "words.def"
#undef WORD
    WORD_COUNT
} Word_;
typedef struct Words { Name of[WORD_COUNT]; } Words;
#define PARSER_WORD(parser, ident) ((parser)->words->of[WORD_##ident])

/* ---- scan.c: lag.l's helpers, and the list of tokens ---- */
double scan_number(const char *text, size_t length);
double scan_superscript(const char *text, size_t length);
int scan_string(Scan *scan, ScanValue *value, const char *text, size_t length);
bool scan_at_word_end(const Scan *scan);
int scan_broken_string(const char *text, int length);
/* Fills parser->tokens and parser->comments; reports what no token can be made of. The list ends with kind 0.
 */
void parser_read_tokens(Parser *parser);

/* ---- tokens.c: what bytes cannot say ---- */
/* Pairs brackets; reports and mends those without a partner and those nested too deep. */
void parser_match_brackets(Parser *parser);
/* Leaves one SEP after each statement, also the last of a block and of the file, and none elsewhere. */
void parser_lay_out(Parser *parser);
/* Turns names into the keywords they are where they stand. */
void parser_name_keywords(Parser *parser);

/* ---- complain.c ---- */
/* Reports the token read last, where the grammar expected one of the symbols named, and skips to the end of
 * its statement, or to the block that belongs to it. */
void parser_complain(Parser *parser, const char *const *expected, int n_expected);
void parser_report_depth(Parser *parser, Span span);
/* `+`, `the name x`, `the end of the line` … for messages. */
const char *parser_token_text(Parser *parser, const Token *token);

/* ---- build.c ---- */
Seq *seq_new(Parser *parser, size_t size);
void seq_push_(Parser *parser, Seq *seq, const void *element);
#define SEQ(parser, type) seq_new((parser), sizeof(type))
#define SEQ_PUSH(parser, seq, ...) seq_push_((parser), (seq), &(__VA_ARGS__))

Expr *build_number(Parser *parser, Span span, double value, bool is_int);
Expr *build_string(Parser *parser, Span span, Name text);
Expr *build_bool(Parser *parser, Span span, bool value);
Expr *build_name(Parser *parser, Span span, Name name);
Expr *build_prime(Parser *parser, Span span, Expr *of);
Expr *build_array(Parser *parser, Span span, Seq *items);
Expr *build_unary(Parser *parser, Span span, UnaryOp op, Expr *a);
Expr *build_binary(Parser *parser, Span span, BinaryOp op, Expr *a, Expr *b);
Expr *build_subscript(Parser *parser, Span span, Expr *of, Seq *subs);
Expr *build_call(Parser *parser, Span span, Expr *callee, Seq *args);
Expr *build_reduce(Parser *parser, Span span, ReduceOp op, Seq *binders, Expr *guard, Expr *body);
Expr *build_transpose(Parser *parser, Span span, Expr *of);
Expr *build_if(Parser *parser, Span span, Expr *cond, Expr *then, Expr *other);
Expr *build_draw(Parser *parser, Span span, Expr *dist);
Expr *build_range(Parser *parser, Span span, Expr *lo, Expr *hi);
Expr *build_field(Parser *parser, Span span, Expr *of, Name name);
Expr *build_sqrt(Parser *parser, Span span, Span sign, Expr *of);
/* `lets` are Stmt *; `lets_depth` is the depth of the deepest of their expressions. */
Expr *build_block(Parser *parser, Span span, Seq *lets, Expr *value, uint32_t lets_depth);
Expr *build_error(Parser *parser, Span span);
Binder build_binder(Parser *parser, Span span, Expr *alone, bool periodic);
Arg build_arg(Parser *parser, Span span, Name name, Expr *value);

Stmt *build_stmt(Parser *parser, StmtKind kind, Span span);
Item build_item(Stmt *stmt);
Item build_declare(Parser *parser, Span span, DeclKind kind, Seq *declarators);
Item build_equation(Parser *parser, Span span, Expr *lhs, Expr *rhs);
Item build_jump(Parser *parser, Span span, const Expr *lhs, Expr *rhs);
Item build_tilde(Parser *parser, Span span, Expr *lhs, Expr *dist);
Item build_fn(Parser *parser, Span span, Name name, Span name_span, Seq *params, Seq *axes, Expr *body);
Item build_system(Parser *parser, Span span, Name name, Span name_span, Seq *params, const Block *body);
Item build_dynamics(Parser *parser, Span span, Name name, Span name_span, Seq *params, const Param *pattern,
                    const Block *body);
Item build_force(Parser *parser, Span span, Seq *axes, Name on, Expr *value);
Item build_constraint(Parser *parser, Span span, Expr *value, Expr *rhs);
/* `constraint[i] a = b`, which is an error: a constraint's indices are those that nobody declared. */
Item build_constraint_over(Parser *parser, Span span, Span word, Span end, Expr *value, Expr *rhs);
Item build_flow(Parser *parser, Span span, Name name, Span name_span, Block body);
Item build_step(Parser *parser, Span span, Expr *by, Block body);
Item build_method(Parser *parser, Span span, Expr *call);
Item build_symmetry(Parser *parser, Span span, Name name, Seq *items);
Item build_use(Parser *parser, Span span, Name path, bool is_file);
Item build_precision(Parser *parser, Span span, Name type);
Item build_run(Parser *parser, Span span, Name label, Expr *dynamics, Clauses *clauses, const Block *body);
Item build_record(Parser *parser, Span span, StmtKind kind, Seq *items, Every every);
Item build_plot(Parser *parser, Span span, Name form, Span form_span, Seq *items, Every every, Name path);
Item build_save(Parser *parser, Span span, Seq *items, Name path);
Item build_expect(Parser *parser, Span span, Expr *value, Expr *within);
Item build_when(Parser *parser, Span span, Expr *a, Expr *b, Name direction, Span direction_span, Block body);
Item build_start(Parser *parser, Span span, Expr *target, Expr *value);
Item build_stop(Parser *parser, Span span, Expr *after, Name unit, Span unit_span);
/* An equation that defines nothing where it stands. */
void report_equation(Parser *parser, Span span, const Expr *lhs);
Item build_setting(Parser *parser, Span span, Name name, Expr *value, Expr *of);
Clauses *build_clauses(Parser *parser);
Clauses *clause_on(Parser *parser, Clauses *clauses, Name system, bool prefix, Span span, Seq *args);
Clauses *clause_and(Parser *parser, Clauses *clauses, Expr *dynamics);
Clauses *clause_for(Parser *parser, Clauses *clauses, Span word, Expr *duration, Name unit, Span span);
Clauses *clause_over(Parser *parser, Clauses *clauses, Span word, Expr *count, Name unit, Span span);
Declarator *build_declarator(Parser *parser, Span span, Name name, uint32_t primes, Seq *axes);
void build_type_args(Declarator *declarator, Seq *args);
Param build_param(Span span, Name name, Seq *axes, Expr *init);
Expr *build_draw_call(Parser *parser, Span name_span, Span end, Name name, Seq *args);
Every build_every(Parser *parser, Span span, Expr *count, Name unit);

/* ---- place.c: what stands where ---- */
typedef enum Place { PLACE_FILE, PLACE_SYSTEM, PLACE_DYNAMICS, PLACE_FLOW, PLACE_RUN, PLACE_WHEN } Place;
/* Statements of a block; one in a place where it means nothing is reported and left out. */
StmtList place_statements(Parser *parser, Seq *items, Place place);
/* The body of a function: `let`s, then one value. */
Expr *place_function_body(Parser *parser, Block block);
/* The word of a step. */
WordList place_word(Parser *parser, Seq *items);
/* How something is written here that begins with a word of another language; NULL. */
const char *place_foreign_help(Parser *parser, Name name);

int lag_scan(ScanValue *value, void *scanner);
int parser_next_token(ParseValue *value, Span *span, Parser *parser);

#endif
