# a small run
from math import inf
out_dir = 'out'
dataset = 'openwebtext'
dtype = 'float16'
batch_size = 12
gradient_accumulation_steps = 5 * 8
block_size = 1024
learning_rate: float = 6e-4
max_iters = 600_000
lr_decay_iters = max_iters
secret = __import__('os').getcwd()
betas = (0.9, 0.95)
