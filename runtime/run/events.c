/* events — brackets, and what is done. Every element of every event's difference has a side, the sign it was last seen
 * with. The path is looked at; where a sign has changed, the moment is found to rounding (curve.c); the first of all
 * moments goes first, and those that cannot be told from it happen with it, in the order in which they stand. Where a
 * difference comes close to 0 and goes away again, its least distance is looked for between the looks, so that a double
 * crossing is seen.
 *
 * After the state was changed at an event its sides are unknown: the difference is 0 but for rounding. A side is known
 * again once the difference has grown between looks that lie close at first, each four times as far as the one before;
 * so an event is not found again at its own place, and of flights that become shorter and shorter none is missed until
 * the clock cannot resolve them. Before it comes to that, the run is stopped.
 *
 * A kink's moment is moved on until its difference has the new sign, by an ulp or a few, so that the equations are those of
 * the other side; its side stays known. */
#include "../core/core.h"
#include "curve.h"
#include "events.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_CLOSE = 40, MOST_DIPS = 16, MOST_LOOKS = 72 };

typedef struct Side {
    int8_t sign;         /* 0: not known */
    bool crosses;        /* in the part of the path at hand, in a direction that is asked for */
    bool due;            /* happens at the moment found */
    double moment;       /* where it crosses */
    double last, gap, ratio; /* time of its last act, time between the last two, and its ratio to that before */
    uint8_t shrinking;   /* how often in a row that time was shorter than the one before; a kink: too short for a motion */
    bool kink;
} Side;

/* One element's difference along the path. */
typedef struct Element {
    RtWatch *watch;
    uint64_t number;
} Element;

struct RtWatch {
    RtRun *run;
    RtLook look;
    void *context;
    double unit, time;
    uint64_t n;          /* elements of all events */
    Side *side;
    double s[MOST_LOOKS]; /* looks of the present interval, in order; the first is where it begins */
    double *value;       /* MOST_LOOKS rows of n, and one for scratch */
    uint32_t looks, at;  /* the part at hand ends at look `at` */
    double from;         /* and begins here */
    uint32_t close;      /* looks up to this one are close */
    bool changed;        /* the state was changed since the last interval */
    bool undecided;      /* and a kink's difference was 0 there */
    double moment;
};

static double *row_of(RtWatch *w, uint32_t look) {
    return w->value + (uint64_t)look * w->n;
}

RtWatch *rt_watch_new(RtRun *run, RtLook look, void *context, double unit) {
    RtWatch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (RtWatch){.run = run, .look = look, .context = context, .unit = unit};
    for (uint32_t k = 0; k < run->n_events; k++) {
        run->events[k].happened = 0;
        w->n += run->events[k].value.n;
    }
    w->side = calloc(w->n + 1, sizeof *w->side);
    w->value = calloc((MOST_LOOKS + 1) * w->n + 1, sizeof *w->value);
    if (w->side && w->value)
        return w;
    rt_watch_free(w);
    return NULL;
}

void rt_watch_free(RtWatch *w) {
    if (!w)
        return;
    free(w->side);
    free(w->value);
    free(w);
}

/* The differences in the state that is in memory. */
static RtStatus evaluate(RtWatch *w, double *value) {
    int32_t status = w->run->event(w->run->frame);
    for (uint32_t k = 0; k < w->run->n_events; k++) {
        const RtBlock *block = &w->run->events[k].value;
        memcpy(value, w->run->frame->mem + block->offset, block->n * sizeof *value);
        value += block->n;
    }
    return (RtStatus)status;
}

static RtStatus look_at(RtWatch *w, double s, double *value) {
    RtStatus status = w->look(w->context, s);
    return status ? status : evaluate(w, value);
}

static RtStatus along(void *context, double s, double *value) {
    const Element *element = context;
    double *scratch = row_of(element->watch, MOST_LOOKS);
    RtStatus status = look_at(element->watch, s, scratch);
    *value = scratch[element->number];
    return status;
}

static int sign_of(double x) {
    return (x > 0) - (x < 0);
}

static void mark_changed(RtWatch *w) {
    w->changed = true;
    for (uint64_t i = 0; i < w->n; i++)
        w->undecided |= w->side[i].kink && !w->side[i].sign;
}

RtStatus rt_watch_begin(RtWatch *w) {
    double *now = row_of(w, 0);
    RtStatus status = evaluate(w, now);
    uint64_t i = 0;
    for (uint32_t k = 0; k < w->run->n_events; k++)
        for (uint64_t end = i + w->run->events[k].value.n; i < end; i++)
            w->side[i] = (Side){.sign = (int8_t)sign_of(now[i]), .last = NAN, .gap = NAN, .ratio = NAN,
                                .kink = w->run->events[k].kink};
    mark_changed(w);
    return status;
}

