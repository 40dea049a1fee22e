/* words — the composition of the parts: one step as groups of assignments.
 *
 * needs: MechPart[]      gives: MechRun.step, MechRun.advance      changes: nothing
 *
 * Each element of the word is one group, in order (on constraints two, see geodesic.c); its length is its fraction times h. Time moves with the
 * `q` parts (the others are frozen in time): a force after half a drift is taken at t + h/2, and what a drift
 * itself needs of t is taken at the middle of the drift, which keeps a symmetric word symmetric. A word with a part
 * `t` moves time there and nowhere else: time is a coordinate of its own, as in extended phase space. t is the
 * time at the beginning of the step and k its number, both set from outside before the call. */
#include "internal.h"

enum { MOST_GROUPS = 4096 };

void mech_func_start(Mech *m, IrFunc *f, const char *name, bool cyclic, uint32_t groups) {
    *f = (IrFunc){.name = name, .cyclic = cyclic};
    f->groups.at = ARENA_ARRAY(ir_arena(m->p), IrGroup, groups ? groups : 1);
    f->groups.cap = groups;
}

void mech_func_add(IrFunc *f, IrAssign *assign, uint32_t n) {
    if (n && f->groups.n < f->groups.cap)
        f->groups.at[f->groups.n++] = (IrGroup){assign, n};
}

/* Number of elements once repetitions are written out. */
static uint64_t unrolled(const SemaWord *word, uint32_t n) {
    uint64_t length = 0;
    for (uint32_t i = 0; i < n && length <= MOST_GROUPS; i++)
        length += word[i].part ? 1 : word[i].count * unrolled(word[i].body, word[i].n);
    return length;
}

static bool moves_time(Mech *m, const SemaWord *word, uint32_t n) {
    for (uint32_t i = 0; i < n; i++) {
        const MechPart *part = word[i].part ? mech_find_part(m, word[i].part) : NULL;
        if ((part && part->moves_time) || (!part && moves_time(m, word[i].body, word[i].n)))
            return true;
    }
    return false;
}

/* fraction · h */
static IrTerm length_of(Mech *m, double fraction) { return mech_times(m, ir_real(m->p, fraction), m->step); }

/* One element: every variable of the part to its value after fraction · h, `elapsed` steps after the
 * beginning. */
static void add_element(Mech *m, IrFunc *f, const MechPart *part, const SemaWord *element, double elapsed) {
    bool held = m->n_constraints && (part->kind == PART_P || part->kind == PART_Q || part->kind == PART_BATH);
    if (held && part->kind == PART_Q) {
        mech_add_held(m, f, part, element, elapsed);
        return;
    }
    if (part->implicit) {
        mech_add_midpoint(m, f, part, length_of(m, element->fraction), length_of(m, elapsed), element->span);
        return;
    }
    IrAssign *assign = ARENA_ARRAY(ir_arena(m->p), IrAssign, part->n);
    double now = elapsed + (part->moves_time ? element->fraction / 2 : 0);
    IrTerm h = length_of(m, element->fraction);
    uint32_t n = 0;
    for (uint32_t i = 0; i < part->n; i++) {
        IrTerm value = mech_flow_value(m, &part->rate[i], h, m->next_site++);
        value = mech_shift_time(m, value, length_of(m, now));
        assign[n++] = (IrAssign){part->rate[i].target, value, element->span};
    }
    mech_func_add(f, assign, n);
    if (held)
        mech_add_held(m, f, part, element, elapsed);
}

static double add_word(Mech *m, IrFunc *f, const SemaWord *word, uint32_t n, double elapsed) {
    for (uint32_t i = 0; i < n; i++) {
        const MechPart *part = word[i].part ? mech_find_part(m, word[i].part) : NULL;
        if (part) {
            add_element(m, f, part, &word[i], elapsed);
            elapsed += part->moves_time ? word[i].fraction : 0;
            continue;
        }
        for (uint32_t k = 0; k < word[i].count; k++)
            elapsed = add_word(m, f, word[i].body, word[i].n, elapsed);
    }
    return elapsed;
}

/* Whatever its length, a step has its noise from the same sites. */
void mech_word_function(Mech *m, IrFunc *f, const char *name, bool cyclic, IrTerm h) {
    IrTerm step = m->step;
    m->step = h;
    m->next_site = MECH_FIRST_SITE;
    mech_func_start(m, f, name, cyclic, 2 * (uint32_t)unrolled(&m->run->word, 1));
    double elapsed = add_word(m, f, &m->run->word, 1, 0);
    m->out->advance = moves_time(m, &m->run->word, 1) ? elapsed : 1;
    m->step = step;
    if (m->n_groups) {
        const IrFunc last = *f;
        mech_merge_words(m, f, name, cyclic, h, &last);
    }
}

bool mech_pass_word(Mech *m) {
    if (!m->is_word)
        return true;
    if (m->run->scheme)
        return mech_scheme_step(m);
    const SemaWord *word = &m->run->word;
    uint64_t groups = unrolled(word, 1);
    if (groups > MOST_GROUPS) {
        Diag *d = diag_error(m->session, DIAG_MECH_WORD, m->run->word_span,
                             "the word has more than %d elements once its repetitions are written out",
                             MOST_GROUPS);
        diag_help(m->session, d, "make the step smaller in length and take more of them");
        return false;
    }
    uint32_t before = diag_error_count(m->session);
    mech_word_function(m, &m->out->step, "step", true, m->step);
    return diag_error_count(m->session) == before;
}
