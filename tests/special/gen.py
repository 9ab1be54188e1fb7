"""Records what PyTorch makes of special values: `python3 gen.py [folder]`. See README.md.

A case is a function of a few tensors. Each is computed twice, in float32 and in float64, from the special
values of that type, forward and backward. Beside PyTorch's values stand the exact ones, rounded to the type,
where they differ: by mpmath where a case has a formula (`exact`), else, in float32, PyTorch's of float64.
"""

import itertools
import json
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import mpmath as mp
import torch
import torch.nn.functional as F
from safetensors.torch import save_file

mp.mp.prec = 2300  # sums of the smallest and the largest float64 are exact
torch.set_num_threads(1)
TYPES = {"f32": torch.float32, "f64": torch.float64}
CURRENT = [torch.float32]  # the type that is being recorded
INF, NAN = math.inf, math.nan


def ends(dtype):
    """Smallest, denormal, smallest normal, tiny, huge, and largest of a type."""
    if dtype == torch.float32:
        return 1.4e-45, 1e-40, 1.1754943508222875e-38, 1e-30, 1e30, 3.4028234663852886e38
    return 5e-324, 1e-310, 2.2250738585072014e-308, 1e-200, 1e200, 1.7976931348623157e308


# Around the ends of exp, of f32 and of f64.
EXP_ENDS = [88.5, 89.0, 104.5, 709.5, 710.0, 746.0]


def line(dtype):
    """The values that functions of one number are tried on."""
    small, denormal, normal, tiny, huge, largest = ends(dtype)
    if dtype == torch.float32:
        tiny, huge = 1e-35, 1e35
    positive = [0.0, small, denormal, normal, tiny, 1e-30, 1e-20, 1e-8, 1e-3, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 6.0,
                9.5, 20.0, 20.5, *EXP_ENDS, 1e4, 1e10, 1e20, 1e30, huge, largest, INF]
    return torch.tensor([s * x for x in positive for s in (1, -1)] + [NAN], dtype=dtype)


def short(dtype):
    """The values of which functions of several numbers get every combination."""
    small, denormal, _, tiny, huge, largest = ends(dtype)
    positive = [0.0, denormal, tiny, 0.5, 1.0, 2.0, 3.0, 1e20, huge, largest, INF]
    return torch.tensor([s * x for x in positive for s in (1, -1)] + [NAN, small, 2.5], dtype=dtype)


def few(dtype):
    _, denormal, _, tiny, huge, largest = ends(dtype)
    return torch.tensor([0.0, -0.0, denormal, tiny, 1.0, -1.0, 2.5, 1e20, -huge, largest, -largest, INF, -INF, NAN],
                        dtype=dtype)


def some(dtype):
    largest = ends(dtype)[-1]
    return torch.tensor([0.0, 1.0, -1.0, 2.5, 1e20, -largest, INF, NAN], dtype=dtype)


def product(*lists):
    """Every combination: one tensor for each list."""
    return [torch.stack(c) for c in zip(*itertools.product(*lists))]


def rows(dtype, values=None):
    """Rows of three: every pair of some values, and 1; then ties."""
    _, denormal, _, _, _, largest = ends(dtype)
    values = values or [0.0, denormal, 1.0, -2.5, 1e20, largest, -largest, INF, -INF, NAN]
    values = torch.tensor(values, dtype=dtype)
    a, b = product(values, values)
    pairs = torch.stack([a, b, torch.ones_like(a)], 1)
    ties = [[1, 1, 1], [0, 0, 0], [2, 2, 1], [1, 2, 2], [2, 1, 2], [-1, -1, -2], [0.0, -0.0, 0.0], [-0.0, 0.0, 0.0],
            [INF] * 3, [-INF] * 3, [NAN] * 3, [1e20] * 3, [1e-30] * 3, [0.1] * 3, [88.5, 89, 90], [-104, -105, -200],
            [1000.1, 1000.2, 1000.3], [16777216, 1, 1], [5, -1000, -1000], [-1000, 5, 30]]
    return torch.cat([pairs, torch.tensor(ties, dtype=dtype)])


@dataclass
class Case:
    """`call` is the expression in netform's language, `f` the same in PyTorch."""

    id: str
    call: str
    inputs: dict[str, Callable]  # of the type
    f: Callable
    op: str = ""
    grads: list[str] | None = None  # inputs that have a gradient: all floats, if None
    exact: tuple | None = None  # the function and its derivatives, of mpmath's numbers
    exact_rows: tuple | None = None  # the function of rows, and from rows and an upstream gradient that of each input
    ulps: tuple[float, float] = (4, 8)  # what results and gradients may be off
    slack: Callable | None = None  # the magnitudes that are added up in a result
    grad_slack: Callable | None = None
    infinite: bool = False  # whether `exact_rows` takes infinities
    zeros: bool = True  # whether the sign of a result's zero has a meaning
    rows: bool = False  # whether it is a function of rows, not of single elements


GROUPS: dict[str, list[Case]] = {}
# Ops without rows, and why.
WITHOUT: dict[str, str] = {}


def add(group, *args, **kwargs):
    case = Case(*args, **kwargs)
    case.op = case.op or case.id.split(".")[0]
    GROUPS.setdefault(group, []).append(case)


def without(reason, names):
    for name in names.split():
        WITHOUT[name] = reason


# ---------------------------------------------------------------- functions of one number


def unary(id, f, exact=None, call=None, group="elementwise", **kwargs):
    op = id.split(".")[0]
    add(group, id, call or f"{op}(x)", {"x": line}, f, exact=exact, **kwargs)


def positive(f):
    """Raises outside the domain: there PyTorch's value stands."""

    def g(x):
        if x <= 0:
            raise ValueError
        return f(x)

    return g


def sigmoid(x):
    return 1 / (1 + mp.exp(-x))


def step(x):
    if x == 0:
        raise ValueError
    return mp.mpf(1 if x > 0 else 0)


def flat(x):
    return mp.mpf(0)


