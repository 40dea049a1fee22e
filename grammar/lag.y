/* lag.y — from tokens to the tree. Actions only build nodes (compiler/ast/build.c); which statement may stand
 * where is decided when a block is closed (compiler/ast/place.c). One rule, `items`, holds every kind of
 * statement, so one error rule is enough: the reader of tokens skips to the end of the statement at fault. */
%define api.prefix {lag_}
%define api.pure full
%define api.value.type {ParseValue}
%define api.location.type {Span}
%define parse.error custom
%define parse.lac full
%define api.header.include {"lag_parser.h"}
%locations
%initial-action { (void)yynerrs; /* counted by Bison's frame; the session counts errors */ }
%expect 0
%param {Parser *parser}

%code top {
/* Stacks grow to this depth; deeper nesting is reported as such. */
#define YYMAXDEPTH 20000
#include "parser.h"
}
%code {
#undef yylex
#define yylex parser_next_token

#define YYLLOC_DEFAULT(out, rhs, n) \
    do { \
        if (n) { \
            (out) = span_join(YYRHSLOC(rhs, 1), YYRHSLOC(rhs, n)); \
        } else { \
            (out) = YYRHSLOC(rhs, 0); \
            (out).start = (out).end; \
        } \
    } while (0)

static void lag_error(const Span *span, Parser *parser, const char *message);
}

%token <token.name> NAME "a name" STRING "a string" SETTING "a setting"
%token <token.number> NUMBER "a number"
%token <token.boolean> BOOL "true or false"
%token <token.decl> DECLARE "a declaration"
%token <token.reduce> REDUCE "a reduction"
%token SEP "the end of the line"
%token FN "fn" SYSTEM "system" DYNAMICS "dynamics" RUN "run" RECORD "record" PRINT "print" PLOT "plot"
%token SAVE "save" EXPECT "expect" USE "use" PRECISION "precision" FLOW "flow" STEP "step" METHOD "method"
%token WHEN "when" STOP "stop" SYMMETRY "symmetry" REPEAT "repeat" COMPOSE "compose" ADJOINT "adjoint" FORCE "force"
%token CONSTRAINT "constraint"
%token CONSTRAINT_OVER "constraint over an index"
%token STAR "`*` after the beginning of names"
%token ON "on" FOR "for" OVER "over" EVERY "every" WITHIN "within" FROM "from" BY "by" TO "to" OF "of" AFTER "after"
%token PERIODIC "periodic"
%token IF "if" THEN "then" ELSE "else" AND "and" OR "or" NOT "not" IN "in" DRAW "draw"
%token EQ "==" NE "!=" LE "<=" GE ">=" DOTDOT ".." PRIME "'" TRANSPOSE "^T" SQRT "√"
%token MISREAD "something unreadable"
/* Met only between lag.l and the grammar. */
%token COMMENT SEMICOLON SUPERSCRIPT PRIME2 STAR_STAR AND_AND OR_OR BANG LESS_GREATER COLON_EQUAL
%token BAD_CHAR BAD_NUMBER BAD_STRING BAD_OPERATOR BAD_COMMENT

%precedence ELSE
%left OR
%left AND
%precedence NOT
%nonassoc EQ NE '<' LE '>' GE
%left '+' '-'
%left '*' '/' '@' '%'
%precedence NEGATIVE
%right '^'

%nterm <seq> items exprs some_exprs subs binders some_binders args some_args params some_params declarators
%nterm <block> block
%nterm <item> item
%nterm <expr> expr postfix primary range_or_expr sub arith optional_start optional_init guard
%nterm <binder> binder
%nterm <arg> arg
%nterm <param> param
%nterm <declarator> declarator declared declared_type
%nterm <every> every
%nterm <clauses> clauses
%nterm <flag> periodic
%nterm <count> primes
%nterm <op> bound_op
%nterm <seq> optional_params optional_args optional_axes

%%

file:
    items                       { parser->items = $items; }
  ;

items:
    %empty                      { $$ = SEQ(parser, Item); }
  | items item SEP              { SEQ_PUSH(parser, $1, $2); $$ = $1; }
  | items error SEP             { yyerrok; $$ = $1; }
  | items error '{' { yyerrok; } items '}' SEP { $$ = $1; } /* the block of an unreadable statement */
  ;

block:
    '{' items '}'               { $$ = (Block){.span = @$, .items = $items}; }
  ;

