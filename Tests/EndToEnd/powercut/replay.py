# SPDX-License-Identifier: Apache-2.0
"""Rebuilds and judges the states of a recording."""
import os
import random
from dataclasses import dataclass, field

from .device import FOLDER
from .ext4 import JOURNAL, FileSystem
from .judge import Judge
from .recording import mapped
from .rules import RULES
from .states import Medium, Whole, states
from .writelog import epochs


@dataclass
class Result:
    """Of one phase."""
    # Each content of the disk, and whether the program had said that it was done.
    judged: set = field(default_factory=set)
    # [(name of the state, what is wrong with it)]
    bad: list = field(default_factory=list)
    # For each content of the files that programs read: the name of a state that has it.
    kinds: dict = field(default_factory=dict)

    @property
    def tried(self):
        """How many different contents of the disk."""
        return len({keys for keys, _ in self.judged})

    def add(self, other):
        self.judged |= other.judged
        self.bad += other.bad
        self.kinds = other.kinds | self.kinds


def memory():
    """Where files live in memory, if there is such a place."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else FOLDER


def shares(chosen, count):
    """The numbers of epochs, cut into `count` runs with as many states each."""
    result, total = [[] for _ in range(count)], sum(len(found) for found in chosen.values())
    done = 0
    for number in sorted(chosen):
        result[min(done * count // max(total, 1), count - 1)].append(number)
        done += len(chosen[number])
    return result


class Replay:
    """One recording, its epochs and the states of each."""

    def __init__(self, maker, recording, truth, etcs):
        self.maker, self.recording, self.truth, self.etcs = maker, recording, truth, etcs
        self.layout = recording.layout
        self.epochs = epochs(recording.log)
        self.wholes = self._wholes()

    def _wholes(self):
        """ext4 has one superblock in use, and a checksum over each block of its journal; it does
        not survive a cut within either."""
        disk = mapped(self.recording.before)
        found = []
        parts = self.layout.parts
        for start, _ in parts[1:] if self.layout.has_esp else parts:
            found.append(Whole(start + 1024, start + 2048, 1024))
            file_system = FileSystem(disk, start)
            unit = file_system.block_bytes
            for _, block, count in file_system.extents(file_system.inode(JOURNAL)):
                begin = start + block * unit
                found.append(Whole(begin, begin + count * unit, unit))
        return found

    def phase(self, epoch):
        """The one in which an epoch ends."""
        phases = [phase for phase in self.recording.phases if phase.begin < epoch.end]
        return phases[-1] if phases else None

    def chosen(self, limits):
        """{number of an epoch: its states}; of a phase at most as many as `limits` says."""
        by_phase = {}
        for number, epoch in enumerate(self.epochs):
            phase = self.phase(epoch)
            if phase is not None and limits.get(phase.name, 1) != 0:
                by_phase.setdefault(phase.name, []).extend(states(number, epoch, self.wholes))
        result = {}
        for name, found in by_phase.items():
            limit = limits.get(name, len(found))
            if limit < len(found):
                found = random.Random(len(found)).sample(found, limit)
            for state in found:
                result.setdefault(state.epoch, []).append(state)
        return result

    def judge(self, limits, index, count):
        """One of `count` shares of the states: {phase: Result}."""
        chosen = self.chosen(limits)
        numbers = shares(chosen, count)[index]
        folder = os.path.join(memory(), f"coppice-powercut-{os.getpid()}")
        judge = Judge(self.maker, self.layout, self.truth, self.etcs, folder)
        medium = Medium(self.recording.before, self.layout.parts)
        results = {}
        try:
            for number, epoch in enumerate(self.epochs):
                if number > max(numbers, default=-1):
                    break
                if number in numbers:
                    self._judge_epoch(judge, medium, epoch, chosen[number], results)
                medium.apply(epoch.writes)
        finally:
            judge.end()
        return results

    def _judge_epoch(self, judge, medium, epoch, found, results):
        phase = self.phase(epoch)
        result = results.setdefault(phase.name, Result())
        is_done = 0 < phase.done < epoch.end
        for state in found:
            with medium.trying(state) as keys:
                if (keys, is_done) in result.judged:
                    continue
                result.judged.add((keys, is_done))
                problems = judge.judge(medium, keys, RULES[phase.name], is_done)
            result.bad += [(state.name, problem) for problem in problems[:1]]
            result.kinds.setdefault(judge.kind, state.name)

    def write_state(self, name, path):
        """Makes a disk of the state with this name."""
        wanted = int(name.split("-")[0])
        medium = Medium(self.recording.before, [])
        for epoch in self.epochs[:wanted]:
            medium.apply(epoch.writes)
        state = next(state for state in states(wanted, self.epochs[wanted], self.wholes)
                     if state.name == name)
        medium.apply(state.writes)
        with open(path, "wb") as file:
            file.write(medium.bytes)

    def is_whole(self):
        """Whether all of the log makes the disk that was left: a test of the log itself."""
        medium = Medium(self.recording.before, [])
        for epoch in self.epochs:
            medium.apply(epoch.writes)
        return medium.bytes[:] == mapped(self.recording.after)[:]