EXACT = (0, 0)
unary("neg", torch.neg, ulps=EXACT)
unary("abs", torch.abs, ulps=EXACT)
unary("exp", torch.exp, (mp.exp, mp.exp))
unary("log", torch.log, (positive(mp.log), positive(lambda x: 1 / x)))
unary("sqrt", torch.sqrt, (positive(mp.sqrt), positive(lambda x: 0.5 / mp.sqrt(x))), ulps=(0, 2))
unary("rsqrt", torch.rsqrt, (positive(lambda x: 1 / mp.sqrt(x)), positive(lambda x: -0.5 / x / mp.sqrt(x))))
unary("reciprocal", torch.reciprocal, (lambda x: 1 / x, lambda x: -1 / x**2), ulps=(0, 4))
unary("sin", torch.sin, (mp.sin, mp.cos))
unary("cos", torch.cos, (mp.cos, lambda x: -mp.sin(x)))
unary("erf", torch.erf, (mp.erf, lambda x: 2 / mp.sqrt(mp.pi) * mp.exp(-x * x)))
unary("erfc", torch.erfc, (mp.erfc, lambda x: -2 / mp.sqrt(mp.pi) * mp.exp(-x * x)))
unary("expm1", torch.expm1, (mp.expm1, mp.exp))
unary("log1p", torch.log1p, (lambda x: positive(lambda u: mp.log1p(x))(1 + x), lambda x: positive(lambda u: 1 / u)(1 + x)))
unary("floor", torch.floor, ulps=EXACT)
unary("ceil", torch.ceil, ulps=EXACT)
unary("round", torch.round, ulps=EXACT)
unary("sign", torch.sign, ulps=EXACT)
unary("square", torch.square, (lambda x: x * x, lambda x: 2 * x), ulps=(0, 2))
unary("tan", torch.tan, (mp.tan, lambda x: 1 / mp.cos(x) ** 2))
unary("exp2", torch.exp2, (lambda x: mp.exp(x * mp.ln2), lambda x: mp.exp(x * mp.ln2) * mp.ln2))
unary("log2", torch.log2, (positive(lambda x: mp.log(x) / mp.ln2), lambda x: 1 / x / mp.ln2))
unary("log10", torch.log10, (positive(lambda x: mp.log(x) / mp.ln10), lambda x: 1 / x / mp.ln10))
unary("sinh", torch.sinh, (mp.sinh, mp.cosh))
unary("cosh", torch.cosh, (mp.cosh, mp.sinh))
unary("detach", lambda x: x.detach(), grads=[], ulps=EXACT)
unary("isnan", torch.isnan, grads=[])
unary("logical_not", torch.logical_not, grads=[])
unary("bool", lambda x: x.bool(), grads=[])


def whole(dtype):
    """Without what no integer holds: PyTorch leaves that undefined."""
    x = line(dtype)
    return torch.where(x.abs() < 2**31, x, torch.full_like(x, 7.9))


add("elementwise", "int", "int(x)", {"x": whole}, lambda x: x.to(torch.int32), grads=[])
add("elementwise", "float", "float(i)", {"i": lambda d: torch.tensor([0, 1, -1, 16777217, 33554435, 2**31 - 1, -(2**31)])},
    lambda i: i.to(CURRENT[0]), grads=[], ulps=EXACT)
add("elementwise", "float.bool", "float(b)", {"b": lambda d: torch.tensor([True, False])}, lambda b: b.to(CURRENT[0]), grads=[], ulps=EXACT)

# Exponents that are numbers.
for e in [0.0, 0.5, -0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 8.0, 9.0, -1.0, -2.0, -3.0, 1.5, 2.5, -1.5, 0.25]:
    whole_e = e == int(e)

    def power(x, e=e, whole_e=whole_e):
        if x == 0 or (x < 0 and not whole_e):
            raise ValueError
        return x ** int(e) if whole_e else mp.exp(e * mp.log(x))

    def slope(x, e=e, whole_e=whole_e):
        if x == 0 or (x < 0 and not whole_e):
            raise ValueError
        return e * (x ** (int(e) - 1) if whole_e else mp.exp((e - 1) * mp.log(x)))

    unary(f"pow.{e}", lambda x, e=e: torch.pow(x, e), (power, slope), call=f"pow(x, {e})")

# ---------------------------------------------------------------- functions of several numbers


def pair(k):
    return lambda d: product(short(d), short(d))[k]


def binary(id, f, exact=None, call=None, group="binary", **kwargs):
    op = id.split(".")[0]
    add(group, id, call or f"{op}(x, y)", {"x": pair(0), "y": pair(1)}, f, exact=exact, **kwargs)


def finite(f):
    def g(x, y):
        if mp.isinf(x) or mp.isinf(y) or abs(x) > 1e390 or abs(y) > 1e390:
            raise ValueError
        return f(x, y)

    return g


def mp_pow(x, y):
    if x < 0 and y != mp.floor(y):
        raise ValueError
    if x < 0:
        if abs(y) > 2**53:
            return mp.exp(y * mp.log(-x))
        return mp.exp(y * mp.log(-x)) * (-1 if int(y) % 2 else 1)
    if x == 0:
        raise ValueError
    return mp.exp(y * mp.log(x)) if y != 0 else mp.mpf(1)


binary("add", torch.add, ulps=EXACT)
binary("sub", torch.sub, ulps=EXACT)
binary("mul", torch.mul, ulps=EXACT)
binary("div", torch.div, (finite(lambda x, y: x / y), finite(lambda x, y: 1 / y), finite(lambda x, y: -x / y / y)), ulps=(0, 4))

for name, f, whole_of in [("remainder", torch.remainder, mp.floor), ("fmod", torch.fmod, lambda q: mp.sign(q) * mp.floor(abs(q)))]:
    binary(name, f, (finite(lambda x, y, w=whole_of: x - y * w(x / y)), finite(lambda x, y: mp.mpf(1) + 0 / y), finite(lambda x, y, w=whole_of: -w(x / y))),
           ulps=(0, 4), zeros=False)
binary("maximum", torch.maximum, ulps=EXACT, zeros=False)
binary("minimum", torch.minimum, ulps=EXACT, zeros=False)
for name in "eq ne lt le gt ge".split():
    binary(name, getattr(torch, name), grads=[])
binary("logical_and", torch.logical_and, grads=[])
binary("logical_or", torch.logical_or, grads=[])
binary("pow", torch.pow, (finite(mp_pow), finite(lambda x, y: y * mp_pow(x, y - 1) if y != 0 else mp.mpf(0)),
                          finite(lambda x, y: mp_pow(x, y) * mp.log(positive(lambda u: u)(x)))))

MASK = {"c": lambda d: product(torch.tensor([True, False]), few(d), few(d))[0],
        "x": lambda d: product(torch.tensor([True, False]), few(d), few(d))[1],
        "y": lambda d: product(torch.tensor([True, False]), few(d), few(d))[2]}
add("binary", "where", "where(c, x, y)", MASK, torch.where, ulps=EXACT)
add("binary", "masked_fill", "masked_fill(x, c, -2.0)", {k: MASK[k] for k in "xc"}, lambda x, c: x.masked_fill(c, -2.0), ulps=EXACT)
add("binary", "masked_fill.inf", "masked_fill(x, c, -inf)", {k: MASK[k] for k in "xc"}, lambda x, c: x.masked_fill(c, -INF), ulps=EXACT)
for id, low, high in [("clamp", -1.0, 2.5), ("clamp.min", 0.0, None), ("clamp.max", None, 1.0), ("clamp.crossed", 2.0, -1.0), ("clamp.inf", -INF, INF)]:
    keys = ", ".join(f"{k} = {'inf' if v == INF else '-inf' if v == -INF else v}" for k, v in [("min", low), ("max", high)] if v is not None)
    unary(id, lambda x, low=low, high=high: torch.clamp(x, low, high), call=f"clamp(x, {keys})", group="binary", ulps=EXACT, zeros=False)
