"""Writes `outputs.txt`: what each model computes at a small width, with weights that the test also makes.

Also writes GPT-2's weights as transformers saves them, without the second name of the shared parameter.

Needs torch, torchvision and transformers. Everything is in double precision and in evaluation mode.
"""

import math
import shutil
import tempfile
from pathlib import Path

import torch
import torchvision.models as vision
import transformers as hf
from torch import nn

HERE = Path(__file__).parent


def numbers(shape, seed):
    """Numbers that look random, in [-1, 1): the same as in `main.rs`."""
    values = []
    state = seed
    for _ in range(math.prod(shape)):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        values.append((state >> 40) / 2**23 - 1)
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def tokens(shape, end):
    return ((numbers(shape, 1) + 1) / 2 * end).to(torch.int64)


def filled(model, shared=()):
    """The model with its weights: seeds are the places of sorted names. `shared` are second names of parameters."""
    state = model.double().eval().state_dict()
    names = sorted(name for name, value in state.items() if value.is_floating_point() and name not in shared)
    for seed, name in enumerate(names, 1):
        shape = list(state[name].shape)
        random = numbers(shape, seed)
        if len(shape) > 1:
            value = random * (2 / math.sqrt(math.prod(shape[1:])))
        elif name.endswith(("weight", "running_var")):
            value = 1 + 0.5 * random
        else:
            value = 0.1 * random
        state[name].copy_(value)
    return model


def narrow(model, factor):
    """Divides all channels by `factor`."""
    for name, layer in list(model.named_modules()):
        if isinstance(layer, nn.Conv2d):
            i = layer.in_channels if layer.in_channels == 3 else layer.in_channels // factor
            groups = max(layer.groups // factor, 1)
            new = nn.Conv2d(i, layer.out_channels // factor, layer.kernel_size, layer.stride, layer.padding,
                            groups=groups, bias=layer.bias is not None)
        elif isinstance(layer, nn.BatchNorm2d):
            new = nn.BatchNorm2d(layer.num_features // factor, layer.eps)
        elif isinstance(layer, nn.Linear):
            out = 5 if layer.out_features == 1000 else layer.out_features // factor
            new = nn.Linear(layer.in_features // factor, out)
        else:
            continue
        model.set_submodule(name, new)
    return model


def of_images(make, factor):
    return lambda: filled(narrow(make(weights=None), factor))(numbers([2, 3, 32, 32], 1))


def gpt2():
    config = hf.GPT2Config(vocab_size=50, n_positions=16, n_embd=8, n_layer=2, n_head=2)
    model = filled(hf.GPT2LMHeadModel(config), ["lm_head.weight"])
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        shutil.copyfile(Path(folder) / "model.safetensors", HERE / "gpt2.safetensors")
    return model(tokens([2, 9], 50)).logits


def bert():
    config = hf.BertConfig(vocab_size=50, hidden_size=8, num_hidden_layers=2, num_attention_heads=2,
                           intermediate_size=32, max_position_embeddings=16)
    mask = torch.ones(2, 8)
    mask[1, 7] = 0
    result = filled(hf.BertModel(config))(tokens([2, 8], 50), attention_mask=mask, token_type_ids=tokens([2, 8], 2))
    return torch.cat([result.last_hidden_state.flatten(), result.pooler_output.flatten()])


def vit():
    model = vision.VisionTransformer(16, 4, 12, 2, 8, 32, num_classes=5)
    return filled(model)(numbers([2, 3, 16, 16], 1))


def rotary(_, position_ids):
    """In double precision: transformers computes angles and norms in single precision."""
    angles = position_ids[..., None] * 10000 ** -torch.tensor([0, 0.5], dtype=torch.float64)
    angles = torch.cat([angles, angles], dim=-1)
    return angles.cos(), angles.sin()


def llama():
    config = hf.LlamaConfig(vocab_size=50, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
                            num_attention_heads=4, num_key_value_heads=2, rms_norm_eps=1e-5)
    hf.models.llama.modeling_llama.LlamaRMSNorm = nn.RMSNorm
    model = filled(hf.LlamaForCausalLM(config))
    model.model.rotary_emb.forward = rotary
    return model(tokens([2, 9], 50)).logits


MODELS = {
    "resnet18": of_images(vision.resnet18, 16),
    "resnet50": of_images(vision.resnet50, 32),
    "vgg16": of_images(vision.vgg16, 16),
    "mobilenet_v2": of_images(vision.mobilenet_v2, 8),
    "gpt2": gpt2,
    "bert": bert,
    "vit_b_16": vit,
    "llama": llama,
    "densenet121": of_images(vision.densenet121, 8),
}

with torch.no_grad():
    lines = [" ".join([name, *map(repr, make().flatten().tolist())]) for name, make in MODELS.items()]
(HERE / "outputs.txt").write_text("\n".join(lines) + "\n")
