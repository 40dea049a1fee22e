/* native — a program made by `lag build`: this executable with an image of the program (program/image.c) behind it. It has the
 * runtime, the machine code and the description; it needs neither the compiler nor the source.
 *
 * The file ends with a tail: what it is, how long the image before it is, and a checksum of it. */
#include "../core/core.h"
#include "../linalg/linalg.h"
#include "../load/load.h"
#include "../program/program.h"
#include "../report/report.h"
#include "native.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

static const char help[] =
    "Options\n"
    "  --data NAME=FILE  reads a data set of the program from another file (may be repeated)\n"
    "  --seed N          seed of all random numbers\n"
    "  --threads N       threads (default: all cores); results are the same bits at any number\n"
    "  --out DIR         where results go (default out/NAME)\n"
    "  --checkpoint S    keeps the state of a training run in --out every S seconds (default 10; 0: never)\n"
    "  --resume          goes on from there, with the bits of a run that was not stopped\n"
    "  --json            one JSON object a line in the place of text, messages included\n"
    "  --quiet           no progress\n"
    "  --about           what this program runs, and what it was made from\n"
    "  --help            this text\n"
    "\n"
    "Exit status\n"
    "  0 success   2 bad command line   3 the run stopped (divergence, data, disk)   4 an `expect` does not hold\n"
    "  130 interrupted, with the results so far\n";

typedef struct Native {
    const char *name; /* of this executable, for messages */
    Arena *arena;
    RtProgram program;
    RtHostOptions options;
    VEC(RtElsewhere) data;
    bool help, about;
    bool failed; /* some message was an error */
} Native;

/* ---- the image ---- */

static bool refuse(const char *name, const char *why) {
    fprintf(stderr, "%s: %s\n", name, why);
    return false;
}

static bool read_image(Native *n) {
    int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (file < 0 || fstat(file, &info) != 0)
        return refuse(n->name, "this system does not let a program read its own file");
    size_t size = (size_t)info.st_size;
    const uint8_t *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, file, 0);
    close(file);
    if (bytes == MAP_FAILED)
        return refuse(n->name, strerror(errno));
    NativeTail tail;
    if (size < sizeof tail)
        return refuse(n->name, "its file is cut short; build it again");
    memcpy(&tail, bytes + size - sizeof tail, sizeof tail);
    if (memcmp(tail.magic, NATIVE_MAGIC, sizeof tail.magic) != 0 || tail.length > size - sizeof tail)
        return refuse(n->name, "there is no program behind this executable, or its file is damaged; `lag build` makes one");
    const uint8_t *image = bytes + size - sizeof tail - tail.length;
    if (crc32_z(0, image, tail.length) != tail.checksum || !rt_image_decode(image, tail.length, n->arena, &n->program))
        return refuse(n->name, "its file is damaged; build it again");
    return true;
}

static bool check_processor(const Native *n) {
    uint64_t missing = n->program.features & ~rt_features();
    if (!missing)
        return true;
    fprintf(stderr, "%s: it was built for a processor with", n->name);
    for (uint32_t bit = 0, shown = 0; rt_feature_name(bit); bit++)
        if (missing >> bit & 1)
            fprintf(stderr, "%s %s", shown++ ? "," : "", rt_feature_name(bit));
    fprintf(stderr, ", which this one has not; build it on this machine\n");
    return false;
}

/* ---- the command line ---- */

static bool complain(const char *what, const char *name) {
    fprintf(stderr, "%s: %s\n", name, what);
    return false;
}

static bool parse_number(const char *name, const char *text, uint64_t largest, uint64_t *value) {
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (end == text || *end || errno || text[0] == '-' || number > largest)
        return complain("expected a whole number", name);
    *value = number;
    return true;
}

static bool has_data(const Native *n, const char *name) {
    for (uint32_t r = 0; r < n->program.n_runs; r++)
        for (uint32_t k = 0; k < n->program.runs[r].n_data; k++)
            if (!n->program.runs[r].data[k].is_part && !strcmp(n->program.runs[r].data[k].name, name))
                return true;
    return false;
}

