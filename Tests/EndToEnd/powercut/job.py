# SPDX-License-Identifier: Apache-2.0
"""Judges the states of a recording in processes of their own, one for each processor.

usage: python3 -m powercut.job FILE INDEX COUNT     (what `judge_all` starts)
"""
import os
import pickle
import subprocess
import sys

from host import HERE, Failure

from .device import FOLDER
from .replay import Replay, Result


def judge_all(replay, limits):
    """All states, or of each phase no more than `limits` says: {phase: Result}."""
    file, count = os.path.join(FOLDER, "job"), os.cpu_count()
    with open(file, "wb") as output:
        pickle.dump((replay.maker, replay.recording, replay.truth, replay.etcs, limits), output)
    workers = [subprocess.Popen(
        [sys.executable, "-B", "-m", "powercut.job", file, str(index), str(count)], cwd=HERE,
        stdout=subprocess.PIPE) for index in range(count)]
    results = {}
    for worker in workers:
        output, _ = worker.communicate()
        if worker.returncode != 0:
            raise Failure(f"judging ends with {worker.returncode}")
        for name, result in pickle.loads(output).items():
            results.setdefault(name, Result()).add(result)
    return results


def main(file, index, count):
    with open(file, "rb") as job:
        maker, recording, truth, etcs, limits = pickle.load(job)
    results = Replay(maker, recording, truth, etcs).judge(limits, int(index), int(count))
    sys.stdout.buffer.write(pickle.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
