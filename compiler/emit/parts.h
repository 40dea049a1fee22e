/* parts — what the files of emit/ share. For emit/ alone; every LLVM type stays behind emit.h. */
#ifndef LAG_EMIT_PARTS_H
#define LAG_EMIT_PARTS_H

#include <stdlib.h>
#include <string.h>

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include "emit.h"

struct EmitModule {
    Session *session;
    LLVMContextRef context;
    LLVMModuleRef module;
    LLVMTargetMachineRef machine;
    char *cpu, *features;
    bool fast, verify, optimized;
    bool quick; /* see emit_is_quick */
    bool avx512, avx2, fma;
};

#define EMIT_MAX_LANES 16 /* two vectors, so that one is at work while the other waits */

/* One LLVM function while its body is written: a planned function or the body of a parallel loop. */
typedef struct Emitter {
    EmitModule *m;
    const Plan *plan;
    const PlanFunc *func;
    LLVMBuilderRef b;
    LLVMValueRef fn, frame, mem, data;
    LLVMBasicBlockRef again, leave; /* of the repeated loop around: its beginning, and what follows it */
    LLVMBasicBlockRef setup, exit; /* setup: allocas and pointers, ends when the body is written */
    LLVMValueRef status;           /* alloca; NULL in the body of a parallel loop */
    LLVMValueRef *value;           /* by node */
    LLVMValueRef *acc_index;       /* by ACC node of ARGMAX, ARGMIN */
    LLVMValueRef *slot;            /* by data slot: its pointer */
    struct Flag {
        IrDef def;
        LLVMValueRef at;
    } flag[16];
    uint32_t n_flags;
    uint32_t kernel;                /* number of the loop nest, for alias scopes; 0: outside loops */
    const uint32_t *kernel_buffers; /* buffers the nest touches */
    uint32_t n_kernel_buffers;
    uint32_t *n_outlined, *n_kernels; /* shared by a function and its loops' bodies */
    unsigned lanes;                   /* copies at once; 0: one, without lanes */
    const struct EmitHeld *held;      /* elements of memory that are values here; NULL: none */
} Emitter;

/* ---- types and small things (module.c) ---- */
LLVMTypeRef emit_type(EmitModule *m, PlanType type);
LLVMTypeRef emit_elem_type(EmitModule *m, IrElem elem);
LLVMValueRef emit_int(EmitModule *m, int64_t v);
void emit_attribute(EmitModule *m, LLVMValueRef fn, const char *name, const char *value);
void emit_target_attributes(EmitModule *m, LLVMValueRef fn);
void emit_mark(EmitModule *m, LLVMValueRef fn, const char *attribute, uint64_t value);

/* ---- prefetch.c ---- */
/* At the beginning of iteration i < hi of a loop over rows that a list picks: asks for the next one. */
void emit_prefetch(Emitter *e, const PlanLoop *loop, LLVMValueRef i, LLVMValueRef hi);

/* ---- ops.c ---- */
LLVMValueRef emit_op(Emitter *e, const PlanNode *n);
LLVMValueRef emit_op_on(Emitter *e, const PlanNode *n, LLVMValueRef *v); /* the same on these operands */
bool emit_is_scalar_call(const Emitter *e, const PlanNode *n); /* becomes a call that has no vector variant */
uint32_t emit_length(const Emitter *e, const PlanNode *n);     /* of its code: a statement's is about 1 */
LLVMValueRef emit_convert(Emitter *e, LLVMValueRef v, const PlanNode *from, PlanType to);
LLVMValueRef emit_combine(Emitter *e, IrOp reduce, PlanType type, LLVMValueRef a, LLVMValueRef b);
LLVMValueRef emit_identity(Emitter *e, IrOp reduce, PlanType type);
LLVMValueRef emit_intrinsic(Emitter *e, const char *name, LLVMTypeRef type, LLVMValueRef *args, uint32_t n);
/* Function `stem` of the C library, in the spelling of the type. */
LLVMValueRef emit_pure_call(Emitter *e, const char *stem, PlanType type, LLVMValueRef *args, uint32_t n);
/* A function of its arguments alone, declared on first use. */
LLVMValueRef emit_declare_pure(EmitModule *m, const char *name, LLVMTypeRef type);
/* Tells the vectorizer of a call's variants, their names with commas between. */
void emit_offer_variants(EmitModule *m, LLVMValueRef call, const char *names);
LLVMValueRef emit_node(Emitter *e, PlanValue v); /* the value of a node already written, or a constant */

