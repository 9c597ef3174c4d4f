torchrun --nproc_per_node 4 sft/finetune.py --model_name_or_path org/model --fp16 True \
  --per_device_train_batch_size 4 --deepspeed zero3.json --target_modules '[q_proj,v_proj]'
