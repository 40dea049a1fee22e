/* Functions the C library has not. Pure, safe in threads; relative error about 1e-14 (absolute near a
 * zero). */
#define _DEFAULT_SOURCE
#include <math.h>

#include "core.h"

static const double pi = 3.14159265358979323846;

double rt_lgamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/* B₂ₖ for k = 1 … 12 (Abramowitz and Stegun, table 23.2). */
static const double bernoulli[] = {1.0 / 6,       -1.0 / 30,       1.0 / 42,       -1.0 / 30,
                                   5.0 / 66,      -691.0 / 2730,   7.0 / 6,        -3617.0 / 510,
                                   43867.0 / 798, -174611.0 / 330, 854513.0 / 138, -236364091.0 / 2730};
enum { N_BERNOULLI = sizeof bernoulli / sizeof *bernoulli };

/* cot πx, by the distance to the nearest integer so that large x loses nothing. */
static double cot_pi(double x) {
    double r = x - round(x);
    return fabs(r) == 0.5 ? 0 : cos(pi * r) / sin(pi * r);
}

/* Upwards by ψ(x) = ψ(x + 1) - 1/x, then ln x - 1/(2x) - Σ B₂ₖ / (2k x²ᵏ) (A&S 6.3.18); below 0 by reflection
 * (6.3.7). */
static double digamma(double x) {
    if (x <= 0) {
        if (x == floor(x))
            return NAN;
        return digamma(1 - x) - pi * cot_pi(x);
    }
    double sum = 0;
    for (; x < 10; x += 1)
        sum -= 1 / x;
    double z = 1 / (x * x), power = z;
    for (int k = 1; k <= N_BERNOULLI; k++, power *= z)
        sum -= bernoulli[k - 1] / (2 * k) * power;
    return sum + log(x) - 0.5 / x;
}

/* (-1)ⁿ⁺¹ ψ⁽ⁿ⁾(x) for n >= 1, x > 0: n! Σ 1/(x + k)ⁿ⁺¹ up to a large argument, then its asymptotic series
 * (A&S 6.4.11): (n-1)!/xⁿ + n!/(2xⁿ⁺¹) + Σ B₂ₖ (2k+n-1)! / ((2k)! x²ᵏ⁺ⁿ). */
static double polygamma_positive(int n, double x) {
    double factorial = tgamma(n + 1.0), sum = 0, far = 12 + n;
    for (; x < far; x += 1)
        sum += pow(x, -(n + 1));
    double z = 1 / (x * x), term = 1.0 / n, series = 1.0 / n + 0.5 / x;
    for (int k = 1; k <= N_BERNOULLI; k++) {
        term *= z * (2 * k + n - 1) * (2 * k + n - 2) / (2.0 * k * (2 * k - 1));
        series += bernoulli[k - 1] * term;
    }
    return factorial * (sum + pow(x, -n) * series);
}

enum { MAX_REFLECTED = 60 };

/* dⁿ/dxⁿ π cot πx as a polynomial in c = cot πx, from d/dx c = -π (1 + c²). */
static double cot_derivative(int n, double x) {
    double a[MAX_REFLECTED + 2] = {0, 1}, b[MAX_REFLECTED + 2], c = cot_pi(x), value = 0;
    for (int step = 0; step < n; step++) {
        int degree = step + 1;
        for (int i = 0; i <= degree + 1; i++) {
            double below = i >= 1 ? a[i - 1] * (i - 1) : 0, above = i + 1 <= degree ? a[i + 1] * (i + 1) : 0;
            b[i] = -(below + above);
        }
        for (int i = 0; i <= degree + 1; i++)
            a[i] = b[i];
    }
    for (int i = n + 1; i >= 0; i--)
        value = value * c + a[i];
    return pow(pi, n + 1) * value;
}

double rt_polygamma(double order, double x) {
    if (!(order >= 0) || order != floor(order) || order > 160 || isnan(x))
        return NAN;
    int n = (int)order;
    if (n == 0)
        return digamma(x);
    bool odd = n % 2 == 1;
    if (x > 0) {
        double value = isinf(x) ? 0 : polygamma_positive(n, x);
        return odd ? value : -value;
    }
    if (x == floor(x))
        return odd ? INFINITY : NAN;
    if (n > MAX_REFLECTED)
        return NAN;
    /* (-1)ⁿ ψ⁽ⁿ⁾(1 - x) - ψ⁽ⁿ⁾(x) = dⁿ/dxⁿ π cot πx (A&S 6.4.7), and (-1)ⁿ⁺¹ ψ⁽ⁿ⁾(1 - x) is the function
     * above */
    return -polygamma_positive(n, 1 - x) - cot_derivative(n, x);
}

float rt_lgammaf(float x) {
    return (float)rt_lgamma(x);
}

float rt_polygammaf(float order, float x) {
    return (float)rt_polygamma(order, x);
}
