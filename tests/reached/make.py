"""Writes reached.safetensors: networks of several losses, trained by PyTorch.

    python tests/reached/make.py

Each loss reaches some of the parameters; PyTorch's optimizers leave alone those whose `.grad` is None. A plan
is a word, a letter a step (see `Multi.run`); the file holds the parameters before and after.
"""

import pathlib

import torch
from safetensors.torch import save_file
from torch import nn
from torch.nn import functional as F

OUT = {}


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))


class Multi(nn.Module):
    """Two tasks on one trunk; arrays of which a loss reads some layers; a shared weight."""

    def __init__(self):
        super().__init__()
        self.trunk = nn.Linear(3, 4)
        self.scale = nn.Parameter(torch.rand(4) - 0.5)
        self.blocks = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))
        self.pairs = nn.ModuleList(Pair() for _ in range(2))
        self.out_a = nn.Linear(4, 2)
        self.out_b = nn.Linear(4, 2)
        self.out_b.weight = self.out_a.weight
        self.still = nn.Linear(4, 4)
        self.still.requires_grad_(False)

    def a_loss(self, x):
        h = torch.tanh(self.trunk(x)) + torch.sign(self.scale)
        for pair in self.pairs:
            h = torch.tanh(pair.layers[0](h))
        h = self.still(self.blocks[1](h))
        return self.out_a(h).square().mean()

    def b_loss(self, x):
        with torch.no_grad():
            h = torch.tanh(self.trunk(x))
        h = h * self.scale
        for block in self.blocks:
            h = torch.tanh(block(h))
        for layer in self.pairs[1].layers:
            h = torch.tanh(layer(h))
        return (self.out_b(h) - 1.0).square().mean()

    def run(self, opt, plan, x, clip):
        for letter in plan:
            match letter:
                case "a":  # a step of the first loss
                    opt.zero_grad()
                    self.a_loss(x).backward()
                case "b":  # of the second
                    opt.zero_grad()
                    self.b_loss(x).backward()
                case "u":  # of both
                    opt.zero_grad()
                    self.a_loss(x).backward()
                    self.b_loss(x).backward()
                case "o":  # of the second, over gradients of the first
                    self.a_loss(x).backward()
                    opt.zero_grad()
                    self.b_loss(x).backward()
                case "A":  # of the first, added to what is there
                    self.a_loss(x).backward()
                case "z":  # of nothing
                    opt.zero_grad()
                case "s":  # of what is there, again
                    pass
            if clip is not None:
                nn.utils.clip_grad_norm_(self.parameters(), *clip)
            opt.step()


def keep(prefix, module):
    for name, p in module.state_dict().items():
        if name != "out_b.weight":
            OUT[f"{prefix}/{name}"] = p.detach().clone()


class Gan(nn.Module):
    def __init__(self):
        super().__init__()
        self.gen_1, self.gen_2 = nn.Linear(3, 5), nn.Linear(5, 4)
        self.dis_1, self.dis_2 = nn.Linear(4, 6), nn.Linear(6, 1)

    def make(self, z):
        return self.gen_2(torch.tanh(self.gen_1(z)))

    def score(self, x):
        return self.dis_2(F.leaky_relu(self.dis_1(x), 0.2))

    def d_loss(self, x, z):
        fake = self.score(self.make(z).detach())
        return F.softplus(-self.score(x)).mean() + F.softplus(fake).mean()

    def g_loss(self, z):
        return F.softplus(-self.score(self.make(z))).mean()


PLAN = "aabuabAsbozabuob"
OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, dampening=0.3, weight_decay=0.1),
    "sgd_nesterov": lambda p: torch.optim.SGD(p, 0.05, momentum=0.8, nesterov=True, maximize=True),
    "adam": lambda p: torch.optim.Adam(p, 0.05, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, 0.05, weight_decay=0.3),
    "adamax": lambda p: torch.optim.Adamax(p, 0.05, weight_decay=0.1),
    "nadam": lambda p: torch.optim.NAdam(p, 0.05, weight_decay=0.1, decoupled_weight_decay=True),
    "radam": lambda p: torch.optim.RAdam(p, 0.05, betas=(0.8, 0.9)),
    "rmsprop": lambda p: torch.optim.RMSprop(p, 0.01, momentum=0.9, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, 0.1, lr_decay=0.1, initial_accumulator_value=0.1),
    "adadelta": lambda p: torch.optim.Adadelta(p, 1.0, weight_decay=0.1),
    "clipped": lambda p: torch.optim.Adam(p, 0.05, weight_decay=0.1),
}

torch.manual_seed(1)
start = Multi().double()
keep("multi", start)
x = torch.rand(6, 3).double() * 2 - 1
OUT["multi.x"] = x
for name, make in OPTIMIZERS.items():
    net = Multi().double()
    net.load_state_dict(start.state_dict())
    # An order for which parameters without a gradient matter.
    clip = (0.05, -1.0) if name == "clipped" else None
    net.run(make([p for p in net.parameters() if p.requires_grad]), PLAN, x, clip)
    keep(name, net)

start = Gan().double()
keep("gan", start)
x, z = torch.rand(8, 4).double() * 2 - 1, torch.rand(8, 3).double() * 2 - 1
OUT["gan.x"], OUT["gan.z"] = x, z
for kind in ["one", "two"]:
    net = Gan().double()
    net.load_state_dict(start.state_dict())
    gen = [*net.gen_1.parameters(), *net.gen_2.parameters()]
    dis = [*net.dis_1.parameters(), *net.dis_2.parameters()]
    if kind == "two":
        opt_g = torch.optim.Adam(gen, 0.02, betas=(0.5, 0.9))
        opt_d = torch.optim.Adam(dis, 0.05, betas=(0.5, 0.9))
    else:
        # One optimizer for all: a step of the discriminator's loss leaves the generator alone.
        opt_g = opt_d = torch.optim.AdamW([*gen, *dis], 0.02, weight_decay=0.1)
    for t in range(12):
        opt_d.zero_grad()
        net.d_loss(x + 0.01 * t, z).backward()
        opt_d.step()
        if t % 3 != 1:
            opt_g.zero_grad()
            net.g_loss(z).backward()
            opt_g.step()
    keep(f"gan_{kind}", net)

save_file({k: v.contiguous() for k, v in OUT.items()}, pathlib.Path(__file__).parent / "reached.safetensors")
