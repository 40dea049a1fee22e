/* optimizers LAG FOLDER PROBLEM — the library's optimizers against their rules.
 *
 * Every rule of rules.inc is done in double and in long double precision on three problems: Rosenbrock's function, a quadratic
 * of condition 10⁴, and logistic regression of Iris (iris.csv, three classes). The compiled run must lie within 1e-12 of the double one,
 * relative to the largest coordinate, or within ten times of what rounding does: the difference of the two precisions. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 16, STEPS = 100, ROWS = 150, FEATURES = 4, CLASSES = 3, HYPERS = 6 };

static double iris[ROWS][FEATURES];
static int label[ROWS];

typedef enum Problem { ROSENBROCK, QUADRATIC, IRIS, PROBLEMS } Problem;

static const char *const problem_name[] = {"rosenbrock", "quadratic", "iris"};
static const int problem_size[] = {2, 10, FEATURES * CLASSES + CLASSES};
static const double plain_rate[] = {1e-4, 0.05, 0.05}; /* a learning rate of plain gradients is multiplied with this */

static const char *const problem_text[] = {
    "param x[2] = [-1.5, 2]\n"
    "system s { potential = (1 - x[0])^2 + 100 * (x[1] - x[0]^2)^2 }\n",

    "param x[i : 10] = 1 + i / 4\n"
    "system s { potential = 1/2 * sum[i](10^(4 * i / 9 - 3) * (x[i] - 0.5)^2) }\n",

    "data f[n : 150, i : 4], y[n : 150] : int = csv(\"%s/iris.csv\")\n"
    "param x[i : 15] = 0.1 + 0.01 * i\n"
    "let z[n, c : 3] = sum[i : 4](f[n, i] * x[3 * i + c]) + x[12 + c]\n"
    "system s { potential = mean[n](logsumexp[c](z[n, c]) - z[n, y[n]]) }\n",
};

/* What is done to the gradient before the rule sees it. */
typedef struct Before {
    double value, norm, decay; /* clipped by value, by norm (0: not); decay · x added */
} Before;

#define REAL double
#define NAME(x) x##_d
#include "problems.inc"
#include "rules.inc"
#undef REAL
#undef NAME
#define REAL long double
#define NAME(x) x##_l
#include "problems.inc"
#include "rules.inc"
#undef REAL
#undef NAME

typedef struct Case {
    const char *dynamics;
    const char *hyper[HYPERS]; /* names, in the order of the rule; the first is the length of a step */
    double value[HYPERS];
    void (*rule)(Work_d *, int, const double *);
    void (*exact)(Work_l *, int, const long double *);
    bool plain;    /* its rate is one of plain gradients */
    bool positive; /* parameters must stay positive: not on Rosenbrock */
    bool by_time;  /* its run lasts a time */
    Before before;
} Case;

#define RULE(r) r##_d, r##_l

