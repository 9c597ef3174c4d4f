"""Words in model, objective and run names, and the kind of training each stands for.

Whole words only (`t5` must not be found in `dt5x`), longest first, so that `encoder-decoder` wins over `decoder`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache


def find_words(text: str, table: Mapping[str, str]) -> str | None:
    """The kind of the first word of `table` that stands in `text`, tables being tried in their order.

    Args:
        text: A name such as `openai/whisper-small` or `finetune_gpt2_lora`.
        table: Word to kind.
    """
    spaced = f" {_spaced(text)} "
    return next((kind for word, kind in table.items() if f" {word} " in spaced), None)


@cache
def _spaced(text: str) -> str:
    """`T5ForConditionalGeneration_v1` -> `t5 for conditional generation v1`."""
    broken = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", text)
    return " ".join(re.findall(r"[a-z0-9]+", broken.lower()))


def _table(**rows: str) -> dict[str, str]:
    return {word.replace("+", " "): kind.replace("_", "-") for kind, words in rows.items() for word in words.split()}


OBJECTIVE_WORDS: dict[str, str] = _table(
    preference="dpo orpo kto ipo simpo cpo preference",
    reward="rm reward reward+model reward+modeling",
    rl="grpo ppo rloo reinforce rl rlhf gspo dapo",
    masked_lm="mlm masked+lm masked masked+language+modeling",
    classification="classification classifier sequence+classification token+classification nli ner sentiment",
    regression="regression",
    diffusion="diffusion ddpm",
    seq2seq="seq2seq translation summarization summarisation seq2seqlm conditional+generation",
    speech="asr speech ctc transcription",
    vision="image vision mnist cifar cifar10 cifar100 imagenet detection segmentation",
    causal_lm="sft pt pretrain pretraining clm causal causal+lm lm text+generation language+modeling instruct",
)
MODEL_WORDS: dict[str, str] = _table(
    seq2seq="whisper t5 mt5 byt5 flan+t5 umt5 bart mbart pegasus marian m2m100 nllb trocr speech+to+text led "
    "blenderbot vision+encoder+decoder encoder+decoder prophetnet",
    speech="wav2vec2 hubert wavlm mms",
    diffusion="stable+diffusion sdxl flux unet ddpm dit",
    vision="vit deit swin resnet resnet18 resnet50 convnext yolo yolov5 yolov8 detr segformer beit efficientnet",
    masked_lm="bert roberta distilbert deberta albert electra xlm+roberta camembert canine modernbert codebert",
    causal_lm="gpt gpt2 gptj gpt+neo gpt+neox distilgpt2 llama llama2 llama3 codellama tinyllama mistral mixtral qwen "
    "qwen1 qwen2 qwen3 gemma gemma2 gemma3 phi phi1 phi2 phi3 phi4 falcon bloom bloomz opt pythia stablelm starcoder "
    "starcoder2 deepseek yi internlm internlm2 baichuan baichuan2 chatglm chatglm2 chatglm3 glm glm4 olmo olmo2 mpt "
    "rwkv mamba smollm smollm2 smollm3 alpaca vicuna zephyr cerebras xgen granite minicpm nanogpt slm llm",
)
# In a path or run name these mean other things (`data.pt`, `image/`, `opt/`) or name the data, not the training.
_NOT_IN_NAMES = {"pt", "rm", "rl", "lm", "led", "opt", "yi", "ner", "sentiment", "detection", "image", "masked", "flux"}
NAME_WORDS: dict[str, str] = {
    word: kind for word, kind in {**MODEL_WORDS, **OBJECTIVE_WORDS}.items() if word not in _NOT_IN_NAMES
}
PRETRAINED_WORDS: dict[str, str] = {
    word: "pretrained" for word in MODEL_WORDS if word not in {"gpt", "nanogpt", "slm", "llm", "unet"}
}
TUNING_WORDS: dict[str, str] = _table(
    pretrained="lora qlora peft finetune finetuned finetuning fine tuned tuning sft dpo orpo grpo"
)

PAIR_COLUMNS = {
    "reward/margin",
    "reward/chosen",
    "reward/rejected",
    "reward/accuracy",
    "logps/chosen",
    "logps/rejected",
    "logits/chosen",
    "rewards/chosen",
    "rewards/margins",
    "log_odds_chosen",
}
POLICY_COLUMNS = {"reward/mean", "reward/std", "reward_std", "completions/length", "completion_length"}
POLICY_PREFIXES = (
    "rewards/",
    "completions/",
    "clip_ratio",
    "policy/",
    "ppo/",
    "objective/kl",
    "env/reward",
    "reward/equal_groups",
)
COLUMN_MARKS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("causal-lm", ("eval_bleu_4", "predict_bleu_4")),  # the spelling of LLaMA-Factory's chat metrics
    ("speech", ("wer", "cer")),
    ("vision", ("map", "map50", "iou", "miou", "dice", "psnr", "ssim")),
    ("diffusion", ("fid",)),
    ("regression", ("mse", "mae", "rmse", "r2", "pearson", "pearsonr", "spearmanr")),
    ("seq2seq", ("bleu", "sacrebleu", "rouge", "rouge1", "rouge2", "rougel", "rougelsum", "chrf", "meteor")),
    ("causal-lm", ("ppl", "perplexity", "bpc", "bpb", "train_token_accuracy", "num_tokens")),
)
CLASS_METRICS = {"f1", "precision", "recall", "auc", "roc", "auroc", "mcc", "top1", "top5", "matthews"}
LANGUAGE_MODEL_TOOLS = ("nanogpt", "llama.cpp", "llamacpp", "litgpt", "axolotl", "torchtune", "megatron", "unsloth")
FINE_TUNING_TOOLS = (
    "llama-factory",
    "llamafactory",
    "unsloth",
    "axolotl",
    "torchtune",
    "trl",
    "peft",
    "xtuner",
    "swift",
)

# What only models of text have; weaker than a model's name.
TOKEN_FACTS = ("vocabulary_size", "chat_template", "packing", "train_on_inputs")
TOKEN_COLUMNS = ("train/tokens", "speed/tokens_per_second", "train/entropy")
TOKEN_EVENTS = (
    "response-template-missing",
    "labels-all-ignored",
    "token-count-mismatch",
    "end-token-outside-mask",
    "tokens-untrained",
    "loss-type-none",
    "pad-token-missing",
)
EXACT_SIZES = {
    124_439_808: "GPT-2",
    354_823_168: "GPT-2 medium",
    774_030_080: "GPT-2 large",
    1_557_611_200: "GPT-2 XL",
    134_515_008: "SmolLM2 135M",
    494_032_768: "Qwen2.5 0.5B",
    1_100_048_384: "TinyLlama",
    1_235_814_400: "Llama 3.2 1B",
    6_738_415_616: "Llama 2 7B",
    7_241_732_096: "Mistral 7B",
    8_030_261_248: "Llama 3 8B",
}
"""Parameters of public checkpoints, exact to the last one, so that no other model is taken for them."""
