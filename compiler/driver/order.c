/* order — measures the order of the integrator of a run; see order.h.
 *
 * The motion that a run is held against is integrated by a method with error control, at two tolerances: their
 * difference says how far it can be trusted. Where no method takes the system (states that change once a step, flows),
 * neighbouring rungs are compared with each other, which shows the order of convergence though not to what. */
#include "order.h"

#include "../../runtime/core/core.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum {
    FIRST_STEPS = 2,          /* on the coarsest rung */
    MOST_STEPS = 1 << 17,
    GOOD_RUNGS = 7,           /* errors between floor and most are enough with so many, where their slopes agree */
    MOST_GOOD_RUNGS = 14,     /* and else */
    LEAST_OF_OWN = 4, MOST_OF_OWN = 200, /* the first stretch in steps of the run's own length */
    MOST_TRIES = 10,
    REFERENCES = 2,
};
static const double resolved = 0.05; /* errors above are of motions that are not followed */
static const double fuzzy = 1e-9;    /* errors below may be of rounding that a scheme magnifies */
static const double patience = 20;   /* seconds for a ladder: what is found should not depend on the machine */

/* What motions are held against: the first, unless the second knows better. `steps` of it are a stretch that shows something. */
static const struct {
    const char *method;
    double rtol, atol, steps;
} references[REFERENCES] = {{"taylor", 1e-15, 0, 3}, {"dop853", 1e-13, 1e-14, 40}};

typedef struct Measure {
    OrderSource source;
    OrderVariant own, others[REFERENCES];
    bool has_truth;          /* one of them takes the system */
    double *truth, *coarse, *before, *now; /* coordinates at the end of the stretch */
    double scale, truth_error;
    double eps, trusted;     /* rounding of a coordinate; the relative error up to which a reference is one */
    double truth_step;       /* its mean step */
    OrderReport *report;
} Measure;

/* ---- integrations ---- */

static double distance(const Measure *m, const double *a, const double *b) {
    double sum = 0;
    for (uint64_t i = 0; i < m->own.n; i++)
        sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sqrt(sum);
}

/* The motion to the end of the stretch, by a reference at its tolerance and at ten times that: how far they are apart. */
static bool find_motion(Measure *m, OrderVariant *v, double *q, double *apart) {
    RtRun *run = v->r;
    uint64_t steps;
    run->end_time = m->report->stretch;
    RtOdeOptions fine = run->tolerance;
    run->tolerance.rtol *= 10;
    run->tolerance.atol *= 10;
    bool ok = order_integrate(v, m->coarse, &steps);
    run->tolerance = fine;
    if (!ok || !order_integrate(v, q, &steps))
        return false;
    m->truth_step = m->report->stretch / (double)(steps ? steps : 1);
    *apart = distance(m, q, m->coarse);
    return true;
}

/* The motion by the first reference, where the second agrees to nine digits: a power series does not see a kink in a force that
 * a step passes, and does not know that it is wrong. Else by the second. */
static bool find_truth(Measure *m) {
    OrderReport *r = m->report;
    double known, other = INFINITY;
    r->reference = NULL;
    OrderVariant *series = &m->others[0], *steps = &m->others[1];
    bool has_other = steps->mech && find_motion(m, steps, m->now, &other);
    bool has = series->mech && find_motion(m, series, m->truth, &known);
    if ((!has && !has_other) || (steps->mech && !has_other))
        return false;
    const double *size = has ? m->truth : m->now;
    double *zero = ARENA_ARRAY(m->source.session->arena, double, m->own.n + 1);
    m->scale = distance(m, size, zero);
    m->scale = m->scale > 0 ? m->scale : 1;
    bool first = has && (!has_other || distance(m, m->truth, m->now) < m->trusted * m->scale);
    if (!first)
        memcpy(m->truth, m->now, m->own.n * sizeof *m->now);
    m->truth_error = (first ? known : other) / m->scale;
    r->reference = references[first ? 0 : 1].method;
    return m->truth_error < m->trusted;
}

/* Rounding adds up along the way: a word of 4 million steps has lost some of its last digits. */
static double rounding(const Measure *m, uint64_t steps) { return m->eps * (50 + (double)steps); }

/* The errors settle at a value that is none of rounding. */
static bool settles_elsewhere(const OrderReport *r) {
    if (r->n < 4)
        return false;
    for (uint32_t k = r->n - 4; k + 1 < r->n; k++)
        if (!(r->rung[k + 1].error > 100 * r->rung[k + 1].floor) || !(fabs(order_slope(r->rung, k)) < 0.3))
            return false;
    return true;
}

static bool has_settled(const OrderReport *r) {
    OrderFit fit = order_fit(r->rung, r->n, resolved);
    return fit.n && fit.spread < 0.03;
}

