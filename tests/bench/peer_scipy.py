# peer_scipy — ten seconds of a double pendulum by SciPy's DOP853 over equations that SymPy derived and lambdified, the
# mass matrix solved by SymPy: what a physicist types. Prints one JSON object, the median and the least of 9 integrations.
#   peer_scipy.py [RTOL]
import json
import statistics
import sys
import time

import numpy
import scipy.integrate
import sympy

rtol = float(sys.argv[1]) if len(sys.argv) > 1 else 1e-9
began = time.perf_counter()
t = sympy.Symbol("t")
angles = [sympy.Function(f"a{i}")(t) for i in range(2)]
speeds = [a.diff(t) for a in angles]
x = [sum(sympy.sin(angles[j]) for j in range(i + 1)) for i in range(2)]
y = [-sum(sympy.cos(angles[j]) for j in range(i + 1)) for i in range(2)]
L = sum((x[i].diff(t) ** 2 + y[i].diff(t) ** 2) / 2 - 9.81 * y[i] for i in range(2))
equations = [(L.diff(v).diff(t) - L.diff(a)).expand() for a, v in zip(angles, speeds)]
accelerations = [v.diff(t) for v in speeds]
symbols = sympy.symbols("q0 q1 v0 v1")
values = {**dict(zip(speeds, symbols[2:])), **dict(zip(angles, symbols[:2]))}
M = sympy.Matrix([[e.coeff(a) for a in accelerations] for e in equations])
rest = sympy.Matrix([-e.subs({a: 0 for a in accelerations}) for e in equations])
solved = sympy.simplify(M.LUsolve(rest)).subs(values)
derived = time.perf_counter() - began
f = sympy.lambdify(symbols, list(solved), "numpy")


def rhs(t, y):
    return numpy.array([y[2], y[3], *f(*y)])


seconds = []
for _ in range(9):
    start = time.perf_counter()
    result = scipy.integrate.solve_ivp(rhs, (0, 10), [2.0, 2.0, 0.0, 0.0], method="DOP853", rtol=rtol, atol=rtol)
    seconds.append(time.perf_counter() - start)
print(json.dumps({"ms": 1e3 * statistics.median(seconds), "least_ms": 1e3 * min(seconds),
                  "steps": len(result.t) - 1, "evaluations": result.nfev, "theta0": float(result.y[0, -1]), "theta1": float(result.y[1, -1]), "derivation_ms": 1e3 * derived}))
