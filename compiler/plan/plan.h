/* plan — from IR functions to loops, library calls and memory: what is materialized, what is fused, which contractions
 * go to BLAS, where every buffer lies, which loops run in parallel. Target-neutral: knows nothing of LLVM. */
#ifndef LAG_PLAN_H
#define LAG_PLAN_H

#include "../ir/ir.h"

typedef struct Plan Plan;

typedef struct PlanOptions {
    uint32_t threads;       /* 1: no parallel loops */
    bool fast;              /* training: reductions and products may be reassociated and fused */
    bool check_finite;      /* functions report non-finite assigned values through the frame */
} PlanOptions;

/* Where an INPUT or OUTPUT lives: at byte `offset` of the frame's memory, or in data slot `slot`. */
typedef struct PlanPlace { bool is_data; uint32_t slot; uint64_t offset, bytes; IrElem elem; } PlanPlace;

Plan *plan_build(Session *session, IrProgram *p, const IrFunc *const *funcs, uint32_t n, const PlanOptions *options);
void plan_free(Plan *plan);
bool plan_place(const Plan *plan, IrDef input, PlanPlace *place); /* false: no function uses it */
uint64_t plan_memory(const Plan *plan);        /* bytes of frame memory, 64-byte aligned */
uint32_t plan_data_slots(const Plan *plan);
void plan_print(const Plan *plan, Buf *out);   /* --emit=plan */

#endif