static bool parse_data(Native *n, char *text) {
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return complain("expected NAME=FILE, as in --data images=train.gz", "--data");
    *equals = '\0';
    if (!has_data(n, text))
        return complain("this program reads no such data set (see --about)", text);
    vec_push(&n->data, (RtElsewhere){.name = text, .path = equals + 1});
    return true;
}

static bool parse_valued(Native *n, const char *name, char *value) {
    uint64_t number;
    if (!strcmp(name, "--data"))
        return parse_data(n, value);
    if (!strcmp(name, "--checkpoint")) {
        char *end;
        n->options.checkpoint = strtod(value, &end);
        bool good = end != value && !*end && n->options.checkpoint >= 0 && n->options.checkpoint <= 1e9;
        return good || complain("expected a number of seconds", name);
    }
    if (!strcmp(name, "--out")) {
        n->options.out = value;
        return true;
    }
    bool is_seed = !strcmp(name, "--seed");
    if (!parse_number(name, value, is_seed ? UINT64_MAX : 1024, &number))
        return false;
    if (is_seed) {
        n->options.seed = number;
        n->options.seed_given = true;
    } else {
        n->options.threads = (uint32_t)number;
    }
    return true;
}

static bool is_valued(const char *text, size_t length) {
    static const char *const valued[] = {"--data", "--seed", "--threads", "--out", "--checkpoint"};
    for (size_t i = 0; i < sizeof valued / sizeof *valued; i++)
        if (strlen(valued[i]) == length && !strncmp(text, valued[i], length))
            return true;
    return false;
}

static bool parse(Native *n, int count, char **args) {
    const struct {
        const char *name;
        bool *to;
    } flags[] = {{"--json", &n->options.json}, {"--quiet", &n->options.quiet}, {"--resume", &n->options.resume}, {"--help", &n->help}, {"-h", &n->help},
                 {"--about", &n->about}};
    for (int i = 1; i < count; i++) {
        char *text = args[i], *equals = strchr(text, '=');
        bool *flag = NULL;
        for (size_t k = 0; k < sizeof flags / sizeof *flags; k++)
            if (!strcmp(text, flags[k].name))
                flag = flags[k].to;
        if (flag) {
            *flag = true;
            continue;
        }
        size_t length = equals ? (size_t)(equals - text) : strlen(text);
        if (!is_valued(text, length))
            return complain("no such option (see --help)", text);
        if (equals)
            *equals = '\0';
        else if (i + 1 >= count)
            return complain("a value must follow", text);
        if (!parse_valued(n, text, equals ? equals + 1 : args[++i]))
            return false;
    }
    return true;
}

/* What it runs, as plain lines. */
static void print_about(const Native *n) {
    const RtProgram *p = &n->program;
    printf("made from %s by %s\n", p->path, p->compiler);
    for (uint32_t r = 0; r < p->n_runs; r++) {
        const RtProgramRun *run = &p->runs[r];
        printf("run %s: %s on %s\n", run->name, run->dynamics, run->system);
        for (uint32_t k = 0; k < run->n_data; k++) {
            const RtDataset *data = &run->data[k];
            if (data->is_part || !data->used)
                continue;
            printf("  data %s[", data->name);
            for (uint32_t a = 0; a < data->place.rank; a++)
                printf("%s%llu", a ? ", " : "", (unsigned long long)data->place.extent[a]);
            printf("] from %s\n", data->path);
        }
        for (uint32_t i = 0; i < run->n_hypers; i++)
            printf("  %s = %s\n", run->hypers[i].name, rt_text_exact(run->hypers[i].value).text);
    }
}

/* ---- execution ---- */

typedef struct Functions {
    RtSymbols symbols;
    VEC(RtObject *) objects;
} Functions;

static void *find_symbol(void *code, const char *name) {
    const Functions *functions = code;
    for (uint32_t i = 0; i < functions->objects.n; i++) {
        void *at = rt_object_symbol(functions->objects.at[i], name);
        if (at)
            return at;
    }
    return NULL;
}

