learning_rate = = 3
batch_size = 2
