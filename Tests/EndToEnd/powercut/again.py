# SPDX-License-Identifier: Apache-2.0
"""Goes on after a power cut: boots a state, and runs the update to its end."""
import os

from host import Failure

from .device import FOLDER
from .judge import Judge
from .recording import machine, prepare_boot, settle, wait_up
from .rules import Rule
from .states import Medium

SECONDS = 120


def finish(replay, name, promised):
    """What goes wrong on the way from the state with this name to one in which a version of
    `promised` would be started; None if nothing does."""
    layout = replay.layout
    disk = os.path.join(FOLDER, "again.img")
    replay.write_state(name, disk)
    boot = prepare_boot(disk, layout)
    with machine(boot, f"format=raw,file={disk}",
                 f"{replay.recording.folder}/again-{name}.log") as guest:
        try:
            if wait_up(guest, layout) == "2":
                guest.must_run("coppice mark-good")
            guest.must_run(f"{layout.launcher} coppice update", SECONDS)
            guest.must_run("coppice fsck; coppice status")
            settle(guest)
        except Failure as failure:
            return str(failure)
    # Its own repair is part of the judgement.
    judge = Judge(replay.maker, layout, replay.truth, {}, disk + ".judge")
    try:
        rule = Rule(frozenset(promised), frozenset(promised))
        problems = judge.judge(Medium(disk, layout.parts), (0,) * len(layout.parts), rule, True)
    finally:
        judge.end()
    return "; ".join(problems) or None
