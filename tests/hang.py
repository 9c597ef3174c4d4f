"""How long a test waits before it says that a program hangs. No measure of speed: that is what `benchmarks/` is for."""

HANG_SECONDS = 60
