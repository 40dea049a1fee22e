# The equations of motion of a chain of N unit pendulums by SymPy's LagrangesMethod: derivation, and with code (lambdify) in seconds.
import sys
import time

import sympy
from sympy.physics.mechanics import LagrangesMethod, dynamicsymbols

n = int(sys.argv[1])
start = time.time()
q = dynamicsymbols(f"q0:{n}")
t = dynamicsymbols._t
x = y = kinetic = potential = 0
for angle in q:
    x, y = x + sympy.sin(angle), y - sympy.cos(angle)
    kinetic += (x.diff(t) ** 2 + y.diff(t) ** 2) / 2
    potential += 9.81 * y
method = LagrangesMethod(kinetic - potential, q)
method.form_lagranges_equations()
mass, forcing = method.mass_matrix, method.forcing
derived = time.time() - start
speeds = sympy.symbols(f"u0:{n}")
plain = {a.diff(t): u for a, u in zip(q, speeds)}
sympy.lambdify([*q, *speeds], [mass.subs(plain), forcing.subs(plain)], cse=True)
print(f'{{"derivation_ms": {1e3 * derived:.1f}, "with_code_ms": {1e3 * (time.time() - start):.1f}}}')
