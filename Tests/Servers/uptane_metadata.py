#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the metadata of both Uptane repositories, in the `ota` dialect, signed with Ed25519 by the
openssl program: a publisher for tests.

usage: uptane_metadata.py FOLDER init
       uptane_metadata.py FOLDER publish NAME COMMIT HARDWARE-ID [CUSTOM]
       uptane_metadata.py FOLDER publish-file NAME CONTENT HARDWARE-ID FORMAT
       uptane_metadata.py FOLDER withdraw NAME
       uptane_metadata.py FOLDER assign NAME SERIAL HARDWARE-ID [CORRELATION-ID]
       uptane_metadata.py FOLDER assign-also NAME SERIAL HARDWARE-ID
       uptane_metadata.py FOLDER forge NAME COMMIT SERIAL HARDWARE-ID
       uptane_metadata.py FOLDER expire
       uptane_metadata.py FOLDER fill BYTES

FOLDER/director and FOLDER/repo are what a gateway serves. `publish` adds an image that is a commit,
with the JSON object CUSTOM as what else there is to say of it, `publish-file` one that is a file,
and `withdraw` takes one back. `fill` adds images for other hardware until the targets of the image
repository have nearly so many bytes.
`assign` makes an image what one ECU shall run, in place of what was assigned before, `assign-also`
besides that; `forge` does so with an image that the image repository does not have, and `expire`
makes both timestamps old.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys

ROLES = ("root", "timestamp", "snapshot", "targets")
LATER, LONG_AGO = "2099-01-01T00:00:00Z", "2020-01-01T00:00:00Z"


