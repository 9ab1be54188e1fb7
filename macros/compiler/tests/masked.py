"""Writes masked.txt: PyTorch's gradients of scalar functions at places that are masked, clamped or weighed with
zero. Run it beside this file: python masked.py > masked.txt

A line: expression; gradients by x, then those by y if the expression has y. Points are POINTS or, with y, all
pairs of PAIRED, x the slow one. `m` is false everywhere. What PyTorch cannot differentiate twice is left out.
"""
import re

import torch
import torch.nn.functional as F

INF = float("inf")
POINTS = [-INF, -1e30, -100.0, -2.0, -1.0, -0.5, -1e-30, 0.0, 1e-30, 0.5, 1.0, 2.0, 100.0, 1e30, INF, float("nan")]
PAIRED = [-INF, -1e30, -2.0, 0.0, 0.5, 1.0, 1e30, INF]
UNARY = """abs(x) exp(x) log(x) sqrt(x) rsqrt(x) reciprocal(x) sin(x) cos(x) tan(x) erf(x) expm1(x) log1p(x) square(x)
exp2(x) log2(x) log10(x) sinh(x) cosh(x) tanh(x) sigmoid(x) relu(x) relu6(x) silu(x) leaky_relu(x) elu(x) celu(x,0.7) selu(x)
gelu(x) gelu(x,approximate="tanh") softplus(x) logsigmoid(x) mish(x) hardtanh(x) hardsigmoid(x) hardswish(x) softsign(x)
tanhshrink(x) pow(x,2) pow(x,3) pow(x,0.5) pow(x,-1) pow(x,-2) pow(x,1.5) pow(x,0.3) 1/x x/(x-x) x/x
log(1-x) log(1+exp(x)) sqrt(1-square(x)) x*log(x) exp(x)/(1+exp(x)) log(tanh(x)) 1/sqrt(x) 1/log(x) sqrt(log(x)) log2(1-x)
log10(1-x) exp(exp(x)) tanh(1/x) log2(log2(x)) pow(square(x),0.5)""".split()
BINARY = "y/x pow(x,y) maximum(x,y) minimum(x,y) y*log(x) log2(x/y) x*y lerp(x,y,0.3) sqrt(x)/y y*log10(x)".split()
REDUCED = """norm(z) norm(z,1) std(z) var(z) mean(z) logsumexp(z,0) softmax(z,0).square().sum() log_softmax(z,0).square().sum()
softmax(z,0)[1] log_softmax(z,0)[1] amax(z) layer_norm(z,16)[1] rms_norm(z,16)[1] sqrt(mean(z)) log(mean(z)) cumsum(z,0)[3]
1/std(z) log(norm(z)) sqrt(var(z)) z[2]/norm(z)""".split()
ROWS = ["where(abs(x)<10,x+0.25,0.0)", "where(m,x,0.0)", "where(m,x,3.0)", "where(abs(x)<10,x,-1e30)"]
NAMES = {n: getattr(torch, n) for n in (
    "abs exp log sqrt rsqrt reciprocal sin cos tan erf expm1 log1p square exp2 log2 log10 sinh cosh tanh sigmoid pow where "
    "maximum minimum lerp clamp relu masked_fill std var mean logsumexp softmax log_softmax amax cumsum norm").split()}
NAMES |= {"layer_norm": lambda x, n: F.layer_norm(x, (n,)), "rms_norm": lambda x, n: F.rms_norm(x, (n,))}
NAMES |= {n: getattr(F, n) for n in (
    "relu6 silu leaky_relu elu celu selu gelu softplus logsigmoid mish hardtanh hardsigmoid hardswish softsign "
    "tanhshrink").split()}



def alone(f):
    """One element at a time: on the CPU, PyTorch's vector code has another gradient of these at NaN than all its other code."""
    return lambda x: torch.stack([f(v[None])[0] for v in x.flatten()]).reshape(x.shape)


NAMES |= {n: alone(getattr(F, n)) for n in ["relu6", "hardtanh"]}


def gradients(text):
    both = bool(re.search(r"\by\b", text))
    p = torch.tensor(PAIRED if both else POINTS)
    n = len(p)
    x = (p.repeat_interleave(n) if both else p.clone()).requires_grad_()
    y = p.repeat(n if both else 1).requires_grad_()
    m = torch.zeros(x.shape, dtype=torch.bool)
    names = NAMES | {"x": x, "y": y, "m": m, "grad": lambda l, x: torch.autograd.grad(l, x, create_graph=True)[0]}
    loss = eval(text, names)
    wrt = [x, y] if both else [x]
    return [d for g in torch.autograd.grad(loss, wrt, allow_unused=True, materialize_grads=True) for d in g.tolist()]


def line(text):
    try:
        print(text + ";" + ",".join(f"{d:.7g}" for d in gradients(text)))
    except RuntimeError as e:
        assert "not implemented" in str(e), e


for f in UNARY + BINARY:
    line(f"where(m,{f},x).sum()")
    line(f"masked_fill({f},x==x,0.0).sum()")
    line(f"(0.0*({f})).sum()")
for f in UNARY:
    line(f"grad(where(m,{f},x*x).sum(),x).square().sum()")
    for inner in ["relu(x)", "clamp(x,0,1)", "clamp(x,min=0.5)", "abs(x)", "where(x>0,x,1.0)"]:
        line("(" + re.sub(r"\bx\b", inner, f) + ").sum()")
    line(f"where(x>0,{f},x).sum()")
    line(f"relu({f}).sum()")
    line(f"clamp({f},-1,1).sum()")

for f in REDUCED:
    for row in ROWS:
        text = f.replace("z", row)
        line(text)
        line(f"where(m,{text},x).sum()")