TRIPLE = {name: (lambda d, k=k: product(some(d), some(d), some(d))[k]) for k, name in enumerate("xyz")}
add("binary", "clamp.tensors", "clamp(x, min = y, max = z)", TRIPLE, torch.clamp, grads=["x"], ulps=EXACT, zeros=False)
add("binary", "lerp", "lerp(x, y, z)", TRIPLE, torch.lerp,
    exact=(lambda x, y, z: x + z * (y - x), lambda x, y, z: 1 - z, lambda x, y, z: z, lambda x, y, z: y - x), slack=lambda x, y, z: x.abs() + (y - x).abs() * z.abs(),
    grad_slack={"x": lambda x, y, z: 1 + z.abs(), "z": lambda x, y, z: x.abs() + y.abs()}, zeros=False)

# ---------------------------------------------------------------- activations


def near(f):
    """A magnitude for arguments whose function is a difference; far from 0 nothing is lost."""
    return lambda x: torch.where(x.abs() < 25, f(x), torch.zeros_like(x))


ONE = {"x": near(torch.ones_like)}
LINEAR = {"x": near(lambda x: 1 + x.abs())}


def activation(id, f, exact=None, call=None, **kwargs):
    unary(id, f, exact, call, group="activations", **kwargs)


activation("tanh", torch.tanh, (mp.tanh, lambda x: mp.sech(x) ** 2), grad_slack=ONE)
activation("sigmoid", torch.sigmoid, (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)), grad_slack=ONE)
activation("relu", torch.relu, ulps=EXACT)
activation("relu6", F.relu6, ulps=EXACT, zeros=False)
activation("silu", F.silu, (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))), zeros=False, grad_slack=LINEAR)
for slope in [0.01, -0.5, 0.0]:
    activation(f"leaky_relu.{slope}", lambda x, s=slope: F.leaky_relu(x, s), call=f"leaky_relu(x, negative_slope = {slope})", ulps=(1, 1))


def elu(alpha, scale, rate):
    def f(x):
        return scale * x if x > 0 else scale * alpha * mp.expm1(x * rate)

    def df(x):
        return scale * mp.mpf(1) if x > 0 else scale * alpha * rate * mp.exp(x * rate)

    return f, df


for alpha in [1.0, 2.0, 0.5, -1.0]:
    activation(f"elu.{alpha}", lambda x, a=alpha: F.elu(x, a), elu(alpha, 1, 1), f"elu(x, alpha = {alpha})", zeros=alpha > 0)
    activation(f"celu.{alpha}", lambda x, a=alpha: F.celu(x, a), elu(alpha, 1, 1 / mp.mpf(alpha)), f"celu(x, alpha = {alpha})", zeros=alpha > 0)
activation("selu", F.selu, elu(mp.mpf("1.6732632423543772848170429916717"), mp.mpf("1.0507009873554804934193349852946"), 1))


def gelu_tanh(x):
    k = mp.sqrt(2 / mp.pi)
    u = k * (x + mp.mpf("0.044715") * x**3)
    return x * sigmoid(2 * u)


def d_gelu_tanh(x):
    k = mp.sqrt(2 / mp.pi)
    c = mp.mpf("0.044715")
    u = k * (x + c * x**3)
    return sigmoid(2 * u) * (1 + 2 * x * sigmoid(-2 * u) * k * (1 + 3 * c * x * x))


def phi(x):
    return mp.erfc(-x / mp.sqrt(2)) / 2 if x > -1e5 else mp.mpf(0)


activation("gelu", F.gelu, (lambda x: x * phi(x), lambda x: phi(x) + x * mp.exp(-x * x / 2) / mp.sqrt(2 * mp.pi)), zeros=False, slack=near(torch.abs), grad_slack=LINEAR)
activation("gelu.tanh", lambda x: F.gelu(x, approximate="tanh"), (gelu_tanh, d_gelu_tanh), "gelu(x, approximate = 'tanh')",
           zeros=False, slack=near(torch.abs), grad_slack={"x": near(lambda x: 1 + x.abs() ** 3)})


def soft(beta=1.0, threshold=INF):
    def f(x):
        return x if beta * x > threshold else mp.log1p(mp.exp(-abs(beta * x))) / beta + max(x, mp.mpf(0))

    def df(x):
        return mp.mpf(1) if beta * x > threshold else sigmoid(beta * x)

    return f, df


activation("softplus", F.softplus, soft(1.0, 20.0))
activation("softplus.beta", lambda x: F.softplus(x, 2.0, 5.0), soft(2.0, 5.0), "softplus(x, beta = 2.0, threshold = 5.0)")
activation("softplus.far", lambda x: F.softplus(x, 0.5, 1000.0), soft(0.5, 1000.0), "softplus(x, beta = 0.5, threshold = 1000.0)")
activation("logsigmoid", F.logsigmoid, (lambda x: -soft()[0](-x), lambda x: sigmoid(-x)), zeros=False)


def mish(x):
    e = mp.exp(x) if x < 0 else mp.exp(-x)
    return x * (e * e + 2 * e) / (e * e + 2 * e + 2) if x < 0 else x * (1 + 2 * e) / (1 + 2 * e + 2 * e * e)


def d_mish(x):
    e = mp.exp(-abs(x))
    if x < 0:
        d = e * e + 2 * e + 2
        return (e * e + 2 * e) / d + x * 4 * (1 + e) * e / d**2
    d = 1 + 2 * e + 2 * e * e
    return (1 + 2 * e) / d + x * 4 * e * e * (1 + e) / d**2


activation("mish", F.mish, (mish, d_mish), zeros=False, grad_slack=LINEAR)
activation("hardtanh", F.hardtanh, ulps=EXACT, zeros=False)
activation("hardtanh.bounds", lambda x: F.hardtanh(x, -3.0, 0.5), call="hardtanh(x, min_val = -3.0, max_val = 0.5)", ulps=EXACT, zeros=False)
activation("hardsigmoid", F.hardsigmoid, (lambda x: min(max(x + 3, mp.mpf(0)), mp.mpf(6)) / 6, lambda x: mp.mpf(abs(x) < 3) / 6),
           ulps=(2, 2), zeros=False)
activation("hardswish", F.hardswish, (lambda x: x * min(max(x + 3, mp.mpf(0)), mp.mpf(6)) / 6, None), ulps=(4, 4), zeros=False)
activation("softsign", F.softsign, (lambda x: x / (1 + abs(x)), lambda x: 1 / (1 + abs(x)) ** 2),
           grad_slack={"x": lambda x: 1 / (1 + x.abs())})
activation("tanhshrink", F.tanhshrink, (lambda x: x - mp.tanh(x), lambda x: mp.tanh(x) ** 2), slack=near(torch.abs), grad_slack=ONE)

# ---------------------------------------------------------------- along rows


def eps(x):
    return torch.finfo(CURRENT[0]).eps


def along(id, f, call, group="reductions", **kwargs):
    add(group, id, call, {"x": kwargs.pop("inputs", rows)}, f, zeros=kwargs.pop("zeros", False), rows=True, **kwargs)


