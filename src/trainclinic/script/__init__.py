"""The linter of training scripts: mistakes that stand in the code, found without running it.

This room reads Python files, notebooks and launch scripts, follows values through them, and asks one rule per file. It
knows what libraries do with what they are given. It does not know any log, and never imports or executes what it reads.
"""
