/* dop853 — order 8 with embedded estimates of orders 5 and 3, controlled step, dense output of order 7 with
 * three further evaluations, made only in steps that are asked for values in between. The coefficients are
 * those of E. Hairer, S. P. Nørsett, G. Wanner, Solving Ordinary Differential Equations I, 2nd edition
 * (Springer 1993), II.5, II.6 and II.10. */
#include "lanes.h"
#include "method.h"

#include <math.h>
#include <string.h>

/* Rows 0 to 11: the stages; row 12: the weights b, whose stage is the slope at the end of the step; 13 to 15:
 * the further stages of the dense output. */
static const double c[] = {
    0, 0.05260015195876773, 0.0789002279381516, 0.1183503419072274, 0.2816496580927726, 0.3333333333333333,
    0.25, 0.3076923076923077, 0.6512820512820513, 0.6, 0.8571428571428571, 1.0, 1.0, 0.1, 0.2,
    0.7777777777777778,
};
static const double a[][RT_RK_STAGES] = {
    {0},
    {0.05260015195876773},
    {0.0197250569845379, 0.0591751709536137},
    {0.02958758547680685, 0, 0.08876275643042054},
    {0.2413651341592667, 0, -0.8845494793282861, 0.924834003261792},
    {0.037037037037037035, 0, 0, 0.17082860872947386, 0.12546768756682242},
    {0.037109375, 0, 0, 0.17025221101954405, 0.06021653898045596, -0.017578125},
    {0.03709200011850479, 0, 0, 0.17038392571223998, 0.10726203044637328, -0.015319437748624402,
     0.008273789163814023},
    {0.6241109587160757, 0, 0, -3.3608926294469414, -0.868219346841726, 27.59209969944671, 20.154067550477894,
     -43.48988418106996},
    {0.47766253643826434, 0, 0, -2.4881146199716677, -0.590290826836843, 21.230051448181193,
     15.279233632882423, -33.28821096898486, -0.020331201708508627},
    {-0.9371424300859873, 0, 0, 5.186372428844064, 1.0914373489967295, -8.149787010746927, -18.52006565999696,
     22.739487099350505, 2.4936055526796523, -3.0467644718982196},
    {2.273310147516538, 0, 0, -10.53449546673725, -2.0008720582248625, -17.9589318631188, 27.94888452941996,
     -2.8589982771350235, -8.87285693353063, 12.360567175794303, 0.6433927460157636},
    {0.054293734116568765, 0, 0, 0, 0, 4.450312892752409, 1.8915178993145003, -5.801203960010585,
     0.3111643669578199, -0.1521609496625161, 0.20136540080403034, 0.04471061572777259},
    {0.056167502283047954, 0, 0, 0, 0, 0, 0.25350021021662483, -0.2462390374708025, -0.12419142326381637,
     0.15329179827876568, 0.00820105229563469, 0.007567897660545699, -0.008298},
    {0.03183464816350214, 0, 0, 0, 0, 0.028300909672366776, 0.053541988307438566, -0.05492374857139099, 0, 0,
     -0.00010834732869724932, 0.0003825710908356584, -0.00034046500868740456, 0.1413124436746325},
    {-0.42889630158379194, 0, 0, 0, 0, -4.697621415361164, 7.683421196062599, 4.06898981839711,
     0.3567271874552811, 0, 0, 0, -0.0013990241651590145, 2.9475147891527724, -9.15095847217987},
};
static const double b[] = {
    0.054293734116568765, 0, 0, 0, 0, 4.450312892752409, 1.8915178993145003, -5.801203960010585,
    0.3111643669578199, -0.1521609496625161, 0.20136540080403034, 0.04471061572777259,
};
static const double e3[] = {
    -0.18980075407240762, 0, 0, 0, 0, 4.450312892752409, 1.8915178993145003, -5.801203960010585,
    -0.4226823213237919, -0.1521609496625161, 0.20136540080403034, 0.02265179219836082, 0,
};
static const double e5[] = {
    0.01312004499419488, 0, 0, 0, 0, -1.2251564463762044, -0.4957589496572502, 1.6643771824549864,
    -0.35032884874997366, 0.3341791187130175, 0.08192320648511571, -0.022355307863886294, 0,
};
static const double d[][RT_RK_STAGES] = {
    {-8.428938276109013, 0, 0, 0, 0, 0.5667149535193777, -3.0689499459498917, 2.38466765651207,
     2.117034582445028, -0.871391583777973, 2.2404374302607883, 0.6315787787694688, -0.08899033645133331,
     18.148505520854727, -9.194632392478356, -4.436036387594894},
    {10.427508642579134, 0, 0, 0, 0, 242.28349177525817, 165.20045171727028, -374.5467547226902,
     -22.113666853125306, 7.733432668472264, -30.674084731089398, -9.332130526430229, 15.697238121770845,
     -31.139403219565178, -9.35292435884448, 35.81684148639408},
    {19.985053242002433, 0, 0, 0, 0, -387.0373087493518, -189.17813819516758, 527.8081592054236,
     -11.57390253995963, 6.8812326946963, -1.0006050966910838, 0.7777137798053443, -2.778205752353508,
     -60.19669523126412, 84.32040550667716, 11.99229113618279},
    {-25.69393346270375, 0, 0, 0, 0, -154.18974869023643, -231.5293791760455, 357.6391179106141,
     93.40532418362432, -37.45832313645163, 104.0996495089623, 29.8402934266605, -43.53345659001114,
     96.32455395918828, -39.17726167561544, -149.72683625798564},
};