item:
    expr                        { $$ = (Item){.span = @$, .value = $1}; }
  | expr '=' expr               { $$ = build_equation(parser, @$, $1, $3); }
  | expr FROM expr              { $$ = build_start(parser, @$, $1, $3); }
  | expr '~' expr               { $$ = build_tilde(parser, @$, $1, $3); }
  | DECLARE declarators         { $$ = build_declare(parser, @$, $1, $2); }
  | FN NAME '(' params ')' optional_axes '=' expr { $$ = build_fn(parser, @$, $2, @2, $4, $6, $8); }
  | FN NAME '(' params ')' optional_axes block {
        $$ = build_fn(parser, @$, $2, @2, $4, $6, place_function_body(parser, $7));
    }
  | SYSTEM NAME optional_params block { $$ = build_system(parser, @$, $2, @2, $3, &$4); }
  | DYNAMICS NAME optional_params block { $$ = build_dynamics(parser, @$, $2, @2, $3, NULL, &$4); }
  | DYNAMICS NAME optional_params ON param block { $$ = build_dynamics(parser, @$, $2, @2, $3, &$5, &$6); }
  | FORCE optional_axes ON NAME '=' expr { $$ = build_force(parser, @$, $2, $4, $6); }
  | CONSTRAINT expr             { $$ = build_constraint(parser, @$, $2, NULL); }
  | CONSTRAINT expr '=' expr    { $$ = build_constraint(parser, @$, $2, $4); }
  | CONSTRAINT_OVER '[' some_binders ']' expr '=' expr { $$ = build_constraint_over(parser, @$, @1, @4, $5, $7); }
  | FLOW NAME block             { $$ = build_flow(parser, @$, $2, @2, $3); }
  | STEP block                  { $$ = build_step(parser, @$, NULL, $2); }
  | STEP BY expr block          { $$ = build_step(parser, @$, $3, $4); }
  | COMPOSE expr                { $$ = (Item){.span = @$, .value = $2, .composes = true}; }
  | COMPOSE ADJOINT expr        { $$ = (Item){.span = @$, .value = $3, .composes = true, .is_adjoint = true}; }
  | REPEAT expr block           { $$ = (Item){.span = @$, .repeat = $2, .body = $3.items}; }
  | METHOD postfix              { $$ = build_method(parser, @$, $2); }
  | SYMMETRY some_args          { $$ = build_symmetry(parser, @$, 0, $2); }
  | SYMMETRY NAME ':' some_args { $$ = build_symmetry(parser, @$, $2, $4); }
  | USE NAME                    { $$ = build_use(parser, @$, $2, false); }
  | USE STRING                  { $$ = build_use(parser, @$, $2, true); }
  | PRECISION NAME              { $$ = build_precision(parser, @$, $2); }
  | RUN NAME '=' postfix clauses { $$ = build_run(parser, @$, $2, $4, $5, NULL); }
  | RUN NAME '=' postfix clauses block { $$ = build_run(parser, @$, $2, $4, $5, &$6); }
  | RUN postfix clauses         { $$ = build_run(parser, @$, 0, $2, $3, NULL); }
  | RUN postfix clauses block   { $$ = build_run(parser, @$, 0, $2, $3, &$4); }
  | RECORD some_args every      { $$ = build_record(parser, @$, STMT_RECORD, $2, $3); }
  | PRINT some_args every       { $$ = build_record(parser, @$, STMT_PRINT, $2, $3); }
  | PLOT NAME '(' args ')' every { $$ = build_plot(parser, @$, $2, @2, $4, $6, 0); }
  | PLOT NAME '(' args ')' every TO STRING { $$ = build_plot(parser, @$, $2, @2, $4, $6, $8); }
  | SAVE some_args TO STRING    { $$ = build_save(parser, @$, $2, $4); }
  | EXPECT expr                 { $$ = build_expect(parser, @$, $2, NULL); }
  | EXPECT expr WITHIN expr     { $$ = build_expect(parser, @$, $2, $4); }
  | WHEN expr '=' expr block    { $$ = build_when(parser, @$, $2, $4, 0, @4, $5); }
  | WHEN expr '=' expr NAME block { $$ = build_when(parser, @$, $2, $4, $5, @5, $6); }
  | STOP                        { $$ = build_stop(parser, @$, NULL, 0, @1); }
  | STOP AFTER expr NAME        { $$ = build_stop(parser, @$, $3, $4, @4); }
  | SETTING expr                { $$ = build_setting(parser, @$, $1, $2, NULL); }
  | SETTING expr OF expr        { $$ = build_setting(parser, @$, $1, $2, $4); }
  ;

clauses:
    %empty                      { $$ = build_clauses(parser); }
  | clauses ON NAME optional_args { $$ = clause_on(parser, $1, $3, false, @3, $4); }
  | clauses ON NAME STAR        { $$ = clause_on(parser, $1, $3, true, @3, NULL); }
  | clauses ',' postfix         { $$ = clause_and(parser, $1, $3); }
  | clauses FOR expr            { $$ = clause_for(parser, $1, @2, $3, 0, @3); }
  | clauses FOR expr NAME       { $$ = clause_for(parser, $1, @2, $3, $4, @4); }
  | clauses OVER expr           { $$ = clause_over(parser, $1, @2, $3, 0, @3); }
  | clauses OVER expr NAME      { $$ = clause_over(parser, $1, @2, $3, $4, @4); }
  ;

