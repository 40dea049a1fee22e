/* mechanics — from a system and a dynamics to an update rule: Lagrangian, conjugate momenta, mass matrix, Legendre
 * transform, Euler-Lagrange equations, parts and their exact flows, words. IR to IR; the sources of the formulas
 * stand at each function. */
#ifndef LAG_MECHANICS_H
#define LAG_MECHANICS_H

#include "../sema/sema.h"

typedef enum MechMass {
    MECH_MASS_NONE,     /* no kinetic term: first-order motion */
    MECH_MASS_IDENTITY,
    MECH_MASS_SCALAR,   /* m·1, m free of q */
    MECH_MASS_DIAGONAL, /* m_i, free of q (may depend on states and time) */
    MECH_MASS_DENSE,    /* constant dense */
    MECH_MASS_DIAGONAL_Q, /* diagonal, depends on q */
    MECH_MASS_DENSE_Q,  /* depends on q */
    MECH_MASS_NONQUADRATIC,
} MechMass;

/* One line of the derivation: `lhs relation rhs`. */
typedef struct MechLine {
    const char *lhs;      /* a symbol, text with Unicode letters: "p", "∂L/∂θ'"; NULL: a remark alone */
    IrDef like;           /* the definition whose axes lhs and rhs run over; 0: a scalar */
    const char *relation; /* "=", "←", … */
    IrTerm rhs;           /* over AXIS indices; 0: none */
    const char *remark;   /* a sentence, after the formula or alone */
    const char *latex;    /* the remark as LaTeX where it has formulas; NULL: made from the remark */
    Span span;
} MechLine;
typedef struct MechSection {
    const char *title;    /* "Lagrangian", "Conjugate momenta", … */
    MechLine *lines;
    uint32_t n;
    bool essential;       /* shown in brief */
} MechSection;

/* One constraint statement, in the order of the program. */
typedef struct MechHeld {
    Span span;
    uint64_t rows;
    bool holonomic;       /* speaks of positions; else of velocities */
    IrDef kept;           /* INPUT over its rows: 1, or 0 for a row that is left out since it follows from others (set after
                             init); 0: nothing can be left out */
} MechHeld;

/* What keeps a motion on its constraints. */
typedef struct MechHold {
    MechHeld *at;
    uint32_t n;
    IrFunc project;       /* the state a Newton step back to c = 0, then the velocities to J q' + b = 0 */
    IrFunc inspect;       /* sets the OUTPUTs below from the state; n = 0 (only coordinates that follow from conditions): none */
    IrDef violation;      /* c, every row: of a constraint on velocities its rate */
    IrDef rate;           /* J q' + b, every row */
    IrDef jacobian;       /* J: rows × elements of all bodies */
} MechHold;

/* What the runtime needs of run->events[k]. */
typedef struct MechEvent {
    IrDef value;            /* OUTPUT: the difference that changes its sign */
    IrFunc act;             /* moves the state to what it is after the event; no groups: it stays */
} MechEvent;

/* The order of a word or an implicit step, where its derivation says one. */
typedef struct MechOrder {
    int least;            /* 0: nothing is known */
    bool open;            /* it may be higher: not looked at further */
    bool symmetric;       /* a step of −h undoes one of h */
} MechOrder;

/* Where the right-hand side of a method of jets has another series on either side. */
typedef struct MechKink {
    IrDef value;            /* OUTPUT: changes its sign there */
    const char *text;       /* what hangs on the sign, as the user wrote it */
    Span span;
} MechKink;

/* Where the runtime finds and puts things, and what is compiled. */
/* A conserved quantity that a run follows: its drift is said at the end. */
typedef struct MechCharge {
    const char *name;    /* "energy", "J_xy", the name of a declared symmetry */
    IrTerm value;        /* over the axes of `like`, in what is stored */
    IrDef like;          /* 0: a scalar */
    IrDef output;        /* OUTPUT */
    Span span;
} MechCharge;