enum { STAGES = 12, LAST = 12, ALL = 16, BENDS = 4, PIECE = 4 };

/* Numbers of a vector at once; vectors are padded to whole pieces. */
typedef double Piece __attribute__((vector_size(PIECE * sizeof(double))));

/* err = |h| e5² / √(n (e5² + 0.01 e3²)) with e5, e3 the 2-norms of both estimates in units of the tolerance
 * (II.10). */
static double error(const RtIntegrator *g, double h, const double *y1, size_t *culprit) {
    double sum5 = 0, sum3 = 0;
    for (size_t i = 0; i < g->ode.n; i += PIECE) {
        Piece scale, x5 = {0}, x3 = {0}, k;
        for (size_t l = 0; l < PIECE; l++)
            scale[l] = rt_rk_scale(g, g->y[i + l], y1[i + l]);
        for (int s = 0; s < STAGES; s++) {
            if (e5[s] == 0)
                continue;
            memcpy(&k, g->k[s] + i, sizeof k);
            x5 += e5[s] * k;
            x3 += e3[s] * k;
        }
        x5 /= scale;
        x3 /= scale;
        x5 *= x5;
        x3 *= x3;
        memcpy(g->estimate + i, &x5, sizeof x5);
        for (size_t l = 0; l < PIECE && i + l < g->ode.n; l++) {
            sum5 += x5[l];
            sum3 += x3[l];
        }
    }
    *culprit = RT_LARGEST_ESTIMATE;
    double below = sum5 + 0.01 * sum3;
    return below == 0 ? 0 : fabs(h) * sum5 / sqrt((double)g->ode.n * below);
}

static void error_lanes(const RtLanes *g, const double *h, double *result, size_t *culprit) {
    double sum5[RT_MAX_LANES], sum3[RT_MAX_LANES];
    g->kernels->estimate(g, STAGES, e5, e3, sum5, sum3, culprit);
    for (unsigned l = 0; l < g->lanes; l++) {
        double below = sum5[l] + 0.01 * sum3[l];
        result[l] = below == 0 ? 0 : fabs(h[l]) * sum5[l] / sqrt((double)g->n * below);
    }
}

static const RtTableau table = {.stages = STAGES,
                                .c = c,
                                .a = a,
                                .b = b,
                                .error_order = 8,
                                .error = error,
                                .error_lanes = error_lanes};

static bool setup(RtIntegrator *g) {
    return rt_rk_setup(g, &table, ALL, BENDS);
}

/* The three further slopes, and the coefficients of the interpolant's last four terms into g->extra. */
static RtStatus prepare(RtIntegrator *g) {
    size_t n = g->ode.n, stride = (n + 7) / 8 * 8;
    bool done = rt_rk_stages(g, LAST + 1, ALL - 1, g->y_old, g->t_old, g->t, g->h);
    for (int s = LAST + 1; s < ALL && !done; s++) {
        rt_rk_combine(n, g->y_old, g->h, s, a[s], g->k, g->y_new);
        RtStatus status = rt_rk_slope(g, g->t_old + c[s] * g->h, g->y_new, g->k[s]);
        if (status != RT_OK)
            return status;
    }
    memset(g->y_new, 0, n * sizeof *g->y_new);
    for (int m = 0; m < BENDS; m++)
        rt_rk_combine(n, g->y_new, g->h, ALL, d[m], g->k, g->extra + (size_t)m * stride);
    g->dense_ready = true;
    return RT_OK;
}

/* y_old + x (f₀ + (1-x) (f₁ + x (f₂ + (1-x) (f₃ + x (f₄ + (1-x) (f₅ + x f₆)))))), x = (t - t_old) / h. */
static RtStatus interpolate(RtIntegrator *g, double t, double *y) {
    RtStatus status = g->dense_ready ? RT_OK : prepare(g);
    if (status != RT_OK)
        return status;
    double x = (t - g->t_old) / g->h, x1 = 1 - x;
    size_t n = g->ode.n, stride = (n + 7) / 8 * 8;
    const double *f3 = g->extra, *f4 = f3 + stride, *f5 = f4 + stride, *f6 = f5 + stride;
    for (size_t i = 0; i < n; i++) {
        double f0 = g->y[i] - g->y_old[i], f1 = g->h * g->k[0][i] - f0;
        double f2 = 2 * f0 - g->h * (g->k[LAST][i] + g->k[0][i]);
        double bend = f3[i] + x * (f4[i] + x1 * (f5[i] + x * f6[i]));
        y[i] = g->y_old[i] + x * (f0 + x1 * (f1 + x * (f2 + x1 * bend)));
    }
    return RT_OK;
}

const RtMethod rt_method_dop853 = {"dop853", 8, 7, true, setup, rt_rk_step_adaptive, interpolate, rt_rk_free, false,
                                   true, NULL};
