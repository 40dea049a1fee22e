/* methods — the list of methods. A new one is its file and one line here. */
#include "integrate.h"

#include <string.h>

extern const RtMethod rt_method_euler, rt_method_rk4, rt_method_dopri5, rt_method_dop853;

static const RtMethod *const methods[] = {
    &rt_method_euler, &rt_method_rk4, &rt_method_dopri5, &rt_method_dop853, NULL,
};

const RtMethod *const *rt_methods(void) {
    return methods;
}

const RtMethod *rt_method(const char *name) {
    for (const RtMethod *const *m = methods; *m; m++)
        if (strcmp((*m)->name, name) == 0)
            return *m;
    return NULL;
}

double *rt_ode_option(RtOdeOptions *options, const char *name) {
    const struct {
        const char *name;
        double *at;
    } known[] = {
        {"rtol", &options->rtol}, {"atol", &options->atol}, {"h", &options->h}, {"hmax", &options->hmax},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(known[k].name, name) == 0)
            return known[k].at;
    return NULL;
}
