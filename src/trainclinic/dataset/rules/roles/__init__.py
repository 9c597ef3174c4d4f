"""Who speaks when: roles, order of turns, answers, system prompts."""