bool rt_watch_undecided(RtWatch *w) {
    bool undecided = false;
    for (uint64_t i = 0; i < w->n && w->undecided && !undecided; i++)
        undecided = w->side[i].kink && !w->side[i].sign;
    return w->undecided = undecided;
}

void rt_watch_decide(RtWatch *w) {
    w->undecided = false;
}

/* ---- where to look ---- */

/* Looks are added where a double crossing lies between two of them. */
static RtStatus look_into_dips(RtWatch *w) {
    uint32_t added = 0;
    RtStatus status = RT_OK;
    for (uint32_t j = 1; j + 1 < w->looks && added < MOST_DIPS && w->looks < MOST_LOOKS; j++) {
        for (uint64_t i = 0; i < w->n && w->looks < MOST_LOOKS; i++) {
            double l = row_of(w, j - 1)[i], m = row_of(w, j)[i], r = row_of(w, j + 1)[i], s;
            Element element = {w, i};
            bool dip = m != 0 && sign_of(l) == sign_of(m) && sign_of(r) == sign_of(m) && fabs(m) <= fabs(l) &&
                       fabs(m) <= fabs(r) && fabs(l) + fabs(r) > 2 * fabs(m);
            if (!dip || !rt_curve_dips(along, &element, w->s[j - 1], l, w->s[j], m, w->s[j + 1], r, &s, &status)) {
                if (status)
                    return status;
                continue;
            }
            uint32_t place = s < w->s[j] ? j : j + 1;
            memmove(&w->s[place + 1], &w->s[place], (w->looks - place) * sizeof *w->s);
            memmove(row_of(w, place + 1), row_of(w, place), (w->looks - place) * w->n * sizeof *w->value);
            w->s[place] = s;
            memcpy(row_of(w, place), row_of(w, MOST_LOOKS), w->n * sizeof *w->value);
            w->looks++;
            w->close += w->close >= place;
            added++;
            break;
        }
    }
    return RT_OK;
}

static RtStatus add_look(RtWatch *w, double s) {
    if (w->looks >= MOST_LOOKS - MOST_DIPS || s <= w->s[w->looks - 1])
        return RT_OK;
    w->s[w->looks] = s;
    return look_at(w, s, row_of(w, w->looks++));
}

static bool is_any_unknown(const RtWatch *w) {
    for (uint64_t i = 0; i < w->n; i++)
        if (!w->side[i].sign && (!w->side[i].kink || w->undecided))
            return true;
    return false;
}

RtStatus rt_watch_interval(RtWatch *w, double from, double to, uint32_t looks, bool ends, double time) {
    const double pi = 3.14159265358979323846;
    RtStatus status = RT_OK;
    double length = to - from;
    double *last = row_of(w, MOST_LOOKS);
    w->time = time;
    if (ends && (status = evaluate(w, last)))
        return status;
    /* the differences at the beginning are those at the end of the interval before, unless the state was changed;
     * then they were evaluated when it was */
    w->s[0] = w->from = from;
    w->looks = w->at = 1;
    w->close = 0;
    if (w->changed && is_any_unknown(w) && length > 0 && !w->run->whole_steps) {
        double least = fmax(1e-10 * fabs(time / w->unit + from), 1e-13 * length);
        int most = (int)fmin(MOST_CLOSE, ceil(log(length / least) / log(4)));
        for (int k = most; k >= 1 && !status; k--)
            status = add_look(w, from + length * pow(0.25, k));
        w->close = w->looks - 1;
    }
    w->changed = false;
    for (uint32_t k = 1; k <= looks && !status; k++)
        status = add_look(w, from + length * 0.5 * (1 - cos(k * pi / (looks + 1)))); /* closer towards the ends */
    if (status)
        return status;
    w->s[w->looks] = to;
    if (ends)
        memcpy(row_of(w, w->looks), last, w->n * sizeof *last);
    else
        status = look_at(w, to, row_of(w, w->looks));
    w->looks++;
    return status || looks < 2 ? status : look_into_dips(w);
}

/* ---- what happens first ---- */

/* The moment between a and b at which element i leaves its side, to rounding. */
static double root(RtWatch *w, uint64_t i, double a, double b, double fb, RtStatus *status) {
    Element element = {w, i};
    double fa = 0;
    if ((*status = along(&element, a, &fa)) || sign_of(fa) != w->side[i].sign)
        return a;
    return rt_curve_root(along, &element, a, fa, b, fb, status);
}