/* Errors of the ladder whose rungs have `ratio` times as many steps. */
static void climb(Measure *m, double ratio) {
    OrderReport *r = m->report;
    double began = rt_now(), steps = FIRST_STEPS;
    uint32_t good = 0;
    double best = INFINITY;
    bool with_truth = m->has_truth, have_before = false;
    r->n = 0;
    for (; r->n < ORDER_RUNGS && steps <= MOST_STEPS && rt_now() - began < patience; steps *= ratio) {
        OrderRung *rung = &r->rung[r->n];
        uint64_t n = (uint64_t)llround(steps);
        uint64_t taken;
        order_set_steps(&m->own, r->stretch, n);
        bool there = order_integrate(&m->own, m->now, &taken);
        if (r->n && n == rung[-1].steps)
            continue;
        r->n++;
        *rung = (OrderRung){.steps = n, .h = r->stretch / (double)n, .error = NAN, .energy = NAN};
        rung->floor = fmax(20 * m->truth_error, rounding(m, n));
        if (there && r->energy)
            rung->energy = order_energy_error(&m->own);
        if (there && with_truth)
            rung->error = distance(m, m->now, m->truth) / m->scale;
        if (!with_truth && there && have_before) /* of the rung before */
            rung[-1].error = distance(m, m->now, m->before) / m->scale;
        double *swap = m->before;
        m->before = m->now;
        m->now = swap;
        have_before = there;
        const OrderRung *last = with_truth ? rung : rung - 1;
        if (r->n > !with_truth) {
            if (last->error > best && best < fuzzy && good >= 4)
                rung[with_truth ? 0 : -1].floor = last->error; /* it grows again: that is rounding, which adds up */
            best = fmin(best, last->error);
            good += last->error > last->floor && last->error < resolved;
            if (with_truth && last->error < resolved && settles_elsewhere(r))
                break;
            if (last->error <= last->floor ? good || r->n > 5 : good >= MOST_GOOD_RUNGS || (good >= GOOD_RUNGS && has_settled(r)))
                break;
        }
    }
    if (!with_truth && r->n && isnan(r->rung[r->n - 1].error))
        r->n--; /* it is compared with none */
}

/* ---- what the ladder says ---- */

static uint32_t rungs(const OrderReport *r, double above, double below) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < r->n; k++)
        n += r->rung[k].error >= above * r->rung[k].floor && r->rung[k].error < below;
    return n;
}

/* A number of one digit, 1, 2 or 5, near t and not above. */
static double round_down(double t) {
    double unit = pow(10, floor(log10(t)));
    return unit * (t >= 5 * unit ? 5 : t >= 2 * unit ? 2 : 1);
}

/* A ladder in which the order shows: first its stretch, then the distance of its rungs are changed as the errors ask. */
static void search(Measure *m, double stretch, double longest) {
    OrderReport *r = m->report;
    double ratio = 2;
    r->stretch = fmin(stretch, longest);
    for (int try = 0; try < MOST_TRIES; try++) {
        if (m->has_truth && !find_truth(m)) {
            r->stretch /= 4;
            continue;
        }
        r->reference_error = m->truth_error;
        climb(m, ratio);
        r->fit = order_fit(r->rung, r->n, resolved);
        if (r->fit.n || settles_elsewhere(r))
            return;
        bool coarse = rungs(r, 0, INFINITY) > rungs(r, 0, resolved) || rungs(r, 0, INFINITY) < r->n;
        if (rungs(r, 0, resolved) == 0 || m->truth_error > resolved)
            r->stretch /= 4;
        else if (rungs(r, 1, resolved) >= GOOD_RUNGS - 1)
            break; /* enough of them, and they do not agree: no stretch is looked for in which they would */
        else if (!coarse && rungs(r, 1, resolved) < 3 && r->stretch < longest)
            r->stretch = fmin(2 * r->stretch, longest);
        else if (ratio > 1.1)
            ratio = sqrt(ratio);
        else
            break;
    }
}

static OrderVerdict judge(const OrderReport *r) {
    uint32_t there = rungs(r, 0, INFINITY);
    if (!there)
        return ORDER_FAILED;
    if (settles_elsewhere(r) && r->reference)
        return ORDER_ELSEWHERE;
    if (rungs(r, 1, INFINITY) == 0)
        return ORDER_EXACT;
    if (!r->fit.n)
        return ORDER_NOT_SETTLED;
    if (!r->derived)
        return ORDER_MEASURED;
    double within = fmax(fmax(0.25, r->fit.spread * (r->fit.loose ? 1 : 2)), 0.1 * r->derived);
    if (r->fit.slope < r->derived - within)
        return ORDER_LOWER;
    return r->fit.slope > r->derived + 2 * within && !r->open ? ORDER_HIGHER : ORDER_AGREES;
}

/* ---- a run ---- */

static bool has_part(const Session *session, const SemaWord *word, uint32_t n, const char *part) {
    for (uint32_t k = 0; k < n; k++)
        if (word[k].part ? !strcmp(name_text(session->names, word[k].part), part)
                         : has_part(session, word[k].body, word[k].n, part))
            return true;
    return false;
}

