"""Policies that cannot be meant are refused; alarms reach the outside, and failures to do so reach the record."""

from __future__ import annotations

import http.server
import json
import sys
import threading

import pytest

from trainclinic.guard.live import Alarm
from trainclinic.guard.notify import Notifier
from trainclinic.guard.policy import Policy
from trainclinic.record.errors import TrainclinicError

ALARM = Alarm("loss-spike", "on_spike", 7, "the loss has left its band")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"on_spike": "explode"}, "`on_spike` is `explode`"),
        ({"rate_factor": 0.0}, "`rate_factor` is `0.0`"),
        ({"rate_factor": 1.5}, "`rate_factor` is `1.5`"),
        ({"tries": -1}, "`tries`"),
        ({"snapshot_every": 0}, "`snapshot_every`"),
        ({"command": "rm -rf /"}, "expected a list"),
        ({"webhook": "file:///etc/passwd"}, "`webhook`"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(wrong, said):
    with pytest.raises(TrainclinicError, match=said):
        Policy(**wrong)


def test_snapshots_are_worth_their_memory_only_where_an_alarm_can_roll_back():
    assert not Policy().rolls_back
    assert Policy(on_spike="rollback").rolls_back
    assert not Policy(on_spike="rollback", tries=0).rolls_back


def test_an_alarm_is_posted_as_json():
    got = []

    class Receiver(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
    thread = threading.Thread(target=server.handle_request)
    thread.start()
    failures = []
    notifier = Notifier(f"http://127.0.0.1:{server.server_port}/", (), failures.append)
    notifier.tell(ALARM, "stop")
    notifier.wait()
    thread.join(10)
    server.server_close()
    assert failures == []
    assert got == [{"rule": "loss-spike", "step": 7, "says": "the loss has left its band", "action": "stop"}]


def test_a_command_finds_the_alarm_in_its_environment(tmp_path):
    code = "import os, sys; open(sys.argv[1], 'w').write('|'.join(os.environ['TRAINCLINIC_' + k] for k in ('RULE', 'STEP', 'SAYS')))"
    failures = []
    notifier = Notifier("", (sys.executable, "-c", code, str(tmp_path / "told; $(x)")), failures.append)
    notifier.tell(ALARM, "warn")
    notifier.wait(30)
    assert failures == []
    assert (tmp_path / "told; $(x)").read_text() == "loss-spike|7|the loss has left its band"


@pytest.mark.parametrize(
    ("webhook", "command"),
    [("http://127.0.0.1:1/", ()), ("", ("no-such-program-anywhere",)), ("", (sys.executable, "-c", "exit(3)"))],
)
def test_an_alarm_that_cannot_be_delivered_is_told(webhook, command):
    failures = []
    notifier = Notifier(webhook, command, failures.append)
    notifier.tell(ALARM, "warn")
    notifier.wait(30)
    assert len(failures) == 1
    assert failures[0].startswith("the alarm `loss-spike` was not delivered")
