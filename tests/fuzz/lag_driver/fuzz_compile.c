/* fuzz_compile — any bytes through the whole compiler: parsing, analysis, derivation, planning and, for what gets that far,
 * LLVM code (not optimized, not run). Nothing may crash, leak or hang; every rejection must have a message.
 *
 * Data files are answered with a small table that is not there; nothing is read or written. */
#include "driver/driver.h"
#include "emit/emit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is declared is believed, up to sizes a fuzzer can compile. */
static bool probe(void *context, const SemaSource *source, uint32_t *rank, uint64_t *extent, IrElem *elem, char *why,
                  size_t n) {
    (void)context;
    if (!strcmp(source->reader, "npz")) {
        snprintf(why, n, "no such array");
        return false;
    }
    *rank = source->vector ? 1 : 2;
    extent[0] = 12;
    extent[1] = 3;
    *elem = strcmp(source->reader, "idx") ? IR_F64 : IR_U8;
    return true;
}

/* A table of columns of one letter each. */
static bool has_column(void *context, const SemaSource *source, const char *column) {
    (void)context, (void)source;
    return !column[1];
}

static void compile(Session *session, Model *model, const MechRun *mech) {
    const IrFunc *funcs[3] = {&mech->init, mech->step.groups.n ? &mech->step : &mech->rhs, &mech->observe};
    PlanOptions options = {.threads = 1, .fast = model->is_f32};
    Plan *plan = plan_build(session, model->ir, funcs, 3, &options);
    EmitModule *module = plan ? emit_module(session, plan, &(EmitOptions){.verify = true}) : NULL;
    if (!module && !diag_error_count(session))
        abort();
    emit_free(module);
    plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    Session *session = session_new();
    uint32_t source = source_add(session, "fuzz.lag", (const char *)data, size);
    File *file = ast_parse(session, source);
    SemaOptions options = {.probe = probe, .has_column = has_column, .directory = "."};
    Model *model = diag_error_count(session) ? NULL : sema_analyze(session, file, &options);
    if (!model && !diag_error_count(session))
        abort();
    for (uint32_t i = 0; model && !diag_error_count(session) && i < model->n_runs; i++) {
        if (model->runs[i].missing)
            continue;
        MechRun *mech = mech_derive(session, model, &model->runs[i]);
        if (!mech && !diag_error_count(session))
            abort();
        if (mech)
            compile(session, model, mech);
    }
    model_free(model);
    Buf text = {0};
    if (!diag_error_count(session))
        ast_print(session, file, &text);
    buf_free(&text);
    session_free(session);
    return 0;
}