typedef struct MechRun {
    const SemaRun *run;
    MechMass mass;
    bool first_order;       /* y = q alone; else y = (q, v) under a method, (q, p) under a word or on a Hamiltonian;
                               then the states */
    bool stores_p;          /* y has p, not v */
    IrFunc init;            /* sets q, v or p, states to their start */
    double step_size;       /* h, the value of run->by at the hyper-parameters' values */
    MechOrder order;        /* words and implicit steps */
    double advance;         /* words: time advances by advance·h each step */
    IrFunc step;            /* words: one step; empty for methods. t, the time at its beginning, and k = 1, 2, … are
                               set by the caller before each call */
    IrFunc rhs;             /* methods: reads y (the blocks below) and t, sets dy */
    IrFunc part;            /* words with events, or looked at between steps: a step over the time in part_length in the place of h; not cyclic */
    IrDef part_length;      /* INPUT scalar */
    IrFunc event;           /* sets the values of all events and kinks */
    MechEvent *events;      /* one per run->events[k] */
    MechKink *kinks; uint32_t n_kinks;
    CalcJet *jet;           /* methods that take Taylor coefficients: their inputs and outputs; NULL: the others */
    IrFunc jet_first, jet_next; /* and functions, which set dy too: see calc_jet */
    IrFunc draw;            /* runs over copies: sets the data that are drawn, which all copies share; init leaves them */
    IrDef *gathers;         /* one OUTPUT per run->gathers[k], set by observe */
    IrFunc observe;         /* sets outputs[k] for every record and expectation */
    IrDef *y, *dy;          /* methods: INPUTs that make up y in order, and OUTPUTs of the same shapes */
    uint32_t n_y;
    MechHold *hold;         /* NULL: no constraints */
    IrDef *outputs;         /* one OUTPUT per run->records[k] (in order) */
    IrDef *expects;         /* three OUTPUT scalars per run->expects[k]: a, b, within */
    IrDef loss;             /* OUTPUT scalar: potential, for progress and divergence checks; 0: none */
    IrDef energy;           /* OUTPUT scalar: energy; 0: first-order or time-free training */
    MechCharge *charges; uint32_t n_charges;
    MechSection *sections;  /* the derivation, for lag derive */
    uint32_t n_sections;
    const struct Mech *derivation; /* what mech_check holds against numbers; internal.h */
} MechRun;

/* Derives run `run` of the model. NULL after an error, which is reported at the user's line with the reason in
 * mechanical terms (a singular mass matrix, a part that has no closed-form flow, …). */
MechRun *mech_derive(Session *session, Model *model, const SemaRun *run);

/* The equations of motion of a system that was joined for no run of its own: what SemaOptions.motion asks for. False after an
 * error. */
bool mech_motion(Session *session, Model *model, const SemaRun *run, SemaMotion *out);

/* `lag derive`: the derivation as text or as a LaTeX document that compiles. */
/* brief: only the energies, the solved parts and the final assignments. */
void mech_print_text(const Model *model, const MechRun *mech, bool brief, Buf *out);
void mech_print_latex(const Model *model, const MechRun *mech, Buf *out);

/* Adds what the step of a block of coordinates does to V = ½ λ q²: the times in which momenta and estimators forget, how it contracts
 * volumes, up to which λ it is stable. Not part of every derivation, since it takes some milliseconds. */
void mech_stability(MechRun *mech);

/* `lag derive --check`: evaluates gradients and the Euler-Lagrange residual of the derived flows numerically with the
 * reference evaluator at `points` random points; writes a line per check with its largest relative error; false
 * when one is above `tolerance`. */
bool mech_check(Session *session, const Model *model, const MechRun *mech, uint32_t points, double tolerance,
                uint64_t seed, Buf *out);

/* Executes a function with the reference evaluator: every group evaluates its values, then assigns them. `draw` noise
 * is what the environment was given. False when an input it needs is not set. */
bool mech_apply(IrProgram *p, IrEnv *env, const IrFunc *f);

#endif
