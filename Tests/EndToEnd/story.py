# SPDX-License-Identifier: Apache-2.0
"""What every board must do whose boot loader counts: version 1, put there by the real `ostree`, is
adopted and updated over the network; version 2 finishes its /etc at its first start and proves
itself; those that follow panic or fail a health check, and fall back by themselves."""
import json

from host import expect

TRIAL_BOOTS = 2
# How versions fail: what their init starts, and what must hold.
PANICS = {"starts": "echo c > /proc/sysrq-trigger\n"}
INIT_ENDS = {"starts": "exit 1\n"}
# The initramfs has started the watchdog, and nobody feeds it.
HANGS = {"starts": "while :; do sleep 60; done\n"}
UNHEALTHY = {"starts": "coppice mark-good --health --reboot\n",
             "required": "echo 'too hot' >&2; exit 1\n"}


class Story:
    """`system` publishes, `machine` is running version 1, whose commit is `commit`. `loader` is
    what `[boot] loader` calls the boot loader."""

    def __init__(self, system, machine, commit, loader):
        self.system = system
        self.machine = machine
        self.loader = loader
        self.commits = {1: commit}

    def run(self, failing):
        self.comes_up(1)
        self.adopts()
        self.updates(2)
        self.proves()
        for version, behaviour in enumerate(failing, 3):
            self.updates(version, **behaviour)
            self.falls_back(version)
        self.machine.power_off()

    # MARK: What the machine says

    def comes_up(self, version):
        self.machine.wait_for(f"system is up: version {version},", 240)

    def json(self, command, seconds=60):
        """What a command of coppice says on its standard output; its messages stand around it."""
        output = self.machine.must_run(f"coppice {command} --json --progress none", seconds)
        results = [line for line in output.splitlines() if line.startswith("{")]
        expect(len(results) == 1, f"'coppice {command} --json' said:\n{output}")
        return json.loads(results[0])

    def status(self):
        return self.json("status")

    def agrees_with_ostree(self, status):
        """Both have the same deployments, in the same order, and the same one runs."""
        if not self.system.has_ostree:
            return
        lines = self.machine.must_run("ostree admin status").splitlines()
        theirs = [line[:2] + line.split()[-1 if "(" not in line else -2]
                  for line in lines if line[2:].startswith("e2e ")]
        ours = [f"{'*' if deployment['booted'] else ' '} "
                f"{deployment['checksum']}.{deployment['serial']}"
                for deployment in status["deployments"]]
        expect(ours == theirs, f"coppice sees {ours}, ostree sees {theirs}")

    # MARK: What is to happen

    def adopts(self):
        status = self.status()
        expect(status["bootloader"] == self.loader, f"the boot loader is '{status['bootloader']}'")
        self.agrees_with_ostree(status)
        # Gives the boot loader's store the name by which the next start proves that it is the one.
        self.machine.must_run("coppice mark-good")

    def updates(self, version, **behaviour):
        """Publishes a version, lets the machine fetch and deploy it, and restarts."""
        commit = self.commits[version] = self.system.publish(version, **behaviour)
        update = self.json("update", 240)
        expect(update["result"] == "deployed", f"the update ended as {update}")
        status = self.status()
        first, second = status["deployments"][:2]
        expect(first["checksum"] == commit and first["next"], f"{commit} is not next: {status}")
        expect(first["state"] == "trial" and first["etc"] == "pending", f"armed as {first}")
        expect(first["trial"] == {"left": TRIAL_BOOTS, "max": TRIAL_BOOTS}, f"armed as {first}")
        expect(second["booted"], f"position 1 is not what runs: {status}")
        self.agrees_with_ostree(status)
        # Only the merge at the first start can carry this over.
        self.machine.must_run(f"echo {version} > /etc/changed-after-deploy; sync")
        self.machine.send("reboot -f")

    def proves(self):
        self.comes_up(2)
        kept = self.machine.must_run("cat /etc/changed-after-deploy")
        expect(kept.strip() == "2", f"/etc was not merged at boot: '{kept}'")
        status = self.status()
        first = status["deployments"][0]
        expect(first["booted"] and first["state"] == "trial", f"version 2 is {first}")
        expect(first["trial"]["left"] == TRIAL_BOOTS - 1, f"version 2 is {first}")
        expect(first["etc"] == "merged", f"version 2 is {first}")
        waits = self.json("update", 240)
        expect(waits["result"] == "awaiting-proof", f"the update ended as {waits}")
        self.machine.must_run("coppice mark-good --health")
        status = self.status()
        expect(status["deployments"][0]["state"] == "proven", f"after mark-good: {status}")
        self.agrees_with_ostree(status)
        doctor, _ = self.machine.run("coppice doctor")
        expect("same store" in doctor, f"the doctor does not know the store:\n{doctor}")

    def falls_back(self, version):
        """Each of its trials is started, and then version 2 by itself."""
        for _ in range(TRIAL_BOOTS):
            self.comes_up(version)
        self.comes_up(2)
        status = self.status()
        expect(status["fell_back"], f"status does not know of the fallback: {status}")
        text = self.machine.must_run("coppice status")
        expect("the boot loader fell back" in text, f"status does not say so:\n{text}")
        # Either of them notices first.
        if version % 2:
            self.machine.must_run("coppice mark-good --health")
        update = self.json("update", 240)
        expect(update["result"] == "rejected-before", f"the update ended as {update}")
        status = self.status()
        rejected = [entry["checksum"] for entry in status["rejected"]]
        expect(self.commits[version] in rejected, f"version {version} is not rejected: {status}")
        first = status["deployments"][0]
        expect(first["checksum"] == self.commits[2] and first["booted"] and first["next"],
               f"version 2 is not what boots: {status}")
        expect(first["state"] == "proven" and not status["fell_back"], f"not settled: {status}")
        text = self.machine.must_run("coppice status")
        expect(f"rejected: e2e {self.commits[version]}.0" in text, f"status hides it:\n{text}")
        self.agrees_with_ostree(status)