def magnitude(x):
    return x.abs().sum(1)


def softmax_slack(x):
    """Gradients are differences of products that are at most 1, times what came from above."""
    return torch.full_like(x, 1.0)


def total(x):
    """A sum of mpmath's numbers."""
    return mp.fsum(x)


def dot(x, y):
    return mp.fsum(a * b for a, b in zip(x, y))


def shares_of(x):
    """A softmax."""
    top = max(x)
    e = [mp.exp(v - top) for v in x]
    return [v / total(e) for v in e]


def log_total(x):
    top = max(x)
    return top + mp.log(total(mp.exp(v - top) for v in x))


def logs_of(x):
    """A log-softmax: the distance from the largest less a small logarithm."""
    top = max(x)
    rest = mp.log(total(mp.exp(v - top) for v in x))
    return [(v - top) - rest for v in x]


def d_softmax(x, up):
    p = shares_of(x)
    return [[q * (u - dot(p, up)) for q, u in zip(p, up)]]


def d_log_softmax(x, up):
    return [[u - q * total(up) for q, u in zip(shares_of(x), up)]]


along("glu", lambda x: F.glu(x, 1), "glu(x, dim = 1)", "activations", inputs=lambda d: torch.cartesian_prod(short(d), short(d)),
      exact_rows=(lambda x: [x[0] * sigmoid(x[1])], lambda x, up: [[up[0] * sigmoid(x[1]), up[0] * x[0] * sigmoid(x[1]) * sigmoid(-x[1])]]))
along("softmax", lambda x: F.softmax(x, 1), "softmax(x, dim = 1)", grad_slack={"x": softmax_slack}, exact_rows=(shares_of, d_softmax))
along("log_softmax", lambda x: F.log_softmax(x, 1), "log_softmax(x, dim = 1)", exact_rows=(logs_of, d_log_softmax),
      slack=lambda x: (x - x.amax(1, True)).abs() + 1, grad_slack={"x": softmax_slack})
along("sum", lambda x: x.sum(1), "sum(x, dim = 1)", slack=magnitude, exact_rows=(lambda x: [total(x)], lambda x, up: [up * 3]))
along("mean", lambda x: x.mean(1), "mean(x, dim = 1)", slack=lambda x: magnitude(x) / 3,
      exact_rows=(lambda x: [total(x) / 3], lambda x, up: [[up[0] / 3] * 3]))
along("prod", lambda x: x.prod(1), "prod(x, dim = 1)",
      exact_rows=(lambda x: [mp.fprod(x)], lambda x, up: [[up[0] * mp.fprod(x[:i] + x[i + 1:]) for i in range(len(x))]]))
for name in ["amax", "amin"]:
    along(name, lambda x, n=name: getattr(torch, n)(x, 1), f"{name}(x, dim = 1)", ulps=(0, 1))
for name in ["max", "min"]:
    along(name, lambda x, n=name: getattr(torch, n)(x, 1), f"{name}(x, dim = 1)", ulps=EXACT)
for name in ["argmax", "argmin"]:
    along(name, lambda x, n=name: getattr(torch, n)(x, 1), f"{name}(x, dim = 1)", grads=[])


def single(dtype):
    """The rows of float32 in either type: in float64 no square overflows, and PyTorch's values are nearly exact."""
    return rows(torch.float32).to(dtype)


def fewer(dtype):
    """The same of fewer values."""
    return rows(torch.float32, [0.0, 1.0, 1e20, -ends(torch.float32)[-1], INF, NAN]).to(dtype)


def spread(x):
    """How a variance magnifies errors of the values: little in float32, whose exact values are those of float64."""
    return (x**2).sum(1) if x.dtype == torch.float64 and CURRENT[0] == torch.float64 else x.var(1)


def deviation(x):
    return x.std(1).clamp(1e-300)


def each(f):
    return {"x": lambda x: f(x)[:, None].expand(x.shape)}


def centred(x):
    mean = total(x) / len(x)
    return [v - mean for v in x]


def exact_var(c):
    def f(x):
        d = centred(x)
        return [dot(d, d) / (len(x) - c)]

    return f, lambda x, up: [[2 * d * up[0] / (len(x) - c) for d in centred(x)]]


def exact_std(c):
    def f(x):
        return [mp.sqrt(exact_var(c)[0](x)[0])]

    def df(x, up):
        s = f(x)[0]
        return [[d * up[0] / ((len(x) - c) * s) if s else mp.mpf(0) for d in centred(x)]]

    return f, df


for c in [1, 0]:
    along(f"var.{c}", lambda x, c=c: x.var(1, correction=c), f"var(x, dim = 1, correction = {c})", inputs=single,
          slack=spread, grad_slack=each(magnitude), exact_rows=exact_var(c))
    along(f"std.{c}", lambda x, c=c: x.std(1, correction=c), f"std(x, dim = 1, correction = {c})", inputs=single,
          slack=lambda x: spread(x) / deviation(x), grad_slack=each(lambda x: magnitude(x) / deviation(x)), exact_rows=exact_std(c))


along("logsumexp", lambda x: x.logsumexp(1), "logsumexp(x, dim = 1)", slack=lambda x: x.amax(1).abs() + 1, grad_slack={"x": softmax_slack},
      exact_rows=(lambda x: [log_total(x)], lambda x, up: [[p * up[0] for p in shares_of(x)]]))


def exact_norm(p):
    """Of a norm of 0, and of elements of 0 where they have an infinite slope, PyTorch's values stand."""

    def f(x):
        if p <= 0 and 0 in x:
            raise ValueError
        return [total(abs(v) ** p for v in x if v) ** (1 / mp.mpf(p))]

    def df(x, up):
        y = f(x)[0]
        if y == 0 or mp.isinf(y) or (p < 1 and 0 in x):
            raise ValueError
        return [[mp.sign(v) * (abs(v) / y) ** (p - 1) * up[0] if v else mp.mpf(0) for v in x]]

    return f, df


for p in [1, 2, 3, 1.5, 0.5, -1]:
    along(f"norm.{p}", lambda x, p=p: torch.linalg.vector_norm(x, p, 1), f"norm(x, ord = {p}, dim = 1)", exact_rows=exact_norm(p), infinite=p < 0,
          ulps=(8, 32))
for name, p in [("inf", INF), ("-inf", -INF)]:
    along(f"norm.{name}", lambda x, p=p: torch.linalg.vector_norm(x, p, 1), f"norm(x, ord = {name}, dim = 1)", ulps=(0, 1))
along("norm.0", lambda x: torch.linalg.vector_norm(x, 0, 1), "norm(x, ord = 0, dim = 1)", grads=[])
along("cumsum", lambda x: x.cumsum(1), "cumsum(x, dim = 1)", slack=lambda x: x.abs().cumsum(1), grad_slack={"x": lambda x: torch.full_like(x, 8.0)})


def products(x):
    return [mp.fprod(x[: j + 1]) for j in range(len(x))]