static const Case cases[] = {
    {"gradient_descent", {"lr"}, {1, 0, 0}, RULE(sgd), .plain = true},
    {"momentum", {"lr", "mu"}, {1, 0.9, 0}, RULE(sgd), .plain = true},
    {"sgd", {"lr", "mu", "dampening"}, {1, 0.9, 0.3}, RULE(sgd), .plain = true},
    {"sgd", {"lr", "mu", "dampening"}, {0.5, 0.95, 0}, RULE(sgd), .plain = true, .before = {.decay = 0.01}},
    {"sgd", {"lr", "mu", "dampening"}, {1, 0.9, 0}, RULE(sgd), .plain = true, .before = {.norm = 0.3}},
    {"nesterov", {"lr", "mu"}, {1, 0.9}, RULE(nesterov), .plain = true},
    {"nesterov_accelerated", {"lr"}, {1}, RULE(nesterov_accelerated), .plain = true},
    {"rmsprop", {"lr", "alpha", "eps"}, {1e-2, 0.99, 1e-8, 0}, RULE(rmsprop)},
    {"rmsprop_momentum", {"lr", "alpha", "eps", "mu"}, {2e-3, 0.95, 1e-6, 0.9}, RULE(rmsprop)},
    {"rmsprop_centered", {"lr", "alpha", "eps"}, {2e-3, 0.98, 1e-5}, RULE(rmsprop_centered)},
    {"adagrad", {"lr", "lr_decay", "eps", "first"}, {1e-2, 0, 1e-10, 0}, RULE(adagrad)},
    {"adagrad", {"lr", "lr_decay", "eps", "first"}, {5e-2, 0.1, 1e-8, 0.1}, RULE(adagrad), .before = {.decay = 0.02}},
    {"adadelta", {"lr", "rho", "eps"}, {1, 0.9, 1e-6}, RULE(adadelta)},
    {"adadelta", {"lr", "rho", "eps"}, {0.5, 0.95, 1e-5}, RULE(adadelta)},
    {"adam", {"lr", "beta1", "beta2", "eps"}, {1e-3, 0.9, 0.999, 1e-8}, RULE(adam)},
    {"adam", {"lr", "beta1", "beta2", "eps"}, {2e-2, 0.8, 0.95, 1e-6}, RULE(adam), .before = {.decay = 0.1}},
    {"adam", {"lr", "beta1", "beta2", "eps"}, {1e-2, 0.9, 0.99, 1e-8}, RULE(adam), .before = {.value = 0.1}},
    {"adamw", {"lr", "beta1", "beta2", "eps", "decay"}, {1e-3, 0.9, 0.999, 1e-8, 0.01}, RULE(adamw)},
    {"adamw", {"lr", "beta1", "beta2", "eps", "decay"}, {1e-2, 0.95, 0.99, 1e-6, 0.1}, RULE(adamw)},
    {"amsgrad", {"lr", "beta1", "beta2", "eps"}, {1e-2, 0.9, 0.9, 1e-8}, RULE(amsgrad)},
    {"adamax", {"lr", "beta1", "beta2", "eps"}, {2e-3, 0.9, 0.999, 1e-8}, RULE(adamax)},
    {"adamax", {"lr", "beta1", "beta2", "eps"}, {2e-2, 0.8, 0.9, 1e-6}, RULE(adamax)},
    {"nadam", {"lr", "beta1", "beta2", "eps", "psi"}, {2e-3, 0.9, 0.999, 1e-8, 4e-3}, RULE(nadam)},
    {"nadam", {"lr", "beta1", "beta2", "eps", "psi"}, {1e-2, 0.85, 0.98, 1e-7, 1e-2}, RULE(nadam)},
    {"radam", {"lr", "beta1", "beta2", "eps"}, {1e-3, 0.9, 0.999, 1e-8}, RULE(radam)},
    {"radam", {"lr", "beta1", "beta2", "eps"}, {2e-3, 0.8, 0.99, 1e-6}, RULE(radam)},
    {"rad", {"lr", "beta1", "beta2", "delta", "zeta"}, {1e-3, 0.9, 0.999, 1, 1e-16}, RULE(rad)},
    {"rad", {"lr", "beta1", "beta2", "delta", "zeta"}, {1e-2, 0.9, 0.99, 2, 0.1}, RULE(rad)},
    {"averaged_gradient_descent", {"lr", "decay", "power", "after"}, {1, 1e-4, 0.75, 1e6}, RULE(averaged), .plain = true},
    {"averaged_gradient_descent", {"lr", "decay", "power", "after"}, {1, 0.3, 0.6, 20}, RULE(averaged), .plain = true},
    {"rprop", {"lr", "down", "up", "smallest", "largest"}, {1e-2, 0.5, 1.2, 1e-6, 50}, RULE(rprop)},
    {"rprop", {"lr", "down", "up", "smallest", "largest"}, {1e-3, 0.4, 1.3, 1e-5, 0.05}, RULE(rprop)},
    {"sign_descent", {"lr"}, {1e-3}, RULE(sign_descent)},
    {"sign_momentum", {"lr", "beta"}, {1e-3, 0.9}, RULE(sign_momentum)},
    {"lion", {"lr", "beta1", "beta2", "decay"}, {1e-4, 0.9, 0.99, 0}, RULE(lion)},
    {"lion", {"lr", "beta1", "beta2", "decay"}, {1e-2, 0.85, 0.95, 0.5}, RULE(lion)},
    {"relativistic_descent", {"lr", "mu", "delta"}, {1, 0.9, 1}, RULE(relativistic), .plain = true},
    {"hamiltonian_descent", {"h", "friction", "a", "A"}, {0.01, 1, 2, 1}, RULE(hamiltonian), .by_time = true},
    {"hamiltonian_descent", {"h", "friction", "a", "A"}, {0.01, 2, 1.5, 1.25}, RULE(hamiltonian), .by_time = true},
    {"energy_conserving_descent", {"h", "floor"}, {0.01, -0.5}, RULE(conserving), .by_time = true},
    {"mirror_entropy", {"lr"}, {1}, RULE(entropy), .plain = true, .positive = true},
    {"mirror_burg", {"lr"}, {1}, RULE(burg), .plain = true, .positive = true},
    {"mirror_p_norm", {"lr", "n"}, {1, 1.5}, RULE(p_norm), .plain = true},
    {"bregman", {"h", "n", "C"}, {0.01, 2, 0.25}, RULE(bregman), .by_time = true},
};
enum { CASES = sizeof cases / sizeof *cases };

static bool applies(const Case *c, Problem p) { return !(c->positive && p == ROSENBROCK); }

static double hyper(const Case *c, Problem p, int k) {
    return c->value[k] * (k == 0 && c->plain ? plain_rate[p] : 1);
}

/* ---- the compiled runs ---- */

