/* internal — what the passes of this folder share; no other folder includes it.
 *
 * Terms that belong to a body are written over AXIS indices: axis 0 … rank-1 are the body's own. A block of a
 * quadratic form between bodies a and b has rank(a) row axes followed by rank(b) column axes. */
#ifndef LAG_MECHANICS_INTERNAL_H
#define LAG_MECHANICS_INTERNAL_H

#include "mechanics.h"

/* ---- quadratic forms in the velocities (form.c) ---- */

/* A scalar S seen as a form in the velocities (or in the momenta, for a Hamiltonian): S = ½ x·M x + b·x + c
 * when quadratic, x = q' below. */
typedef struct MechForm {
    bool of_momenta;     /* x = p */
    IrTerm *gradient;    /* per body: ∂S/∂q' over the body's axes */
    IrTerm *linear;      /* per body: b, the gradient at q' = 0 */
    IrTerm *block;       /* n×n: ∂²S/∂q'_a ∂q'_b over row and column axes; 0: vanishes */
    IrTerm *diagonal;    /* per body: M_ii over its axes when the block is diagonal, else 0 */
    uint32_t *component; /* per body: bodies with equal numbers are coupled through M */
    MechMass structure;
    bool quadratic;     /* M is free of q' */
    bool on_q, on_time; /* M depends on coordinates, on t */
    bool skew;          /* M is not symmetric: first-order motion with a potential linear in the velocities */
    const char *symbol, *side; /* names of the matrix and of the right side where M x = y is solved; NULL: M, f */
} MechForm;

/* ---- a body: what one `p` or `q` of a word moves ---- */

/* By how its velocity enters the Lagrangian. */
typedef enum MechBodyOrder {
    MECH_SECOND,   /* through a kinetic energy: q'' follows */
    MECH_FIRST,    /* linearly, or through friction alone: q' follows */
    MECH_ALGEBRAIC /* not at all, but for a total time derivative: q follows from a condition */
} MechBodyOrder;

typedef struct MechBody {
    const SemaBody *sema;
    IrDef q, v, p;
    IrElem elem;
    MechBodyOrder order;         /* of its equation of motion */
    uint32_t rank;
    uint64_t extent[IR_MAX_RANK];
    uint64_t size;
    IrTerm at[IR_MAX_RANK];      /* values of the AXIS indices 0 … rank-1 */
    const char *name;            /* as the user wrote it: "theta" */
    const char *symbol;          /* as shown: "θ", "q" */
    const char *momentum_symbol; /* "p", or "p_θ" with several bodies */
    IrTerm external;             /* generalized force Q, 0: none */
    IrTerm push, bare;           /* `force = …` and the −∂V/∂q in whose place it acts; Q has the difference. 0: no such */
    Span external_span;
    IrTerm dl_dq;    /* ∂L/∂q in (q, q', t) */
    IrTerm dr_dv;    /* ∂R/∂q', 0: no dissipation */
    IrTerm bias;     /* d/dt ∂L/∂q' at fixed q': (∂²L/∂q'∂q) q' + ∂²L/∂q'∂t; 0: vanishes */
    IrTerm momentum; /* p as a function of (q, q', t) */
    IrTerm velocity; /* q' as a function of (q, p, t); of (q, t) for first-order motion; of (q, q' of the others, t) where the
                        order is not MECH_SECOND and velocities are stored */
    IrTerm pull;     /* ∂L/∂q + Q, or −∂H/∂q + Q, as a function of (q, p, t): p' without friction */
    IrTerm acceleration; /* q'' as a function of (q, q', t) */
    IrTerm balance;      /* F in ∂R/∂q' = F, which Newton's method solves for q'; else 0 */
    IrTerm shown;        /* q'', or q' of first-order motion, as a reader sees it where that differs; else 0 */
} MechBody;

/* ---- constraints (constraints.c): rows over axes 0 … rank-1, blocks over the row's then the body's axes ---- */