/* ---- trig.c ---- */
/* sin x or cos x, x an f64 or a vector of such. */
LLVMValueRef emit_trig(Emitter *e, LLVMValueRef x, bool is_cosine);

/* ---- explog.c: x an f64 or a vector of such, on machines with fused multiplication ---- */
LLVMValueRef emit_exp(Emitter *e, LLVMValueRef x);
LLVMValueRef emit_log(Emitter *e, LLVMValueRef x);
LLVMValueRef emit_tanh(Emitter *e, LLVMValueRef x);

/* ---- lanes.c ---- */
/* Function `name` of the C library of an f64, in a loop that may become vectors all the same. */
LLVMValueRef emit_call_lanes(Emitter *e, const char *name, LLVMValueRef x);

/* ---- abi.c ---- */
LLVMValueRef emit_runtime(EmitModule *m, const char *name, LLVMTypeRef *type); /* declares on first use */
LLVMValueRef emit_frame_field(Emitter *e, size_t offset, LLVMTypeRef type, const char *name);
void emit_call(Emitter *e, const PlanCall *call);
/* The call, and where its verdict leads. */
void emit_turn(Emitter *e, const PlanCall *call);
LLVMValueRef emit_draw(Emitter *e, const PlanNode *n);
LLVMValueRef emit_draw_of_lanes(Emitter *e, const PlanNode *n); /* a number of each copy */
LLVMValueRef emit_pointer(Emitter *e, uint32_t buffer, LLVMValueRef at);
void emit_set_bad(Emitter *e, IrDef def);

/* ---- outline.c ---- */
typedef VEC(uint32_t) NumberList;
void emit_add_number(NumberList *list, uint32_t number); /* unless it is there */
void emit_function(EmitModule *m, const Plan *plan, const PlanFunc *func);
void emit_parallel(Emitter *e, const PlanLoop *loop);
/* Around a body: opens e->fn with its frame, and closes it; then the return value is written, and e freed. */
void emit_begin(Emitter *e);
void emit_end(Emitter *e);
void emit_free_emitter(Emitter *e);

/* ---- copies.c ---- */
/* NAME_lanes, where emit_lanes_fit. */
void emit_lanes_function(EmitModule *m, const Plan *plan, const PlanFunc *func);
bool emit_lanes_fit(const Plan *plan, const PlanFunc *func);
bool emit_lane_statement(Emitter *e, PlanValue v); /* false: nothing in it differs between lanes */

/* ---- stages.c ---- */
/* NAME_stages, of a right-hand side whose y are few doubles. */
void emit_stages(EmitModule *m, const Plan *plan, const PlanFunc *func);
/* Where the element lies that a LOAD or STORE means when it is held as a value; NULL: it is in memory. */
LLVMValueRef *emit_held(const Emitter *e, const PlanNode *n);

/* ---- code.c ---- */
LLVMBasicBlockRef emit_block(Emitter *e, const char *name);
LLVMValueRef emit_slot(Emitter *e, LLVMTypeRef type,
                       LLVMValueRef start); /* on the stack; start NULL: no value yet */
/* Statements begin … end-1 of a scope. */
void emit_statements(Emitter *e, uint32_t scope, uint32_t begin, uint32_t end);
void emit_range(Emitter *e, const PlanLoop *loop, LLVMValueRef lo, LLVMValueRef hi, bool never_empty);
void emit_expect(Emitter *e, LLVMValueRef branch); /* it goes the first way nearly always */
/* Ends the function with `status` where `failed` is true. */
void emit_stop(Emitter *e, LLVMValueRef failed, LLVMValueRef status, IrDef def);

#endif
