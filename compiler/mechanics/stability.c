/* stability — what a step does to V = ½ λ q², one element of it: the linear map of (q, p) and of the states that are linear in
 * them, how it contracts their volume, and up to which λ it is stable; and the times in which momenta and estimators forget.
 *
 * needs: a finished derivation of one block of coordinates      gives: a section of it      changes: nothing
 *
 * The step is written for one element with ∂V/∂q = λ q, definitions put in their places, and differentiated in numbers at rest.
 * What is even in the force (a mean of its square) is a scale that has no linear part: it is held at 1. What does not depend on
 * the motion (a product of βs) is left to settle. k is large, so that bias corrections have gone. All roots of the characteristic
 * polynomial (Faddeev and LeVerrier) lie in the unit circle where Schur and Cohn's test holds: E. I. Jury, Theory and Application of
 * the z-Transform Method (1964), chapter 3. */
#include "internal.h"

#include <math.h>
#include <string.h>

enum { MOST_VARS = 10, MOST_ASSIGNS = 64, MOST_SUMMED = 1000 };

typedef enum Role { IS_MOVING, IS_SCALE, IS_ALONE } Role;

typedef struct Var {
    IrDef of, one; /* the array, and its element as a scalar input */
    double rest;
    Role role;
} Var;

typedef struct OneStep {
    Mech *m;
    IrProgram *p;
    IrEnv *env;
    IrDef gradient, lambda;
    Var var[MOST_VARS];
    uint32_t n;
    struct { uint32_t var, group; IrTerm value; } at[MOST_ASSIGNS];
    uint32_t n_at;
    bool on_step; /* it depends on its number */
    bool failed;
} OneStep;

/* ---- the step of one element ---- */

static int find(const OneStep *s, IrDef d) {
    for (uint32_t k = 0; k < s->n; k++)
        if (s->var[k].of == d)
            return (int)k;
    return -1;
}

static IrTerm inlined(OneStep *s, IrTerm t);

static IrTerm one_read(IrProgram *p, void *context, IrTerm read) {
    OneStep *s = context;
    IrDef d = ir_node(p, read)->arg[0];
    const MechBody *b = &s->m->bodies[0];
    int k = find(s, d);
    if (d == s->gradient)
        return ir_mul(p, ir_read0(p, s->lambda), ir_read0(p, s->var[find(s, b->q)].one));
    if (k >= 0)
        return ir_read0(p, s->var[k].one);
    const IrDefInfo *info = ir_def(p, d);
    if (info->kind == IR_DEF_EXPR) {
        IrTerm subs[IR_MAX_RANK];
        memcpy(subs, ir_read_subs(p, read), info->rank * sizeof *subs);
        return inlined(s, ir_at_subs(p, d, subs));
    }
    s->on_step = s->on_step || d == s->m->run->step;
    s->failed = s->failed || info->kind != IR_DEF_INPUT || (info->role != IR_ROLE_HYPER && d != s->m->run->step);
    return read;
}

static IrTerm inlined(OneStep *s, IrTerm t) { return s->failed ? t : ir_map_reads(s->p, t, one_read, s); }

/* The axes of what is assigned at their first place. */
static IrTerm at_first(OneStep *s, IrDef target, IrTerm t) {
    IrIdx from[IR_MAX_RANK];
    IrTerm to[IR_MAX_RANK];
    uint32_t rank = ir_def(s->p, target)->rank;
    for (uint32_t k = 0; k < rank; k++) {
        from[k] = ir_axis(s->p, k, ir_def(s->p, target)->extent[k]);
        to[k] = ir_int(s->p, 0);
    }
    return ir_subst(s->p, t, from, to, rank);
}

static void add_var(OneStep *s, IrDef d) {
    if (find(s, d) >= 0)
        return;
    if (s->n == MOST_VARS) {
        s->failed = true;
        return;
    }
    s->var[s->n++] = (Var){.of = d, .one = ir_input(s->p, ir_def(s->p, d)->name, IR_ROLE_STATE, IR_F64, 0, NULL)};
}

