/* peer_pendulum — the accelerations of a chain of n unit pendulums as a careful C programmer writes them. */
#ifndef LAG_PEER_PENDULUM_H
#define LAG_PEER_PENDULUM_H

/* dy[2n] from y[2n] = (θ, θ') for n = 2, 3, 5, 8; unit masses and lengths, g = 9.81. Returns 0, or 1 where the mass
 * matrix is not positive definite. */
int peer_pendulum(int n, const double *y, double *dy);

#endif