def canonical(value):
    """Of what is plain ASCII, all spellings of the dialect."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def openssl(*words):
    return subprocess.run(["openssl", *words], check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


class Key:
    """The key of a role: a PEM file, made if it is missing."""

    def __init__(self, path):
        self.path = path
        if not os.path.exists(path):
            openssl("genpkey", "-algorithm", "ed25519", "-out", path)
        der = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
        self.object = {"keytype": "ED25519", "keyval": {"public": der[-32:].hex()}}
        self.identifier = hashlib.sha256(der).hexdigest()

    def sign(self, signed):
        message = self.path + ".message"
        with open(message, "wb") as file:
            file.write(canonical(signed))
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", message)
        os.remove(message)
        return {"keyid": self.identifier, "method": "ed25519",
                "sig": base64.b64encode(signature).decode()}


class Repository:
    """What one of the two repositories has, and how it is published."""

    def __init__(self, folder, name):
        self.folder = os.path.join(folder, name)
        keys = os.path.join(folder, "keys")
        os.makedirs(keys, exist_ok=True)
        os.makedirs(self.folder, exist_ok=True)
        self.keys = {role: Key(f"{keys}/{name}-{role}.pem") for role in ROLES}

    def _path(self, name):
        return os.path.join(self.folder, name)

    def read(self, role):
        """What the role says now; None before it says anything."""
        if not os.path.exists(self._path(f"{role}.json")):
            return None
        with open(self._path(f"{role}.json"), "rb") as file:
            return json.load(file)["signed"]

    def _write(self, role, signed, *names):
        """Gives the bytes."""
        text = canonical({"signatures": [self.keys[role].sign(signed)], "signed": signed})
        for name in names or [f"{role}.json"]:
            with open(self._path(name), "wb") as file:
                file.write(text)
        return text

    def write_root(self):
        keys = {key.identifier: key.object for key in self.keys.values()}
        roles = {role: {"keyids": [key.identifier], "threshold": 1}
                 for role, key in self.keys.items()}
        self._write("root", {"_type": "Root", "version": 1, "expires": LATER, "keys": keys,
                             "roles": roles, "consistent_snapshot": False},
                    "1.root.json", "root.json")

    def publish(self, targets, custom=None, expires=LATER):
        """Makes all roles below the root anew, with versions of one more."""
        before = self.read("targets")
        version = before["version"] + 1 if before else 1
        signed = {"_type": "Targets", "version": version, "expires": LATER, "targets": targets}
        if custom:
            signed["custom"] = custom
        listed = {"targets.json": self._listing(version, self._write("targets", signed))}
        with open(self._path("root.json"), "rb") as file:
            listed["root.json"] = self._listing(1, file.read())
        text = self._write("snapshot", {"_type": "Snapshot", "version": version, "expires": LATER,
                                        "meta": listed})
        self._write("timestamp", {"_type": "Timestamp", "version": version, "expires": expires,
                                  "meta": {"snapshot.json": self._listing(version, text)}})

    def add(self, name, target, hardware, form, more=None):
        """Makes all anew, with this image besides those that there are."""
        custom = {"name": name, "version": name.rsplit("-", 1)[-1], "hardwareIds": [hardware],
                  "targetFormat": form, **(more or {})}
        self.publish({**self.read("targets")["targets"], name: {**target, "custom": custom}})

    def assigned(self, name, serial, hardware):
        """The image as a director has it for one ECU."""
        image = self.read("targets")["targets"][name]
        return {"length": image["length"], "hashes": image["hashes"],
                "custom": {"ecuIdentifiers": {serial: {"hardwareId": hardware}}}}

    @staticmethod
    def _listing(version, text):
        return {"version": version, "length": len(text),
                "hashes": {"sha256": hashlib.sha256(text).hexdigest()}}


def main(folder, verb, *words):
    director, images = Repository(folder, "director"), Repository(folder, "repo")
    if verb == "init":
        for repository in (director, images):
            repository.write_root()
            repository.publish({})
    elif verb == "publish":
        name, commit, hardware, *more = words
        target = {"length": 0, "hashes": {"sha256": commit}}
        images.add(name, target, hardware, "OSTREE", json.loads(more[0]) if more else {})
    elif verb == "publish-file":
        name, content, hardware, form = words
        folder = os.path.join(images.folder, "targets")
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
        digest = hashlib.sha256(content.encode()).hexdigest()
        images.add(name, {"length": len(content.encode()), "hashes": {"sha256": digest}}, hardware,
                   form)
    elif verb == "withdraw":
        images.publish({name: target for name, target in images.read("targets")["targets"].items()
                        if name not in words})
    elif verb == "assign":
        name, serial, hardware, *correlation = words
        director.publish({name: images.assigned(name, serial, hardware)},
                         {"correlationId": correlation[0]} if correlation else None)
    elif verb == "assign-also":
        name, serial, hardware = words
        now = director.read("targets")
        targets = {**now["targets"], name: images.assigned(name, serial, hardware)}
        director.publish(targets, now.get("custom"))
    elif verb == "forge":
        name, commit, serial, hardware = words
        custom = {"ecuIdentifiers": {serial: {"hardwareId": hardware}}}
        director.publish({name: {"length": 0, "hashes": {"sha256": commit}, "custom": custom}})
    elif verb == "expire":
        for repository in (director, images):
            now = repository.read("targets")
            repository.publish(now["targets"], now.get("custom"), LONG_AGO)
    elif verb == "fill":
        fill(images, int(words[0]))
    else:
        sys.exit(__doc__)


def fill(images, size_max):
    targets = images.read("targets")["targets"]

    def image(number):
        checksum = hashlib.sha256(str(number).encode()).hexdigest()
        custom = {"name": "other", "version": str(number), "hardwareIds": ["other-hw"],
                  "targetFormat": "OSTREE"}
        return {"length": 0, "hashes": {"sha256": checksum}, "custom": custom}

    # A thousand bytes are for what stands around the targets; one brace of two for a comma.
    each = len(canonical({"other-1000000": image(1000000)})) - 1
    count = (size_max - 1000 - len(canonical(targets))) // each
    images.publish(targets | {f"other-{n}": image(n) for n in range(1000000, 1000000 + count)})


if len(sys.argv) < 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