/* The definition whose negative element the force is; 0: there is none. */
static IrDef gradient_of(const Mech *m) {
    const IrNode *node = ir_node(m->p, m->bodies[0].dl_dq);
    if (node->op == IR_NEG)
        node = ir_node(m->p, node->arg[0]);
    return node->op == IR_READ ? node->arg[0] : 0;
}

static bool write_step(OneStep *s) {
    const IrFunc *f = &s->m->out->step;
    add_var(s, s->m->bodies[0].q);
    for (uint32_t g = 0; g < f->groups.n; g++)
        for (uint32_t i = 0; i < f->groups.at[g].n; i++)
            add_var(s, f->groups.at[g].at[i].target);
    for (uint32_t g = 0; g < f->groups.n && !s->failed; g++) {
        for (uint32_t i = 0; i < f->groups.at[g].n && !s->failed; i++) {
            const IrAssign *a = &f->groups.at[g].at[i];
            s->failed = s->n_at == MOST_ASSIGNS;
            if (s->failed)
                return false;
            IrTerm value = inlined(s, at_first(s, a->target, a->value));
            s->at[s->n_at].var = (uint32_t)find(s, a->target);
            s->at[s->n_at].group = g;
            s->at[s->n_at++].value = value;
        }
    }
    return !s->failed;
}

/* ---- in numbers ---- */

static void set(OneStep *s, IrDef d, double value) { ir_env_set(s->env, d, &value); }

/* x after one step; what has a role of its own stays, unless it is `settling`. */
static void step(OneStep *s, double *x, bool settling) {
    double now[MOST_VARS];
    bool ok = true;
    for (uint32_t i = 0; i < s->n_at; i++) {
        if (i == 0 || s->at[i].group != s->at[i - 1].group) {
            for (uint32_t k = 0; k < s->n; k++)
                set(s, s->var[k].one, x[k]);
            memcpy(now, x, sizeof now);
        }
        const Var *v = &s->var[s->at[i].var];
        if (v->role == IS_MOVING || (v->role == IS_ALONE && settling))
            now[s->at[i].var] = ir_eval(s->env, s->at[i].value, NULL, &ok);
        if (i + 1 == s->n_at || s->at[i + 1].group != s->at[i].group)
            memcpy(x, now, sizeof now);
    }
    s->failed = s->failed || !ok;
}

static void at_rest(const OneStep *s, double *x) {
    for (uint32_t k = 0; k < s->n; k++)
        x[k] = s->var[k].rest;
}

/* Variable `of` after a step from rest with variable k displaced by `by`. */
static double response(OneStep *s, uint32_t of, uint32_t k, double by) {
    double x[MOST_VARS];
    at_rest(s, x);
    x[k] += by;
    step(s, x, true);
    return x[of];
}

static bool differs(double a, double b) { return fabs(a - b) > 1e-14 * (fabs(a) + fabs(b)) || isnan(a - b); }

/* Which variables are scales, which move with q and p, and where the others settle. */
static void find_roles(OneStep *s) {
    enum { SETTLE = 300 };
    const double by = 1e-3;
    for (uint32_t k = 1; k < s->n; k++) {
        double still = response(s, k, 0, 0), up = response(s, k, 0, by), down = response(s, k, 0, -by);
        bool is_state = ir_def(s->p, s->var[k].of)->role == IR_ROLE_STATE;
        if (is_state && differs(up, still) && !differs(up, down))
            s->var[k] = (Var){s->var[k].of, s->var[k].one, 1, IS_SCALE};
    }
    bool moves[MOST_VARS] = {true};
    for (uint32_t k = 1; k < s->n; k++)
        moves[k] = ir_def(s->p, s->var[k].of)->role != IR_ROLE_STATE;
    for (uint32_t round = 0; round < s->n; round++)
        for (uint32_t k = 0; k < s->n; k++)
            for (uint32_t from = 0; from < s->n && !moves[k]; from++)
                moves[k] = moves[from] && s->var[from].role == IS_MOVING &&
                           differs(response(s, k, from, by), response(s, k, from, -by));
    double x[MOST_VARS];
    for (uint32_t k = 0; k < s->n; k++)
        if (!moves[k] && s->var[k].role == IS_MOVING)
            s->var[k].role = IS_ALONE;
    at_rest(s, x);
    for (uint32_t i = 0; i < s->m->run->n_states; i++) {
        const SemaState *state = &s->m->run->states[i];
        int k = find(s, state->s);
        double start;
        if (k >= 0 && s->var[k].role == IS_ALONE && state->start && mech_value(s->m, at_first(s, state->s, state->start), &start))
            x[k] = start;
    }
    for (int i = 0; i < SETTLE; i++)
        step(s, x, true);
    for (uint32_t k = 0; k < s->n; k++)
        if (s->var[k].role == IS_ALONE)
            s->var[k].rest = x[k];
}

