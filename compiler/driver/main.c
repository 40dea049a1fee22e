/* main — finds the command and runs it in a session of its own. */
#include "driver.h"

#include <signal.h>
#include <string.h>

#define FILE_AND_RUN "FILE [NAME]"
static const Command commands[] = {
    {"run", command_run, "FILE", "derive, compile and run every `run` of a program",
     "FILE may be `-` for standard input. Results (recorded series, parameters) go to --out.\n"},
    {"build", command_build, "FILE", "compile a program into an executable that needs neither lag nor the source",
     "  -o FILE           its name (default: the program's, without .lag)\n\n"
     "The executable runs every `run` as `lag run` does, with the same bits, and has options of its own: --help. It is\n"
     "for processors that can do what this one can.\n"},
    {"derive", command_derive, FILE_AND_RUN, "print the derivation, from the Lagrangian to the update rule",
     "  --latex           a LaTeX document in the place of text\n"
     "  --check           evaluates gradients and residuals numerically and prints the largest errors\n"
     "  --short           only the energies, the solved parts and the final update\n"
     "  --noether         only what is conserved, and how it follows\n"
     "  --order           measures the order of the integrator of each run on its own system, in place of the derivation\n"
     "  NAME              only runs of this label, or this dynamics, or this system\n"
     "  -o FILE           writes there in the place of standard output\n\n"},
    {"check", command_check, "FILE", "names, types, shapes, indices, completeness of the Lagrangian", ""},
    {"fmt", command_fmt, "FILE", "print the program in canonical form (--in-place rewrites the file)", ""},
    {"doc", command_doc, "[NAME]", "list the standard library, or show one of its entries", ""},
    {"new", command_new, "NAME", "start a program of your own: writes NAME.lag", ""},
    {"doctor", command_doctor, "", "what this machine gives: processor, linear algebra, cache, floating point", ""},
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static void print_usage(FILE *out) {
    fputs("lag — a compiler for learning Lagrangians\n\nusage: lag COMMAND [ARGUMENTS] [OPTIONS]\n\n", out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-7s %-7s %s\n", commands[i].name, commands[i].arguments, commands[i].summary);
    fprintf(out, "\n%s", options_help);
}

static const Command *find_command(const char *name) {
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!strcmp(commands[i].name, name))
            return &commands[i];
    return NULL;
}

static int unknown_command(const char *name) {
    const char *names[COMMAND_COUNT];
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        names[i] = commands[i].name;
    const char *nearest = diag_nearest(name, names, COMMAND_COUNT);
    fprintf(stderr, "lag: no command `%s`", name);
    if (nearest)
        fprintf(stderr, "; did you mean `%s`?", nearest);
    fputs("\nSee lag --help.\n", stderr);
    return EXIT_USAGE;
}

int main(int count, char **args) {
    signal(SIGXFSZ, SIG_IGN); /* a limit on the size of files is an error of writing, not the end of the process */
    if (count < 2) {
        print_usage(stderr);
        return EXIT_USAGE;
    }
    if (!strcmp(args[1], "--help") || !strcmp(args[1], "-h") || !strcmp(args[1], "help")) {
        print_usage(stdout);
        return EXIT_OK;
    }
    if (!strcmp(args[1], "--version")) {
        puts("lag " LAG_VERSION);
        return EXIT_OK;
    }
    const Command *command = find_command(args[1]);
    if (!command)
        return unknown_command(args[1]);
    Options options = {.checkpoint = 10};
    int status = EXIT_USAGE;
    if (options_parse(&options, count - 2, args + 2)) {
        if (options.help) {
            printf("usage: lag %s %s [OPTIONS]\n\n%s.\n%s\n%s", command->name, command->arguments, command->summary,
                   command->help, options_help);
            status = EXIT_OK;
        } else if (options.name && strcmp(command->arguments, FILE_AND_RUN)) {
            fprintf(stderr, "lag: %s: one file at a time, please\n", options.name);
        } else if (!options.file && !strncmp(command->arguments, "FILE", 4)) {
            fputs("lag: which program? Give a .lag file, or - for standard input\n", stderr);
        } else {
            Session *session = session_new();
            status = command->run(session, &options);
            session_free(session);
        }
    }
    options_free(&options);
    if (fflush(stdout) || ferror(stdout)) {
        perror("lag: standard output");
        return EXIT_RUN;
    }
    return status;
}