static bool load(const Native *n, const RtProgramRun *run, Functions *functions) {
    char why[200];
    rt_symbols_open(&functions->symbols);
    for (uint32_t i = 0; i < run->n_code; i++) {
        const RtCode *code = &run->code[i];
        const uint8_t *aligned = arena_copy(n->arena, code->object, code->n_object); /* in the image it lies anywhere */
        RtObject *object = rt_object_load(aligned, code->n_object, &functions->symbols, why, sizeof why);
        if (!object)
            return refuse(n->name, arena_printf(n->arena, "its code cannot be loaded: %s", why));
        vec_push(&functions->objects, object);
    }
    return true;
}

static void unload(Functions *functions) {
    for (uint32_t i = 0; i < functions->objects.n; i++)
        rt_object_free(functions->objects.at[i]);
    vec_free(&functions->objects);
    rt_symbols_close(&functions->symbols);
}

/* path:line:column, the text, and the line with a mark under the place where the source is the program's own. */
static void say(void *context, const RtSaying *saying) {
    Native *n = context;
    const char *kind = saying->is_warning ? "warning" : "error";
    n->failed |= !saying->is_warning;
    if (n->options.json) {
        json_t *object = json_pack("{s:s, s:s, s:s*, s:i, s:i, s:s, s:s*, s:s*}", "severity", kind, "code", saying->code, "path",
                                   saying->spot.path, "line", (int)saying->spot.line, "column", (int)saying->spot.column,
                                   "message", saying->text, "note", saying->note, "help", saying->help);
        json_dumpf(object, stdout, JSON_COMPACT);
        putchar('\n');
        json_decref(object);
        return;
    }
    if (saying->spot.path)
        fprintf(stderr, "%s:%u:%u: ", saying->spot.path, saying->spot.line, saying->spot.column);
    fprintf(stderr, "%s[%s]: %s\n", kind, saying->code, saying->text);
    if (saying->note)
        fprintf(stderr, "  note: %s\n", saying->note);
    if (saying->help)
        fprintf(stderr, "  help: %s\n", saying->help);
}

static int run_all(Native *n) {
    int status = EXIT_OK;
    RtHost *host = rt_host_new(&n->options);
    for (uint32_t r = 0; r < n->program.n_runs && (status == EXIT_OK || status == EXIT_EXPECT); r++) {
        const RtProgramRun *run = &n->program.runs[r];
        Functions functions = {0};
        int ended = load(n, run, &functions) ? rt_host_run(host, run, find_symbol, &functions) : EXIT_RUN;
        unload(&functions);
        status = ended != EXIT_OK ? ended : status;
    }
    if (rt_host_end(host) != EXIT_OK)
        status = EXIT_RUN;
    return status == EXIT_OK && n->failed ? EXIT_RUN : status;
}

int main(int count, char **args) {
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of writing, not the end of the process */
    const char *slash = strrchr(args[0], '/');
    Native n = {.name = slash ? slash + 1 : args[0], .arena = arena_new(), .options = {.checkpoint = 10}};
    int status = EXIT_RUN;
    if (!read_image(&n)) {
        status = EXIT_RUN;
    } else if (!parse(&n, count, args)) {
        status = EXIT_USAGE;
    } else if (n.help) {
        printf("usage: %s [OPTIONS]\n\nRuns %s, compiled.\n\n%s", n.name, n.program.path, help);
        status = EXIT_OK;
    } else if (n.about) {
        print_about(&n);
        status = EXIT_OK;
    } else if (check_processor(&n)) {
        n.options.path = n.program.path;
        n.options.text = n.program.text;
        n.options.directory = ".";
        n.options.data = n.data.at;
        n.options.n_data = n.data.n;
        n.options.threads = n.options.threads ? n.options.threads : rt_processor_count();
        n.options.say = say;
        n.options.context = &n;
        for (uint32_t r = 0; r < n.program.n_runs; r++)
            if (n.program.runs[r].uses_library)
                rt_blas_load_begin();
        status = run_all(&n);
        rt_blas_load_end();
    }
    vec_free(&n.data);
    arena_free(n.arena);
    if (fflush(stdout) || ferror(stdout)) {
        perror(n.name);
        return EXIT_RUN;
    }
    return status;
}
