/* copies — a run over copies while it runs (copies.c), and what comes out of it (copies_results.c). Private to program/. */
#ifndef LAG_RT_PROGRAM_COPIES_H
#define LAG_RT_PROGRAM_COPIES_H

#include "execution.h"

#include <pthread.h>

typedef struct Ensemble {
    Execution *e;
    Execution *worker;    /* one a run of `copies`; worker[0] shares the frame of e */
    RtCopies copies;
    const char *why;      /* they go one after the other; NULL: several at once */
    RtSeries **series;    /* of copy c and group g: c * n_groups + g */
    RtFunction gather;
    double **gathered;    /* of value k: all copies' elements */
    RtBlock *value;       /* one a gathered value, in any frame */
    pthread_mutex_t lock; /* over progress */
    uint64_t done;
    double shown;
    bool short_of_memory;
} Ensemble;

/* What reductions read of a copy, whose end is in the worker's memory. */
void copies_take_end(Ensemble *n, const Execution *worker, uint64_t copy);
/* Tables, pictures, prints and expectations of all copies; an exit status. */
int copies_say(Ensemble *n);

#endif
