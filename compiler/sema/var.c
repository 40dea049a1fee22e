/* var — declared degrees of freedom: param, coord, spin, bit, angle, unit. Gives for each its shape, support,
 * the INPUTs for coordinate, velocity and momentum (made when first asked for), and its initial values. */
#include "internal.h"

/* ---- supports ---- */

typedef struct SupportType {
    const char *name;
    SemaSupport support;
    uint8_t n_args;
    uint8_t rank;
} SupportType;

/* Types with a shape of their own: `w : simplex[K]` adds an axis of K, `L : cholesky_corr[n]` two of n. */
static const SupportType support_types[] = {
    {"simplex", SUPPORT_SIMPLEX, 1, 1}, {"ordered", SUPPORT_ORDERED, 1, 1},
    {"sphere", SUPPORT_SPHERE, 1, 1},   {"unit", SUPPORT_SPHERE, 1, 1},
    {"stiefel", SUPPORT_STIEFEL, 2, 2}, {"cholesky_corr", SUPPORT_CHOLESKY_CORR, 1, 2},
    {"corr", SUPPORT_CORR, 1, 2},       {"cov", SUPPORT_COV, 1, 2},
};

static const SupportType *find_support(const char *name) {
    for (size_t k = 0; k < sizeof support_types / sizeof *support_types; k++)
        if (!strcmp(support_types[k].name, name)) return &support_types[k];
    return NULL;
}

/* `mu[2] : ordered`: the sizes are those of the last axes. */
static bool support_on_axes(Sema *s, Ent *ent, const SupportType *type, const uint64_t *extent,
                            uint8_t rank) {
    if (type->n_args == type->rank || extent[rank - 1] == extent[rank - 2]) return true;
    sema_error(s, DIAG_DECL_TYPE, ent->decl->span, "`%s` is a square matrix, and this is %llu×%llu",
               type->name, (unsigned long long)extent[rank - 2], (unsigned long long)extent[rank - 1]);
    return false;
}

/* The sizes in brackets after the type, as further axes: `X[n] : sphere[p]`. */
static bool support_axes(Sema *s, Ent *ent, const SupportType *type, uint64_t *extent, uint8_t *rank) {
    const Declarator *d = ent->decl;
    if (!d->type_args.n && *rank >= type->rank) return support_on_axes(s, ent, type, extent, *rank);
    if (d->type_args.n != type->n_args) {
        sema_error(s, DIAG_DECL_TYPE, d->span, "`%s` takes %u size%s, and %u %s given", type->name,
                   type->n_args, type->n_args == 1 ? "" : "s", d->type_args.n,
                   d->type_args.n == 1 ? "is" : "are");
        return false;
    }
    if (*rank + type->rank > IR_MAX_RANK) return false;
    for (uint32_t k = 0; k < type->rank; k++) {
        int64_t size;
        const Expr *e = d->type_args.at[k < type->n_args ? k : 0];
        if (!sema_const_int(s, ent->scope, e, &size, "a size")) return false;
        if (size < 1) {
            sema_error(s, DIAG_EXTENT, e->span, "a size is a positive integer, and this is %lld",
                       (long long)size);
            return false;
        }
        extent[(*rank)++] = (uint64_t)size;
    }
    return true;
}

static IrTerm bound_term(Sema *s, Ent *ent, const Expr *e) {
    if (!e) return 0;
    Val v = sema_real_expr(s, ent->scope, e);
    if (!val_ok(&v)) return 0;
    if (v.rank) {
        sema_error(s, DIAG_SHAPE, e->span, "a bound is a number, and this is %s", sema_shape_text(s, &v));
        return 0;
    }
    return v.body;
}

