# SPDX-License-Identifier: Apache-2.0
"""Cuts the power of a device at every write of an update, and of what follows it. See README.md."""
import random
import re
import time
from collections import Counter

from host import Failure

from . import scenarios
from .again import finish
from .device import LAYOUTS, Maker
from .judge import etc_at_rest
from .job import judge_all
from .replay import Replay
from .states import Medium
from .truth import Truth

# `make e2e` judges no more states of a phase than this, chosen by chance from a fixed seed.
SOME = {"start": 10, "update": 150, "finalize": 60, "mark-good": 40, "fallback": 60,
        "rename": 80, "rollback": 40}
# What may run once an update is through; after that from version 1 only the last.
VERSIONS = ("1", "twin", "2")
SOME_AGAIN, ALL_AGAIN = 1, 3


class Chain:
    def __init__(self, server, is_full):
        self.is_full = is_full
        self.maker = Maker(server)
        self.truth = Truth(self.maker)
        self.tried = self.bad = 0

    # MARK: One recording

    def _etcs(self, recording):
        """What the /etc of the versions may be that nothing writes to but coppice: that of before,
        or of after."""
        result = {}
        for version in self.maker.versions[1:]:
            name = f"{version.commit}.0"
            found = [etc_at_rest(Medium(disk, []), recording.layout, self.truth, name,
                                 recording.folder)
                     for disk in (recording.before, recording.after)]
            if found[1]:
                result[name] = [etc for etc in found if etc]
        return result

    def judge(self, recording, limits=None):
        """Judges the states of a recording: {phase: Result}."""
        replay = Replay(self.maker, recording, self.truth, self._etcs(recording))
        if not replay.is_whole():
            raise Failure(f"the log of '{recording.name}' does not make the disk that was left")
        if limits is None and not self.is_full:
            limits = SOME
        start = time.monotonic()
        results = judge_all(replay, limits or {})
        self._seconds = time.monotonic() - start
        return replay, results

    def hold(self, recording):
        """No state of the recording may be bad, and from some of them the update goes on."""
        replay, results = self.judge(recording)
        tried = sum(result.tried for result in results.values())
        for name, result in sorted(results.items()):
            self._say(recording, f"{name}: {result.tried} states, {len(result.bad)} bad")
            for state, problem in result.bad[:10]:
                self._say(recording, f"BAD {state}: {problem}")
            self.bad += len(result.bad)
        again = self._go_on(replay, results)
        self.tried += tried
        self._say(recording, f"{tried} states of {len(replay.epochs)} epochs in "
                  f"{self._seconds:.0f} s; went on from {again} of them")

    def _go_on(self, replay, results):
        """From states that differ in what programs read."""
        count = 0
        for name, result in sorted(results.items()):
            if name == "start":
                continue
            kinds = sorted(result.kinds.values())
            limit = ALL_AGAIN if self.is_full else SOME_AGAIN
            for state in random.Random(len(kinds)).sample(kinds, min(limit, len(kinds))):
                wrong = finish(replay, state, VERSIONS[-1:] if name == "update" else VERSIONS)
                count += 1
                if wrong:
                    self.bad += 1
                    self._say(replay.recording, f"BAD after {state}: {wrong}")
        return count

    @staticmethod
    def _say(recording, words):
        print(f"end-to-end: powercut: {recording.layout.name} {recording.name}: {words}",
              flush=True)

    # MARK: Scenarios

    def life(self, layout):
        """All that happens to a device with this layout."""
        update = scenarios.update(layout, self.maker.make_disk(layout))
        self.hold(update)
        prove = scenarios.prove(layout, update.after)
        self.hold(prove)
        if not layout.has_esp:  # There, nobody renames a link.
            self.catches_rename(layout, prove.after)
        self.hold(scenarios.fall_back(layout, update.after))
        if self.is_full:
            self.hold(scenarios.roll_back(layout, prove.after))
            if not layout.has_esp:  # There every change writes new entries, as `update` does.
                self.hold(scenarios.relink(layout, self.maker.make_disk(layout)))

    def catches(self, layout):
        """Where no sync does anything there must be bad states, or nothing is proven."""
        recording = scenarios.update(layout, self.maker.make_disk(layout), "without-sync",
                                     "without sync")
        bad = self._caught(recording, "update")
        if not bad:
            raise Failure("nothing is wrong with an update that makes nothing durable")

    def catches_rename(self, layout, disk):
        """A link that is renamed over `loader` is safe for Linux, and not for a boot loader that
        does not replay the journal: then what it sees was judged."""
        bad = self._caught(scenarios.rename(layout, disk), "rename")
        if not bad or any(not problem.startswith("loader: ") for problem in bad):
            raise Failure("a link that is renamed over 'loader' is not judged as it must be")

    def _caught(self, recording, phase):
        """What is wrong with the states of a recording some of which must be bad."""
        limits = {} if self.is_full else SOME
        _, results = self.judge(recording, {**limits, "start": 0})
        result = results[phase]
        bad = [problem for _, problem in result.bad]
        self._say(recording, f"{len(bad)} of {result.tried} states are bad, as must be")
        kinds = Counter(re.sub(r"'[^']*'|[0-9]{2,}", "…", problem) for problem in bad)
        for problem, count in kinds.most_common(5):
            self._say(recording, f"{count} times {problem}")
        return bad


def _run(server, is_full):
    start = time.monotonic()
    chain = Chain(server, is_full)
    layouts = LAYOUTS if is_full else LAYOUTS[:1]
    for layout in layouts:
        chain.life(layout)
    for layout in layouts:
        if not layout.launcher:
            chain.catches(layout)
    print(f"end-to-end: powercut: {chain.tried} states tried, {chain.bad} bad, "
          f"{time.monotonic() - start:.0f} s", flush=True)
    if chain.bad:
        raise Failure(f"{chain.bad} states are bad")


def run(server):
    """A part of it, for `make e2e`."""
    _run(server, False)


def run_full(server):
    """All of it, for `make e2e-full`."""
    _run(server, True)
