/* order_say — what was measured, on one page. */
#include "order.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

static const char *verdict_word(OrderVerdict verdict) {
    switch (verdict) {
    case ORDER_AGREES: return "agrees";
    case ORDER_MEASURED: return "measured";
    case ORDER_HIGHER: return "higher";
    case ORDER_LOWER: return "lower";
    case ORDER_ELSEWHERE: return "elsewhere";
    case ORDER_EXACT: return "exact";
    case ORDER_NOT_SETTLED: return "not settled";
    case ORDER_FAILED: return "failed";
    case ORDER_NONE: return "none";
    }
    return "";
}

/* ---- text ---- */

static void say_ladder(const OrderReport *r, Buf *out) {
    buf_printf(out, "\n  %-12s %9s  %-10s %7s %7s%s\n", "h", "steps", "error", "ratio", "order", r->energy ? "  energy" : "");
    for (uint32_t k = 0; k < r->n; k++) {
        const OrderRung *rung = &r->rung[k];
        buf_printf(out, "  %-12.6g %9llu", rung->h, (unsigned long long)rung->steps);
        if (isnan(rung->error))
            buf_puts(out, "  fails");
        else
            buf_printf(out, "  %-10.2e", rung->error);
        if (k && isfinite(rung[-1].error) && isfinite(rung->error) && rung->error > 0 && rung[-1].error > 0)
            buf_printf(out, " %7.4g %7.2f", rung[-1].error / rung->error, order_slope(rung - 1, 0));
        else
            buf_printf(out, " %7s %7s", "", "");
        if (!isnan(rung->energy))
            buf_printf(out, "  %-8.1e", rung->energy);
        while (out->at[out->n - 1] == ' ')
            out->n--;
        bool used = k >= r->fit.first && k < r->fit.first + r->fit.n;
        buf_puts(out, used ? " *\n" : rung->error <= rung->floor ? "   rounding\n" : "\n");
    }
}

static void say_orders(const OrderReport *r, Buf *out) {
    buf_puts(out, "\n");
    if (r->fit.n)
        buf_printf(out, "  measured: order %.2f ± %.2f, from the %u rungs marked *%s\n", r->fit.slope, fmax(r->fit.spread, 0.01),
                   r->fit.n, r->fit.loose ? ", whose slopes differ" : "");
    if (r->derived)
        buf_printf(out, "  derived:  order %d%s\n", r->derived, r->open ? " at least" : "");
    switch (r->verdict) {
    case ORDER_AGREES:
    case ORDER_MEASURED:
    case ORDER_NONE:
        break;
    case ORDER_HIGHER:
        buf_puts(out, "  Higher than derived: the leading error cancels on this system or on this stretch of it (a motion that is "
                      "linear, or closes), or it is too small to\n  show at these steps (fractions that are right to a few digits)\n");
        break;
    case ORDER_LOWER:
        buf_puts(out, "  Lower than derived: the motion is not as smooth as the order asks (a kink in a force, a singularity passed "
                      "closely), it is stiff\n  at these steps, or fractions are known to too few digits\n");
        break;
    case ORDER_ELSEWHERE:
        buf_puts(out, "  The errors do not go to 0: this converges to another motion. The fractions of each part of a word must add up "
                      "to 1\n");
        break;
    case ORDER_EXACT:
        buf_puts(out, "  Exact on this system: all errors are rounding, and no order shows\n");
        break;
    case ORDER_NOT_SETTLED:
        buf_puts(out, "  No order shows: the slopes do not settle between motions that are not resolved and rounding. A kink in a force, "
                      "chaos\n  over the whole stretch, stiffness or single precision may be why\n");
        break;
    case ORDER_FAILED:
        buf_puts(out, "  The run fails at every step that was tried\n");
        break;
    }
}

static void say_steps(const OrderSteps *s, Buf *out) {
    if (!isnan(s->back))
        buf_printf(out, "  %llu steps of h = %g and as many of −h: %.1e from the start%s\n", (unsigned long long)s->steps, s->step,
                   s->back, s->back < 1e-10 ? ", symmetric" : ", not symmetric");
    if (isnan(s->symplectic))
        return;
    bool kept = s->symplectic < 1e-8, unit = fabs(s->factor - 1) < 1e-8;
    if (unit || !kept)
        buf_printf(out, "  one step of h = %g: |JᵀΩJ − Ω| = %.1e, %ssymplectic\n", s->step,
                   fmax(s->symplectic, fabs(s->factor - 1)), kept && unit ? "" : "not ");
    else
        buf_printf(out, "  one step of h = %g: |JᵀΩJ − c Ω| = %.1e with c = %.10g, conformally symplectic\n", s->step, s->symplectic,
                   s->factor);
}

static void say_text(const OrderReport *r, Buf *out) {
    buf_printf(out, "Order of %s on %s\n", r->run, r->system);
    if (r->verdict == ORDER_NONE) {
        buf_printf(out, "  None is measured: %s\n\n", r->why);
        return;
    }
    buf_printf(out, "  over a time of %.6g from the start, ", r->stretch);
    if (r->reference)
        buf_printf(out, "against %s, known to %.0e; errors are of the coordinates, relative\n", r->reference,
                   fmax(r->reference_error, 1e-16));
    else
        buf_puts(out, "each step against the next: no method takes this system, and to what it converges is not seen\n");
    if (r->events)
        buf_puts(out, "  without the events of the run\n");
    say_ladder(r, out);
    say_orders(r, out);
    say_steps(&r->steps, out);
    buf_puts(out, "\n");
}

/* ---- JSON ---- */

/* A number, or null where there is none. */
static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

static void say_json(const OrderReport *r, Buf *out) {
    json_t *object = json_pack("{s:s, s:s, s:s, s:s}", "event", "order", "run", r->run, "system", r->system, "verdict",
                               verdict_word(r->verdict));
    if (r->verdict == ORDER_NONE) {
        json_object_set_new(object, "why", json_string(r->why));
    } else {
        json_t *ladder = json_array();
        for (uint32_t k = 0; k < r->n; k++)
            json_array_append_new(ladder, json_pack("{s:f, s:I, s:o, s:o}", "h", r->rung[k].h, "steps",
                                                    (json_int_t)r->rung[k].steps, "error", number(r->rung[k].error), "energy",
                                                    number(r->rung[k].energy)));
        json_object_set_new(object, "measured", r->fit.n ? json_real(r->fit.slope) : json_null());
        json_object_set_new(object, "spread", r->fit.n ? json_real(r->fit.spread) : json_null());
        json_object_set_new(object, "derived", r->derived ? json_integer(r->derived) : json_null());
        json_object_set_new(object, "stretch", json_real(r->stretch));
        json_object_set_new(object, "reference", r->reference ? json_string(r->reference) : json_null());
        json_object_set_new(object, "back", number(r->steps.back));
        json_object_set_new(object, "symplectic", number(r->steps.symplectic));
        json_object_set_new(object, "factor", number(r->steps.factor));
        json_object_set_new(object, "ladder", ladder);
    }
    char *text = json_dumps(object, JSON_COMPACT);
    buf_printf(out, "%s\n", text);
    free(text);
    json_decref(object);
}

void order_say(const OrderReport *report, bool json, Buf *out) {
    (json ? say_json : say_text)(report, out);
}