def d_products(x, up):
    """The first zero leaves itself out; what comes after it changes nothing."""
    others = [[mp.fprod(x[: j + 1][:i] + x[: j + 1][i + 1:]) if i <= j else mp.mpf(0) for j in range(len(x))] for i in range(len(x))]
    return [[mp.fsum(u * o for u, o in zip(up, row)) for row in others]]


along("cumprod", lambda x: x.cumprod(1), "cumprod(x, dim = 1)", exact_rows=(products, d_products))


def lengths(d):
    return torch.arange(len(rows(d))) % 4


def first(x, n, f, nothing):
    return torch.stack([f(r[: int(k)]) if int(k) else r[:0].sum() + nothing for r, k in zip(x, n)])


add("reductions", "sequence_mean", "sequence_mean(x, n)", {"x": rows, "n": lengths}, lambda x, n: first(x, n, torch.mean, 0.0),
    slack=lambda x, n: first(x, n, lambda r: r.abs().mean(), 0.0), zeros=False, rows=True)
add("reductions", "sequence_max", "sequence_max(x, n)", {"x": rows, "n": lengths}, lambda x, n: first(x, n, torch.amax, -INF),
    zeros=False, ulps=(0, 1), rows=True)

# ---------------------------------------------------------------- losses


def loss(id, f, args="", inputs=None, call=None, **kwargs):
    op = id.split(".")[0]
    inputs = inputs or {"x": lambda d: product(few(d), few(d))[0], "t": lambda d: product(few(d), few(d))[1]}
    call = call or f"{op}(x, t, {args}reduction = 'none')"
    kwargs.setdefault("rows", inputs["x"] is rows)
    add("losses", id, call, inputs, f, zeros=False, **kwargs)


loss("mse_loss", lambda x, t: F.mse_loss(x, t, reduction="none"), ulps=(1, 2),
     exact=tuple(map(finite, (lambda x, t: (x - t) ** 2, lambda x, t: 2 * (x - t), lambda x, t: 2 * (t - x)))))
loss("l1_loss", lambda x, t: F.l1_loss(x, t, reduction="none"), ulps=(0, 0))
for beta in [1.0, 0.5, 0.0]:
    loss(f"smooth_l1_loss.{beta}", lambda x, t, b=beta: F.smooth_l1_loss(x, t, reduction="none", beta=b), f"beta = {beta}, ", ulps=(2, 2))
for delta in [1.0, 2.5]:
    loss(f"huber_loss.{delta}", lambda x, t, d=delta: F.huber_loss(x, t, reduction="none", delta=d), f"delta = {delta}, ", ulps=(2, 2))


def unit(d):
    small, denormal, normal, tiny, _, _ = ends(d)
    near = 1 - torch.finfo(d).eps / 2
    return torch.tensor([0.0, -0.0, small, denormal, normal, tiny, 1e-13, 1e-12, 1e-6, 0.3, 0.5, 0.9999, near, 1.0], dtype=d)


def targets(d):
    return torch.tensor([0.0, 0.3, 1.0, 2.0], dtype=d)


PROBABILITIES = {"x": lambda d: product(unit(d), targets(d)[:3])[0], "t": lambda d: product(unit(d), targets(d)[:3])[1]}


def cut(x):
    """A logarithm, at least -100."""
    return max(mp.log(x), mp.mpf(-100)) if x > 0 else mp.mpf(-100)


def d_bce(x, t):
    """Of the logarithms without their bound, which PyTorch's gradient has not either."""
    return (1 / (1 - x) if t == 0 else -1 / x if t == 1 else -t / x + (1 - t) / (1 - x))


loss("binary_cross_entropy", lambda x, t: F.binary_cross_entropy(x, t, reduction="none"), inputs=PROBABILITIES,
     exact=(lambda x, t: -t * cut(x) - (1 - t) * cut(1 - x), d_bce, lambda x, t: cut(1 - x) - cut(x)),
     grad_slack={"x": lambda x, t: 1 / eps(x) * ((x * (1 - x) < 1e-12) & (t > 0) & (t < 1))},  # of 1e12, a part of 1
     slack=lambda x, t: (t * x.log().clamp(-100)).abs() + ((1 - t) * (-x).log1p().clamp(-100)).abs())
LOGITS = {"x": lambda d: product(line(d), targets(d))[0], "t": lambda d: product(line(d), targets(d))[1]}
loss("binary_cross_entropy_with_logits", lambda x, t: F.binary_cross_entropy_with_logits(x, t, reduction="none"), inputs=LOGITS,
     slack=lambda x, t: ((1 - t) * x).abs() + F.logsigmoid(x).abs(), grad_slack={"x": lambda x, t: 1 + t, "t": lambda x, t: x.abs() + 1})
loss("binary_cross_entropy_with_logits.pos_weight",
     lambda x, t: F.binary_cross_entropy_with_logits(x, t, pos_weight=torch.full_like(x, 2.5), reduction="none"), inputs=LOGITS,
     call="binary_cross_entropy_with_logits(x, t, pos_weight = full_like(x, 2.5), reduction = 'none')",
     slack=lambda x, t: ((1 - t) * x).abs() + (1 + 1.5 * t) * F.logsigmoid(x).abs(), grads=["x"], grad_slack={"x": lambda x, t: 1 + 2.5 * t})


def weights(d):
    return torch.cat([torch.tensor([0.3, 2.0], dtype=d), few(d)])


WEIGHED = {"x": lambda d: product(few(d), weights(d))[0], "t": lambda d: product(few(d), weights(d))[1]}
loss("kl_div", lambda x, t: F.kl_div(x, t, reduction="none"), inputs=WEIGHED,
     slack=lambda x, t: (t * x).abs() + torch.xlogy(t, t).abs(), grad_slack={"t": lambda x, t: x.abs() + 1 + t.log().abs()})
loss("kl_div.log_target", lambda x, t: F.kl_div(x, t, reduction="none", log_target=True), "log_target = true, ", inputs=WEIGHED,
     grad_slack={"t": lambda x, t: t.exp() * (t.abs() + x.abs() + 1)})


def classes(d):
    return torch.arange(len(rows(d))) % 3


def skipped(d):
    k = torch.arange(len(rows(d)))
    return torch.where(k % 4 == 3, -100, k % 4)


