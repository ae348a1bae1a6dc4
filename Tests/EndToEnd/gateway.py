# SPDX-License-Identifier: Apache-2.0
"""x86_64 with GRUB, and a server that says what the device shall run: the device gets its identity
from what its fleet shares, verifies both repositories, pulls over mutual TLS, reports what became
of it, and knows nothing of the time."""
import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager

import chain
import grub
from host import ROOT, WORK, call, expect, fresh_folder, read
from story import PANICS, TRIAL_BOOTS, Story

SERVERS = ROOT + "/Tests/Servers"
HARDWARE = "e2e-board"
CREDENTIALS = "lib/coppice/credentials.zip"
CONFIGURATION = """[device]
remote=
ref=
hardware-id={hardware}

[server]
url=https://10.0.2.2:{port}
provisioning=shared
credentials=/var/{credentials}

[uptane]
mode=uptane
"""


def publish(folder, *words):
    call("python3", "-B", SERVERS + "/uptane_metadata.py", folder + "/served", *words)


class Gateway:
    """The server of the fleet, and who publishes there."""

    def __init__(self, folder, port):
        self.folder, self.port = folder, port

    def metadata(self, *words):
        publish(self.folder, *words)

    def authority(self, *words):
        """Which certificate it shows, and whom it does not let in."""
        call("python3", "-B", SERVERS + "/gateway_authority.py", self.folder, *words)

    def state(self):
        return json.loads(read(self.folder + "/state.json"))

    def report(self):
        """What the newest manifest says: the target that runs, and the report if there is one."""
        signed = self.state()["manifests"][-1]["signed"]
        primary = signed["ecu_version_manifests"][signed["primary_ecu_serial"]]["signed"]
        report = signed.get("installation_report", {}).get("report")
        return primary["installed_image"]["filepath"], report

    def serial(self):
        return next(iter(self.state()["ecus"].values()))["primary_ecu_serial"]


