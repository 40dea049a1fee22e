/* check — everything up to the derivation of every run, without running. */
#include "driver.h"

int command_check(Session *session, Options *options) {
    Model *model = load_model(session, options, NULL);
    if (!model)
        return driver_finish(session, options);
    uint32_t n_runs = model->n_runs;
    /* A run whose part of the runtime is not in this build is still a right program. */
    if (!diag_error_count(session))
        for (uint32_t i = 0; i < n_runs; i++)
            if (!model->runs[i].missing)
                mech_derive(session, model, &model->runs[i]);
    model_free(model);
    int status = driver_finish(session, options);
    if (status == EXIT_OK && !options->json && !options->quiet)
        printf("%s: %u run%s, no errors\n", options->file, n_runs, n_runs == 1 ? "" : "s");
    return status;
}
