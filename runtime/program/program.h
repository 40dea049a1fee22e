/* program — a compiled program as the runtime knows it, and its execution from the start of each run to the results. There is
 * no source tree and no IR here: a description (description.def) says what each run reads, where it lies in frame memory,
 * which functions advance it and what is made of its results. `lag run` describes a run as soon as it is compiled.
 *
 * This is the one family of the runtime that prints: progress and messages on stderr, results on stdout and in files. */
#ifndef LAG_RT_PROGRAM_H
#define LAG_RT_PROGRAM_H

#include "../arena.h"
#include "../data/data.h"
#include "../plot/plot.h"
#include "../run/run.h"

/* ---- descriptions ---- */

typedef enum RtRecordForm { RT_RECORD_SERIES, RT_RECORD_PRINT, RT_RECORD_SAVE, RT_RECORD_PLOT } RtRecordForm;
typedef enum RtRelation { RT_EQ, RT_NE, RT_LT, RT_LE, RT_GT, RT_GE } RtRelation;
typedef enum RtDuration { RT_FOR_TIME, RT_FOR_STEPS, RT_FOR_EPOCHS } RtDuration;

#define STRUCT(Type) typedef struct Type {
#define NUM(type, name) type name;
#define NUMS(type, name, n) type name[n];
#define TEXT(name) const char *name;
#define TEXTS(name) const char **name; uint32_t n_##name;
#define ONE(Type, name) Type name;
#define LIST(Type, name) Type *name; uint32_t n_##name;
#define BYTES(name) const uint8_t *name; uint64_t n_##name;
#define END(Type) } Type;
#include "description.def"
#undef STRUCT
#undef NUM
#undef NUMS
#undef TEXT
#undef TEXTS
#undef ONE
#undef LIST
#undef BYTES
#undef END

/* A program as bytes, and back: what was encoded decodes to the same. Decoded texts and lists live in the arena, bytes where
 * they were. False for anything that rt_image_encode did not write. */
void rt_image_encode(const RtProgram *program, Buf *bytes);
bool rt_image_decode(const uint8_t *bytes, size_t n, Arena *arena, RtProgram *program);

/* ---- execution ---- */

/* Exit statuses, as --help documents them. */
enum {
    EXIT_OK = 0,
    EXIT_PROGRAM = 1,     /* the program has errors: messages were given */
    EXIT_USAGE = 2,       /* the command line cannot be understood */
    EXIT_RUN = 3,         /* the run stopped: divergence, bad data, full disk */
    EXIT_EXPECT = 4,      /* the run ended, and an `expect` does not hold */
    EXIT_INTERRUPT = 130, /* stopped by Ctrl-C, with the results so far */
};

/* A message about a place in the program. `code`: "E0810", of says.def. */
typedef struct RtSaying {
    const char *code;
    bool is_warning;
    RtSpot spot;
    const char *text;
    const char *help, *note; /* NULL: none */
} RtSaying;

/* A data set read from elsewhere than the program says. */
typedef struct RtElsewhere {
    const char *name, *path;
} RtElsewhere;

typedef struct RtHostOptions {
    const char *path;      /* of the program, as the user gave it; "-": standard input */
    const char *text;      /* the program itself, for the page */
    const char *directory; /* where its relative paths start */
    const char *out;       /* where results go; NULL: out/NAME of the program */
    uint64_t seed;
    bool seed_given;       /* goes before a run's own */
    uint32_t threads;      /* 0: what the run was planned for */
    const RtElsewhere *data;
    size_t n_data;
    bool json, quiet;
    bool resume;           /* runs go on from where their checkpoints are */
    double checkpoint;     /* seconds between checkpoints; 0: none is written */
    void (*say)(void *context, const RtSaying *saying);
    void *context;
} RtHostOptions;

/* A program being executed: what its runs leave for later ones, and for the page. */
typedef struct RtHost RtHost;
RtHost *rt_host_new(const RtHostOptions *options);
/* Executes one run; `symbol` finds its functions. An exit status; every message was given. */
int rt_host_run(RtHost *host, const RtProgramRun *run, void *(*symbol)(void *code, const char *name), void *code);
/* Writes report.html where a picture was drawn, and releases everything; EXIT_OK or EXIT_RUN. */
int rt_host_end(RtHost *host);

/* ---- trials: a run integrated again and again ---- */

typedef struct RtTrial RtTrial;
/* Opens a run with its memory, data and functions; NULL after messages. It must be released before its host. */
RtTrial *rt_trial_new(RtHost *host, const RtProgramRun *run, void *(*symbol)(void *code, const char *name), void *code);
/* The run, to set its length, its step and its callbacks; its state lies in the memory of its frame. */
RtRun *rt_trial_run(RtTrial *trial);
/* From the start to the end. */
RtRunResult rt_trial_integrate(RtTrial *trial);
/* The energy of the present state; NaN where it has none. */
double rt_trial_energy(RtTrial *trial);
void rt_trial_free(RtTrial *trial);

#endif
