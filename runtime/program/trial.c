/* trial — a run that is integrated again and again, without what it records, prints and expects: for those who look at
 * the integrator. */
#include "execution.h"

#include "../linalg/linalg.h"

#include <math.h>
#include <stdlib.h>

struct RtTrial {
    Execution e;
};

RtTrial *rt_trial_new(RtHost *host, const RtProgramRun *run, void *(*symbol)(void *code, const char *name), void *code) {
    RtTrial *trial = base_calloc(1, sizeof *trial);
    trial->e = (Execution){.host = host, .options = &host->options, .arena = host->arena, .spec = run, .symbol = symbol,
                           .code = code, .page = &host->page};
    if (run->uses_library)
        rt_blas_load();
    if (execution_open(&trial->e))
        return trial;
    rt_trial_free(trial);
    return NULL;
}

RtRun *rt_trial_run(RtTrial *trial) { return &trial->e.run; }

RtRunResult rt_trial_integrate(RtTrial *trial) {
    RtHold *hold = trial->e.run.hold;
    rt_hold_free(hold);
    for (uint32_t k = 0; hold && k < hold->n; k++)
        hold->at[k].left_out = 0;
    if (hold)
        hold->failure = RT_HOLD_GOOD;
    return trial->e.run.method ? rt_run_method(&trial->e.run) : rt_run_words(&trial->e.run);
}

double rt_trial_energy(RtTrial *trial) {
    Execution *e = &trial->e;
    return e->monitor && !e->monitor(&e->frame) ? execution_scalar(e, &e->spec->energy) : (double)NAN;
}

void rt_trial_free(RtTrial *trial) {
    if (!trial)
        return;
    execution_close(&trial->e);
    free(trial);
}
