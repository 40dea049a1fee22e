/* range — the ranges of indices. Needs: binders and the expressions they are used in, as trees. Gives: for
 * every index its range, found from its uses as a subscript. Changes nothing in the tree.
 *
 * Each use of an index in a subscript gives a constraint Σ coefficient·index + offset within the axis. A
 * plain use `x[i]` says that i runs over the axis; two plain uses must agree. A use such as `x[i+1]` shortens
 * the range so that the subscript stays inside. Where several indices meet in one subscript (`img[y+dy,
 * x+dx]`) the constraint determines the one whose range nothing else says, for all values of the others.
 * Periodic axes constrain nothing, but their extent is taken when there is no other source. */
#include "range.h"

/* ---- solving ---- */

static bool is_plain(const Use *use) {
    return use->n == 1 && use->coef[0] == 1 && use->lo == 0 && use->hi == 0;
}

static void conflict(Walk *w, IndexVar *var, const Use *use) {
    Diag *d =
        sema_error(w->s, DIAG_INDEX_CONFLICT, use->span,
                   "the index `%s` runs over %llu values here, but over %llu elsewhere",
                   sema_name(w->s, var->name), (unsigned long long)use->full, (unsigned long long)var->full);
    sema_note(w->s, d, var->why, var->stated ? "`%s` : %llu stated here" : "`%s` runs over %llu values here",
              sema_name(w->s, var->name), (unsigned long long)var->full);
    sema_help(w->s, d, "an index means the same range everywhere; use another index, or fix the shapes");
    var->bad = true;
}

static void take_range(IndexVar *var, int64_t lo, int64_t hi, Span why) {
    if (!var->known) {
        var->lo = lo;
        var->hi = hi;
        var->why = why;
        var->known = true;
        return;
    }
    if (lo > var->lo) var->lo = lo;
    if (hi < var->hi) var->hi = hi;
}

static void solve_plain(Walk *w, bool indirect) {
    bool *full_known = base_calloc(w->vars.n + 1, 1), *known = base_calloc(w->vars.n + 1, 1);
    for (uint32_t k = 0; k < w->vars.n; k++) known[k] = w->vars.at[k].known;
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (!is_plain(use) || use->indirect != indirect) continue;
        IndexVar *var = &w->vars.at[use->var[0]];
        if (var->stated || var->bad || (indirect && known[use->var[0]])) continue;
        if (full_known[use->var[0]] && var->full != use->full) {
            conflict(w, var, use);
            continue;
        }
        var->periodic = (var->periodic || !full_known[use->var[0]]) && use->periodic;
        full_known[use->var[0]] = true;
        var->full = use->full;
        take_range(var, use->axis_lo, use->axis_lo + (int64_t)use->extent - 1, use->span);
    }
    free(full_known);
    free(known);
}

static int64_t floor_div(int64_t a, int64_t b) {
    int64_t q = a / b;
    return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}
static int64_t ceil_div(int64_t a, int64_t b) { return -floor_div(-a, b); }

/* The values of the k-th index of `use` that keep the subscript inside, the others at their worst. */
static bool use_range(const Walk *w, const Use *use, uint32_t k, int64_t *lo, int64_t *hi) {
    int64_t rest_lo = use->lo, rest_hi = use->hi;
    for (uint32_t j = 0; j < use->n; j++) {
        if (j == k) continue;
        const IndexVar *other = &w->vars.at[use->var[j]];
        if (!other->known || other->vague) return false;
        int64_t c = use->coef[j];
        rest_lo += c > 0 ? c * other->lo : c * other->hi;
        rest_hi += c > 0 ? c * other->hi : c * other->lo;
    }
    int64_t low = use->axis_lo - rest_lo, high = use->axis_lo + (int64_t)use->extent - 1 - rest_hi,
            c = use->coef[k];
    if (c == 0) return false;
    *lo = c > 0 ? ceil_div(low, c) : ceil_div(high, c);
    *hi = c > 0 ? floor_div(high, c) : floor_div(low, c);
    return true;
}

/* Shortens by subscripts of one index, then determines indices that only meet others. `guarded` uses only
 * serve where nothing else says a range. */
static void solve_single(Walk *w) {
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        IndexVar *var = &w->vars.at[use->var[0]];
        int64_t lo, hi;
        if (use->n != 1 || is_plain(use) || use->periodic || use->guarded || use->indirect || var->stated ||
            var->bad)
            continue;
        if (var->stated_periodic || !use_range(w, use, 0, &lo, &hi)) continue;
        bool fresh = !var->known;
        take_range(var, lo, hi, use->span);
        if (fresh) var->full = use->full;
    }
}