typedef struct MechConstraint {
    const SemaConstraint *sema;
    Span span;
    MechBody row;     /* its multipliers, laid out like coordinates; symbol "λ" */
    bool holonomic;   /* c(q, t) = 0; else A q' + b = 0 */
    IrTerm residual;  /* c, or A q' + b, over the rows */
    IrTerm rate;      /* J q' + b in (q, q', t): c', or the residual */
    IrTerm drift;     /* b: ∂c/∂t, the rate at rest */
    IrTerm *jacobian; /* per body: ∂c/∂q, or A; 0: vanishes */
    IrTerm bias;      /* γ: the rate's derivative along q → q', t → 1; 0 before equations ask for it */
    IrDef kept;       /* INPUT over the rows: 1, or 0 for a row that follows from others; 0: there is one row alone */
} MechConstraint;

/* ---- parts and their exact solutions (flows.c) ---- */

typedef enum MechPartKind { PART_P, PART_Q, PART_STATE, PART_FLOW, PART_BATH, PART_TIME } MechPartKind;

/* x' = a + b x + noise, elementwise, with everything but x frozen. */
typedef struct MechRate {
    IrDef target;
    IrTerm a, b;      /* over the target's axes; 0: absent. A scale of both may be shared: see fixed */
    IrTerm drag;      /* c: x' = a − c |x| x, and b is absent; 0: none */
    IrTerm implicit;  /* the whole rate where it has no closed form: followed by the implicit midpoint rule; 0: it has */
    IrTerm next;      /* the value it takes at once, whatever h; 0: moved by a rate */
    IrTerm fixed;     /* fixed point -a/b where the quotient cancels; 0: none */
    IrTerm variance;  /* stationary variance of the noise; 0: no noise */
    IrTerm diffusion; /* variance per unit time when b is absent; 0: no noise */
    uint32_t rank;
    uint64_t extent[IR_MAX_RANK];
    const char *symbol;
} MechRate;

typedef struct MechPart {
    Name name;
    MechPartKind kind;
    Span span;
    MechRate *rate;
    uint32_t n;
    bool moves_time; /* t advances with it: `q`, or `t` where the word says when */
    bool solved;
    bool implicit; /* its rates are, all of them */
} MechPart;

/* ---- coordinates of lower order beside others with inertia (mixed.c) ---- */

typedef struct MechMixed {
    uint32_t *light, n_light;         /* bodies of order MECH_FIRST */
    uint32_t *algebraic, n_algebraic; /* bodies of order MECH_ALGEBRAIC */
    MechForm flow;     /* over the light alone: G − Ω before their velocities */
    IrTerm *rhs;       /* per light body: what stands against it, in (q, q' of the others, t) */
    IrTerm *velocity;  /* per light body: its velocity, in (q, q' of the others, t) */
    IrTerm *condition; /* per algebraic body: what is 0, over its axes, in (q, q' of the others, t) */
} MechMixed;

/* ---- the derivation in progress ---- */

#define MECH_FIRST_SITE 0x40000000u /* of noise: sites of the source are numbered from 0 */

typedef struct Mech {
    Session *session;
    IrProgram *p;
    Arena *arena;
    const Model *model;
    const SemaRun *run;
    const SemaRun *all; /* of several dynamics side by side: the run of them; else run */
    MechRun *out;
    bool is_word;  /* advanced by a word, else by a method */
    bool stores_p; /* the state is (q, p): words, and methods on a Hamiltonian; else (q, q') or q alone */
    IrEnv *env;    /* the hyper-parameters at their values */
    MechBody *bodies;
    uint32_t n;
    uint32_t watch[3]; /* what depends on any q, q', p: in the order of MECH_ON_Q, _V, _P */
    IrTerm lagrangian, kinetic, potential, dissipation; /* scalars in (q, q', t); 0: absent */
    Span kinetic_span, potential_span, dissipation_span;
    MechForm mass, friction;
    MechConstraint *constraints;
    uint32_t n_constraints;
    uint64_t n_rows;     /* of all constraints */
    bool shows;          /* what is derived now is for a reader: all rows of the constraints are kept */
    IrTerm *omega;       /* where skew, n×n: ∂a_c/∂q_a − ∂a_a/∂q_c over row and column axes; 0: vanishes */
    IrTerm *reaction;    /* per body: Jᵀλ, where momenta are stored, as shown; 0: none */
    IrTerm *lambda;      /* per constraint: the multipliers of the motion over its rows, as shown; NULL: none */
    IrTerm proportional; /* c with R = c·T (then ∂R/∂q' = c p), 0: not so */
    struct Mech **groups; /* several dynamics side by side: the derivation of each */
    uint32_t n_groups;
    bool by_flows;       /* nothing but flows and states of the word's own moves anything */
    MechMixed *mixed;    /* coordinates of lower order beside others of second; NULL: none */
    bool skew;           /* L is linear in all velocities: first-order motion by its momenta a(q, t) */
    IrTerm energy;       /* q'·∂L/∂q' − L in (q, q', t) */
    IrTerm hamiltonian;  /* the energy in (q, p, t); 0 without a Legendre transform */
    struct MechDual *dual; /* the Legendre transform in closed form, of what is no quadratic form; NULL: not known */
    IrTerm back;         /* the Lagrangian of a Hamiltonian; 0: not in closed form */
    IrTerm kinetic_of_p; /* its kinetic part, where H = T + V; else 0 */
    MechPart *parts;
    uint32_t n_parts;
    IrTerm step; /* h */
    uint32_t next_site;
    VEC(MechSection) sections;
    VEC(MechCharge) charges;
    VEC(IrReplace) named;       /* charges by the names that records use */
    MechLine *conserved;        /* what is conserved, as shown */
    uint32_t n_conserved;
} Mech;

