# SPDX-License-Identifier: Apache-2.0
"""What must hold in each phase of an update, whatever was cut off."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    # The versions that may be started.
    may_start: frozenset
    # Those that may be started once the program has said that it was done.
    promised: frozenset
    # Only version 1 is started without being counted.
    is_trial: bool = False
    # Nothing is counted once the program has said that it was done.
    ends_trial: bool = False

    def problem(self, version, is_counting, is_done):
        """What is wrong with a boot loader that starts this version, or None."""
        if version not in (self.promised if is_done else self.may_start):
            return f"version {version} would be started"
        if self.is_trial and version != "1" and not is_counting:
            return f"version {version} would be started, but not counted"
        if self.ends_trial and is_done and is_counting:
            return "starts are still counted"
        return None


def _rule(may_start, promised=None, **more):
    return Rule(frozenset(may_start), frozenset(promised or may_start), **more)


RULES = {
    "start": _rule("1"),
    "update": _rule("12", "2", is_trial=True),
    "finalize": _rule("2", is_trial=True),
    "mark-good": _rule("2", ends_trial=True),
    "fallback": _rule("1", ends_trial=True),
    "rollback": _rule("12", "1"),
    "rename": _rule("12"),
    "relink": _rule(["2", "twin"], ["twin"], is_trial=True),
}
