#!/bin/bash
export WANDB_API_KEY=0123456789abcdef0123456789abcdef01234567
LR=2e-4
BATCH_SIZE=8 USE_LORA=True LORA_RANK=16 python3 training.py --learning_rate $LR \
  --max_steps 500 --bf16
lm_eval --model hf --batch_size 64