typedef struct Matrix { double at[MOST_VARS][MOST_VARS]; uint32_t n; } Matrix;

/* ∂(after) / ∂(before) at rest over the moving variables that matter, by central differences: exact where the step is linear.
 * False where two widths disagree: it has a kink there. */
static bool jacobian(OneStep *s, double lambda, const bool *kept, Matrix *A) {
    double plus[MOST_VARS], minus[MOST_VARS], width[2] = {1e-4, 1e-5}, d[2];
    uint32_t column = 0;
    bool smooth = true;
    set(s, s->lambda, lambda);
    for (uint32_t k = 0; k < s->n; k++) {
        if (!kept[k])
            continue;
        double found[2][MOST_VARS];
        for (int w = 0; w < 2; w++) {
            double by = width[w] / fmax(1, lambda);
            at_rest(s, plus);
            at_rest(s, minus);
            plus[k] += by;
            minus[k] -= by;
            step(s, plus, false);
            step(s, minus, false);
            for (uint32_t r = 0; r < s->n; r++)
                found[w][r] = (plus[r] - minus[r]) / (2 * by);
        }
        uint32_t row = 0;
        for (uint32_t r = 0; r < s->n; r++) {
            if (!kept[r])
                continue;
            d[0] = found[0][r];
            d[1] = found[1][r];
            smooth = smooth && fabs(d[0] - d[1]) <= 1e-5 * (fabs(d[0]) + fabs(d[1])) + 1e-9;
            A->at[row++][column] = d[1];
        }
        column++;
    }
    A->n = column;
    return smooth && !s->failed;
}

/* Leaves out what the step does not read (a force that is taken anew) and what nothing else reads (a mean that is looked at). */
static void keep_what_matters(OneStep *s, bool *kept) {
    for (uint32_t k = 0; k < s->n; k++)
        kept[k] = s->var[k].role == IS_MOVING;
    for (bool again = true; again;) {
        again = false;
        for (uint32_t k = 1; k < s->n && !again; k++) {
            bool read = false;
            for (uint32_t r = 0; r < s->n && kept[k]; r++)
                read = read || (r != k && kept[r] && differs(response(s, r, k, 1e-3), response(s, r, k, -1e-3)));
            again = kept[k] && !read;
            kept[k] = kept[k] && read;
        }
    }
}

/* c[0] zⁿ + c[1] zⁿ⁻¹ + … of a matrix. */
static void characteristic(const Matrix *A, double *c) {
    double B[MOST_VARS][MOST_VARS] = {{0}}, C[MOST_VARS][MOST_VARS];
    uint32_t n = A->n;
    c[0] = 1;
    for (uint32_t k = 1; k <= n; k++) {
        double trace = 0;
        for (uint32_t i = 0; i < n; i++)
            B[i][i] += c[k - 1];
        for (uint32_t i = 0; i < n; i++) {
            for (uint32_t j = 0; j < n; j++) {
                C[i][j] = 0;
                for (uint32_t l = 0; l < n; l++)
                    C[i][j] += A->at[i][l] * B[l][j];
            }
            trace += C[i][i];
        }
        memcpy(B, C, sizeof B);
        c[k] = -trace / k;
    }
}

/* Whether all roots of c lie in the unit circle, but for rounding: what only turns has its roots on it. Of two roots this is said
 * by sum and product without cancellation; of more, the circle is taken wider by 1e-7. */