every:
    %empty                      { $$ = (Every){.unit = EVERY_NONE}; }
  | EVERY expr                  { $$ = build_every(parser, @$, $2, 0); }
  | EVERY expr NAME             { $$ = build_every(parser, @$, $2, $3); }
  ;

/* ---- declarations ---- */

declarators:
    declarator                  { $$ = SEQ(parser, Declarator); SEQ_PUSH(parser, $$, *$1); }
  | declarators ',' declarator  { $$ = $1; SEQ_PUSH(parser, $$, *$3); }
  ;

declarator:
    declared_type optional_init optional_start { $$ = $1; $$->span = @$; $$->init = $2; $$->start = $3; }
  ;

declared_type:
    declared                    { $$ = $1; }
  | declared ':' NAME           { $$ = $1; $$->type = $3; }
  | declared ':' NAME '[' some_exprs ']' { $$ = $1; $$->type = $3; build_type_args($$, $5); }
  | declared ':' NAME bound_op arith { $$ = $1; $$->type = $3; $$->bound_op = $4; $$->bound = $5; }
  | declared ':' NAME IN '(' expr ',' expr ')' { $$ = $1; $$->type = $3; $$->lower = $6; $$->upper = $8; }
  ;

declared:
    NAME primes optional_axes   { $$ = build_declarator(parser, @1, $1, $2, $3); }
  ;

primes:
    %empty                      { $$ = 0; }
  | primes PRIME                { $$ = $1 + 1; }
  ;

optional_axes:
    %empty                      { $$ = NULL; }
  | '[' some_binders ']'        { $$ = $2; }
  ;

optional_init:
    %empty                      { $$ = NULL; }
  | '=' expr                    { $$ = $2; }
  ;

optional_start:
    %empty                      { $$ = NULL; }
  | FROM expr                   { $$ = $2; }
  ;

bound_op:
    '<'                         { $$ = BINARY_LT; }
  | LE                          { $$ = BINARY_LE; }
  | '>'                         { $$ = BINARY_GT; }
  | GE                          { $$ = BINARY_GE; }
  ;

arith:
    expr %prec EQ               { $$ = $1; }
  ;

optional_params:
    %empty                      { $$ = NULL; }
  | '(' params ')'              { $$ = $2; }
  ;

params:
    %empty                      { $$ = SEQ(parser, Param); }
  | some_params
  | some_params ','
  ;

some_params:
    param                       { $$ = SEQ(parser, Param); SEQ_PUSH(parser, $$, $1); }
  | some_params ',' param       { $$ = $1; SEQ_PUSH(parser, $$, $3); }
  ;

param:
    NAME optional_axes optional_init { $$ = build_param(@$, $1, $2, $3); }
  ;

/* ---- expressions, loosest first ---- */

expr:
    postfix
  | IF expr THEN expr ELSE expr { $$ = build_if(parser, @$, $2, $4, $6); }
  | expr OR expr                { $$ = build_binary(parser, @$, BINARY_OR, $1, $3); }
  | expr AND expr               { $$ = build_binary(parser, @$, BINARY_AND, $1, $3); }
  | NOT expr                    { $$ = build_unary(parser, @$, UNARY_NOT, $2); }
  | expr EQ expr                { $$ = build_binary(parser, @$, BINARY_EQ, $1, $3); }
  | expr NE expr                { $$ = build_binary(parser, @$, BINARY_NE, $1, $3); }
  | expr '<' expr               { $$ = build_binary(parser, @$, BINARY_LT, $1, $3); }
  | expr LE expr                { $$ = build_binary(parser, @$, BINARY_LE, $1, $3); }
  | expr '>' expr               { $$ = build_binary(parser, @$, BINARY_GT, $1, $3); }
  | expr GE expr                { $$ = build_binary(parser, @$, BINARY_GE, $1, $3); }
  | expr '+' expr               { $$ = build_binary(parser, @$, BINARY_ADD, $1, $3); }
  | expr '-' expr               { $$ = build_binary(parser, @$, BINARY_SUB, $1, $3); }
  | expr '*' expr               { $$ = build_binary(parser, @$, BINARY_MUL, $1, $3); }
  | expr '/' expr               { $$ = build_binary(parser, @$, BINARY_DIV, $1, $3); }
  | expr '@' expr               { $$ = build_binary(parser, @$, BINARY_MATMUL, $1, $3); }
  | expr '%' expr               { $$ = build_binary(parser, @$, BINARY_MOD, $1, $3); }
  | '-' expr %prec NEGATIVE     { $$ = build_unary(parser, @$, UNARY_NEG, $2); }
  | expr '^' expr               { $$ = build_binary(parser, @$, BINARY_POW, $1, $3); }
  | SQRT postfix                { $$ = build_sqrt(parser, @$, @1, $2); }
  ;

