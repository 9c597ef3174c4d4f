mlx_lm.lora --model org/model --train --data data --mask-prompt --iters 600 --batch-size 1