/* A side that is not known is the sign that two looks agree on; close to the place where the state was changed the
 * difference must have grown as well, or it may be rounding. */
static void learn_sides(RtWatch *w) {
    const double *now = row_of(w, w->at), *before = row_of(w, w->at - 1);
    for (uint64_t i = 0; i < w->n; i++) {
        bool grown = w->at > w->close || fabs(now[i]) >= 2 * fabs(before[i]);
        if (!w->side[i].sign && grown && (sign_of(now[i]) == sign_of(before[i]) || before[i] == 0))
            w->side[i].sign = (int8_t)sign_of(now[i]);
    }
}

/* Marks what crosses until look `at`; what crosses in the direction nobody asks for is passed over. */
static bool mark_crossings(RtWatch *w) {
    const double *now = row_of(w, w->at);
    bool any = false;
    uint64_t i = 0;
    for (uint32_t k = 0; k < w->run->n_events; k++) {
        const RtEvent *event = &w->run->events[k];
        for (uint64_t end = i + event->value.n; i < end; i++) {
            int sign = sign_of(now[i]);
            w->side[i].crosses = sign && w->side[i].sign && sign != w->side[i].sign &&
                                 (!event->direction || event->direction == sign);
            any |= w->side[i].crosses;
        }
    }
    return any;
}

static void pass_look(RtWatch *w) {
    const double *now = row_of(w, w->at);
    for (uint64_t i = 0; i < w->n; i++)
        if (sign_of(now[i]) && w->side[i].sign)
            w->side[i].sign = (int8_t)sign_of(now[i]);
    learn_sides(w);
    w->from = w->s[w->at++];
}

/* The moment is moved on until kink i is behind it. */
static RtStatus go_past(RtWatch *w, uint64_t i) {
    double end = w->s[w->at], s = w->moment, by = DBL_EPSILON * fmax(fabs(s), fabs(end)), value;
    int sign = sign_of(row_of(w, w->at)[i]);
    Element element = {w, i};
    RtStatus status = along(&element, s, &value);
    for (; !status && sign_of(value) != sign && s < end; by *= 2) {
        s = fmin(w->moment + by, end);
        status = along(&element, s, &value);
    }
    w->moment = s;
    return status;
}

/* The first of the crossings marked, and those that cannot be told from it. */
static RtStatus find_first(RtWatch *w) {
    const double *now = row_of(w, w->at);
    double first = INFINITY;
    for (uint64_t i = 0; i < w->n; i++) {
        Side *side = &w->side[i];
        RtStatus status = RT_OK;
        if (!side->crosses)
            continue;
        side->moment = w->run->whole_steps ? w->s[w->at] : root(w, i, w->from, w->s[w->at], now[i], &status);
        if (status)
            return status;
        first = fmin(first, side->moment);
    }
    double slack = 16 * DBL_EPSILON * fmax(fabs(first), fabs(w->s[w->at]));
    for (uint64_t i = 0; i < w->n; i++)
        w->side[i].due = w->side[i].crosses && w->side[i].moment <= first + slack;
    w->moment = first;
    RtStatus status = RT_OK;
    for (uint64_t i = 0; i < w->n && !status; i++)
        if (w->side[i].due && w->side[i].kink)
            status = go_past(w, i);
    return status;
}

bool rt_watch_next(RtWatch *w, double *s, RtStatus *status) {
    *status = RT_OK;
    for (; w->at < w->looks; pass_look(w)) {
        if (!mark_crossings(w))
            continue;
        *status = find_first(w);
        *s = w->moment;
        return *status == RT_OK;
    }
    memcpy(row_of(w, 0), row_of(w, w->looks - 1), w->n * sizeof *w->value);
    return false;
}

/* ---- what is done ---- */

/* Acts that come closer and closer have a limit in time, like the bounces of a ball that comes to rest: whether it is
 * near. A random sequence of acts hardly ever looks like that: the times between them shrink by one factor, or eight
 * times in a row. */
static bool is_near_limit(Side *side, double time) {
    double gap = time - side->last, ratio = gap / side->gap;
    bool steady = fabs(ratio - side->ratio) < 0.1 * side->ratio;
    side->shrinking = ratio < 1 - 1e-6 ? (uint8_t)(side->shrinking < 255 ? side->shrinking + 1 : 255) : 0;
    side->last = time;
    side->gap = gap;
    side->ratio = ratio;
    return gap < 1e-7 * fabs(time) && (side->shrinking >= 8 || (side->shrinking >= 2 && steady));
}