static bool roots_inside(double *c, uint32_t n) {
    if (n == 1)
        return fabs(c[1]) <= 1 + 1e-12;
    if (n == 2)
        return c[2] <= 1 + 1e-8 && fabs(c[1]) <= 1 + c[2] + 1e-12;
    double r = 1;
    for (uint32_t k = 0; k <= n; k++, r *= 1 + 1e-7)
        c[k] /= r;
    for (; n > 0; n--) {
        double a = c[0], b = c[n], next[MOST_VARS + 1];
        if (!(fabs(b) < fabs(a)))
            return false;
        for (uint32_t k = 0; k < n; k++)
            next[k] = (a * c[k] - b * c[n - k]) / a;
        memcpy(c, next, n * sizeof *c);
    }
    return true;
}

static bool is_stable(OneStep *s, double lambda, const bool *kept) {
    Matrix A = {0};
    double c[MOST_VARS + 1];
    if (!jacobian(s, lambda, kept, &A))
        return false;
    characteristic(&A, c);
    return roots_inside(c, A.n);
}

static double determinant(OneStep *s, double lambda, const bool *kept) {
    Matrix A = {0};
    double c[MOST_VARS + 1];
    jacobian(s, lambda, kept, &A);
    characteristic(&A, c);
    return A.n % 2 ? -c[A.n] : c[A.n];
}

/* The first λ at which the step is no longer stable; 0: not even for small ones; infinite: for all. */
static double stable_below(OneStep *s, const bool *kept) {
    double low = 1e-9, high;
    if (!is_stable(s, low, kept))
        return 0;
    for (high = low; high < 1e12 && is_stable(s, high, kept); high *= 2)
        low = high;
    if (high >= 1e12)
        return INFINITY;
    for (int i = 0; i < 50; i++) {
        double mid = (low + high) / 2;
        *(is_stable(s, mid, kept) ? &low : &high) = mid;
    }
    return low;
}

/* ---- lines ---- */

static void add_line(MechLine *at, uint32_t *n, const char *text) { at[(*n)++] = (MechLine){.remark = text}; }

static const char *number(Mech *m, double value) {
    return pretty_number(m->arena, strtod(mech_text(m, "%.8g", value), NULL));
}

/* What a rate with a constant relaxation forgets, and how fast. */
static void times_lines(Mech *m, MechLine *at, uint32_t *n) {
    double h = m->out->step_size;
    for (uint32_t i = 0; i < m->n_parts && *n < 20; i++)
        for (uint32_t k = 0; k < m->parts[i].n; k++) {
            const MechRate *r = &m->parts[i].rate[k];
            double b;
            if (r->next || !r->b || !mech_value(m, r->b, &b) || !(b < 0) || m->parts[i].kind == PART_BATH)
                continue;
            add_line(at, n, mech_text(m, "%s forgets in the time %s: in a step it keeps %s", r->symbol, number(m, -1 / b),
                                      number(m, exp(b * h))));
        }
}

/* The scalar that M or G is for one element at rest; NaN where it is none. */
static double inertia(OneStep *s) {
    const MechForm *form = s->m->out->first_order ? &s->m->friction : &s->m->mass;
    IrTerm t = form->diagonal && !form->of_momenta ? form->diagonal[0] : 0;
    double x[MOST_VARS];
    bool ok = t != 0;
    if (!ok)
        return NAN;
    t = inlined(s, at_first(s, s->m->bodies[0].q, t));
    at_rest(s, x);
    for (uint32_t k = 0; k < s->n; k++)
        set(s, s->var[k].one, x[k]);
    double value = s->failed ? NAN : ir_eval(s->env, t, NULL, &ok);
    s->failed = false;
    return ok && value > 0 ? value : NAN;
}

/* "(q, p)". */
static const char *variables(const OneStep *s, const bool *kept) {
    const char *text = "";
    for (uint32_t k = 0; k < s->n; k++)
        if (kept[k])
            text = mech_text(s->m, "%s%s%s", text, *text ? ", " : "", mech_symbol(s->m, s->var[k].of));
    return mech_text(s->m, "(%s)", text);
}

