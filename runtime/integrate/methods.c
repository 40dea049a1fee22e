/* methods — what is done with methods.def: a new method is its file and one line there. */
#include "integrate.h"

#include <string.h>

#define METHOD(name, ...) extern const RtMethod rt_method_##name;
#include "methods.def"

static const RtMethod *const methods[] = {
#define METHOD(name, ...) &rt_method_##name,
#include "methods.def"
    NULL,
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

int rt_ode_order(const RtMethod *method, const RtOdeOptions *options) {
    return method->order_for ? method->order_for(options) : method->order;
}

double *rt_ode_option(RtOdeOptions *options, const char *name) {
    const struct {
        const char *name;
        double *at;
    } known[] = {
        {"rtol", &options->rtol}, {"atol", &options->atol}, {"h", &options->h}, {"hmax", &options->hmax},
        {"order", &options->order},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        if (strcmp(known[k].name, name) == 0)
            return known[k].at;
    return NULL;
}