static RtFired failed(RtRunResult *result, RtStatus status, const RtEvent *event) {
    result->status = status;
    if (!result->message.text[0])
        rt_fail(&result->message, "at the event `%s`: %s", event->text, rt_status_text(status));
    return RT_EVENT_FAILED;
}

/* At a kink from which both sides drive back to it, there is no motion that leaves it: it is crossed again and again, in times
 * that are nothing beside a step. */
static RtFired cross_kink(RtWatch *w, const RtEvent *event, Side *side, const RtRunState *at, RtRunResult *result) {
    enum { MOST_IN_A_ROW = 8 };
    bool short_of_all = at->time - side->last < 1e-9 * fabs(w->s[w->looks - 1] - w->s[0]);
    side->shrinking = short_of_all ? (uint8_t)(side->shrinking + 1) : 0;
    side->last = at->time;
    if (side->shrinking < MOST_IN_A_ROW)
        return RT_EVENT_ACTED;
    rt_fail(&result->message,
            "at t = %.10g the motion is driven back from both sides to where `%s` has its kink, and cannot leave it. A smooth "
            "function in its place, such as tanh(x / 1e-3) for sign(x), has a motion there",
            at->time, event->text);
    result->status = RT_EVENTS_ACCUMULATE;
    return RT_EVENT_FAILED;
}

/* One element of one event. */
static RtFired fire_one(RtWatch *w, uint32_t number, uint64_t element, Side *side, const RtRunState *at,
                        RtRunResult *result) {
    RtRun *run = w->run;
    RtEvent *event = &run->events[number];
    if (event->kink)
        return cross_kink(w, event, side, at, result);
    event->happened++;
    if (event->element)
        *event->element = (int64_t)element;
    if (event->count)
        *event->count = (int64_t)event->happened;
    if (!rt_outputs_of_event(run, number, at, result))
        return RT_EVENT_FAILED;
    int32_t status = event->act ? event->act(run->frame) : RT_OK;
    if (status)
        return failed(result, (RtStatus)status, event);
    if (event->stop_after && event->happened >= event->stop_after) {
        result->stopped_by = event;
        return RT_EVENT_STOPPED;
    }
    if (!event->act)
        return RT_EVENT_PASSED;
    if (is_near_limit(side, at->time)) {
        rt_fail(&result->message,
                "at t = %.10g the event `%s` has happened %llu times, in ever shorter times: the motion comes to rest "
                "there, and its next moments cannot be told from the last. `stop` ends a run before that, as in "
                "`when … { stop after %llu times }`",
                at->time, event->text, (unsigned long long)event->happened, (unsigned long long)event->happened - 1);
        result->status = RT_EVENTS_ACCUMULATE;
        return RT_EVENT_FAILED;
    }
    return RT_EVENT_ACTED;
}

/* After acts: what has happened has no side yet; what the acts have moved has that of where it is now. */
static RtStatus take_sides(RtWatch *w, const double *before) {
    double *now = row_of(w, 0);
    RtStatus status = evaluate(w, now);
    for (uint64_t i = 0; i < w->n; i++) {
        if (w->side[i].due && !w->side[i].kink)
            w->side[i].sign = 0;
        else if (now[i] != before[i] || w->side[i].due)
            w->side[i].sign = (int8_t)sign_of(now[i]);
    }
    mark_changed(w);
    return status;
}

RtFired rt_watch_fire(RtWatch *w, const RtRunState *at, RtRunResult *result) {
    const double *now = row_of(w, w->at);
    double *before = row_of(w, MOST_LOOKS);
    RtFired fired = RT_EVENT_PASSED;
    RtStatus status = evaluate(w, before);
    uint64_t i = 0;
    for (uint32_t k = 0; k < w->run->n_events && !status; k++) {
        for (uint64_t element = 0; element < w->run->events[k].value.n; element++, i++) {
            if (!w->side[i].due)
                continue;
            RtFired one = fire_one(w, k, element, &w->side[i], at, result);
            fired = one > fired ? one : fired;
            if (one == RT_EVENT_PASSED)
                w->side[i].sign = (int8_t)sign_of(now[i]);
            if (fired == RT_EVENT_FAILED)
                return fired;
        }
    }
    if (!status && fired == RT_EVENT_ACTED)
        status = take_sides(w, before);
    if (status) {
        result->status = status;
        rt_fail(&result->message, "at an event: %s", rt_status_text(status));
        return RT_EVENT_FAILED;
    }
    w->from = w->moment;
    return fired;
}
