/* at — `at(f, x, y)`: f with y in the place of x, through every definition that f is made of. So a loss is seen at averaged
 * weights. Needs elaborated values. */
#include "internal.h"

/* Reads of `from` become those of `to` from its flat place `at` on. Only what is stored can have windows. */
static IrReplace reads_of(Sema *s, IrDef from, IrDef to, uint64_t at, bool all) {
    IrDefInfo info = *ir_def(s->ir, from);
    if (ir_def(s->ir, to)->kind == IR_DEF_INPUT)
        return (IrReplace){.from = from, .to = all ? to : ir_view(s->ir, 0, to, at, info.rank, info.extent)};
    IrTerm axis[IR_MAX_RANK], place = ir_int(s->ir, 0);
    for (uint32_t k = 0; k < info.rank; k++) {
        axis[k] = ir_idx(s->ir, ir_axis(s->ir, k, info.extent[k]));
        place = ir_add(s->ir, ir_mul(s->ir, place, ir_int(s->ir, (int64_t)info.extent[k])), axis[k]);
    }
    place = ir_add(s->ir, place, ir_int(s->ir, (int64_t)at));
    return (IrReplace){.from = from, .body = all ? ir_read(s->ir, to, axis, info.rank) : ir_read(s->ir, to, &place, 1)};
}

/* What x is called in f: itself, and its window where the run has laid its coordinates into one block. */
static uint32_t names_of(Sema *s, IrDef x, IrDef y, IrReplace *r) {
    const RunState *run = s->run;
    uint32_t n = 0;
    r[n++] = reads_of(s, x, y, 0, true);
    for (uint32_t k = 0; run && k < run->n_windows; k++)
        if (run->windows[k].from == x) r[n++] = reads_of(s, run->windows[k].to, y, 0, true);
    return n;
}

/* Every body of several dynamics by its stretch of the vector `to`. */
static IrTerm at_whole(Sema *s, IrTerm t, IrDef to) {
    const SemaRun *out = s->run->out;
    IrReplace *r = ARENA_ARRAY(s->arena, IrReplace, out->n_bodies);
    uint64_t at = 0;
    for (uint32_t b = 0; b < out->n_bodies; b++) {
        IrDef q = out->bodies[b].q;
        r[b] = reads_of(s, q, to, at, false);
        at += ir_size(s->ir, q);
    }
    return ir_replace(s->ir, t, r, out->n_bodies);
}

Val sema_at(Sema *s, Scope *scope, const Expr *call) {
    const Arg *arg = call->call.args.at;
    Variable x;
    Val f = sema_expr(s, scope, arg[0].value), y = sema_real_expr(s, scope, arg[2].value);
    if (!sema_variable(s, scope, arg[1].value, &x) || !val_ok(&f) || !val_ok(&y)) return val_poison();
    if (!x.whole) {
        Diag *d = sema_error(s, DIAG_SHAPE, arg[1].value->span, "`at(f, x, y)` replaces the whole of x, and this is a part of it");
        sema_help(s, d, "give the part a name with `let`, and use the name in both places");
        return val_poison();
    }
    if (!val_same_shape(s, &x.val, &y)) {
        sema_error(s, DIAG_SHAPE, arg[2].value->span, "`at(f, x, y)` needs a y shaped like x: x is %s, and y is %s",
                   sema_shape_text(s, &x.val), sema_shape_text(s, &y));
        return val_poison();
    }
    IrDef to = val_def(s, &y, 0, call->span, scope);
    if (!to) {
        sema_error(s, DIAG_SHAPE, arg[2].value->span, "what stands in the place of x cannot depend on indices from outside");
        return val_poison();
    }
    const RunState *run = s->run;
    bool of_block = run && run->n_blocks && (x.def == run->blocks[0].q || x.def == run->whole);
    if (of_block && run->n_windows) f.body = ir_replace(s->ir, f.body, run->windows, run->n_windows);
    if (run && run->whole && x.def == run->whole) {
        f.body = at_whole(s, f.body, to);
        return f;
    }
    IrReplace replace[2];
    f.body = ir_replace(s->ir, f.body, replace, names_of(s, x.def, to, replace));
    return f;
}
