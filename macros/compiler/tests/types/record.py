"""Records PyTorch's result types in torch.txt: python record.py > torch.txt

A line: an expression of x and y, then its type for each pair of their types (rows: x, columns: y, or for
x alone). `-`: refused. f is float, i an integer, b a boolean."""
import torch
import torch.nn.functional as F

torch.manual_seed(0)
MADE = {
    "b": lambda: torch.tensor([[True, False], [True, True]]),
    "i": lambda: torch.tensor([[0, 1], [1, 0]], dtype=torch.int64),
    "f": lambda: torch.tensor([[0.1, 0.2], [0.3, 0.4]]),
}
ONE = """
-x; abs(x); exp(x); log(x); sqrt(x); rsqrt(x); reciprocal(x); sin(x); cos(x); tan(x); erf(x); expm1(x); log1p(x)
floor(x); ceil(x); round(x); sign(x); square(x); exp2(x); log2(x); log10(x); sinh(x); cosh(x); isnan(x); detach(x)
logical_not(x); tanh(x); sigmoid(x); relu(x); relu6(x); silu(x); leaky_relu(x); elu(x); celu(x); selu(x); gelu(x)
softplus(x); logsigmoid(x); mish(x); hardtanh(x); hardsigmoid(x); hardswish(x); softsign(x); tanhshrink(x)
softmax(x, 1); log_softmax(x, 1); dropout(x, 0.5); x + 1; x + 1.5; x - 1; 1 - x; 1.5 - x; x * 2; x * 0.5; x / 2; x > 0
x > 0.5; x == 1; 2 / x; pow(x, 0); pow(x, 1); pow(x, 2); pow(x, 3); pow(x, -1); pow(x, 0.5); pow(x, 2.0); pow(2, x)
clamp(x, 0, 2); clamp(x, 0.5, 2.5); clamp(x, min = 0.5); clamp(x, max = 1); maximum(x, x); minimum(x, x)
sum(x); sum(x, 1); mean(x); mean(x, 1); amax(x, 1); amin(x, 0); max(x); min(x); max(x, 1)[0]; max(x, 1)[1]; min(x, 0)[0]
argmax(x); argmax(x, 1); argmin(x, 1); var(x, 1); std(x, 1); logsumexp(x, 1); norm(x); norm(x, 1); cumsum(x, 1)
where(MASK, x, 1); where(MASK, x, 1.5); where(MASK, 2, x); masked_fill(x, MASK, 1); masked_fill(x, MASK, 1.5)
tril(x); triu(x, 1); flip(x, [0]); zeros_like(x); ones_like(x); full_like(x, 2); full_like(x, 2.5); cat([x, x], 1)
x.reshape([4]); x.permute([1, 0]); x.expand([3, 2, 2]); x[0]; x.gather(1, INDEX); x.index_select(1, INDEX[0])
layer_norm(x, [2]); rms_norm(x, [2]); max_pool1d(x.unsqueeze(0), 2); adaptive_avg_pool1d(x.unsqueeze(0), 1)
interpolate(x.unsqueeze(0), scale_factor = 2); matmul(x, FLOAT); linear(x, FLOAT); linear(FLOAT, x); einsum("ij,jk->ik", x, FLOAT)
scaled_dot_product_attention(x, x, x); scaled_dot_product_attention(FLOAT, FLOAT, FLOAT, attn_mask = x)
FLOAT.gather(1, x); FLOAT.index_select(1, x[0]); embedding(x, FLOAT); one_hot(x, 3); where(x, FLOAT, FLOAT); masked_fill(FLOAT, x, 0)
cross_entropy(FLOAT, x[0]); nll_loss(FLOAT, x[0]); cross_entropy(x, INDEX[0]); cross_entropy(FLOAT, x)
cross_entropy(FLOAT, INDEX[0], weight = x[0]); binary_cross_entropy(FLOAT, FLOAT, weight = x)
binary_cross_entropy_with_logits(FLOAT, FLOAT, weight = x); binary_cross_entropy_with_logits(FLOAT, FLOAT, pos_weight = x)
cosine_embedding_loss(FLOAT, FLOAT, x[0]); lerp(x, x, 0.5); lerp(FLOAT, FLOAT, x); index_copy(FLOAT, 0, INDEX[0], x)
batch_norm(FLOAT, x[0], x[0]); group_norm(x, 1); layer_norm(FLOAT, [2], x[0]); linear(FLOAT, FLOAT, x[0])
"""
TWO = """
x + y; x - y; x * y; x / y; x == y; x != y; x < y; x <= y; x > y; x >= y; maximum(x, y); minimum(x, y); pow(x, y)
logical_and(x, y); logical_or(x, y); where(MASK, x, y); cat([x, y], 0); stack([x, y]); clamp(x, y); matmul(x, y)
einsum("ij,ij->i", x, y); mse_loss(x, y); l1_loss(x, y); smooth_l1_loss(x, y); huber_loss(x, y)
binary_cross_entropy(x, y); binary_cross_entropy_with_logits(x, y); kl_div(x, y); index_copy(x, 0, INDEX[0], y)
x + y[0, 0]; x.masked_fill(MASK, y[0, 0]); cosine_embedding_loss(x, y, INDEX[0])
"""
names = {n: getattr(F, n) for n in dir(F)} | {n: getattr(torch, n) for n in dir(torch)}
names |= {n: getattr(F, n) for n in ["layer_norm", "rms_norm", "batch_norm", "group_norm", "dropout", "mse_loss"]}
for n in ["mse_loss", "l1_loss", "kl_div", "binary_cross_entropy_with_logits", "cosine_embedding_loss", "relu",
          "softmax", "log_softmax", "embedding", "huber_loss", "smooth_l1_loss", "max_pool1d", "selu", "celu"]:
    names[n] = getattr(F, n)
names |= {"MASK": MADE["b"](), "INDEX": torch.tensor([[0, 1], [1, 0]]), "FLOAT": MADE["f"]()}


def kind(text, x, y):
    try:
        r = eval(text, names | {"x": x, "y": y})
    except (RuntimeError, TypeError, IndexError, NotImplementedError, ValueError):
        return "-"
    return "f" if r.dtype.is_floating_point else "b" if r.dtype == torch.bool else "i"


def lines(text):
    return [e.strip() for line in text.splitlines() for e in line.split(";") if e.strip()]


for e in lines(ONE):
    print(f"{e} | " + "".join(kind(e, MADE[x](), None) for x in "bif"))
for e in lines(TWO):
    print(f"{e} | " + " ".join("".join(kind(e, MADE[x](), MADE[y]()) for y in "bif") for x in "bif"))
