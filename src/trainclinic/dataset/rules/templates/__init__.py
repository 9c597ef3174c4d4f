"""What a chat template does to conversations: rows that it refuses, text that it leaves out, prompts that differ."""
