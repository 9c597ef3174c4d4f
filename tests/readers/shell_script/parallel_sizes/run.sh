CP=2 bash pretrain.sh SEQ_LEN=4096 TP=4 PP=2 SP=true bf16
torchrun --nproc_per_node 8 train.py --use_8bit_adam --use_liger_kernel True --dataloader_num_workers 4
