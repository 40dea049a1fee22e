/* load — from a path to a checked model. */
#include "driver.h"

#include "../../runtime/report/report.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { LARGEST_PROGRAM = 64 << 20 };

static bool read_all(FILE *in, Buf *text) {
    char chunk[65536];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, in)) > 0 && text->n <= LARGEST_PROGRAM)
        buf_write(text, chunk, n);
    return !ferror(in);
}

/* Reads the whole of options->file; on failure writes the reason and returns false. */
static bool read_program(const Options *options, Buf *text) {
    bool is_stdin = !strcmp(options->file, "-");
    FILE *in = is_stdin ? stdin : fopen(options->file, "rb");
    errno = in ? 0 : errno;
    bool ok = in && read_all(in, text);
    if (!ok)
        fprintf(stderr, "lag: cannot read %s: %s\n", options->file, strerror(errno));
    else if (text->n > LARGEST_PROGRAM) {
        fprintf(stderr, "lag: %s: a program of more than 64 MiB\n", options->file);
        ok = false;
    }
    if (in && !is_stdin)
        fclose(in);
    return ok;
}

File *load_file(Session *session, const Options *options) {
    Buf text = {0};
    File *file = NULL;
    if (read_program(options, &text)) {
        uint32_t source = source_add(session, options->file, text.at ? text.at : "", text.n);
        file = ast_parse(session, source);
    }
    buf_free(&text);
    return file;
}

const char *load_directory(Session *session, const Options *options) {
    const char *path = options->file;
    const char *slash = strrchr(path, '/');
    return slash ? arena_string(session->arena, path, (size_t)(slash - path) + (slash == path)) : ".";
}

/* The reader's view of a declaration's source, with its path looked up; false with the reason in `message`. */
bool load_source(const SemaSource *source, const char *directory, RtSource *found, char *path, size_t size,
                 RtMessage *message) {
    if (!rt_data_find(source->path, directory, path, size, message))
        return false;
    *found = (RtSource){
        .format = source->reader, .path = path, .key = source->key, .key_or_only = source->key_or_only,
        .columns = source->columns, .n_columns = source->n_columns,
        .except = source->except, .n_except = source->n_except, .vector = source->vector,
        .left = source->left == COLUMNS_LAST ? RT_COLUMNS_LAST
              : source->left == COLUMNS_BUT_LAST ? RT_COLUMNS_BUT_LAST : RT_COLUMNS_ALL,
    };
    return true;
}

static bool probe(void *context, const SemaSource *source, uint32_t *rank, uint64_t *extent, IrElem *elem, char *why,
                  size_t n) {
    RtMessage message;
    RtSource found;
    RtShape shape;
    char path[PATH_MAX];
    bool ok = load_source(source, context, &found, path, sizeof path, &message) &&
              rt_data_probe(&found, &shape, &message);
    if (ok) {
        *rank = shape.rank;
        memcpy(extent, shape.extent, sizeof *extent * shape.rank);
        *elem = (IrElem)shape.elem;
    } else {
        snprintf(why, n, "%s", message.text);
    }
    return ok;
}

static bool has_column(void *context, const SemaSource *source, const char *column) {
    RtMessage message;
    RtSource found;
    RtNameList names;
    char path[PATH_MAX];
    if (!load_source(source, context, &found, path, sizeof path, &message) ||
        !rt_data_names(&found, &names, &message))
        return false;
    bool has = false;
    for (size_t k = 0; k < names.n; k++)
        has |= strcmp(names.at[k], column) == 0;
    rt_names_free(&names);
    return has;
}

Model *load_model(Session *session, const Options *options, void (*parsed)(const File *file)) {
    File *file = load_file(session, options);
    if (!file || diag_error_count(session)) /* names are not looked for in what could not be read whole */
        return NULL;
    if (parsed)
        parsed(file);
    const char *directory = load_directory(session, options);
    SemaOptions sema = {
        .overrides = options->sets.at,
        .n_overrides = options->sets.n,
        .probe = probe,
        .has_column = has_column,
        .directory = directory,
        .probe_context = (void *)directory,
        .seed = options->seed,
        .motion = mech_motion,
    };
    return sema_analyze(session, file, &sema);
}

/* A run whose part of the runtime this build does not have: said at the `run` statement, or, where other words would do,
 * at what asks for it. */
static void report_missing(Session *session, const SemaRun *run) {
    Diag *diag = diag_error(session, DIAG_RUN_MISSING, run->instead ? run->missing_span : run->span,
                            "this part of the runtime is not in this build: %s", run->missing);
    if (run->instead)
        diag_help(session, diag, "%s", run->instead);
    else if (run->missing_span.file)
        diag_note_at(session, diag, run->missing_span, "needed by this");
}

bool load_runs_here(Session *session, const Model *model) {
    for (uint32_t i = 0; i < model->n_runs; i++)
        if (model->runs[i].missing)
            report_missing(session, &model->runs[i]);
    return !diag_error_count(session);
}

const char *load_text(const Session *session, const Options *options) {
    for (uint32_t file = 1; file <= session->sources.n; file++) {
        const Source *source = source_get(session, file);
        if (source && !strcmp(source->path, options->file))
            return source->text;
    }
    return "";
}

int driver_finish(Session *session, const Options *options) {
    diag_print_all(session, options->json ? stdout : stderr, rt_out_has_colour(stderr), options->json);
    uint32_t errors = diag_error_count(session);
    if (errors && !options->json)
        fprintf(stderr, "%u error%s\n", errors, errors == 1 ? "" : "s");
    return errors ? EXIT_PROGRAM : EXIT_OK;
}
