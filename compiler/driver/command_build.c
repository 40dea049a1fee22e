/* build — a program as an executable of its own: the one that stands in native.c, then the image of the program. */
#include "driver.h"

#include "../../runtime/core/core.h"
#include "../../runtime/load/load.h"
#include "../../runtime/native/native.h"
#include "../../runtime/report/report.h"

#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* valley.lag → valley; standard input → a.out, as compilers have it. */
static const char *default_output(Session *session, const char *file) {
    const char *base = base_name(file);
    size_t length = strlen(base);
    if (!strcmp(file, "-"))
        return "a.out";
    if (length > 4 && !strcmp(base + length - 4, ".lag"))
        return arena_string(session->arena, base, length - 4);
    return arena_printf(session->arena, "%s.out", base);
}

static bool compile_run(Session *session, Model *model, uint32_t k, const Options *options, RtProgramRun *out) {
    MechRun *mech = mech_derive(session, model, &model->runs[k]);
    Code *code = NULL;
    RtCode *objects;
    uint32_t n;
    bool ok = mech && code_objects(session, model, mech, options, &code, &objects, &n);
    if (ok) {
        *out = *describe_run(session, model, mech, code);
        describe_places(session, out);
        out->code = objects;
        out->n_code = n;
    }
    code_free(code);
    return ok;
}

static bool write_executable(const RtProgram *program, const char *path) {
    Buf image = {0};
    RtMessage message;
    size_t n;
    const char *executable = native_executable(&n);
    rt_image_encode(program, &image);
    NativeTail tail = {.length = image.n, .checksum = crc32_z(0, (const uint8_t *)image.at, image.n)};
    memcpy(tail.magic, NATIVE_MAGIC, sizeof tail.magic);
    RtOutFile *file = rt_out_open(path, &message);
    bool ok = file != NULL;
    if (file) {
        rt_out_write(file, executable, n);
        rt_out_write(file, image.at, image.n);
        rt_out_write(file, &tail, sizeof tail);
        ok = rt_out_close(file, &message);
    }
    buf_free(&image);
    if (!ok)
        fprintf(stderr, "lag: %s\n", message.text);
    else if (chmod(path, 0755) != 0) {
        perror(path);
        ok = false;
    }
    return ok;
}

static int build(Session *session, Options *options, Model *model) {
    RtProgram program = {.path = base_name(options->file), .text = load_text(session, options), .compiler = "lag " LAG_VERSION,
                         .features = rt_features(), .n_runs = model->n_runs,
                         .runs = ARENA_ARRAY(session->arena, RtProgramRun, model->n_runs + 1)};
    for (uint32_t k = 0; k < model->n_runs; k++)
        if (!compile_run(session, model, k, options, &program.runs[k]))
            return EXIT_PROGRAM;
    const char *path = options->output ? options->output : default_output(session, options->file);
    if (!write_executable(&program, path))
        return EXIT_RUN;
    if (!options->quiet && !options->json)
        fprintf(stderr, "wrote %s\n", path);
    return EXIT_OK;
}

int command_build(Session *session, Options *options) {
    Model *model = load_model(session, options, NULL);
    int status = EXIT_PROGRAM;
    if (model && load_runs_here(session, model)) {
        if (model->n_runs)
            status = build(session, options, model);
        else
            fprintf(stderr, "lag: %s has no `run`: there is nothing to build\n", options->file);
    }
    model_free(model);
    int messages = driver_finish(session, options);
    return status != EXIT_OK ? status : messages;
}
