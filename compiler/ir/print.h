/* print — what the printer and the reader of IR text share. */
#ifndef LAG_IR_PRINT_H
#define LAG_IR_PRINT_H

#include "program.h"

extern const char *const ir_elem_names[5], *const ir_role_names[14], *const ir_linalg_names[IR_LINALG_COUNT];
/* The shortest decimal text that reads back to v; `exact` marks whole numbers with .0. */
void ir_print_real(double v, bool exact, Buf *out);

/* Binding strength of a term's outermost operator as written; higher binds tighter. */
enum { BIND_OR = 1, BIND_AND, BIND_COMPARE, BIND_SUM, BIND_PRODUCT, BIND_SIGN, BIND_POWER, BIND_ATOM };

#endif
