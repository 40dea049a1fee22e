/* jet — the RtJet of a run whose Taylor coefficients are compiled code. Private to this folder. */
#ifndef LAG_RT_RUN_JET_H
#define LAG_RT_RUN_JET_H

#include "state.h"

typedef void (*RtSums)(size_t n, size_t k, const double *left, const double *right, double *sums);
/* sums[n] from rows 1 … k−1 of left[][n] and right[][n], n a multiple of 8: Σ_{j=1}^{k−1} left[j][i] right[k−j][i]; for the
 * processor it runs on. */
RtSums rt_taylor_sums(void);

typedef struct RtJetWork {
    RtRun *run;
    double *left, *right; /* rows of the factors of all products */
    int order;            /* there is room for */
    RtSums sums;
} RtJetWork;

/* RtJet; context: RtJetWork, zero but for its run. Sets frame memory as it goes: y and t stay those given. */
RtStatus rt_jet(void *work, double t, const double *y, int order, double *c);
void rt_jet_free(RtJetWork *work);

#endif