/* Why a run has no order; NULL: it has one. */
static const char *why_none(const Session *session, const SemaRun *run) {
    if (run->missing)
        return run->missing;
    if (run->n_groups)
        return "several dynamics move it side by side";
    if (run->batch)
        return "each step sees other rows of the data";
    if (has_part(session, &run->word, 1, "bath"))
        return "its word draws noise";
    return NULL;
}

static double length_of_run(const Measure *m, double h) {
    const SemaRun *run = m->source.run;
    return run->unit == DURATION_TIME ? run->duration : run->duration * h;
}

static bool is_energy_kept(const MechRun *mech) {
    for (uint32_t k = 0; k < mech->n_charges; k++)
        if (!strcmp(mech->charges[k].name, "energy"))
            return true;
    return false;
}

/* Single precision leaves a reference six digits, and no tolerance below makes sense. */
static void find_precision(Measure *m) {
    m->eps = DBL_EPSILON;
    for (uint32_t b = 0; b < m->own.n_q; b++)
        if (m->own.q[b].elem == RT_F32)
            m->eps = FLT_EPSILON;
    m->trusted = fmax(1e-9, 100 * m->eps);
}

/* How long a stretch shows something: a few steps of the reference, which are as long as the motion is smooth, but neither less
 * nor many more than a few of the run's own (h 0: it has none). A motion that no reference knows to nine digits, such
 * as a long one in chaos, is looked at for a shorter time. */
static double pick_stretch(Measure *m, double h, double longest) {
    OrderReport *r = m->report;
    double whole = h > 0 ? fmin(MOST_OF_OWN * h, longest) : longest;
    for (size_t k = 0; k < REFERENCES; k++) {
        OrderVariant *v = &m->others[k];
        order_open_reference(v, &m->source, references[k].method, 
                             fmax(references[k].rtol, m->eps), fmax(references[k].atol, m->eps > DBL_EPSILON ? m->eps : 0));
        v->mech = v->n == m->own.n ? v->mech : NULL;
    }
    m->has_truth = true;
    for (r->stretch = whole; r->stretch > 1e-4 * whole; r->stretch /= 4)
        if (find_truth(m)) {
            double steps = r->reference == references[0].method ? references[0].steps : references[1].steps;
            return fmin(r->stretch, round_down(fmax(LEAST_OF_OWN * h, steps * m->truth_step)));
        }
    m->has_truth = false;
    m->truth_error = 0;
    m->scale = 1;
    return whole;
}

static bool measure(Measure *m) {
    OrderReport *r = m->report;
    double h;
    if (!order_open_own(&m->own, &m->source, &h))
        return false;
    find_precision(m);
    uint64_t n = m->own.n + 1;
    double **at[] = {&m->truth, &m->coarse, &m->before, &m->now};
    for (size_t k = 0; k < sizeof at / sizeof *at; k++)
        *at[k] = ARENA_ARRAY(m->source.session->arena, double, n);
    double longest = length_of_run(m, h > 0 ? h : 1);
    const RtRun *run = m->own.r;
    r->derived = run->method ? rt_ode_order(run->method, &run->tolerance) : m->own.mech->order.least;
    r->open = m->own.mech->order.open;
    r->energy = is_energy_kept(m->own.mech);
    r->events = m->source.run->n_events > 0;
    search(m, pick_stretch(m, h, longest), longest);
    if (!r->fit.n)
        r->fit = order_fit_loosely(r->rung, r->n, resolved);
    r->verdict = judge(r);
    if (!run->method)
        order_look_at_steps(&m->own, m->source.session->arena, h, &r->steps);
    return true;
}

bool order_measure(Session *session, Model *model, const SemaRun *run, const Options *options, OrderReport *out) {
    *out = (OrderReport){.run = name_text(session->names, run->label ? run->label : run->dynamics),
                         .system = name_text(session->names, run->system),
                         .steps = {NAN, NAN, 0, NAN, NAN},
                         .why = why_none(session, run)};
    if (out->why) {
        out->verdict = ORDER_NONE;
        return true;
    }
    Measure m = {.source = {session, model, run, *options, NULL}, .report = out};
    m.source.options.threads = 1;
    m.source.options.quiet = true;
    m.source.options.emit = NULL;
    m.source.host = driver_host(session, &m.source.options);
    bool ok = measure(&m);
    order_close(&m.own);
    for (size_t k = 0; k < REFERENCES; k++)
        order_close(&m.others[k]);
    rt_host_end(m.source.host);
    return ok;
}

bool order_holds(const OrderReport *r) {
    return r->verdict == ORDER_AGREES || r->verdict == ORDER_MEASURED || r->verdict == ORDER_HIGHER ||
           r->verdict == ORDER_EXACT || r->verdict == ORDER_NONE;
}
