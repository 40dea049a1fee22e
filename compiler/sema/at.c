/* at — `at(f, x, y)`: f with y in the place of x, through every definition that f is made of. So a loss is seen at averaged
 * weights. Needs elaborated values. */
#include "internal.h"

/* What x is called in f: itself, and its window where the run has laid its coordinates into one block. */
static uint32_t names_of(Sema *s, IrDef x, IrDef y, IrReplace *r) {
    const RunState *run = s->run;
    uint32_t n = 0;
    r[n++] = (IrReplace){.from = x, .to = y};
    for (uint32_t k = 0; run && k < run->n_windows; k++)
        if (run->windows[k].from == x) r[n++] = (IrReplace){.from = run->windows[k].to, .to = y};
    return n;
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
    bool of_block = run && run->n_blocks && x.def == run->blocks[0].q;
    if (of_block && run->n_windows) f.body = ir_replace(s->ir, f.body, run->windows, run->n_windows);
    IrReplace replace[2];
    f.body = ir_replace(s->ir, f.body, replace, names_of(s, x.def, to, replace));
    return f;
}
