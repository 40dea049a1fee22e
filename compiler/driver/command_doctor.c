/* doctor — what this machine gives, what was chosen because of it, and what is missing. */
#include "driver.h"

#include "../../runtime/core/core.h"
#include "../../runtime/linalg/linalg.h"
#include "../../runtime/plot/plot.h"
#include "../../runtime/report/report.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct Finding {
    const char *name, *text;
    bool wrong;
} Finding;

static const char *processor(Session *session) {
    FILE *in = fopen("/proc/cpuinfo", "r");
    char line[512];
    const char *name = "unknown";
    while (in && fgets(line, sizeof line, in)) {
        char *colon = strchr(line, ':');
        if (!strncmp(line, "model name", 10) && colon) {
            name = arena_string(session->arena, colon + 2, strcspn(colon + 2, "\n"));
            break;
        }
    }
    if (in)
        fclose(in);
    return name;
}

static const char *vector_units(void) {
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f"))
        return "AVX-512: 16 single or 8 double numbers at a time";
    if (__builtin_cpu_supports("avx2"))
        return "AVX2: 8 single or 4 double numbers at a time";
    return "SSE2: 4 single or 2 double numbers at a time";
#elif defined(__aarch64__)
    return "NEON: 4 single or 2 double numbers at a time";
#else
    return "none known";
#endif
}

static Finding cache_folder(Session *session) {
    const char *folder = jit_cache_directory(session);
    if (!folder)
        return (Finding){"cache", "no home folder: every run compiles anew (set XDG_CACHE_HOME)", false};
    bool usable = access(folder, W_OK) == 0 || access(folder, F_OK) != 0;
    return (Finding){"cache", usable ? folder : arena_printf(session->arena, "%s cannot be written to: every run "
                     "compiles anew", folder), !usable};
}

static void print_finding(const Finding *finding, bool colour) {
    const char *mark = finding->wrong ? (colour ? "\033[1;31m✗\033[0m" : "✗") : (colour ? "\033[1;32m✓\033[0m" : "✓");
    printf("%s %-15s %s\n", mark, finding->name, finding->text);
}

int command_doctor(Session *session, Options *options) {
    const RtBlasInfo *blas = rt_blas_describe();
    Arena *arena = session->arena;
    Finding findings[] = {
        {"lag", "version " LAG_VERSION ", code generation by LLVM " LAG_LLVM_VERSION, false},
        {"processor", arena_printf(arena, "%s, %u core%s for this process", processor(session), rt_processor_count(),
                                   rt_processor_count() == 1 ? "" : "s"), false},
        {"vector units", vector_units(), false},
        {"linear algebra", blas->loaded ? arena_printf(arena, "%s, kernels for %s", blas->config, blas->core)
                                        : blas->problem, !blas->loaded},
        {"  chosen", blas->loaded ? blas->chosen : "plain loops in its place", !blas->loaded},
        {"denormals", rt_float_mode_text(), false},
        {"pictures", *rt_plot_problem() ? rt_plot_problem() : "SVG, and PNG by librsvg", *rt_plot_problem() != 0},
        cache_folder(session),
    };
    enum { COUNT = sizeof findings / sizeof *findings };
    bool wrong = false;
    json_t *object = json_object();
    for (size_t i = 0; i < COUNT; i++) {
        wrong |= findings[i].wrong;
        if (options->json)
            json_object_set_new(object, findings[i].name + strspn(findings[i].name, " "), json_string(findings[i].text));
        else
            print_finding(&findings[i], rt_out_has_colour(stdout));
    }
    if (options->json) {
        json_object_set_new(object, "event", json_string("doctor"));
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
    }
    json_decref(object);
    return wrong ? EXIT_RUN : EXIT_OK;
}
