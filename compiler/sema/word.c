/* word — how a dynamics advances: `step by h { p/2; q; p/2 }`, or a method (method.c). Needs: states and
 * flows. Gives: the word with its fractions as numbers. */
#include "run.h"

Span join_place(Join *j, Span span) { return span.file == j->st->span.file ? span : j->out->dynamics_span; }

/* ---- words ---- */

typedef struct Moved {
    Name part;
    double total;
    Span span;
    bool any; /* may add up to anything */
} Moved;
typedef struct Sums {
    VEC(Moved) all;
} Sums;

static void add_moved(Sums *sums, Name part, double amount, Span span, bool any) {
    for (uint32_t k = 0; k < sums->all.n; k++)
        if (sums->all.at[k].part == part) {
            sums->all.at[k].total += amount;
            return;
        }
    vec_push(&sums->all, (Moved){part, amount, span, any});
}

typedef enum PartKind { PART_NONE, PART_PLAIN, PART_OF_DYNAMICS, PART_TEST } PartKind;

/* Parts of samplers that propose, refresh momenta, and accept or go back. */
static const char *const tests[] = {"refresh", "proposal", "accept"};

static PartKind part_kind(Join *j, Name part) {
    Names *names = j->s->session->names;
    if (part == name_of(names, "p") || part == name_of(names, "q") || part == name_of(names, "bath") ||
        part == name_of(names, "t"))
        return PART_PLAIN;
    for (size_t k = 0; k < sizeof tests / sizeof *tests; k++)
        if (part == name_of(names, tests[k])) return PART_TEST;
    Ent *ent = scope_own(j->parts[0].scope, part);
    return ent && (ent->kind == ENT_STATE || ent->kind == ENT_FLOW) ? PART_OF_DYNAMICS : PART_NONE;
}

static void unknown_part(Join *j, const Word *w) {
    Sema *s = j->s;
    VEC(const char *) names = {0};
    vec_push(&names, "p");
    vec_push(&names, "q");
    vec_push(&names, "bath");
    vec_push(&names, "t");
    for (Ent *e = j->parts[0].scope->first; e; e = e->next)
        if (e->kind == ENT_STATE || e->kind == ENT_FLOW) vec_push(&names, sema_name(s, e->name));
    Diag *d = sema_error(s, DIAG_UNKNOWN_PART, w->span, "`%s` is not a part that a step can move",
                         sema_name(s, w->part));
    const char *near = diag_nearest(sema_name(s, w->part), names.at, names.n);
    if (near) sema_help(s, d, "did you mean `%s`?", near);
    sema_help(s, d, "a part is `p`, `q`, `t`, `bath`, or a state or a flow of the dynamics; another dynamics' word is taken in "
              "with `compose`");
    vec_free(&names);
    j->failed = true;
}

static uint32_t word_count(Join *j, const WordList *list) {
    uint32_t n = 0;
    for (uint32_t k = 0; k < list->n; k++) {
        bool own = list->at[k].part && part_kind(j, list->at[k].part) == PART_OF_DYNAMICS;
        n += own ? j->n_parts : 1;
    }
    return n;
}

/* The name of a part where it stands for part `p` of a pattern, or belongs to a composed word. */
static Name part_name(Join *j, const Word *w, PartKind kind, uint32_t p) {
    if (kind != PART_OF_DYNAMICS || !j->parts[p].suffix[0]) return w->part;
    return name_of(j->s->session->names,
                   arena_printf(j->s->arena, "%s%s", sema_name(j->s, w->part), j->parts[p].suffix));
}

/* A stretch of a word: how much of the step it is, how often it is done, and where this dynamics says so (no file: at each
 * part itself). */
typedef struct Stretch {
    double scale, times;
    Span span;
} Stretch;

static void lower_words(Join *j, const WordList *list, SemaWord *out, Stretch at, Sums *sums);

