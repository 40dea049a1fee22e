/* driver — the command `lag`: main and one file per subcommand. The only part of the compiler that prints or
 * exits. */
#ifndef LAG_DRIVER_H
#define LAG_DRIVER_H

#include "../jit/jit.h"
#include "../mechanics/mechanics.h"
#include "../../runtime/program/program.h"

typedef struct Options {
    const char *file;        /* NULL when none was given; "-" is standard input */
    const char *output;      /* derive, new: -o */
    const char *name;        /* derive: the runs it is about, by label, dynamics or system; NULL: all */
    VEC(SemaOverride) sets;  /* --set name=value */
    uint64_t seed;
    bool seed_given;         /* --seed, which goes before a run's own `seed` */
    uint32_t threads;        /* 0: what the run says, or all cores */
    const char *out;         /* --out DIR; NULL: out/NAME */
    const char *emit;        /* --emit=STAGE */
    bool resume;             /* --resume */
    double checkpoint;       /* --checkpoint SECONDS */
    bool json, no_cache, latex, check, brief, noether, order, in_place, help, quiet;
} Options;

typedef struct Command {
    const char *name;
    int (*run)(Session *session, Options *options);
    const char *arguments;   /* as the usage line shows them */
    const char *summary;     /* one line */
    const char *help;        /* the rest of --help */
} Command;

int command_run(Session *session, Options *options);
int command_build(Session *session, Options *options);
int command_derive(Session *session, Options *options);
int command_check(Session *session, Options *options);
int command_fmt(Session *session, Options *options);
int command_doc(Session *session, Options *options);
int command_new(Session *session, Options *options);
int command_doctor(Session *session, Options *options);

/* options.c: fills options from the arguments after the command's name; on a bad one writes a message and
 * returns false. The strings of --set are cut in place in `args`. */
bool options_parse(Options *options, int count, char **args);
void options_free(Options *options);
extern const char *const options_help;

/* load.c: reads and registers the file (or standard input), parses and analyses it. NULL after errors; the caller
 * prints the diagnostics with driver_finish. `parsed` (NULL: nobody) sees the tree before it is analysed. */
File *load_file(Session *session, const Options *options);
Model *load_model(Session *session, const Options *options, void (*parsed)(const File *file));
const char *load_directory(Session *session, const Options *options); /* where the program's relative paths start */
const char *load_text(const Session *session, const Options *options);      /* the program as it was read */
/* Whether all runs can be executed by this build and there were no errors; what cannot is reported. */
bool load_runs_here(Session *session, const Model *model);
bool load_source(const SemaSource *source, const char *directory, RtSource *found, char *path, size_t size,
                 RtMessage *message);
/* Prints all messages to stderr; EXIT_PROGRAM when there were errors, else EXIT_OK. */
int driver_finish(Session *session, const Options *options);
/* code.c: one derived run as machine code. */
typedef VEC(const IrFunc *) CodeFunctions;
typedef struct Code {
    IrProgram *ir;
    Plan *plan;
    JitCode *jit;            /* NULL when only a stage was printed */
    const char **observer;   /* symbol of the function that computes record k */
    const char *monitor;     /* and of that which computes loss, energy and what is conserved */
    uint32_t threads;
    bool fast, from_cache;
} Code;
/* Whether it moves parameters alone. */
bool driver_trains(const SemaRun *run);
uint32_t driver_threads(const Options *options, const SemaRun *run);
/* Plans and compiles (or takes from the cache) the functions of `mech`. NULL after errors, reported. */
Code *code_build(Session *session, const Model *model, const MechRun *mech, const Options *options);
void code_free(Code *code);

/* command_run.c: what executes the runs of the program, and finds the functions of a Code's jit. */
RtHost *driver_host(Session *session, const Options *options);
void *driver_symbol(void *jit, const char *name);
/* code.c: the functions of `mech` as objects that are not loaded, for `lag build`; in the session's arena. False after
 * errors, reported. */
bool code_objects(Session *session, const Model *model, const MechRun *mech, const Options *options, Code **code,
                  RtCode **objects, uint32_t *n);
/* native.c: the executable that stands in front of a built program. */
const char *native_executable(size_t *n);

/* describe.c: what the runtime needs to execute the run, in the session's arena. */
RtProgramRun *describe_run(Session *session, const Model *model, const MechRun *mech, const Code *code);
/* Fills in the lines and columns that describe_run leaves to be counted when they are shown. */
void describe_places(Session *session, RtProgramRun *run);

#endif
