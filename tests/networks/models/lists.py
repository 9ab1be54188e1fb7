"""Writes the names and shapes of each model's state dict, one `name shape` a line, beside this file.

Needs torch, torchvision and transformers. No memory is allocated for the weights, and nothing is downloaded.
"""

from pathlib import Path

import torch
import torchvision.models as vision
import transformers as hf

# The defaults of `LlamaConfig` are the sizes of Llama-2-7B, and those of the others are the base models.
MODELS = {
    "resnet18": lambda: vision.resnet18(weights=None),
    "resnet50": lambda: vision.resnet50(weights=None),
    "vgg16": lambda: vision.vgg16(weights=None),
    "mobilenet_v2": lambda: vision.mobilenet_v2(weights=None),
    "gpt2": lambda: hf.GPT2LMHeadModel(hf.GPT2Config()),
    "bert": lambda: hf.BertModel(hf.BertConfig()),
    "vit_b_16": lambda: vision.vit_b_16(weights=None),
    "llama": lambda: hf.LlamaForCausalLM(hf.LlamaConfig()),
    "densenet121": lambda: vision.densenet121(weights=None),
}

for name, make in MODELS.items():
    with torch.device("meta"):
        state = make().state_dict()
    lines = sorted(f"{key} {list(value.shape)}" for key, value in state.items())
    path = Path(__file__).parent / f"{name}.txt"
    path.write_text("\n".join(lines) + "\n")