static void lower_repeat(Join *j, const Word *w, SemaWord *word, Stretch at, Sums *sums) {
    int64_t count = 1;
    if (w->count && !sema_const_int(j->s, j->parts[0].scope, w->count, &count, "a number of repetitions"))
        j->failed = true;
    if (count < 1 || count > 1000000) {
        sema_error(j->s, DIAG_NUMBER_RANGE, w->count->span,
                   "a step is repeated at least once, and this is %lld", (long long)count);
        j->failed = true;
        count = 1;
    }
    word->count = (uint32_t)count;
    lower_words(j, &w->body, word, (Stretch){at.scale, at.times * (double)count, at.span}, sums);
}

static double fraction_of(Join *j, const Word *w) {
    double fraction = 1;
    if (w->fraction && !sema_const(j->s, j->parts[0].scope, w->fraction, &fraction, "a fraction of a step"))
        j->failed = true;
    return fraction;
}

/* `compose leapfrog(w)`: the word of that dynamics, shortened to w, of its own parts. */
static void lower_composed(Join *j, const Word *w, SemaWord *word, Stretch at, Sums *sums) {
    const Inner *inner = compose_find(j, w);
    if (!inner) {
        j->failed = true;
        return;
    }
    at.scale *= fraction_of(j, w);
    if (!at.span.file) at.span = w->span;
    Part *parts = j->parts;
    uint32_t n_parts = j->n_parts;
    j->parts = inner->parts;
    j->n_parts = inner->n_parts;
    lower_words(j, &inner->step->step.word, word, at, sums);
    if (w->is_adjoint && !j->failed && !compose_adjoint(j, w, word->body, word->n)) j->failed = true;
    j->parts = parts;
    j->n_parts = n_parts;
}

static void lower_words(Join *j, const WordList *list, SemaWord *out, Stretch at, Sums *sums) {
    Sema *s = j->s;
    out->body = ARENA_ARRAY(s->arena, SemaWord, word_count(j, list) + 1);
    for (uint32_t k = 0; k < list->n; k++) {
        const Word *w = &list->at[k];
        if (!w->part || w->composes) {
            SemaWord *word = &out->body[out->n++];
            *word = (SemaWord){.span = w->span, .fraction = 1, .count = 1};
            (w->composes ? lower_composed : lower_repeat)(j, w, word, at, sums);
            continue;
        }
        PartKind kind = part_kind(j, w->part);
        if (kind == PART_NONE) unknown_part(j, w);
        double fraction = fraction_of(j, w) * at.scale;
        if (kind == PART_NONE) continue;
        if (kind == PART_TEST && !j->out->missing) {
            j->out->missing = "sampling by accept and reject";
            j->out->missing_span = w->span;
        }
        Ent *own = scope_own(j->parts[0].scope, w->part);
        add_moved(sums, part_name(j, w, kind, 0), fraction * at.times,
                  at.span.file ? at.span : w->span,
                  kind == PART_TEST || (own && own->kind == ENT_FLOW));
        for (uint32_t p = 0; p < (kind == PART_OF_DYNAMICS ? j->n_parts : 1); p++) {
            out->body[out->n++] = (SemaWord){
                .span = w->span, .part = part_name(j, w, kind, p), .fraction = fraction, .count = 1};
        }
    }
}

static void check_fractions(Join *j, const Sums *sums) {
    for (uint32_t k = 0; k < sums->all.n; k++) {
        const Moved *m = &sums->all.at[k];
        if (fabs(m->total - 1) < 1e-9 || m->any || j->out->missing) continue;
        Diag *d = sema_warn(j->s, DIAG_WORD_FRACTION, m->span,
                            "the fractions of `%s` add up to %g of a step, not to 1",
                            sema_name(j->s, m->part), m->total);
        if (d) sema_help(j->s, d, "say the length of the step with `step by h { … }`");
    }
}