def shares(d):
    some = torch.tensor([[1, 0, 0], [0, 1, 0], [0.5, 0.25, 0.25], [0.2, 0.8, 0], [0, 0, 0]], dtype=d)
    return some.repeat(len(rows(d)) // 5 + 1, 1)[: len(rows(d))]


CLASSES = {"x": rows, "t": classes}
loss("nll_loss", lambda x, t: F.nll_loss(x, t, reduction="none"), inputs=CLASSES, ulps=EXACT)
loss("nll_loss.ignored", lambda x, t: F.nll_loss(x, t, reduction="none"), inputs={"x": rows, "t": skipped}, ulps=EXACT)


def row_slack(x, t):
    return (x - x.amax(1, True)).abs().amax(1) + 1


def entropy(id, f, args="", inputs=None, **kwargs):
    loss(id, f, args, inputs=inputs or CLASSES, slack=kwargs.pop("slack", row_slack), grad_slack={"x": lambda x, t: softmax_slack(x)}, **kwargs)


def exact_entropy(weights):
    """`-sum(w log_softmax(x))` with the weights of a target."""

    def f(x, t):
        return [-dot(weights(t), logs_of(x))]

    def df(x, t, up):
        w = weights(t)
        return [[(p * total(w) - v) * up[0] for p, v in zip(shares_of(x), w)]]

    return f, df


def picked(smooth=0.0):
    """A class as weights, smoothed: -100 has none."""
    return lambda t: [mp.mpf(0 if t[0] == -100 else (1 - smooth) * (k == t[0]) + smooth / 3) for k in range(3)]


def by_third(t):
    """A quarter smoothed, a third of it each."""
    return [mp.mpf(3) / 4 * (k == t[0]) + mp.mpf(1) / 12 for k in range(3)]


entropy("cross_entropy", lambda x, t: F.cross_entropy(x, t, reduction="none"), exact_rows=exact_entropy(picked()))
entropy("cross_entropy.ignored", lambda x, t: F.cross_entropy(x, t, reduction="none"), inputs={"x": rows, "t": skipped},
        exact_rows=exact_entropy(picked()))
entropy("cross_entropy.smooth", lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=0.25), "label_smoothing = 0.25, ",
        exact_rows=exact_entropy(by_third))
entropy("cross_entropy.shares", lambda x, t: F.cross_entropy(x, t, reduction="none"), inputs={"x": rows, "t": shares}, grads=["x"],
        exact_rows=exact_entropy(lambda t: t))


def lengthless(x):
    return (1 / ((x**2).sum(1) + 1e-12).sqrt())[:, None].expand(x.shape)


def others(d):
    return single(d).flip(0)


def signs(d):
    return (torch.arange(len(rows(d))) % 2 * 2 - 1).to(d)


def exact_angle(x, y, t):
    """A cosine and the lengths; PyTorch adds 1e-12, as a float32 has it, to their squares."""
    least = mp.mpf(torch.tensor(1e-12, dtype=torch.float32).item())
    a, b = mp.sqrt(dot(x, x) + least), mp.sqrt(dot(y, y) + least)
    return dot(x, y) / (a * b), a, b


def exact_cosine(x, y, t):
    c = exact_angle(x, y, t)[0]
    return [1 - c if t[0] > 0 else max(c - mp.mpf(0.25), mp.mpf(0))]


def d_cosine(x, y, t, up):
    c, a, b = exact_angle(x, y, t)
    if t[0] < 0 and c == mp.mpf(0.25):
        raise ValueError
    k = up[0] * (-1 if t[0] > 0 else mp.mpf(c > 0.25))
    side = lambda x, y, a, b: [k * (w / (a * b) - c * v / (a * a)) for v, w in zip(x, y)]
    return [side(x, y, a, b), side(y, x, b, a)]


loss("cosine_embedding_loss", lambda x, y, t: F.cosine_embedding_loss(x, y, t, margin=0.25, reduction="none"),
     inputs={"x": single, "y": others, "t": signs}, rows=True, call="cosine_embedding_loss(x, y, t, margin = 0.25, reduction = 'none')",
     grads=["x", "y"], slack=lambda x, y, t: torch.ones_like(t), exact_rows=(exact_cosine, d_cosine),
     grad_slack={"x": lambda x, y, t: lengthless(x), "y": lambda x, y, t: lengthless(y)})

# ---------------------------------------------------------------- pools and norms, along rows of three


def channels(d):
    return rows(d)[:, None, :]


def images(d):
    return rows(d)[:, None, :, None]


def pooled(id, f, args, inputs=channels, **kwargs):
    op = id.split(".")[0]
    add("pools", id, f"{op}(x, {args})", {"x": inputs}, f, zeros=False, rows=True, **kwargs)


pooled("max_pool1d", lambda x: F.max_pool1d(x, 2, 1, 1, return_indices=True), "2, stride = 1, padding = 1, return_indices = true", ulps=(0, 2))
pooled("max_pool2d", lambda x: F.max_pool2d(x, (2, 1), 1, (1, 0), return_indices=True), "(2, 1), stride = 1, padding = (1, 0), return_indices = true", images, ulps=(0, 2))
pooled("max_pool2d.dilated", lambda x: F.max_pool2d(x, (2, 1), 1, dilation=(2, 1), return_indices=True), "(2, 1), stride = 1, dilation = (2, 1), return_indices = true", images, ulps=(0, 2))


def window(x):
    return F.avg_pool1d(x.abs(), 2, 1, 1)