static bool solve_several(Walk *w, bool guarded, bool periodic) {
    bool changed = false;
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (use->guarded != guarded || use->periodic != periodic) continue;
        for (uint32_t k = 0; k < use->n; k++) {
            IndexVar *var = &w->vars.at[use->var[k]];
            int64_t lo, hi;
            if (var->known || var->bad) continue;
            if (periodic) {
                if (use->n != 1 || (use->coef[0] != 1 && use->coef[0] != -1)) continue;
                take_range(var, 0, (int64_t)use->extent - 1, use->span);
                var->periodic = true;
            } else {
                if (!use_range(w, use, k, &lo, &hi)) continue;
                take_range(var, lo, hi, use->span);
                /* the other uses with the same partners shorten it as well */
                for (uint32_t o = u + 1; o < w->uses.n; o++) {
                    const Use *more = &w->uses.at[o];
                    if (more->guarded != guarded || more->periodic) continue;
                    for (uint32_t j = 0; j < more->n; j++)
                        if (more->var[j] == use->var[k] && use_range(w, more, j, &lo, &hi))
                            take_range(var, lo, hi, more->span);
                }
            }
            var->full = use->full;
            changed = true;
        }
    }
    return changed;
}

static void solve(Walk *w) {
    solve_plain(w, false);
    solve_single(w);
    while (solve_several(w, false, false)) continue;
    while (solve_several(w, false, true) || solve_several(w, true, true)) continue;
    solve_plain(w, true);
    while (solve_several(w, true, false) || solve_several(w, false, false)) continue;
}

/* Uses of an index whose range the user stated: plain uses must agree with it. */
static void check_stated(Walk *w, uint32_t n) {
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (!is_plain(use) || use->var[0] >= n || use->periodic || use->guarded || use->indirect) continue;
        IndexVar *var = &w->vars.at[use->var[0]];
        if (var->list) continue; /* its values are looked at where they subscript */
        int64_t last = use->axis_lo + (int64_t)use->extent - 1;
        if (!var->stated || var->bad || (var->lo >= use->axis_lo && var->hi <= last)) continue;
        Diag *d = sema_error(w->s, DIAG_INDEX_CONFLICT, use->span,
                             "the index `%s` runs over %lld..%lld, but this axis has %lld..%lld",
                             sema_name(w->s, var->name), (long long)var->lo, (long long)var->hi,
                             (long long)use->axis_lo, (long long)last);
        sema_note(w->s, d, var->why, "the range of `%s` is stated here", sema_name(w->s, var->name));
        var->bad = true;
    }
}

/* An index that is called like an extent that is known (`data y[n] = …; let t[n] = draw …`) runs over it. */
static void take_extents(Walk *w, uint32_t n) {
    for (uint32_t k = 0; k < n; k++) {
        IndexVar *var = &w->vars.at[k];
        Ent *ent =
            var->known || var->bad || w->seeking ? NULL : scope_find_declared(w->s, w->scope, var->name);
        if (!ent || (ent->kind != ENT_EXTENT && ent->kind != ENT_CONST)) continue;
        Val v = sema_ent_value(w->s, ent, var->span);
        double value;
        if (!val_ok(&v) || v.rank || val_type(w->s, &v) != IR_INT || !ir_is_const(w->s->ir, v.body, &value) ||
            value < 1)
            continue;
        take_range(var, 0, (int64_t)value - 1, var->span);
        var->full = (uint64_t)value;
    }
}

static bool report(Walk *w, uint32_t n, uint32_t errors_before) {
    bool ok = true;
    for (uint32_t k = 0; k < n; k++) {
        IndexVar *var = &w->vars.at[k];
        if (var->bad) {
            ok = false;
        } else if (!var->known) {
            ok = false;
            var->bad = true;
            if (w->s->session->n_errors > errors_before || w->poisoned) continue;
            Diag *d = sema_error(w->s, DIAG_INDEX_RANGE, var->span,
                                 "the range of the index `%s` is not known", sema_name(w->s, var->name));
            sema_help(w->s, d, "no subscript says it; write `%s : N` with the number of its values",
                      sema_name(w->s, var->name));
        } else if (var->hi < var->lo) {
            ok = false;
            var->bad = true;
            Diag *d = sema_error(w->s, DIAG_INDEX_EMPTY, var->span,
                                 "no value of the index `%s` keeps every subscript in range",
                                 sema_name(w->s, var->name));
            sema_note(w->s, d, var->why, "its range starts from this use");
        }
    }
    return ok;
}

