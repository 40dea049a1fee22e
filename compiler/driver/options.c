/* options — the command line after the command's name. */
#include "driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const char *const options_help =
    "Options\n"
    "  --set NAME=VALUE  gives a `const` of the program another value (may be repeated)\n"
    "  --seed N          seed of all random numbers (default 0)\n"
    "  --threads N       threads (default: all cores); results are the same bits at any number\n"
    "  --out DIR         where results go (default out/NAME of the program)\n"
    "  --checkpoint S    keeps the state of a training run in --out every S seconds (default 10; 0: never)\n"
    "  --resume          goes on from there, with the bits of a run that was not stopped\n"
    "  --json            one JSON object a line in the place of text, messages included\n"
    "  --emit=STAGE      prints a stage and stops: ast, ir, derive, plan, llvm; time prints the stages' times\n"
    "  --no-cache        compiles even when the compiled code is in the cache\n"
    "  --quiet           no progress\n"
    "  --help            this text\n"
    "\n"
    "Exit status\n"
    "  0 success   1 the program has errors   2 bad command line   3 the run stopped (divergence, data, disk)\n"
    "  4 an `expect` does not hold   130 interrupted, with the results so far\n";

typedef struct Flag {
    const char *name;
    size_t offset;
} Flag;

static const Flag flags[] = {
    {"--json", offsetof(Options, json)},   {"--no-cache", offsetof(Options, no_cache)},
    {"--latex", offsetof(Options, latex)}, {"--check", offsetof(Options, check)},
    {"--short", offsetof(Options, brief)}, {"--noether", offsetof(Options, noether)},
    {"--order", offsetof(Options, order)},
    {"--in-place", offsetof(Options, in_place)},
    {"--help", offsetof(Options, help)},   {"-h", offsetof(Options, help)},
    {"--quiet", offsetof(Options, quiet)},
    {"--resume", offsetof(Options, resume)},
};

static bool complain(const char *what, const char *name) {
    fprintf(stderr, "lag: %s: %s\n", name, what);
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

static bool parse_seconds(const char *name, const char *text, double *value) {
    char *end;
    double seconds = strtod(text, &end);
    if (end == text || *end || !(seconds >= 0 && seconds <= 1e9))
        return complain("expected a number of seconds", name);
    *value = seconds;
    return true;
}

static bool parse_set(Options *options, char *text) {
    char *equals = strchr(text, '=');
    if (!equals || equals == text)
        return complain("expected NAME=VALUE, as in --set N=100", "--set");
    *equals = '\0';
    vec_push(&options->sets, (SemaOverride){.name = text, .value = equals + 1});
    return true;
}

/* One option with a value; name and value are already apart. */
static bool parse_valued(Options *options, const char *name, char *value) {
    uint64_t number;
    if (!strcmp(name, "--set"))
        return parse_set(options, value);
    if (!strcmp(name, "--checkpoint"))
        return parse_seconds(name, value, &options->checkpoint);
    options->seed_given |= !strcmp(name, "--seed");
    if (!strcmp(name, "--seed"))
        return parse_number(name, value, UINT64_MAX, &options->seed);
    if (!strcmp(name, "--threads")) {
        if (!parse_number(name, value, 1024, &number))
            return false;
        options->threads = (uint32_t)number;
    } else if (!strcmp(name, "--out")) {
        options->out = value;
    } else if (!strcmp(name, "--emit")) {
        options->emit = value;
    } else {
        options->output = value;
    }
    return true;
}

static bool parse_flag(Options *options, const char *text) {
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        if (!strcmp(text, flags[i].name)) {
            *(bool *)((char *)options + flags[i].offset) = true;
            return true;
        }
    }
    return false;
}

static bool is_valued(const char *text, size_t length) {
    static const char *const valued[] = {"--set", "--seed", "--threads", "--out", "--emit", "-o", "--checkpoint"};
    for (size_t i = 0; i < sizeof valued / sizeof *valued; i++)
        if (strlen(valued[i]) == length && !strncmp(text, valued[i], length))
            return true;
    return false;
}

bool options_parse(Options *options, int count, char **args) {
    for (int i = 0; i < count; i++) {
        char *text = args[i];
        if (text[0] != '-' || !text[1]) {
            if (options->name)
                return complain("one file at a time, please", text);
            *(options->file ? &options->name : &options->file) = text;
            continue;
        }
        if (parse_flag(options, text))
            continue;
        char *equals = strchr(text, '=');
        size_t length = equals ? (size_t)(equals - text) : strlen(text);
        if (!is_valued(text, length))
            return complain("no such option (see lag --help)", text);
        if (equals)
            *equals = '\0';
        else if (i + 1 >= count)
            return complain("a value must follow", text);
        if (!parse_valued(options, text, equals ? equals + 1 : args[++i]))
            return false;
    }
    return true;
}

void options_free(Options *options) {
    vec_free(&options->sets);
}