@contextmanager
def running(folder):
    process = subprocess.Popen([sys.executable, "-B", SERVERS + "/gateway_server.py", folder],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Gateway(folder, int(process.stdout.readline()))
    finally:
        process.stdin.close()
        process.wait()


class Directed(Story):
    """`gateway` says what shall run."""

    def __init__(self, gateway, *details):
        super().__init__(*details)
        self.gateway = gateway

    def run(self, failing):
        self.comes_up(1)
        self.adopts()
        self.machine.must_run("date -s '1970-01-02 00:00'")
        self.provisions()
        self.updates(2)
        self.proves()
        self.updates(3, **PANICS)
        self.falls_back()
        self.is_assigned_anew()
        self.is_refused()
        self.machine.power_off()

    def publish(self, version, **behaviour):
        """Gives the commit. The device has it to run from now on."""
        commit = self.commits[version] = self.system.publish(version, **behaviour)
        self.gateway.metadata("publish", f"e2e-{version}", commit, HARDWARE)
        self.assign(version, f"urn:e2e:{version}")
        return commit

    def assign(self, version, correlation):
        self.gateway.metadata("assign", f"e2e-{version}", self.gateway.serial(), HARDWARE,
                              correlation)

    def provisions(self):
        first = self.json("provision")
        expect(first["result"] == "registered", f"provisioning ended as {first}")
        again = self.json("provision")
        expect(again["result"] == "already-registered", f"the second time: {again}")
        state = self.gateway.state()
        expect(len(state["devices"]) == 1 and len(state["registrations"]) == 1,
               f"the server knows {state['devices']}, {state['registrations']}")
        nothing = self.json("update", 240)
        expect(nothing["result"] == "up-to-date", f"nothing is assigned: {nothing}")

    def updates(self, version, **behaviour):
        commit = self.publish(version, **behaviour)
        self.deploys(version, commit)

    def deploys(self, version, commit):
        update = self.json("update", 240)
        expect(update["result"] == "deployed" and update["target"] == f"e2e-{version}"
               and update["commit"] == commit and update["reported"], f"ended as {update}")
        trust = self.status()["trust"]
        expect(trust["director"]["root"] == 1 and trust["image"]["targets"] >= version,
               f"the device trusts {trust}")
        kinds = [event["eventType"]["id"] for event in self.gateway.state()["events"]]
        expect(kinds[-1] == "EcuInstallationApplied", f"the server heard of {kinds}")
        self.machine.must_run("sync")
        self.machine.send("reboot -f")

    def proves(self):
        self.comes_up(2)
        count = len(self.gateway.state()["manifests"])
        update = self.json("update", 240)
        expect(update["result"] == "awaiting-proof", f"ended as {update}")
        expect(len(self.gateway.state()["manifests"]) == count, "told before it was proven")
        self.machine.must_run("coppice mark-good --health")
        update = self.json("update", 240)
        expect(update["settled"] == "installed", f"ended as {update}")
        name, report = self.gateway.report()
        expect(name == "e2e-2" and report["result"]["success"]
               and report["correlation_id"] == "urn:e2e:2", f"the server heard {name}: {report}")

    def falls_back(self):
        for _ in range(TRIAL_BOOTS):
            self.comes_up(3)
        self.comes_up(2)
        update = self.json("update", 240)
        expect(update["result"] == "rejected-before" and update["settled"] == "failed",
               f"ended as {update}")
        name, report = self.gateway.report()
        expect(name == "e2e-2" and not report["result"]["success"]
               and report["items"][0]["result"]["code"] == "INSTALL_FAILED",
               f"the server heard {name}: {report}")
        again = self.json("update", 240)
        expect(again["result"] == "rejected-before" and again["settled"] is None,
               f"the second time: {again}")
        expect(self.gateway.report()[1] is None, "a report was sent twice")

    def is_assigned_anew(self):
        """The same image under another name of an update: it may be tried once more."""
        self.assign(3, "urn:e2e:again")
        output, status = self.machine.run("coppice check", 240)
        expect(status == 10, f"'coppice check' ended with {status}:\n{output}")

    def is_refused(self):
        """By a server whose certificate is long over, then as a device that was revoked: both times
        the update ends at the door, and the device starts as before."""
        before = self.order()
        self.gateway.authority("show", "expired")
        self.fails_to_update(4, "certificate-refused", "it has expired")
        self.gateway.authority("show", "server")
        self.gateway.authority("revoke", self.gateway.state()["devices"][0])
        self.fails_to_update(3, "handshake-failed", "refuses our client certificate")
        self.machine.must_run("sync")
        self.machine.send("reboot -f")
        self.comes_up(2)
        expect(self.order() == before, f"the order was {before} and is {self.order()}")

    def order(self):
        return [(deployment["checksum"], deployment["serial"], deployment["state"])
                for deployment in self.status()["deployments"]]

    def fails_to_update(self, code, name, words):
        output, status = self.machine.run("coppice update --json --progress none", 240)
        results = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
        expect(status == code and results[0]["error"]["name"] == name
               and words in results[0]["error"]["message"], f"the update ended as:\n{output}")


class Board(grub.Board):
    name = "gateway"
    # A board whose clock has no battery. (Kernels take 1970 of such a clock for 2070.)
    options = ["-rtc", "base=2000-01-02"]

    def __init__(self, gateway):
        super().__init__()
        self.gateway = gateway
        self.etc = {**self.etc, "coppice/coppice.conf": CONFIGURATION.format(
            hardware=HARDWARE, port=gateway.port, credentials=CREDENTIALS)}

    def make_disk(self, sysroot):
        place = f"{sysroot.path}/ostree/deploy/e2e/var/{CREDENTIALS}"
        os.makedirs(os.path.dirname(place))
        shutil.copy(self.gateway.folder + "/credentials.zip", place)
        return super().make_disk(sysroot)


def run(server):
    folder = fresh_folder(os.path.join(WORK, "gateway-server"))
    publish(folder, "init")
    with running(folder) as gateway:
        board = Board(gateway)
        os.symlink(board.folder + "/repo", folder + "/served/treehub")
        chain.run(board, server, tell=lambda *details: Directed(gateway, *details))