/* The rows of a minibatch: every use says the same number of rows of data. */
static void take_batch(Walk *w, uint32_t n) {
    for (uint32_t u = 0; u < w->uses.n; u++) {
        const Use *use = &w->uses.at[u];
        if (use->n != 1 || use->var[0] >= n || !w->vars.at[use->var[0]].batch || is_plain(use)) continue;
        IndexVar *var = &w->vars.at[use->var[0]];
        if (var->bad) continue;
        sema_error(w->s, DIAG_BATCH, use->span,
                   "`%s` runs over the rows of the minibatch, which are not in order: "
                   "only `[%s]` itself can be used as a subscript",
                   sema_name(w->s, var->name), sema_name(w->s, var->name));
        var->bad = true;
    }
}

static void release(Walk *w) {
    vec_free(&w->vars);
    vec_free(&w->uses);
    vec_free(&w->conditions);
    vec_free(&w->wanted_vars);
}

/* One sibling of a definition: whether it says what subscripts axis `axis` of `name`. */
static bool seek_in(Sema *s, Scope *scope, const Binder *axes, uint32_t n, const Expr *const *roots,
                    uint32_t n_roots, Name name, uint32_t axis, IndexVar *found) {
    if (n > IR_MAX_RANK) return false;
    Walk w = {.s = s, .scope = scope, .seeking = true, .wanted = name, .wanted_axis = axis};
    IndexVar vars[IR_MAX_RANK];
    Env env[IR_MAX_RANK + 1];
    s->mute++;
    index_vars(s, scope, axes, n, vars);
    for (uint32_t k = 0; k < n; k++) {
        env[k] = (Env){k ? &env[k - 1] : NULL, vars[k].name, (int64_t)k};
        vec_push(&w.vars, vars[k]);
    }
    for (uint32_t r = 0; r < n_roots; r++) uses_walk(&w, n ? &env[n - 1] : NULL, roots[r]);
    solve(&w);
    s->mute--;
    bool ok = false;
    for (uint32_t k = 0; k < w.wanted_vars.n && !ok; k++) {
        const IndexVar *var = &w.vars.at[w.wanted_vars.at[k]];
        ok = var->known && !var->bad && var->hi >= var->lo;
        if (ok) *found = *var;
    }
    release(&w);
    return ok;
}

bool index_seek(Sema *s, Scope *scope, Name name, uint32_t axis, IndexVar *found) {
    for (uint32_t k = 0; k < scope->items.n; k++) {
        const Stmt *st = scope->items.at[k];
        for (uint32_t d = 0; st->kind == STMT_DECLARE && d < st->declare.n; d++) {
            const Declarator *decl = &st->declare.at[d];
            const Expr *roots[1] = {decl->init};
            uint32_t n = decl->has_axes ? decl->axes.n : 0;
            if (decl->init && decl->name != name &&
                seek_in(s, scope, decl->axes.at, n, roots, 1, name, axis, found))
                return true;
        }
        const Expr *roots[2] = {NULL, NULL};
        if (st->kind == STMT_TERM) roots[0] = st->term.value, roots[1] = st->term.rhs;
        if (roots[0] && seek_in(s, scope, NULL, 0, roots, roots[1] ? 2 : 1, name, axis, found)) return true;
    }
    return false;
}

bool index_infer(Sema *s, Scope *scope, IndexVar *vars, uint32_t n, const Expr *const *roots,
                 uint32_t n_roots) {
    return index_infer_of(s, scope, vars, n, roots, n_roots, 0);
}

bool index_infer_of(Sema *s, Scope *scope, IndexVar *vars, uint32_t n, const Expr *const *roots,
                    uint32_t n_roots, Name name) {
    Walk w = {.s = s, .scope = scope};
    uint32_t errors = s->session->n_errors;
    Env *env = base_calloc(n + 1, sizeof *env);
    for (uint32_t k = 0; k < n; k++) {
        env[k] = (Env){k ? &env[k - 1] : NULL, vars[k].name, (int64_t)k};
        vec_push(&w.vars, vars[k]);
    }
    bool all_stated = true;
    for (uint32_t k = 0; k < n; k++) all_stated = all_stated && vars[k].stated;
    for (uint32_t r = 0; r < n_roots && n; r++) uses_walk(&w, &env[n - 1], roots[r]);
    if (!all_stated) solve(&w);
    take_extents(&w, n);
    for (uint32_t k = 0; k < n && name; k++) {
        IndexVar found, *var = &w.vars.at[k];
        if (var->known || var->bad || !index_seek(s, scope, name, k, &found)) continue;
        take_range(var, found.lo, found.hi, found.why);
        var->full = found.full;
    }
    take_batch(&w, n);
    check_stated(&w, n);
    bool ok = report(&w, n, errors);
    for (uint32_t k = 0; k < n; k++) vars[k] = w.vars.at[k];
    release(&w);
    free(env);
    return ok;
}