static void lower_step(Join *j, const Stmt *st) {
    Sema *s = j->s;
    Scope *scope = j->parts[0].scope;
    if (st->step.by) {
        j->out->by = join_scalar(j, scope, st->step.by, "the length of a step");
        double value;
        if (j->out->by && sema_const_term(s, j->out->by, &value) && !(value != 0 && isfinite(value))) {
            sema_error(s, DIAG_NUMBER_RANGE, join_place(j, st->step.by->span),
                       "a step has a length, and this is %g", value);
            j->failed = true;
        }
    } else {
        j->out->by = ir_real(s->ir, 1);
    }
    Sums sums = {0};
    j->out->word = (SemaWord){.span = st->span, .fraction = 1, .count = 1};
    j->out->word_span = st->span;
    lower_words(j, &st->step.word, &j->out->word, (Stretch){1, 1, {0}}, &sums);
    if (j->composed.n && !j->failed) compose_merge(j, &j->out->word);
    if (!j->failed) check_fractions(j, &sums);
    vec_free(&sums.all);
}

/* ---- the dynamics' own statement ---- */

static void twice(Join *j, const Stmt *st, const Stmt *before) {
    Diag *d = sema_error(j->s, DIAG_TERM_TWICE, st->span,
                         "a dynamics has one `step` or `method`, and this is another");
    sema_note(j->s, d, before->span, "given here before");
    j->failed = true;
}

/* States first … end-1 move once a step, after what the word has by now. */
static void append_states(Join *j, uint32_t first, uint32_t end) {
    SemaWord *word = &j->out->word;
    if (first == end || j->out->method || j->out->scheme)
        return;
    SemaWord *body = ARENA_ARRAY(j->s->arena, SemaWord, word->n + end - first);
    if (word->n)
        memcpy(body, word->body, sizeof *body * word->n);
    for (uint32_t k = first; k < end; k++) {
        const SemaState *state = &j->states.at[k];
        if (state->rate || state->next) /* others change at events alone */
            body[word->n++] =
                (SemaWord){.span = state->span, .part = state->name, .fraction = 1, .count = 1};
    }
    word->body = body;
}

void join_word(Join *j) {
    Sema *s = j->s;
    if (!j->run->dynamics) {
        join_method(j, j->body, j->call);
        return;
    }
    StmtList items = j->run->dynamics->stmt->dynamics.items;
    const Stmt *before = NULL;
    for (uint32_t k = 0; k < items.n; k++) {
        const Stmt *st = items.at[k];
        if (st->kind != STMT_STEP && st->kind != STMT_METHOD) continue;
        if (before)
            twice(j, st, before);
        else if (st->kind == STMT_STEP)
            lower_step(j, st);
        else
            join_method(j, j->parts[0].scope, st->method.call);
        before = st;
    }
    if (!before) {
        Diag *d = sema_error(s, DIAG_TERM_MISSING, j->out->dynamics_span, "`%s` does not say how it advances",
                             sema_name(s, j->out->dynamics));
        sema_note(s, d, j->run->dynamics->span, "declared here");
        sema_help(s, d, "add `step { p; q }`, or `method rk4(h = 0.01)`");
        j->failed = true;
    }
    if (!j->n_groups) join_system_states(j);
}

void join_system_states(Join *j) { append_states(j, 0, j->n_system_states); }

void join_run_states(Join *j) {
    uint32_t first = j->states.n;
    Part part = {.scope = j->body, .suffix = ""};
    join_states(j, &part, j->st->run.items);
    for (uint32_t k = first; k < j->states.n && (j->out->method || j->out->scheme); k++) {
        if (!j->states.at[k].next) continue;
        Diag *d = sema_error(j->s, DIAG_STATE, j->states.at[k].span, "`%s` takes a new value once a step, and `%s` has no word of parts",
                             sema_name(j->s, j->states.at[k].name), sema_name(j->s, j->out->dynamics));
        sema_help(j->s, d, "give it a rate, `state %s' = …`, or change it at an event", sema_name(j->s, j->states.at[k].name));
        j->failed = true;
    }
    append_states(j, first, j->states.n);
}