/* ---- algebra.c: products, exponentials, definitions ---- */

/* t as constant · scalars / scalars · tensors / tensors with common factors cancelled: what a reader expects
 * and what lets generated code compute the scalar part once. Exact in real arithmetic. */
IrTerm mech_product(Mech *m, IrTerm t);
/* a / b and a · b in that form. */
IrTerm mech_quotient(Mech *m, IrTerm a, IrTerm b);
IrTerm mech_times(Mech *m, IrTerm a, IrTerm b);
/* a / b (b 0: 1), term by term where a sum is above and what is below it cancels in one of its terms. */
IrTerm mech_quotient_of_sum(Mech *m, IrTerm a, IrTerm b);
/* t = constant · result, where results are equal terms for equal products. */
IrTerm mech_canonical(Mech *m, IrTerm t, double *constant);
/* True when `t`, as a product, has a factor that is also a denominator: cancels nothing more with `by`. */
bool mech_divides(Mech *m, IrTerm a, IrTerm b, IrTerm *quotient);
/* e^x and 1 − e^x where x may be a multiple of a logarithm: e^(h ln β) = β^h, exactly β for h = 1. */
IrTerm mech_exp(Mech *m, IrTerm x);
IrTerm mech_one_minus_exp(Mech *m, IrTerm x);
/* The value of t where it follows from constants and hyper-parameters alone. */
bool mech_value(Mech *m, IrTerm t, double *value);
/* Every sub-term mapped bottom-up through `map`, which returns a replacement or 0; goes under reductions but
 * not into definitions. */
typedef IrTerm (*MechMap)(Mech *m, void *context, IrTerm t);
IrTerm mech_rewrite(Mech *m, IrTerm t, MechMap map, void *context);
/* True when t is zero once definitions that are constant are seen through. */
bool mech_vanishes(Mech *m, IrTerm t);
/* Definition of a term over AXIS indices 0 … rank-1. */
IrDef mech_define(Mech *m, const char *label, IrElem elem, uint32_t rank, const uint64_t *extent, IrTerm t);
/* t (over AXIS indices 0 … rank-1) at other subscripts. */
IrTerm mech_at(Mech *m, IrTerm t, uint32_t rank, const uint64_t *extent, const IrTerm *at);
/* Σ over all axes of a body of a term over them: a scalar. */
IrTerm mech_sum(Mech *m, const MechBody *b, IrTerm t);
/* INT term: row-major position of AXIS indices in a tensor. */
IrTerm mech_ravel(Mech *m, uint32_t rank, const uint64_t *extent);
bool mech_depends_any(Mech *m, IrTerm t, int what); /* what: MECH_ON_Q, _V, _P */
enum { MECH_ON_Q = 1, MECH_ON_V = 2, MECH_ON_P = 4 };
/* Terms with t → t + c. */
IrTerm mech_shift_time(Mech *m, IrTerm t, IrTerm c);
/* Reads of velocities replaced by `velocity` (words), of momenta by ∂L/∂q' (methods), of `energy` by itself.
 */
