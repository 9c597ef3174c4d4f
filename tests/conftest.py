"""How hypothesis draws: at random on a developer's machine, always alike where a red result must mean a red change."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("random", deadline=None)
settings.register_profile("alike", deadline=None, derandomize=True)
settings.load_profile("alike" if os.environ.get("CI") else "random")