static void set_bounds(Sema *s, Ent *ent) {
    const Declarator *d = ent->decl;
    if (d->bound) {
        bool below = d->bound_op == BINARY_GT || d->bound_op == BINARY_GE;
        IrTerm bound = bound_term(s, ent, d->bound);
        ent->support = below ? SUPPORT_LOWER : SUPPORT_UPPER;
        *(below ? &ent->lower : &ent->upper) = bound;
    }
    if (d->lower || d->upper) {
        double lo, hi;
        ent->lower = bound_term(s, ent, d->lower);
        ent->upper = bound_term(s, ent, d->upper);
        ent->support = SUPPORT_INTERVAL;
        if (ent->lower && ent->upper && ir_is_const(s->ir, ent->lower, &lo) &&
            ir_is_const(s->ir, ent->upper, &hi)) {
            if (lo >= hi)
                sema_error(s, DIAG_NUMBER_RANGE, d->lower->span, "the interval (%g, %g) is empty", lo, hi);
            else if (isinf(lo) && isinf(hi))
                ent->support = SUPPORT_REAL;
            else if (isinf(hi))
                ent->support = SUPPORT_LOWER;
            else if (isinf(lo))
                ent->support = SUPPORT_UPPER;
        }
    }
}

/* Stored type and support, from the kind of declaration and the type after the colon. */
static bool set_type(Sema *s, Ent *ent, IrElem *elem, uint64_t *extent, uint8_t *rank) {
    const Declarator *d = ent->decl;
    const char *type = d->type ? sema_name(s, d->type) : "real";
    *elem = sema_real_elem(s, ent->scope);
    if (ent->decl_kind == DECL_SPIN || ent->decl_kind == DECL_BIT) {
        ent->support = SUPPORT_DISCRETE;
        *elem = ent->decl_kind == DECL_SPIN ? IR_I32 : IR_U8;
        if (d->type)
            sema_error(s, DIAG_DECL_TYPE, d->span, "a %s has no other type",
                       ent->decl_kind == DECL_SPIN ? "spin" : "bit");
        return !d->type;
    }
    if (ent->decl_kind == DECL_UNIT) ent->support = SUPPORT_SPHERE;
    const SupportType *shape = find_support(type);
    if (shape) {
        ent->support = shape->support;
        return support_axes(s, ent, shape, extent, rank);
    }
    if (!strcmp(type, "f32")) {
        *elem = IR_F32;
    } else if (!strcmp(type, "f64")) {
        *elem = IR_F64;
    } else if (!strcmp(type, "int") || !strcmp(type, "spin") || !strcmp(type, "bit")) {
        ent->support = SUPPORT_DISCRETE;
        *elem = !strcmp(type, "bit") ? IR_U8 : IR_I32;
    } else if (strcmp(type, "real") && strcmp(type, "angle")) {
        static const char *const types[] = {"real",    "f32",           "f64",     "int",
                                            "angle",   "simplex",       "ordered", "sphere",
                                            "stiefel", "cholesky_corr", "corr",    "cov"};
        Diag *e = sema_error(s, DIAG_DECL_TYPE, d->span, "`%s` is not a type a parameter can have", type);
        const char *near = diag_nearest(type, types, sizeof types / sizeof *types);
        sema_help(s, e, near ? "did you mean `%s`?" : "numbers are real, f32, f64 or int", near);
        return false;
    }
    set_bounds(s, ent);
    return true;
}

/* ---- shape ---- */

/* `param W[i, j] = W0[i, j]`: as long as the initial value's axes. */
static bool inferred_axis(Sema *s, Ent *ent, uint32_t k, Axis *axis, uint64_t *extent) {
    IndexVar vars[IR_MAX_RANK];
    if (!axis_vars(s, ent->scope, ent->decl, vars)) return false;
    axis->lo = vars[k].lo;
    axis->full = *extent = (uint64_t)(vars[k].hi - vars[k].lo + 1);
    return true;
}