IrTerm mech_resolve(Mech *m, IrTerm t);
IrDef mech_resolve_def(Mech *m, IrDef d);
const char *mech_text(Mech *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- expand.c ---- */
/* t, or t multiplied out where that makes it smaller. */
IrTerm mech_smallest(Mech *m, IrTerm t);
/* The smaller of two terms, a where they are equal in size. */
IrTerm mech_smaller(Mech *m, IrTerm a, IrTerm b);

/* ---- form.c ---- */
bool mech_form(Mech *m, IrTerm scalar, bool of_momenta, MechForm *form);
/* The gradient alone, of what has no second derivatives everywhere: norms with corners. */
bool mech_form_without_mass(Mech *m, IrTerm scalar, bool of_momenta, MechForm *form);
/* Per body x with M x = rhs. False after an error. `spd`: M may be taken as positive definite. */
bool mech_form_solve(Mech *m, const MechForm *form, const IrTerm *rhs, IrTerm *x, bool spd);
/* Block (a, c) as a matrix of size(a) × size(c), row-major along both. */
IrDef mech_form_flat(Mech *m, const MechForm *form, uint32_t a, uint32_t c);
/* t over the axes of `rows` then of `columns` (a block), as one over those of columns then of rows; 0: 0. */
IrTerm mech_exchange(Mech *m, IrTerm t, const MechBody *rows, const MechBody *columns);
/* After blocks were set by hand: which bodies are coupled, and which blocks are diagonal. */
void mech_form_couple(Mech *m, MechForm *form);
/* The block between two bodies of equal shape vanishes where their axes number k differ: no element is coupled with one of another
 * subscript there. */
bool mech_block_splits(Mech *m, const MechBody *rows, IrTerm block, uint32_t k);
const char *mech_structure_name(MechMass structure);
/* Evaluates a small M (total size up to MECH_SMALL) at a generic point. Where it is singular, gives a
 * direction x with M x = 0, one number per element of the stacked bodies, and returns true. */
enum { MECH_SMALL = 24 };
bool mech_form_singular(Mech *m, const MechForm *form, double *direction);

/* ---- degenerate.c ---- */
/* After mech_form of a Lagrangian: every coordinate has inertia, or is held by a constraint. False after an error. */
bool mech_check_inertia(Mech *m, const MechForm *form, Span span);
/* First-order motion: the matrix that stands before q', G − Ω, and what stands against it, per body. False after an error. */
bool mech_first_order(Mech *m, MechForm *flow, IrTerm *rhs);

/* ∂a_c/∂q_a − ∂a_a/∂q_c over the axes of a, then of c; 0: vanishes. False after an error. */
bool mech_omega(Mech *m, uint32_t a, uint32_t c, IrTerm *omega);
/* A constraint speaks of the coordinate. */
bool mech_is_held(Mech *m, const MechBody *b);
/* The error that nothing determines the acceleration of a body, whose condition (0: ∂L/∂q) does not determine it either. */
void mech_report_no_inertia(Mech *m, uint32_t a, IrTerm condition);
/* "x' = 1, y' = -1": a direction in the stacked elements of the bodies. */
const char *mech_direction_text(Mech *m, const double *x);
const char *mech_term_text(Mech *m, IrTerm t);

/* ---- mixed.c ---- */
/* The velocities of light bodies, and the conditions on algebraic ones. False after an error. */
bool mech_light_velocities(Mech *m);
/* t with the velocities of what has no inertia, in motions of second order, at 0. */
IrTerm mech_without_light(Mech *m, IrTerm t);
/* M q'' = rhs with the algebraic velocities among the unknowns, in the place of their accelerations. False after an error. */
bool mech_mixed_system(Mech *m, MechForm *form, IrTerm *rhs);
/* t with the velocities of light bodies at their values. */
IrTerm mech_at_light(Mech *m, IrTerm t);
/* t with the velocities of what has inertia by what is stored. */
IrTerm mech_by_stored(Mech *m, IrTerm t);
/* Per algebraic body over its axes: what solves its condition, from its present value on, at q and v (per body; NULL: themselves)
 * in the places of positions and velocities. False after an error. */
bool mech_solve_conditions(Mech *m, const IrTerm *q, const IrTerm *v, IrTerm *value);
/* One more group of `f`: the algebraic bodies to what solves their conditions, at the velocities v per body (NULL: those of what
 * is stored). False after an error. */
bool mech_add_conditions(Mech *m, const IrTerm *v, IrFunc *f);
/* ---- mixed_lines.c ---- */
/* The error that a word has no momenta for them. Returns false. */
bool mech_refuse_mixed_word(Mech *m);
void mech_mixed_lines(Mech *m, MechLine *at, uint32_t *n);
/* "`x`, `y` and `z`" */
const char *mech_list_of(Mech *m, const uint32_t *of, uint32_t n);

/* ---- rayleigh.c ---- */
/* What the second derivatives of R do not show: corners of the dissipation; in its gradient sign(x) x^n becomes |x| x^(n−1). */
void mech_look_for_corners(Mech *m, IrTerm R, MechForm *f);
/* First-order motion with a dissipation that is not quadratic: sets the velocities with ∂R/∂q' = force, per body a term in (q, t).
 * False after an error. */
bool mech_rayleigh_velocities(Mech *m, const IrTerm *force);

/* ---- drag.c ---- */
/* c with f = c |x| x, f a term over the axes of the rate's target x; 0: f is not of this form. */
IrTerm mech_drag(Mech *m, const MechRate *r, IrTerm f);
/* The value of x after time h ≥ 0 of x' = a − c |x| x. */
IrTerm mech_drag_value(Mech *m, const MechRate *r, IrTerm x, IrTerm h);
/* A part by the implicit midpoint rule over the time h, from t + now: one more group of `f`. False after an error. */
bool mech_add_midpoint(Mech *m, IrFunc *f, const MechPart *part, IrTerm h, IrTerm now, Span span);

/* ---- dual.c ---- */
/* The Legendre transform of S, a convex function of the velocities (or momenta): S*(y) = y·x − S(x), and per body
 * x(y) = ∂(S*)/∂y over its axes; y are the momenta (or velocities). In closed form, or with functions of one number inverted by
 * Newton's method; with `couples`, m->mass being known, systems of equations too. False where none is known. */
enum { MECH_BY_INVERSE = 1, MECH_BY_NORM = 2, MECH_BY_NEWTON = 4 };
typedef struct MechDual {
    IrTerm value;
    IrTerm *x;
    uint32_t how;     /* MECH_BY_… */
    bool has_corners; /* S has no second derivatives everywhere */
    bool falls;       /* none is known, as S is not convex: its slope falls as a velocity, or a norm, grows; */
    double where;     /* there */
} MechDual;
bool mech_dual(Mech *m, IrTerm S, bool of_momenta, bool couples, MechDual *out);
/* The gradient t of a function of lengths, which is 0 at rest (velocities, or momenta, 0), where its formula may be 0/0. */
IrTerm mech_zero_at_rest(Mech *m, IrTerm t, bool of_momenta);
/* What S is made with: |x|, lengths and choices, or maxima, so that norms are to be looked for before second derivatives are
 * taken; those of maxima are nothing to solve with. */
typedef enum MechCorners { MECH_SMOOTH, MECH_LENGTHS, MECH_CORNERS } MechCorners;
MechCorners mech_corners(Mech *m, IrTerm S, bool of_momenta);

/* ---- constraints.c, multipliers.c ---- */
/* Sets γ of every constraint. False after an error. */
bool mech_constraint_bias(Mech *m);
/* Per body x and per constraint λ with M x − Jᵀλ = f, J x = g; f NULL: 0; g[r] 0: constraint r takes no part; x NULL: λ
 * alone. λ is defined under `symbol`. False after an error. */
bool mech_multipliers(Mech *m, const MechForm *mass, const IrTerm *f, const IrTerm *g, const char *symbol, IrTerm *x,
                      IrTerm *lambda);
bool mech_constraints_move(Mech *m); /* some b is not 0: the forces that keep the constraints do work */
/* Σ |J q| over the rows of constraint r: the size of what cancels in c. */
IrTerm mech_row_scale(Mech *m, uint32_t r);
/* The mass matrix in what is stored: velocities in it are those of the momenta where those are stored. */
const MechForm *mech_stored_metric(Mech *m);
/* geodesic.c: whether the parts of the word can keep the constraints (else an error), and the groups, added to `f`, of an
 * element that moves coordinates, or that follow one that moves momenta, `elapsed` steps after the beginning. False after an
 * error. */
bool mech_check_held_word(Mech *m);
bool mech_add_held(Mech *m, IrFunc *f, const MechPart *part, const SemaWord *element, double elapsed);
/* Jᵀλ per body; 0 where none acts. */
void mech_reaction(Mech *m, const IrTerm *lambda, IrTerm *force);
/* J_r M⁻¹ J_sᵀ over the rows of r, then those of s; 0: vanishes, or M is not diagonal. */
IrTerm mech_schur(Mech *m, const MechForm *mass, uint32_t r, uint32_t s);
/* ---- equations (root.c) ----
 *
 * What a step needs and no formula gives is the root of equations, found by Newton's method in generated code with the
 * Jacobian derived. Three calls:
 *
 *     MechShape shapes[] = {mech_shape_like(&m->bodies[0], "V"), {.rank = 1, .extent = {n_constraints}, .symbol = "λ"}};
 *     MechUnknowns u;
 *     mech_unknowns(m, shapes, 2, &u);                   1. the unknowns: definitions u.part[k] of those shapes
 *     IrReplace r = {.from = body->v, .to = u.part[0]};  2. residuals in them, built as any terms are: by ir_replace, or
 *     IrTerm residual[2] = {ir_replace(p, …, &r, 1), …};    by reads of the parts; one term over the axes of each shape
 *     IrDef value[2];
 *     mech_root(m, &u, residual, start, span, value);    3. the values, definitions of those shapes, free of the unknowns
 *
 * The residuals must be as many numbers as the unknowns (one per unknown, shaped alike; which belongs to which does not
 * matter). `start`: terms over the same axes, free of the unknowns, from which the wanted root is the one nearest. `span`: where
 * a run that finds none points. The values may be used in any term, in other equations too, and be differentiated. The
 * parts mean nothing outside of the residuals. */
typedef struct MechShape {
    uint32_t rank;
    uint64_t extent[IR_MAX_RANK];
    const char *symbol; /* of the unknown, for derivations; NULL: none */
} MechShape;
typedef struct MechUnknowns {
    MechShape *shape;
    IrDef *part;    /* by shape */
    IrPiece *piece; /* the same with their first element in `vector` */
    uint32_t n;
    uint64_t size;
    IrDef vector; /* what is solved for: F64[size] */
} MechUnknowns;
MechShape mech_shape_like(const MechBody *b, const char *symbol);
void mech_unknowns(Mech *m, const MechShape *shapes, uint32_t n, MechUnknowns *u);
/* False after an error: a residual without a derivative, which is reported. */
bool mech_root(Mech *m, const MechUnknowns *u, const IrTerm *residual, const IrTerm *start, Span span, IrDef *value);

/* ---- implicit steps (scheme.c; a file scheme_NAME.c each) ----
 *
 * A step (q, p) → (q₁, p₁) whose stages are the root of equations: built of the terms below at stages, solved by mech_root. */
typedef struct MechFormula {
    const char *text, *latex;
    enum { FOR_BOTH, FOR_LAGRANGIAN, FOR_INERTIA, FOR_LIGHT, FOR_HAMILTONIAN } of; /* systems it is said of: FOR_INERTIA and FOR_LIGHT
                                                                                    of Lagrangians where something has it, or has none */
} MechFormula;
typedef struct MechScheme {
    const char *name;
    bool (*step)(Mech *m);          /* fills m->out->step; false after an error */
    uint32_t (*order)(const Mech *m); /* with the arguments of the run */
    bool of_lagrangian;             /* it needs L; else it takes a Hamiltonian too */
    const MechFormula *derivation;  /* what `lag derive` says, up to one without text */
    bool of_first_order;            /* it moves coordinates without inertia too */
} MechScheme;
#define SCHEME(name, ...) extern const MechScheme mech_scheme_##name;
#include "../../runtime/integrate/methods.def"
bool mech_scheme_step(Mech *m);
/* A step of length h as function f: what an event cuts short. */
bool mech_scheme_function(Mech *m, IrFunc *f, const char *name, bool cyclic, IrTerm h);
void mech_scheme_lines(Mech *m, MechLine *at, uint32_t *n);
/* Argument `name` of the scheme, else `otherwise`. */
uint32_t mech_scheme_count(const Mech *m, const char *name, uint32_t otherwise);
/* The error that this scheme cannot be had: `why` a clause. Returns false. */
bool mech_scheme_refuse(Mech *m, const char *why, const char *help);
/* t at another state: for every body a (a, not NULL) the terms q[a], v[a], p[a] over its axes in the place of its coordinates,
 * velocities, momenta, and t + c in that of the time (c 0: t). */
IrTerm mech_stage(Mech *m, IrTerm t, IrTerm c, const IrTerm *q, const IrTerm *v, const IrTerm *p);
/* Per body ∂L/∂q − d/dt(∂L/∂q')|_{q'} − ∂R/∂q' + Q in (q, q', t): M q'', and 0 for what has no inertia. False after an error. */
bool mech_residuals(Mech *m, IrTerm *out);
/* p' without constraints: ∂L/∂q + Q − ∂R/∂q' in (q, q', t), or −∂H/∂q + Q − ∂R/∂q' in (q, p, t). */
IrTerm mech_force_of_v(Mech *m, uint32_t a);
IrTerm mech_force_of_p(Mech *m, uint32_t a);
/* x + Σ_j factor[j] · h · slope[j · n + a], with a name for the sum where `symbol` is one. */
IrTerm mech_advance(Mech *m, uint32_t a, IrTerm x, const double *factor, const IrTerm *slope, uint32_t stages,
                    const char *symbol);
/* The definitions as terms over the axes of the bodies, which they are shaped like in turn. */
void mech_terms_of(Mech *m, const IrDef *d, uint32_t n, IrTerm *out);
/* One more group of the step: q and p (NULL: stay) of every body to their new values. */
void mech_scheme_assign(Mech *m, const IrTerm *q, const IrTerm *p);
/* Gauss-Legendre quadrature on [0, 1]: nodes c[n] and weights b[n], to rounding, n ≤ MECH_MOST_STAGES. */
enum { MECH_MOST_STAGES = 8 };
void mech_gauss_nodes(uint32_t n, double *c, double *b);
/* The same of Gauss and Lobatto, whose first and last node are the ends; n ≥ 2. */
void mech_lobatto_nodes(uint32_t n, double *c, double *b);
/* Value of the j-th Lagrange polynomial on nodes x[n] at `at`, and its derivative. */
double mech_lagrange(uint32_t n, const double *x, uint32_t j, double at, double *slope);

/* ---- groups.c: several dynamics side by side ---- */
bool mech_pass_groups(Mech *m);
void mech_end_groups(Mech *m);
/* The steps of the groups, over h of m->step, into one function; then the groups of `last`. */
void mech_merge_words(Mech *m, IrFunc *f, const char *name, bool cyclic, IrTerm h, const IrFunc *last);
void mech_group_sections(Mech *m);
/* The sections of several dynamics anew from those of each. */
void mech_renew_sections(Mech *m);
/* "adam", or "adam (W1, W2), sgd (b)". */
void mech_write_title(Buf *out, const Names *names, const SemaRun *run);
/* lagrangian.c */
void mech_set_bodies(Mech *m);
void mech_set_watches(Mech *m);
/* derive.c: the passes of one of them, as far as its step and its sections. */
bool mech_derive_passes(Mech *m);

/* ---- derive.c: a derivation before its first pass, and what it needs no more after the last ---- */
Mech *mech_begin(Session *session, Model *model, const SemaRun *run);
void mech_end(Mech *m);

/* ---- the passes ---- */
bool mech_pass_lagrangian(Mech *m);
bool mech_pass_dissipation(Mech *m);
bool mech_pass_orders(Mech *m);
bool mech_pass_constraints(Mech *m);
bool mech_pass_legendre(Mech *m);
bool mech_pass_equations(Mech *m);
bool mech_pass_jets(Mech *m);
bool mech_pass_parts(Mech *m);
bool mech_pass_word(Mech *m);
bool mech_pass_hold(Mech *m);
bool mech_pass_conserved(Mech *m);
bool mech_pass_functions(Mech *m);
bool mech_pass_events(Mech *m);
bool mech_pass_sections(Mech *m);

/* An empty function with room for `groups` groups, in the program's arena, and its next group. */
void mech_func_start(Mech *m, IrFunc *f, const char *name, bool cyclic, uint32_t groups);
void mech_func_add(IrFunc *f, IrAssign *assign, uint32_t n);

/* The word as a function, over the time h. */
void mech_word_function(Mech *m, IrFunc *f, const char *name, bool cyclic, IrTerm h);
/* An OUTPUT for definition `value`, resolved, and the assignment that fills it. */
IrDef mech_output(Mech *m, IrDef value, Span span, IrAssign *assign);
/* The value after time h of a rate solved exactly. */
IrTerm mech_flow_value(Mech *m, const MechRate *rate, IrTerm h, uint32_t site);
MechPart *mech_find_part(Mech *m, Name name);
/* Whether the word has an element of this part. */
bool mech_word_has(const Mech *m, const char *part);
/* The right side of x' = …, over the axes of x; 0 for noise alone. */
IrTerm mech_rate_term(Mech *m, const MechRate *r);

/* ---- lines of the derivation: appended to at[*n…] ---- */
void mech_event_lines(Mech *m, MechLine *at, uint32_t *n);     /* events and what they do */
void mech_order_lines(Mech *m, MechLine *at, uint32_t *n);     /* order and symmetry of the word */
void mech_constraint_lines(Mech *m, MechLine *at, uint32_t *n); /* c, its rate, J */
void mech_force_lines(Mech *m, MechLine *at, uint32_t *n);      /* γ, S, λ */
void mech_omega_lines(Mech *m, MechLine *at, uint32_t *n);      /* a and Ω of first-order motion */
const char *mech_symbol(Mech *m, IrDef d);                     /* "θ", "p", "v" */

/* ---- pretty*.c: terms as a reader expects them ---- */

typedef enum PrettyKind {
    PRETTY_NUMBER,   /* number */
    PRETTY_SYMBOL,   /* text, primes, subscripts in at */
    PRETTY_CALL,     /* text the function, arguments in at, subscripts of its result in below */
    PRETTY_SUM,      /* terms in at, each with its sign */
    PRETTY_PRODUCT,  /* numerators in at, denominators in below */
    PRETTY_POWER,    /* at[0] ^ at[1] */
    PRETTY_REDUCE,   /* text the operation, symbol the index, lo and hi, guard or NULL, at[0] the body */
    PRETTY_RELATION, /* at[0] text at[1] */
    PRETTY_CASES,    /* at[1] if at[0], else at[2] */
    PRETTY_BRACKET,  /* 1 where at[0] holds, else 0 */
    PRETTY_TUPLE,    /* pieces in at, subscripts of the whole in below */
} PrettyKind;

typedef struct Pretty Pretty;
struct Pretty {
    PrettyKind kind;
    const char *text, *symbol;
    uint32_t primes;
    bool varies;   /* SYMBOL: a coordinate, velocity or momentum */
    bool negative; /* as a term of a SUM: subtracted; elsewhere: a leading minus */
    double number;
    Pretty **at, **below;
    uint32_t n, n_below;
    Pretty *lo, *hi, *guard;
};

typedef struct PrettyScope PrettyScope;
PrettyScope *pretty_scope_new(const Model *model, const SemaRun *run);
/* The tree of a term over the axes of `like` (0: none). Definitions it mentions are remembered. */
Pretty *pretty_term(PrettyScope *s, IrTerm t, IrDef like);
/* `symbol` subscripted with the axes of `like`. */
Pretty *pretty_subscripted(PrettyScope *s, const char *symbol, uint32_t primes, IrDef like);
/* Definitions mentioned and not yet shown, one at a time in dependency order; 0: none left. Gives both sides,
 * and the value of a scalar that follows from the hyper-parameters (else NaN). What has nothing to show (an
 * input) is passed over. */
IrDef pretty_next_where(PrettyScope *s, Pretty **lhs, Pretty **rhs, double *value);
/* Says that `d` need not be shown. */
void pretty_mark_shown(PrettyScope *s, IrDef d);
/* A symbol written in ASCII, Unicode or both ("beta1", "∂V/∂theta") in either spelling. */
void symbol_write_text(Buf *out, const char *symbol);
void symbol_write_latex(Buf *out, const char *symbol);
/* One side of an equation. */
void pretty_write_text(Buf *out, const Pretty *t);
void pretty_write_latex(Buf *out, const Pretty *t);
void pretty_write_latex_term(Buf *out, const Pretty *t, bool first); /* of a sum, with its sign */
/* Shortest decimal that reads back as the same double. */
const char *pretty_number(Arena *arena, double value);

#endif
