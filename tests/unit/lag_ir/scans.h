/* Recursions as IR text, for the tests of every stage: each reads the vector q of 15 numbers, and its last definition is the
 * scalar `loss`. */
#ifndef TEST_SCANS_H
#define TEST_SCANS_H

typedef struct ScanText {
    const char *name, *text;
} ScanText;

static const ScanText scan_texts[] = {
    {"one lag",
     "index k.1 = bound 0 : 3\n"
     "index k.2 = bound 1 : 7\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 1 to 6\n"
     "input y1%3 : f64[3] bound\n"
     "def row%4 : f64[i:3] =\n  sin(y1%3[i]) * q%1[i] + 0.3 * y1%3[(i + 1) mod 3] + q%1[k%2[] + 5]\n"
     "def start%5 : f64[j:1, i:3] =\n  q%1[i + 12]\n"
     "scan y%6 : f64[7, 3] = row%4 over k%2, y1%3 from start%5\n"
     "def loss%7 : f64[] =\n  sum[k.2](sum[k.1](y%6[k.2, k.1] * cos(y%6[k.2, 2 - k.1])))\n"},
    {"backwards",
     "index k.1 = bound 0 : 6\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 0 to 4\n"
     "input y1%3 : f64[] bound\n"
     "def row%4 : f64[] =\n  exp(-(y1%3[])) * q%1[k%2[]] + q%1[7]\n"
     "def start%5 : f64[j:1] =\n  q%1[12]^2.0\n"
     "scan y%6 : f64[6] = row%4 over k%2, y1%3 from start%5 backward\n"
     "def loss%7 : f64[] =\n  sum[k.1](y%6[k.1]^2.0 * q%1[k.1 + 4])\n"},
    {"two lags",
     "index k.1 = bound 0 : 9\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 2 to 8\n"
     "input y1%3 : f64[2] bound\n"
     "input y2%4 : f64[2] bound\n"
     "def row%5 : f64[i:2] =\n  q%1[i] * y1%3[1 - i] - 0.4 * sin(y2%4[i] * q%1[k%2[] + 3])\n"
     "def start%6 : f64[j:2, i:2] =\n  q%1[2 * j + i + 6]\n"
     "scan y%7 : f64[9, 2] = row%5 over k%2, y1%3, y2%4 from start%6\n"
     "def loss%8 : f64[] =\n  sum[k.1](y%7[k.1, 0]^2.0 * y%7[k.1, 1])\n"},
    {"three lags backwards, without the middle one",
     "index k.1 = bound 0 : 8\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 0 to 4\n"
     "input y1%3 : f64[] bound\n"
     "input y2%4 : f64[] bound\n"
     "input y3%5 : f64[] bound\n"
     "def row%6 : f64[] =\n  q%1[k%2[] + 2] * y1%3[] + y3%5[]^2.0\n"
     "def start%7 : f64[j:3] =\n  q%1[j + 9]\n"
     "scan y%8 : f64[8] = row%6 over k%2, y1%3, y2%4, y3%5 from start%7 backward\n"
     "def loss%9 : f64[] =\n  sum[k.1](sin(y%8[k.1]))\n"},
    {"a network",
     "index k.1 = bound 0 : 3\n"
     "index k.2 = bound 0 : 5\n"
     "input q%1 : f64[15] coord\n"
     "view W%2 : f64[3, 3] coord = q%1 + 0\n"
     "view b%3 : f64[3] coord = q%1 + 9\n"
     "input k%4 : i64[] bound 1 to 4\n"
     "input h1%5 : f64[3] bound\n"
     "def a%6 : f64[i:3] =\n  tanh(sum[k.1](W%2[i, k.1] * h1%5[k.1]) + b%3[i])\n"
     "def row%7 : f64[i:3] =\n  sum[k.1](W%2[k.1, i] * a%6[k.1]) * cos(real(k%4[])) + a%6[i]^2.0\n"
     "def start%8 : f64[j:1, i:3] =\n  q%1[12 + i]\n"
     "scan h%9 : f64[5, 3] = row%7 over k%4, h1%5 from start%8\n"
     "def loss%10 : f64[] =\n  sum[k.2](h%9[k.2, 0] * h%9[4 - k.2, 2])\n"},
    {"a matrix solved in every row",
     "index k.1 = bound 0 : 5\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 1 to 4\n"
     "input y1%3 : f64[2] bound\n"
     "def A%4 : f64[i:2, j:2] =\n  select(i == j, 3.0, sin(y1%3[i] * q%1[j]))\n"
     "def r%5 : f64[i:2] =\n  y1%3[i] + q%1[k%2[]]\n"
     "linalg row%6 : f64[2] = solve(A%4, r%5)\n"
     "def start%7 : f64[j:1, i:2] =\n  q%1[i + 7]\n"
     "scan y%8 : f64[5, 2] = row%6 over k%2, y1%3 from start%7\n"
     "def loss%9 : f64[] =\n  sum[k.1](y%8[k.1, 0]^2.0 + y%8[k.1, 1])\n"},
    {"a scan inside of a scan",
     "index k.1 = bound 0 : 4\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 1 to 3\n"
     "input y1%3 : f64[2] bound\n"
     "input m%4 : i64[] bound 1 to 2\n"
     "input z1%5 : f64[2] bound\n"
     "def inner%6 : f64[i:2] =\n  q%1[m%4[]] * sin(z1%5[1 - i]) + y1%3[i] * q%1[k%2[] + 2 * m%4[]]\n"
     "def first%7 : f64[j:1, i:2] =\n  y1%3[i]\n"
     "scan z%8 : f64[3, 2] = inner%6 over m%4, z1%5 from first%7\n"
     "def row%9 : f64[i:2] =\n  z%8[2, i] + 0.1 * z%8[1, i]\n"
     "def start%10 : f64[j:1, i:2] =\n  q%1[i + 10]\n"
     "scan y%11 : f64[4, 2] = row%9 over k%2, y1%3 from start%10\n"
     "def loss%12 : f64[] =\n  sum[k.1](y%11[k.1, 0] * y%11[k.1, 1])\n"},
    {"several in one",
     "index k.1 = bound 0 : 6\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 1 to 5\n"
     "input s1%3 : f64[3] bound\n"
     "def a%4 : f64[i:2] =\n  s1%3[i] * q%1[i] + sin(s1%3[2])\n"
     "def b%5 : f64[] =\n  a%4[0] * s1%3[2] * 0.5 + q%1[k%2[] + 1]\n"
     "concat row%6 : f64[3] = a%4 @ 0, b%5 @ 2\n"
     "def start%7 : f64[j:1, i:3] =\n  q%1[i + 7]\n"
     "scan s%8 : f64[6, 3] = row%6 over k%2, s1%3 from start%7\n"
     "def loss%9 : f64[] =\n  sum[k.1](s%8[k.1, 0] * s%8[k.1, 1] + s%8[k.1, 2]^2.0)\n"},
    {"a loop without rows before",
     "index k.1 = bound 0 : 6\n"
     "input q%1 : f64[15] coord\n"
     "input k%2 : i64[] bound 0 to 5\n"
     "def row%3 : f64[i:2] =\n  sin(q%1[k%2[] + i]) * q%1[2 * k%2[] + i]\n"
     "scan s%4 : f64[6, 2] = row%3 over k%2\n"
     "def loss%5 : f64[] =\n  sum[k.1](s%4[k.1, 0] * s%4[k.1, 1])\n"},
};

#endif
