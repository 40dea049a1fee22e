/* run — derives, compiles and runs every `run` of a program, in order. */
#include "driver.h"

#include "../../runtime/core/core.h"
#include "../../runtime/linalg/linalg.h"

#include <string.h>

static bool is_stage(const char *emit) {
    static const char *const stages[] = {"ast", "ir", "derive", "plan", "llvm", "time"};
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (!strcmp(emit, stages[i]))
            return true;
    fprintf(stderr, "lag: --emit=%s: the stages are ast, ir, derive, plan, llvm, time\n", emit);
    return false;
}

static void print_ir(const Model *model, const MechRun *mech) {
    Buf text = {0};
    ir_print_func(model->ir, &mech->init, &text);
    ir_print_func(model->ir, mech->step.groups.n ? &mech->step : &mech->rhs, &text);
    ir_print_func(model->ir, &mech->observe, &text);
    fwrite(text.at, 1, text.n, stdout);
    buf_free(&text);
}

/* Prints the stage asked for; true when there is nothing left to do for this run. */
static bool emit_stage(const Model *model, const MechRun *mech, const Code *code, const char *stage) {
    Buf text = {0};
    if (!strcmp(stage, "ir"))
        print_ir(model, mech);
    else if (!strcmp(stage, "derive"))
        mech_print_text(model, mech, false, &text);
    else if (!strcmp(stage, "plan") && code)
        plan_print(code->plan, &text);
    fwrite(text.at ? text.at : "", 1, text.n, stdout);
    buf_free(&text);
    return strcmp(stage, "time") != 0;
}

void *driver_symbol(void *jit, const char *name) { return jit_symbol(jit, name); }

/* What a run says of places in the program goes with the compiler's own messages. */
static void say(void *context, const RtSaying *saying) {
    Session *session = context;
    DiagCode code = 0;
    while (code + 1 < DIAG_COUNT && strcmp(diag_code_text(code), saying->code) != 0)
        code++;
    Span span = {.file = saying->spot.file, .start = saying->spot.start, .end = saying->spot.end};
    Diag *diag = saying->is_warning ? diag_warn(session, code, span, "%s", saying->text)
                                    : diag_error(session, code, span, "%s", saying->text);
    if (saying->note)
        diag_note_at(session, diag, (Span){0}, "%s", saying->note);
    if (saying->help)
        diag_help(session, diag, "%s", saying->help);
}

RtHost *driver_host(Session *session, const Options *options) {
    return rt_host_new(&(RtHostOptions){.path = options->file, .text = load_text(session, options),
                                        .directory = load_directory(session, options), .out = options->out,
                                        .seed = options->seed, .seed_given = options->seed_given, .json = options->json,
                                        .quiet = options->quiet, .resume = options->resume,
                                        .checkpoint = options->checkpoint, .say = say, .context = session});
}

static int run_one(Session *session, Model *model, const SemaRun *run, const Options *options, RtHost *host) {
    const char *emit = options->emit;
    double start = rt_now();
    MechRun *mech = mech_derive(session, model, run);
    if (!mech)
        return EXIT_PROGRAM;
    double derived = rt_now();
    if (emit && (!strcmp(emit, "ir") || !strcmp(emit, "derive"))) {
        emit_stage(model, mech, NULL, emit);
        return EXIT_OK;
    }
    Code *code = code_build(session, model, mech, options);
    if (!code)
        return EXIT_PROGRAM;
    if (emit && !strcmp(emit, "time"))
        printf("derivation %.2f ms\nmachine code %.2f ms%s\n", 1e3 * (derived - start), 1e3 * (rt_now() - derived),
               code->from_cache ? " (from the cache)" : "");
    int status = EXIT_OK;
    if (!emit || !emit_stage(model, mech, code, emit))
        status = rt_host_run(host, describe_run(session, model, mech, code), driver_symbol, code->jit);
    code_free(code);
    return status;
}

static int emit_ast(Session *session, Options *options) {
    File *file = load_file(session, options);
    int status = driver_finish(session, options);
    Buf text = {0};
    if (file && status == EXIT_OK) {
        ast_print(session, file, &text);
        fwrite(text.at, 1, text.n, stdout);
    }
    buf_free(&text);
    return file ? status : EXIT_PROGRAM;
}

/* Who has parameters trains, and will multiply matrices: their library is opened beside what comes first. Mechanics
 * hardly ever needs it; a run that does opens it when it begins. */
static void begin_linear_algebra(const File *file) {
    for (uint32_t i = 0; i < file->items.n; i++) {
        const Stmt *item = file->items.at[i];
        if (item->kind == STMT_DECLARE && item->declare.kind == DECL_PARAM) {
            rt_blas_load_begin();
            return;
        }
    }
}

static int run_all(Session *session, Options *options) {
    double start = rt_now();
    Model *model = load_model(session, options, begin_linear_algebra);
    if (!model)
        return diag_error_count(session) ? driver_finish(session, options) : EXIT_PROGRAM;
    if (options->emit && !strcmp(options->emit, "time"))
        printf("source to IR %.2f ms\n", 1e3 * (rt_now() - start));
    int status = load_runs_here(session, model) ? EXIT_OK : EXIT_PROGRAM;
    RtHost *host = driver_host(session, options);
    for (uint32_t i = 0; i < model->n_runs && (status == EXIT_OK || status == EXIT_EXPECT); i++) {
        int ended = run_one(session, model, &model->runs[i], options, host);
        status = ended != EXIT_OK ? ended : status;
    }
    if (rt_host_end(host) != EXIT_OK)
        status = EXIT_RUN;
    if (!model->n_runs && !diag_error_count(session))
        fprintf(stderr, "lag: %s has no `run`: nothing to do\n", options->file);
    model_free(model);
    int messages = driver_finish(session, options);
    return status != EXIT_OK ? status : messages;
}

int command_run(Session *session, Options *options) {
    if (options->emit && !is_stage(options->emit))
        return EXIT_USAGE;
    if (options->emit && !strcmp(options->emit, "ast"))
        return emit_ast(session, options);
    if (options->no_cache) /* before linear algebra: it is wanted first, and the linker opens one library at a time */
        emit_open_begin();
    int status = run_all(session, options);
    emit_open_end();
    rt_blas_load_end();
    return status;
}