HAND = {"x": lambda x: torch.full_like(x, 4.0)}
pooled("avg_pool1d", lambda x: F.avg_pool1d(x, 2, 1, 1), "2, stride = 1, padding = 1", slack=window, grad_slack=HAND)
pooled("avg_pool1d.uncounted", lambda x: F.avg_pool1d(x, 2, 1, 1, count_include_pad=False), "2, stride = 1, padding = 1, count_include_pad = false", slack=lambda x: 2 * window(x), grad_slack=HAND)
pooled("avg_pool2d", lambda x: F.avg_pool2d(x, (3, 1)), "(3, 1)", images, slack=lambda x: F.avg_pool2d(x.abs(), (3, 1)), grad_slack=HAND)
pooled("avg_pool2d.divisor", lambda x: F.avg_pool2d(x, (3, 1), divisor_override=7), "(3, 1), divisor_override = 7", images, slack=lambda x: F.avg_pool2d(x.abs(), (3, 1)), grad_slack=HAND)
pooled("adaptive_avg_pool1d", lambda x: F.adaptive_avg_pool1d(x, 2), "2", slack=lambda x: F.adaptive_avg_pool1d(x.abs(), 2), grad_slack=HAND)
pooled("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, (2, 1)), "(2, 1)", images, slack=lambda x: F.adaptive_avg_pool2d(x.abs(), (2, 1)), grad_slack=HAND)
pooled("adaptive_max_pool1d", lambda x: F.adaptive_max_pool1d(x, 2, return_indices=True), "2, return_indices = true", ulps=(0, 2))
pooled("adaptive_max_pool2d", lambda x: F.adaptive_max_pool2d(x, (2, 1), return_indices=True), "(2, 1), return_indices = true", images, ulps=(0, 2))


def scaled(eps, centred=True):
    """What a value is multiplied with, and how much of it is left: slacks of gradients and of results."""

    def scale(x):
        moment = x.var(-1, correction=0, keepdim=True) if centred else (x**2).mean(-1, keepdim=True)
        return (1 / (moment + eps).sqrt()).expand(x.shape)

    def size(x):
        lost = x.abs().amax(-1, True) * scale(x)
        return 1 + (lost**2 if CURRENT[0] == torch.float64 else lost)

    return size, {"x": lambda x: 16 * scale(x) * (size(x) if CURRENT[0] == torch.float64 else 1)}


def triples(d):
    return fewer(d)[:, None, :]


def exact_normalised(eps, about_mean):
    def parts(x):
        d = centred(x) if about_mean else x
        return d, 1 / mp.sqrt(dot(d, d) / len(x) + mp.mpf(eps))

    def f(x):
        d, r = parts(x)
        return [v * r for v in d]

    def df(x, up):
        d, r = parts(x)
        mean = total(up) / len(x) if about_mean else 0
        slope = dot([v * r for v in d], up) / len(x)
        return [[r * (u - mean - v * r * slope) for u, v in zip(up, d)]]

    return f, df


def normalised(id, f, call, inputs=fewer, eps=1e-5, centred=True):
    size, scale = scaled(eps, centred)
    add("norms", id, call, {"x": inputs}, f, zeros=False, rows=True, ulps=(16, 64), slack=size, grad_slack=scale,
        exact_rows=exact_normalised(eps, centred))


normalised("layer_norm", lambda x: F.layer_norm(x, (3,)), "layer_norm(x, [3])")
normalised("layer_norm.eps", lambda x: F.layer_norm(x, (3,), eps=1.0), "layer_norm(x, [3], eps = 1.0)", eps=1.0)
normalised("rms_norm", lambda x: F.rms_norm(x, (3,), eps=1e-5), "rms_norm(x, [3], eps = 1e-5)", centred=False)
normalised("group_norm", lambda x: F.group_norm(x, 1), "group_norm(x, 1)", triples)
normalised("instance_norm", F.instance_norm, "instance_norm(x)", triples)
THREE = {"x": fewer, "m": lambda d: torch.tensor([0.0, 1.0, 1e20], dtype=d), "v": lambda d: torch.tensor([1.0, 0.0, 1e20], dtype=d)}
add("norms", "batch_norm", "batch_norm(x, m, v)", THREE, lambda x, m, v: F.batch_norm(x, m, v), grads=["x"], zeros=False, rows=True,
    slack=lambda x, m, v: x.abs() / (v + 1e-5).sqrt() + (m / (v + 1e-5).sqrt()).abs())

# ---------------------------------------------------------------- masks, products, angles


def square(d):
    small, denormal, normal, tiny, huge, largest = ends(d)
    return torch.tensor([[INF, NAN, -INF], [NAN, -0.0, denormal], [largest, INF, NAN]], dtype=d)


for name in ["tril", "triu"]:
    add("others", name, f"{name}(x)", {"x": square}, getattr(torch, name), ulps=EXACT, zeros=False, rows=True)
add("others", "pad", "pad(x, [1, 1], value = -inf)", {"x": square}, lambda x: F.pad(x, (1, 1), value=-INF), ulps=EXACT, rows=True)


def left(d):
    return rows(d)


def right(d):
    return torch.tensor([[1.0, 0.0, INF], [0.0, 1.0, 1.0], [2.0, 0.0, -INF]], dtype=d)


def product_slack(x, y):
    return x.abs() @ y.abs()


add("others", "matmul", "matmul(x, y)", {"x": left, "y": right}, torch.matmul, grads=["x"], zeros=False, rows=True, slack=product_slack,
    grad_slack={"x": lambda x, y: torch.full_like(x, 8.0)})
add("others", "linear", "linear(x, y)", {"x": left, "y": right}, F.linear, grads=["x"], zeros=False, rows=True, slack=lambda x, y: x.abs() @ y.abs().T,
    grad_slack={"x": lambda x, y: torch.full_like(x, 8.0)})

without("it moves elements and computes none", "reshape flatten unflatten transpose t permute squeeze unsqueeze expand expand_as repeat flip roll slice "
        "narrow select split chunk unbind cat stack gather index_select index_copy embedding")
without("it is `mul` of broadcast operands", "outer")
without("its values are whole numbers or given ones", "one_hot sequence_mask zeros ones full zeros_like ones_like full_like arange")
without("its values come from sizes alone", "sinusoidal_positions")
without("in evaluation it is the identity, in training it is random", "dropout dropout1d dropout2d")
without("sums of products, of which `matmul` and `linear` have rows", "einsum conv1d conv2d convolve1d convolve2d conv_transpose1d conv_transpose2d interpolate rotary")
without("`softmax` and `matmul` have rows; its own ends are in tests/attention.rs", "scaled_dot_product_attention")

# ---------------------------------------------------------------- recording

LARGE = mp.mpf("1e400")


def run(case, tensors):
    """Results, and for each upstream gradient those of the inputs."""
    names = list(tensors)
    floats = [n for n in names if tensors[n].is_floating_point()]
    wanted = floats if case.grads is None else case.grads
    args = [tensors[n].detach().clone().requires_grad_(n in wanted) for n in names]
    results = case.f(*args)
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    out = {}
    for i, y in enumerate(results):
        out[f"out.{i}"] = y.detach()
    float_results = [y for y in results if y.is_floating_point()]
    if not wanted:
        return out, wanted
    for k, up in enumerate(upstreams(float_results)):
        leaves = [a for n, a in zip(names, args) if n in wanted]
        used = [y for y in float_results if y.requires_grad]
        ups = [u for u, y in zip(up, float_results) if y.requires_grad]
        gradients = torch.autograd.grad(used, leaves, ups, retain_graph=True, allow_unused=True)
        for n, g, leaf in zip(wanted, gradients, leaves):
            out[f"grad.{k}.{n}"] = torch.zeros_like(leaf) if g is None else g
    return out, wanted


def upstreams(results):
    """Of ones, of numbers of both signs, of zeros."""
    pattern = torch.tensor([-2.5, 0.75, 3.0, -0.125, 1.5])
    mixed = [pattern.repeat(y.numel() // 5 + 1)[: y.numel()].reshape(y.shape).to(y.dtype) for y in results]
    return [[torch.ones_like(y) for y in results], mixed, [torch.zeros_like(y) for y in results]]


def rounded(value, dtype):
    """mpmath's number in a type."""
    largest = mp.mpf(torch.finfo(dtype).max)
    half = largest * torch.finfo(dtype).eps / 4
    if abs(value) > largest + half:
        return math.copysign(INF, value)
    if abs(value) > largest:
        return math.copysign(float(largest), value)
    if dtype == torch.float64:
        return float(value)
    # Once, to a multiple of the spacing.
    if value == 0:
        return 0.0
    exponent = max(int(mp.floor(mp.log(abs(value), 2))) - 23, -149)
    return float(mp.nint(value / mp.mpf(2) ** exponent) * mp.mpf(2) ** exponent)


def by_formula(case, tensors, dtype, got, wanted):
    """The exact values; PyTorch's where there is no formula or no value."""
    names = list(tensors)
    columns = [tensors[n].flatten().tolist() for n in names]
    out = {key: value.clone() for key, value in got.items()}
    known = {}

    def value(j, xs):
        if (j, xs) not in known:
            try:
                if case.exact[j] is None:
                    raise ValueError
                v = case.exact[j](*[mp.sign(x) * LARGE if mp.isinf(x) else x for x in map(mp.mpf, xs)])
                known[j, xs] = None if isinstance(v, mp.mpc) or mp.isnan(v) else v
            except (ValueError, ZeroDivisionError, OverflowError):
                known[j, xs] = None
        return known[j, xs]

    ups = upstreams([got["out.0"]])
    for e, xs in enumerate(zip(*columns)):
        if any(math.isnan(x) for x in xs):
            for key in [f"grad.{k}.{n}" for k in range(3) for n in wanted if out["out.0"].flatten()[e].isnan()]:
                put(out[key], e, NAN)
            continue
        y = value(0, xs)
        if y is not None:
            put(out["out.0"], e, rounded(y, dtype))
        for j, n in enumerate(wanted):
            d = value(1 + j, xs)
            if d is None or case.exact[0] in (mp.sin, mp.cos, mp.tan) and math.isinf(xs[0]):
                continue
            for k, up in enumerate(ups):
                put(out[f"grad.{k}.{n}"], e, rounded(d * mp.mpf(up[0].flatten()[e].item()), dtype))
        if case.exact[0] in (mp.sin, mp.cos, mp.tan) and math.isinf(xs[0]):
            put(out["out.0"], e, NAN)
    return out


def by_rows(case, tensors, dtype, exact, wanted, got):
    """Puts in the exact values of rows of finite numbers."""
    names = list(tensors)
    first = len(tensors[names[0]])
    shared = [len(tensors[n]) != first for n in names]
    ups = [u[0] for u in upstreams([got["out.0"]])]

    def part(tensor, r):
        return tensor[r].flatten()

    for r in range(first):
        columns = [(t if s else t[r]).flatten().tolist() for t, s in zip(tensors.values(), shared)]
        if any(math.isnan(v) or math.isinf(v) and not case.infinite for c in columns for v in c):
            continue
        columns = [[mp.mpf(v) for v in c] for c in columns]
        try:
            values = case.exact_rows[0](*columns)
        except (ValueError, ZeroDivisionError):
            continue
        fill(exact["out.0"], r, values, dtype)
        for k, up in enumerate(ups):
            try:
                up = [mp.mpf(v) for v in part(up, r).tolist()]
                gradients = case.exact_rows[1](*columns, up)
            except (ValueError, ZeroDivisionError):
                break
            for n, g in zip(wanted, gradients):
                fill(exact[f"grad.{k}.{n}"], r, g, dtype)


def fill(tensor, r, values, dtype):
    """Row r; mpmath's zero has no sign."""
    row = tensor[r : r + 1].view(-1)
    for e, v in enumerate(values):
        put(row, e, rounded(mp.mpf(v), dtype))


def undefined(case, got, exact, wanted):
    """Where the exact result is NaN, so is its gradient: of the element, or of the row."""
    nan = exact["out.0"].isnan() if got["out.0"].is_floating_point() else None
    for name in [f"grad.{k}.{n}" for k in range(3) for n in wanted if nan is not None]:
        value = exact[name]
        if case.rows and value.dim() and nan.dim() and len(value) == len(nan):
            row = nan.reshape(len(nan), -1).any(1).reshape([-1] + [1] * (value.dim() - 1)).expand(value.shape)
        elif value.shape == nan.shape and not case.rows:
            row = nan
        else:
            continue
        exact[name] = value.masked_fill(row, NAN)


def put(tensor, e, value):
    old = tensor.view(-1)[e].item()
    # mpmath's zero has no sign.
    tensor.view(-1)[e] = old if value == 0 and old == 0 else value


def same(a, b):
    return torch.equal(a.isnan(), b.isnan()) and torch.equal(a.nan_to_num(7.0), b.nan_to_num(7.0)) and torch.equal(a.signbit() & ~a.isnan(), b.signbit() & ~b.isnan())


def record(case, name, dtype, store):
    CURRENT[0] = dtype
    tensors = {n: f(dtype) for n, f in case.inputs.items()}
    got, wanted = run(case, tensors)
    if case.exact:
        exact = by_formula(case, tensors, dtype, got, wanted)
    elif dtype == torch.float32:
        CURRENT[0] = torch.float64
        double = {n: t.double() if t.is_floating_point() else t for n, t in tensors.items()}
        exact = {k: v.to(dtype) if v.dtype == torch.float64 else v for k, v in run(case, double)[0].items()}
    else:
        exact = got
    exact = dict(exact)
    if case.exact_rows:
        exact = {k: v.clone() for k, v in exact.items()}
        by_rows(case, tensors, dtype, exact, wanted, got)
    if not case.exact:
        undefined(case, got, exact, wanted)
    keep = {f"in.{n}": t for n, t in tensors.items()}
    for key, value in got.items():
        keep[key] = value.to(dtype) if value.is_floating_point() else value
        if value.dtype == dtype and not same(value, exact[key]):
            keep[f"exact.{key}"] = exact[key]
    floats = {n: t for n, t in tensors.items()}
    slacks = {"out.0": case.slack} if case.slack else {}
    for n, f in (case.grad_slack or {}).items():
        slacks[f"grad.{n}"] = f
    for key, f in slacks.items():
        wide = [t.double() if t.is_floating_point() else t for t in floats.values()]
        CURRENT[0] = dtype
        s = f(*wide).double()
        # In float64 the sum of finite magnitudes may overflow.
        s = torch.where(s.isinf() & (dtype == torch.float64), torch.finfo(dtype).max, s)
        s = s.nan_to_num(0.0, 0.0, 0.0).clamp(max=torch.finfo(dtype).max)

        like = keep[key] if key in keep else tensors[key.removeprefix("grad.")]
        keep[f"slack.{key}"] = s.expand(like.shape).to(dtype)
    for key, value in keep.items():
        if value.dtype == torch.int32:
            value = value.long()
        store[f"{case.id}/{key}"] = value.contiguous().clone()
    outputs = [k for k in got if k.startswith("out.")]
    return {
        "id": case.id, "op": case.op, "call": case.call.replace("'", '"'), "inputs": list(tensors), "grads": wanted, "outputs": len(outputs),
        "ulps": list(case.ulps), "zeros": case.zeros, "rows": case.rows,
    }


def main():
    home = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    cases = []
    for group, members in GROUPS.items():
        for name, dtype in TYPES.items():
            store = {}
            entries = [{"group": group, **record(case, name, dtype, store)} for case in members]
            save_file(store, home / f"{group}.{name}.safetensors")
        cases += entries
    head = {"torch": torch.__version__, "upstream": ["ones", "of both signs", "zeros"]}
    lines = ",\n".join("    " + json.dumps(c) for c in cases)
    reasons = ",\n".join(f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(WITHOUT.items()))
    text = f'{{\n  "made_with": {json.dumps(head)},\n  "cases": [\n{lines}\n  ],\n  "without": {{\n{reasons}\n  }}\n}}\n'
    (home / "index.json").write_text(text)


if __name__ == "__main__":
    main()