static bool declared_axis(Sema *s, Ent *ent, uint32_t k, Axis *axis, uint64_t *extent) {
    const Declarator *d = ent->decl;
    const Binder *b = &d->axes.at[k];
    axis->periodic = b->periodic;
    if (b->set) {
        IndexVar var;
        index_vars(s, ent->scope, b, 1, &var);
        if (var.bad || !var.known || !index_no_lists(s, &var, 1)) return false;
        axis->lo = var.lo;
        *extent = (uint64_t)(var.hi - var.lo + 1);
    } else {
        if (b->name && !b->extent) {
            Ent *known = scope_find(s, ent->scope, b->name);
            bool is_extent = known && (known->kind == ENT_CONST || known->kind == ENT_EXTENT);
            if (!is_extent && d->init && index_subscripts_by(d->init, b->name))
                return inferred_axis(s, ent, k, axis, extent);
            if (!known) {
                Diag *e = sema_error(s, DIAG_EXTENT, b->span, "the extent `%s` is not known",
                                     sema_name(s, b->name));
                sema_help(s, e, "declare it with `const %s = …`, or give it: `[%s : 10]`",
                          sema_name(s, b->name), sema_name(s, b->name));
                return false;
            }
        }
        if (!axis_extent(s, ent->scope, b, extent)) return false;
    }
    axis->full = *extent;
    return true;
}

bool sema_var_declare(Sema *s, Ent *ent) {
    const Declarator *d = ent->decl;
    uint64_t extent[IR_MAX_RANK];
    uint8_t rank = 0;
    Val like = {.kind = VAL_TENSOR};
    if (d->axes.n > IR_MAX_RANK) {
        sema_error(s, DIAG_SHAPE, d->span, "`%s` has more than %d axes", sema_name(s, ent->name),
                   IR_MAX_RANK);
        return false;
    }
    for (uint32_t k = 0; k < d->axes.n && d->has_axes; k++, rank++)
        if (!declared_axis(s, ent, k, &like.axis[k], &extent[k])) return false;
    IrElem elem;
    uint8_t named = rank;
    if (!set_type(s, ent, &elem, extent, &rank)) return false;
    for (uint8_t k = named; k < rank; k++) like.axis[k].full = extent[k];
    ent->q = ir_input(s->ir, ent->name, IR_ROLE_COORD, elem, rank, extent);
    for (uint32_t k = 0; k < named; k++)
        if (d->axes.at[k].name && !axis_is_extent(s, ent->scope, &d->axes.at[k], NULL))
            ir_name_axis(s->ir, ent->q, k, d->axes.at[k].name);
    ent->val = val_read(s, ent->q, &like);
    return true;
}

/* ---- q, q', p ---- */

IrDef sema_var_q(Sema *s, Ent *ent) {
    sema_ent_value(s, ent, ent->span);
    return ent->q;
}

static IrDef companion(Sema *s, Ent *ent, IrRole role, const char *label) {
    const IrDefInfo *info = ir_def(s->ir, ent->q);
    uint64_t extent[IR_MAX_RANK];
    uint8_t rank = info->rank;
    IrElem elem = info->elem == IR_F32 ? IR_F32 : IR_F64;
    memcpy(extent, info->extent, sizeof extent);
    IrDef def = ir_input(s->ir, ent->name, role, elem, rank, extent);
    ir_set_label(s->ir, def, label);
    for (uint32_t k = 0; k < rank; k++) ir_name_axis(s->ir, def, k, ir_axis_name(s->ir, ent->q, k));
    return def;
}

IrDef sema_var_v(Sema *s, Ent *ent) {
    if (!ent->v && sema_var_q(s, ent))
        ent->v = companion(s, ent, IR_ROLE_VELOCITY, arena_printf(s->arena, "%s'", sema_name(s, ent->name)));
    return ent->v;
}

IrDef sema_var_p(Sema *s, Ent *ent) {
    if (!ent->p && sema_var_q(s, ent))
        ent->p =
            companion(s, ent, IR_ROLE_MOMENTUM, arena_printf(s->arena, "p(%s)", sema_name(s, ent->name)));
    return ent->p;
}

Val sema_var_value(Sema *s, Ent *ent, uint32_t primes, Span use) {
    Val v = sema_ent_value(s, ent, use);
    if (primes == 0 || !val_ok(&v)) return v;
    if (ent->support == SUPPORT_DISCRETE) {
        sema_error(s, DIAG_NO_DERIVATIVE, use, "`%s` takes separate values and has no velocity",
                   sema_name(s, ent->name));
        return val_poison();
    }
    if (primes > 1) {
        Diag *d = sema_error(s, DIAG_NO_DERIVATIVE, use,
                             "the acceleration `%s''` follows from the equations of motion "
                             "and is not known here",
                             sema_name(s, ent->name));
        sema_help(s, d, "a Lagrangian holds positions and velocities, no accelerations");
        return val_poison();
    }
    return val_read(s, sema_var_v(s, ent), &v);
}