static void limit_lines(OneStep *s, MechLine *at, uint32_t *n) {
    Mech *m = s->m;
    bool kept[MOST_VARS];
    Matrix A;
    keep_what_matters(s, kept);
    if (!jacobian(s, 1, kept, &A)) {
        if (!s->failed)
            add_line(at, n, "at rest the step is not smooth, so it has no linear map");
        return;
    }
    double most = stable_below(s, kept), d0 = determinant(s, 0, kept), slope = determinant(s, 1, kept) - d0;
    double curved = determinant(s, 2, kept) - d0 - 2 * slope, small = 1e-9 * fmax(1, fabs(d0));
    if (isinf(most) || s->failed)
        return;
    const char *scales = "";
    for (uint32_t k = 0; k < s->n; k++)
        if (s->var[k].role == IS_SCALE)
            scales = mech_text(m, "%s%s%s = 1", scales, *scales ? ", " : "", mech_symbol(m, s->var[k].of));
    if (*scales || s->on_step)
        add_line(at, n, mech_text(m, "%s%s%s", *scales ? "at " : "", scales,
                                  !s->on_step ? "" : *scales ? ", after many steps" : "after many steps"));
    if (fabs(curved) < small)
        add_line(at, n, mech_text(m, fabs(slope) < small ? "a step multiplies volumes of %s by %s" : "a step multiplies volumes of %s by %s %s %sλ",
                                  variables(s, kept), number(m, d0), slope < 0 ? "−" : "+",
                                  fabs(fabs(slope) - 1) < small ? "" : mech_text(m, "%s ", number(m, fabs(slope)))));
    double mass = inertia(s);
    if (most == 0)
        add_line(at, n, "the step is not stable, however small λ is");
    else if (isnan(mass))
        add_line(at, n, mech_text(m, "the step is stable for 0 < λ < %s", number(m, most)));
    else
        add_line(at, n, mech_text(m, "the step is stable for 0 < λ < %s, that is λ/%s < %s", number(m, most),
                                  m->out->first_order ? "G" : "M", number(m, most / mass)));
}

static void one_run(Mech *m) {
    MechLine at[32];
    uint32_t n = 0;
    MechSection *sections = ARENA_ARRAY(m->arena, MechSection, m->out->n_sections + 1);
    m->env = ir_env_new(m->p);
    for (uint32_t i = 0; i < m->run->n_hypers; i++)
        ir_env_set(m->env, m->run->hypers[i].def, &m->run->hypers[i].value);
    OneStep s = {.m = m, .p = m->p, .env = m->env};
    s.gradient = m->run->block && m->n == 1 && m->is_word && !m->n_constraints ? gradient_of(m) : 0;
    if (s.gradient && m->bodies[0].size <= 1u << 20) {
        at[n++] = (MechLine){.remark = "of one element, with V = ½ λ q²:", .latex = "of one element, with $V = \\frac{1}{2} \\lambda q^2$:"};
        times_lines(m, at, &n);
        s.lambda = ir_scalar_input(m->p, name_of(m->session->names, "λ"), IR_ROLE_HYPER);
        if (write_step(&s)) {
            set(&s, s.lambda, 1);
            set(&s, m->run->step, 1e6);
            find_roles(&s);
            if (!s.failed)
                limit_lines(&s, at, &n);
        }
    }
    ir_env_free(m->env);
    m->env = NULL;
    if (n < 2) /* nothing to say of it */
        return;
    memcpy(sections, m->out->sections, m->out->n_sections * sizeof *sections);
    sections[m->out->n_sections] = (MechSection){.title = "On a quadratic potential",
                                                 .lines = arena_copy(m->arena, at, n * sizeof *at), .n = n, .essential = true};
    m->out->sections = sections;
    m->out->n_sections++;
}

void mech_stability(MechRun *mech) {
    Mech *m = (Mech *)(uintptr_t)mech->derivation;
    for (uint32_t g = 0; g < m->n_groups; g++)
        one_run(m->groups[g]);
    if (m->n_groups)
        mech_renew_sections(m);
    else
        one_run(m);
}