static void write_program(const char *path, const char *data, Problem p) {
    FILE *f = fopen(path, "w");
    if (!f)
        exit(2);
    fprintf(f, problem_text[p], data);
    for (int i = 0; i < CASES; i++) {
        const Case *c = &cases[i];
        if (!applies(c, p))
            continue;
        fprintf(f, "run r%d = %s(", i, c->dynamics);
        for (int k = 0; k < HYPERS && c->hyper[k]; k++)
            fprintf(f, "%s%s = %.17g", k ? ", " : "", c->hyper[k], hyper(c, p, k));
        fprintf(f, ") on s for ");
        c->by_time ? fprintf(f, "%.17g {\n", (STEPS - 0.5) * hyper(c, p, 0)) : fprintf(f, "%d steps {\n", STEPS);
        if (c->before.value)
            fprintf(f, "  force = clamp(force, -%.17g, %.17g)\n", c->before.value, c->before.value);
        if (c->before.norm)
            fprintf(f, "  force = force * min(1, %.17g / norm(force))\n", c->before.norm);
        if (c->before.decay)
            fprintf(f, "  force = force - %.17g * q\n", c->before.decay);
        fprintf(f, "  record");
        for (int k = 0; k < problem_size[p]; k++)
            fprintf(f, "%s x%d = x[%d]", k ? "," : "", k, k);
        fprintf(f, " every 1 steps\n}\n");
    }
    fclose(f);
}

/* The rows k = 0 … STEPS of a table whose first column is the clock. */
static bool read_run(const char *folder, int number, int n, double (*x)[MOST]) {
    char path[5000], line[4096];
    snprintf(path, sizeof path, "%s/r%d.csv", folder, number);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f))
        return false;
    bool ok = true;
    for (int t = 0; t <= STEPS && ok; t++) {
        ok = fgets(line, sizeof line, f) != NULL;
        char *at = ok ? strchr(line, ',') : NULL;
        for (int k = 0; k < n && at; k++)
            x[t][k] = strtod(at + 1, &at);
    }
    fclose(f);
    return ok;
}

/* ---- the comparison ---- */

static bool compare(const Case *c, int number, Problem p, const char *folder) {
    static double x[STEPS + 1][MOST];
    int n = problem_size[p];
    if (!read_run(folder, number, n, x)) {
        printf("%s on %s: no table\n", c->dynamics, problem_name[p]);
        return false;
    }
    Work_d d;
    Work_l l;
    double h_d[HYPERS], size = 0, rounding = 0, error = 0;
    long double h_l[HYPERS];
    for (int k = 0; k < HYPERS; k++)
        h_l[k] = h_d[k] = hyper(c, p, k);
    start_d(&d, p, c->before);
    start_l(&l, p, c->before);
    for (int t = 0; t <= STEPS; t++) {
        for (int i = 0; i < n; i++) {
            size = fmax(size, fabs(d.x[i]));
            rounding = fmax(rounding, fabs((double)(d.x[i] - l.x[i])));
            error = fmax(error, fabs(d.x[i] - x[t][i]));
            if (isnan(d.x[i]) || isnan(x[t][i]))
                error = INFINITY;
        }
        gradient_d(&d);
        gradient_l(&l);
        c->rule(&d, t + 1, h_d);
        c->exact(&l, t + 1, h_l);
    }
    double bound = fmax(1e-12, 10 * rounding / size);
    bool good = error / size <= bound;
    if (!good || getenv("LAG_VERBOSE"))
        printf("%s on %s (run r%d): off by %.1e of the largest coordinate, allowed %.1e\n", c->dynamics, problem_name[p], number,
               error / size, bound);
    return good;
}

static bool read_iris(const char *folder) {
    char path[4096], line[256];
    snprintf(path, sizeof path, "%s/iris.csv", folder);
    FILE *f = fopen(path, "r");
    if (!f || !fgets(line, sizeof line, f))
        return false;
    bool ok = true;
    for (int r = 0; r < ROWS && ok; r++)
        ok = fscanf(f, "%lf,%lf,%lf,%lf,%d", &iris[r][0], &iris[r][1], &iris[r][2], &iris[r][3], &label[r]) == 5;
    fclose(f);
    return ok;
}

/* Compiles and runs all that applies to the problem in `folder`, and compares; the number of runs that are off. */
static int test(const char *lag, const char *data, const char *folder, Problem p) {
    char path[4096], command[9000];
    int off = 0, done = 0;
    snprintf(path, sizeof path, "%s/program.lag", folder);
    write_program(path, data, p);
    snprintf(command, sizeof command, "'%s' run '%s' --out '%s/out' > '%s/text' 2>&1 || { cat '%s/text'; exit 1; }", lag, path, folder,
             folder, folder);
    if (system(command) != 0) {
        printf("the runs on %s failed\n", problem_name[p]);
        return 1;
    }
    snprintf(path, sizeof path, "%s/out", folder);
    for (int i = 0; i < CASES; i++) {
        if (!applies(&cases[i], p))
            continue;
        off += !compare(&cases[i], i, p, path);
        done++;
    }
    printf("%d runs, %d off\n", done, off);
    return off;
}

int main(int argc, char **argv) {
    char folder[] = "/tmp/lag_rules.XXXXXX", command[4096];
    int p = 0;
    while (argc == 4 && p < PROBLEMS && strcmp(problem_name[p], argv[3]) != 0)
        p++;
    if (argc != 4 || p == PROBLEMS || !read_iris(argv[2]) || !mkdtemp(folder)) {
        fprintf(stderr, "optimizers LAG FOLDER PROBLEM\n");
        return 2;
    }
    int off = test(argv[1], argv[2], folder, (Problem)p);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) != 0 || off != 0;
}