/* ---- initial values ---- */

static void init_binders(Sema *s, Ent *ent, const Val *shape, const Declarator *d, uint32_t n, Scope *inner,
                         Axis *axis) {
    for (uint32_t k = 0; k < n; k++) {
        const Binder *b = d->has_axes && k < d->axes.n ? &d->axes.at[k] : NULL;
        bool named = b && b->name && !axis_is_extent(s, ent->scope, b, NULL);
        int64_t lo = shape->axis[k].lo;
        IndexVar var = {.name = named ? b->name : 0,
                        .span = b ? b->span : ent->span,
                        .known = true,
                        .lo = lo,
                        .hi = lo + (int64_t)val_extent(s, shape, k) - 1,
                        .full = shape->axis[k].full};
        axis[k] = (Axis){.idx = index_enter(s, inner, &var), .lo = lo, .full = var.full};
    }
}

/* The right side under the first `n` axes as indices; `out` gets the axes. */
static Val init_under(Sema *s, Ent *ent, const Val *shape, const Declarator *d, uint32_t n, Val *out) {
    Scope *inner = scope_new(s, SCOPE_LOCAL, ent->scope);
    init_binders(s, ent, shape, d->has_axes ? d : ent->decl, n, inner, out->axis);
    Val v = sema_expr(s, inner, d->init);
    index_leave(s, n);
    return v;
}

/* `X[n] : sphere[p] = draw uniform_sphere(p)`: a vector for each n gives the trailing axes. */
static Val init_value(Sema *s, Ent *ent, const Val *shape, const Declarator *d, Val *out) {
    uint32_t named = ent->decl->has_axes ? ent->decl->axes.n : 0;
    Val v = val_poison();
    if (named < shape->rank) {
        v = init_under(s, ent, shape, d, named, out);
        bool fits = val_ok(&v) && v.rank && named + v.rank == shape->rank;
        for (uint32_t k = 0; fits && k < v.rank; k++)
            fits = val_extent(s, shape, named + k) == val_extent(s, &v, k);
        if (v.kind == VAL_POISON) return v;
        for (uint32_t k = 0; fits && k < v.rank; k++) out->axis[named + k] = v.axis[k];
        if (fits) return val_scalar(v.body);
    }
    return init_under(s, ent, shape, d, shape->rank, out);
}

IrTerm sema_var_init(Sema *s, Ent *ent, uint32_t primes) {
    const Declarator *d = primes ? ent->prime : ent->decl;
    if (!d || !d->init) return 0;
    Val shape = sema_ent_value(s, ent, ent->span);
    if (!val_ok(&shape)) return 0;
    Val out = {.kind = VAL_TENSOR, .rank = shape.rank};
    Val v = init_value(s, ent, &shape, d, &out);
    if (v.kind == VAL_POISON) return 0;
    bool discrete = ent->support == SUPPORT_DISCRETE;
    if (!val_ok(&v) || (v.rank && !val_same_shape(s, &shape, &v)) ||
        (discrete && val_type(s, &v) != IR_INT && val_type(s, &v) != IR_BOOL)) {
        Diag *e = sema_error(s, DIAG_SHAPE, d->init->span, "`%s` is %s%s, but its initial value is %s",
                             sema_name(s, ent->name), sema_shape_text(s, &shape),
                             discrete ? " of integers" : "", sema_shape_text(s, &v));
        sema_note(s, e, ent->span, "declared here");
        return 0;
    }
    if (val_type(s, &v) == IR_BOOL && !discrete) {
        sema_error(s, DIAG_TYPE, d->init->span, "an initial value is a number, and this is true or false");
        return 0;
    }
    IrTerm body = v.rank ? val_aligned(s, &out, &v) : v.body;
    if (!discrete) body = ir_to_real(s->ir, body);
    out.body = body;
    return val_close(s, &out);
}
