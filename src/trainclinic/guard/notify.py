"""Tells the outside of an alarm: a POST to an address, or a command. Neither can hold up a training for long.

Deliveries run in threads of their own, which end with the process at the latest. It does not know whether anybody
reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from trainclinic.guard.live import Alarm

POST_SECONDS = 5.0
COMMAND_SECONDS = 30.0
LAST_SECONDS = 6.0
"""How long the end of a run waits for a delivery: the alarm that stops it is the one that must arrive."""


class Notifier:
    """Delivers alarms.

    Args:
        webhook: Address for a JSON object; empty for none.
        command: Program and its arguments; empty for none. The alarm is in its environment.
        failed: Told what went wrong, from another thread.
    """

    def __init__(self, webhook: str, command: Sequence[str], failed: Callable[[str], None]) -> None:
        self._webhook = webhook
        self._command = list(command)
        self._failed = failed
        self._threads: list[threading.Thread] = []

    def tell(self, alarm: Alarm, action: str) -> None:
        """Start to deliver one alarm.

        Args:
            alarm: What is wrong.
            action: What the guard does about it.
        """
        message: dict[str, str | int] = {"rule": alarm.rule, "step": alarm.step, "says": alarm.says, "action": action}
        if self._webhook:
            self._start(self._post, message)
        if self._command:
            self._start(self._run, message)

    def wait(self, seconds: float = LAST_SECONDS) -> None:
        """Give deliveries that are under way some time to end.

        Args:
            seconds: At most so long for each.
        """
        for thread in self._threads:
            thread.join(seconds)
        self._threads = []

    def _start(self, deliver: Callable[[dict[str, str | int]], None], message: dict[str, str | int]) -> None:
        thread = threading.Thread(target=self._try, args=(deliver, message), name="trainclinic-alarm", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _try(self, deliver: Callable[[dict[str, str | int]], None], message: dict[str, str | int]) -> None:
        try:
            deliver(message)
        except Exception as error:  # nobody else would hear of it
            self._failed(f"the alarm `{message['rule']}` was not delivered: {type(error).__name__}: {error}")

    def _post(self, message: dict[str, str | int]) -> None:
        body = json.dumps(message).encode("utf-8")
        request = urllib.request.Request(  # the policy has refused everything but http
            self._webhook, data=body, headers={"Content-Type": "application/json"}, method="POST"
        )
        with urllib.request.urlopen(request, timeout=POST_SECONDS):
            pass

    def _run(self, message: dict[str, str | int]) -> None:
        environment = {f"TRAINCLINIC_{key.upper()}": str(value) for key, value in message.items()}
        quiet = subprocess.DEVNULL
        subprocess.run(
            self._command, env={**os.environ, **environment}, timeout=COMMAND_SECONDS, check=True,
            stdin=quiet, stdout=quiet, stderr=quiet,
        )  # fmt: skip
