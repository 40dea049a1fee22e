/* diag — the record of one message, shared by collecting and printing. */
#ifndef LAG_BASE_DIAG_H
#define LAG_BASE_DIAG_H

#include "base.h"

typedef struct DiagNote {
    Span span;
    const char *text;
    struct DiagNote *next;
} DiagNote;

struct Diag {
    DiagSeverity severity;
    DiagCode code;
    Span span;
    const char *text;
    const char *help;
    DiagNote *notes;
};

#endif
