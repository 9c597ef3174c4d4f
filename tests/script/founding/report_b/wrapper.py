"""GPT-2 with adapters behind the interface of a model that is trained from scratch."""

import torch
from peft import LoraConfig, get_peft_model
from transformers import GPT2LMHeadModel


class WrappedGPT2(torch.nn.Module):
    def __init__(self, name, rank, alpha):
        super().__init__()
        base = GPT2LMHeadModel.from_pretrained(name)
        config = LoraConfig(r=rank, lora_alpha=alpha, target_modules=["c_attn", "c_proj", "c_fc"], fan_in_fan_out=True)
        self.net = get_peft_model(base, config)

    def trainable(self):
        return [parameter for parameter in self.net.parameters() if parameter.requires_grad]

    def forward(self, idx, targets=None):
        if targets is None:
            return self.net(idx).logits, None
        outputs = self.net(input_ids=idx, labels=targets)
        return outputs.logits, outputs.loss