postfix:
    primary
  | postfix PRIME               { $$ = build_prime(parser, @$, $1); }
  | postfix TRANSPOSE           { $$ = build_transpose(parser, @$, $1); }
  | postfix '[' subs ']'        { $$ = build_subscript(parser, @$, $1, $3); }
  | postfix '(' args ')'        { $$ = build_call(parser, @$, $1, $3); }
  | postfix '.' NAME            { $$ = build_field(parser, @$, $1, $3); }
  ;

primary:
    NAME                        { $$ = build_name(parser, @$, $1); }
  | NUMBER                      { $$ = build_number(parser, @$, $1.value, $1.is_int); }
  | STRING                      { $$ = build_string(parser, @$, $1); }
  | BOOL                        { $$ = build_bool(parser, @$, $1); }
  | '(' expr ')'                { $$ = $2; }
  | '[' exprs ']'               { $$ = build_array(parser, @$, $2); }
  | REDUCE '[' some_binders guard ']' '(' expr ')' { $$ = build_reduce(parser, @$, $1, $3, $4, $7); }
  | DRAW NAME '(' args ')'      { $$ = build_draw(parser, @$, build_draw_call(parser, @2, @5, $2, $4)); }
  | MISREAD                     { $$ = build_error(parser, @$); }
  ;

guard:
    %empty                      { $$ = NULL; }
  | '|' expr                    { $$ = $2; }
  ;

exprs:
    %empty                      { $$ = SEQ(parser, Expr *); }
  | some_exprs
  | some_exprs ','
  ;

some_exprs:
    expr                        { $$ = SEQ(parser, Expr *); SEQ_PUSH(parser, $$, $1); }
  | some_exprs ',' expr         { $$ = $1; SEQ_PUSH(parser, $$, $3); }
  ;

subs:
    sub                         { $$ = SEQ(parser, Expr *); SEQ_PUSH(parser, $$, $1); }
  | subs ',' sub                { $$ = $1; SEQ_PUSH(parser, $$, $3); }
  ;

sub:
    range_or_expr
  | ':'                         { $$ = NULL; }
  ;

some_binders:
    binders
  | binders ','
  ;

binders:
    binder                      { $$ = SEQ(parser, Binder); SEQ_PUSH(parser, $$, $1); }
  | binders ',' binder          { $$ = $1; SEQ_PUSH(parser, $$, $3); }
  ;

binder:
    expr periodic               { $$ = build_binder(parser, @$, $1, $2); }
  | NAME ':' expr periodic      { $$ = (Binder){.span = @$, .name = $1, .extent = $3, .periodic = $4}; }
  | NAME IN range_or_expr       { $$ = (Binder){.span = @$, .name = $1, .set = $3}; }
  ;

periodic:
    %empty                      { $$ = false; }
  | PERIODIC                    { $$ = true; }
  ;

range_or_expr:
    expr
  | expr DOTDOT expr            { $$ = build_range(parser, @$, $1, $3); }
  ;

args:
    %empty                      { $$ = SEQ(parser, Arg); }
  | some_args
  | some_args ','
  ;

optional_args:
    %empty                      { $$ = NULL; }
  | '(' args ')'                { $$ = $2; }
  ;

some_args:
    arg                         { $$ = SEQ(parser, Arg); SEQ_PUSH(parser, $$, $1); }
  | some_args ',' arg           { $$ = $1; SEQ_PUSH(parser, $$, $3); }
  ;

arg:
    range_or_expr               { $$ = build_arg(parser, @$, 0, $1); }
  | NAME '=' range_or_expr      { $$ = build_arg(parser, @$, $1, $3); }
  | STRING '=' range_or_expr    { $$ = build_arg(parser, @$, $1, $3); } /* a label in words */
  ;

%%

/* Called for "memory exhausted" only; syntax errors come through yyreport_syntax_error. */
static void lag_error(const Span *span, Parser *parser, const char *message) {
    (void)message;
    parser_report_depth(parser, *span);
}

static int yyreport_syntax_error(const yypcontext_t *context, Parser *parser) {
    yysymbol_kind_t expected[YYNTOKENS];
    const char *names[YYNTOKENS];
    int n = yypcontext_expected_tokens(context, expected, YYNTOKENS);
    for (int i = 0; i < n; i++)
        names[i] = yysymbol_name(expected[i]);
    parser_complain(parser, names, n);
    return 0;
}
