/* derive — the derivation of every run, from the declaration to the update rule, as text or LaTeX; with --check also
 * the numeric residuals, with --order the order of each integrator, measured in place of it. */
#include "order.h"

#include <errno.h>
#include <string.h>

/* Relative differences below this count as rounding of central differences. */
static const double tolerance = 1e-6;
enum { CHECK_POINTS = 5 };

static bool write_text(const Options *options, const Buf *text) {
    FILE *out = options->output ? fopen(options->output, "w") : stdout;
    bool ok = out && (!text->n || fwrite(text->at, 1, text->n, out) == text->n);
    if (options->output && out)
        ok = !fclose(out) && ok;
    if (!ok)
        fprintf(stderr, "lag: cannot write %s: %s\n", options->output ? options->output : "output", strerror(errno));
    return ok;
}

/* --noether: what is conserved, and of what. */
static void keep_conserved(MechRun *mech) {
    uint32_t n = 0;
    for (uint32_t i = 0; i < mech->n_sections; i++) {
        const char *title = mech->sections[i].title;
        if (!strcmp(title, "Lagrangian") || !strcmp(title, "Hamiltonian") || !strcmp(title, "Conserved quantities"))
            mech->sections[n++] = mech->sections[i];
    }
    mech->n_sections = n;
}

/* Whether the command line asks for this run. */
static bool is_meant(const Session *session, const Options *options, const SemaRun *run) {
    const Name names[] = {run->label, run->dynamics, run->system};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (options->name && names[k] && !strcmp(options->name, name_text(session->names, names[k])))
            return true;
    return !options->name;
}

/* The derivation of a run, or what was measured of it; false where that does not hold. */
static bool write_run(Session *session, Model *model, const SemaRun *run, const Options *options, Buf *text) {
    if (options->order) {
        OrderReport report;
        if (!order_measure(session, model, run, options, &report))
            return true; /* said by its messages */
        order_say(&report, options->json, text);
        return order_holds(&report);
    }
    MechRun *mech = mech_derive(session, model, run);
    if (!mech)
        return true;
    mech_stability(mech);
    if (options->noether)
        keep_conserved(mech);
    if (options->latex)
        mech_print_latex(model, mech, text);
    else
        mech_print_text(model, mech, options->brief, text);
    return !options->check || mech_check(session, model, mech, CHECK_POINTS, tolerance, options->seed, text);
}

int command_derive(Session *session, Options *options) {
    Model *model = load_model(session, options, NULL);
    if (!model)
        return diag_error_count(session) ? driver_finish(session, options) : EXIT_PROGRAM;
    Buf text = {0};
    bool holds = true;
    uint32_t n_errors = diag_error_count(session);
    uint32_t n_runs = model->n_runs, n_meant = 0;
    for (uint32_t i = 0; i < n_runs && !n_errors; i++) {
        if (!is_meant(session, options, &model->runs[i]))
            continue;
        n_meant++;
        holds &= write_run(session, model, &model->runs[i], options, &text);
    }
    model_free(model);
    int status = driver_finish(session, options);
    if (!n_runs && status == EXIT_OK)
        fprintf(stderr, "lag: %s has no `run`: a system is derived together with the dynamics that moves it\n",
                options->file);
    if (n_runs && !n_meant && status == EXIT_OK) {
        fprintf(stderr, "lag: %s has no run called %s\n", options->file, options->name);
        status = EXIT_USAGE;
    }
    if (status == EXIT_OK && !write_text(options, &text))
        status = EXIT_RUN;
    buf_free(&text);
    return status == EXIT_OK && !holds ? EXIT_EXPECT : status;
}
