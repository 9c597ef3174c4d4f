"""Rules answer alike wherever the tests run: libraries of this environment do not stand in for those of a script."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def _no_library_is_installed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "oracle" not in Path(request.node.fspath).parts:
        monkeypatch.setattr("trainclinic.script.oracle.signatures.installed_library", lambda _: None)
