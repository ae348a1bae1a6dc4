# SPDX-License-Identifier: Apache-2.0
"""A device gateway: TLS with client certificates, provisioning, registration, manifests, events.

    gateway_server.py FOLDER

Makes its authority below FOLDER and the archive FOLDER/credentials.zip, prints its port, and serves
until its standard input ends. What it knows stands in FOLDER/state.json, what it was asked in
FOLDER/log, a line each: METHOD PATH STATUS DEVICE. FOLDER/served/director, repo and treehub are
served as files. FOLDER/faults.json is a list of what shall go wrong:

    {"path": "/devices", "kind": "cut-answer", "times": 1}
    {"after": 7, "kind": "cut-half", "times": 1}

with the next requests for a path, or with the first ones after seven others of any path. kinds:
cut-head, cut-body (before anything is done), cut-answer (after it, before a byte is answered),
cut-half (in the middle of the answer), status:NUMBER[:CODE], slow:SECONDS; cut-handshake, which
counts connections in place of requests. What is shown to devices, and which devices are refused, is
up to FOLDER/authority.
"""
import base64
import http.server
import json
import pathlib
import socket
import sys
import threading
import time
import tomllib

from gateway_authority import Authority, openssl

FOLDER = pathlib.Path(sys.argv[1])
lock = threading.Lock()


class Cut(Exception):
    """The connection is to end here."""


class State:
    """What the server knows, in a file after each change."""

    def __init__(self):
        self.path = FOLDER / "state.json"
        self.known = {"devices": [], "ecus": {}, "registrations": [], "manifests": [],
                      "counters": {}, "events": [], "told": {}}
        if self.path.exists():
            self.known |= json.loads(self.path.read_text())

    def __getitem__(self, name):
        return self.known[name]

    def save(self):
        self.path.write_text(json.dumps(self.known))


def canonical(value):
    """As devices sign."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


# How openssl(1) is told of a key, and of a signature by it. RSA's is PSS with a salt of 32 bytes.
ED25519 = "ed25519", ["-keyform", "DER"], []
RSA = "rsassa-pss", ["-keyform", "PEM"], [
    "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt", "rsa_pss_saltlen:32"]


def is_signed(envelope, key):
    """Whether the key of an ECU has signed it."""
    entry, public = envelope["signatures"][0], key["keyval"]["public"]
    is_rsa = key["keytype"] == "RSA"
    method, form, options = RSA if is_rsa else ED25519
    encoded = public.encode() if is_rsa else bytes.fromhex("302a300506032b6570032100" + public)
    files = [FOLDER / name for name in ("key", "signature", "message")]
    for file, content in zip(files, [encoded, base64.b64decode(entry["sig"]),
                                     canonical(envelope["signed"])]):
        file.write_bytes(content)
    try:
        openssl("pkeyutl", "-verify", "-rawin", "-pubin", *form, "-inkey", files[0],
                "-sigfile", files[1], "-in", files[2], *options)
    except RuntimeError:
        return False
    return entry["method"] == method


def fault(path):
    """What is to go wrong now: with a request, or, where `path` is None, with a connection."""
    file = FOLDER / "faults.json"
    if not file.exists():
        return ""
    faults = json.loads(file.read_text())
    for known in faults:
        if (known["kind"] == "cut-handshake") != (path is None) or known["times"] == 0:
            continue
        if known.get("path", path) != path:
            continue
        is_due = known.get("after", 0) == 0
        known["times" if is_due else "after"] -= 1
        file.write_text(json.dumps(faults))
        if is_due:
            return known["kind"]
    return ""


class Device(http.server.BaseHTTPRequestHandler):
    """One connection of one device."""
    protocol_version = "HTTP/1.1"

    def setup(self):
        with lock:
            if fault(None):
                self.request.close()
                raise Cut
        self.request = authority.context().wrap_socket(self.request, server_side=True)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        super().setup()
        subject = self.request.getpeercert()["subject"]
        self.name = dict(pair[0] for pair in subject)["commonName"]

    def log_message(self, *words):
        pass

    def handle_one_request(self):
        try:
            super().handle_one_request()
        except (Cut, OSError):
            self.close_connection = True

    def serve(self):
        with lock:
            kind, *details = fault(self.path).split(":")
            if kind == "cut-head":
                self.note("cut")
                raise Cut
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if kind == "cut-body":
                self.note("cut")
                raise Cut
            if kind == "slow":
                time.sleep(float(details[0]))
            if kind == "status":
                code = details[1] if len(details) > 1 else "made_up"
                status, answer = int(details[0]), {"code": code, "description": "on demand"}
            else:
                status, answer = self.decide(body)
                state.save()
            self.note(f"{status} cut" if kind.startswith("cut") else status)
            if kind == "cut-answer":
                raise Cut
            content = answer if isinstance(answer, bytes) else canonical(answer)
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[:len(content) // 2] if kind == "cut-half" else content)
            if kind == "cut-half":
                raise Cut

    do_GET = do_POST = do_PUT = serve

    def note(self, status):
        with open(FOLDER / "log", "a") as log:
            log.write(f"{self.command} {self.path} {status} {self.name}\n")

    def decide(self, body):
        name = f"{self.command} {self.path}"
        if self.command == "GET":
            return self.file()
        if name == "POST /system_info/config" and self.name in state["devices"]:
            if self.headers.get("Content-Type") != "application/toml":
                return 415, {"code": "content_type"}
            state["told"][self.path] = tomllib.loads(body.decode())
            return 200, {}
        if self.headers.get("Content-Type") != "application/json":
            return 415, {"code": "content_type"}
        value = json.loads(body)
        if canonical(value) != body:
            return 400, {"code": "not_canonical"}
        if name == "POST /devices":
            return self.register_device(value)
        if self.name not in state["devices"]:
            return 403, {"code": "unknown_device"}
        if name == "POST /director/ecus":
            return self.register_ecus(value)
        if name == "PUT /director/manifest":
            return self.take_manifest(value)
        if name == "POST /events":
            limit = FOLDER / "events_max"
            if limit.exists() and len(value) > int(limit.read_text()):
                return 413, {"code": "too_many"}
            state["events"].extend(value)
            return 204, b""
        if name in ("PUT /system_info", "PUT /system_info/network", "PUT /core/installed"):
            state["told"][self.path] = value
            return 200, {}
        return 404, {"code": "unknown_path"}

    def file(self):
        path = FOLDER / "served" / self.path.lstrip("/")
        if ".." not in path.parts and path.is_file():
            return 200, path.read_bytes()
        return 404, {"code": "missing_entity"}

    def register_device(self, value):
        if self.name != "fleet":
            return 403, {"code": "forbidden"}
        device = value["deviceId"]
        if device in state["devices"]:
            return 409, {"code": "device_already_registered", "description": "known already"}
        authority.sign(device)
        state["devices"].append(device)
        return 200, authority.pkcs12(device)

    def register_ecus(self, value):
        primary = value["primary_ecu_serial"]
        owner = next((device for device, ecus in state["ecus"].items()
                      if device != self.name and ecus["primary_ecu_serial"] == primary), None)
        if owner:
            return 409, {"code": "ecu_serial_used", "description": f"by {owner}"}
        status = 200 if self.name in state["ecus"] else 201
        state["ecus"][self.name] = value
        state["registrations"].append(self.name)
        return status, {}

    def take_manifest(self, value):
        known = state["ecus"].get(self.name)
        if not known or value["signed"]["primary_ecu_serial"] != known["primary_ecu_serial"]:
            return 400, {"code": "primary_mismatch"}
        primary = known["primary_ecu_serial"]
        key = next(ecu["clientKey"] for ecu in known["ecus"] if ecu["ecu_serial"] == primary)
        own = value["signed"]["ecu_version_manifests"][primary]
        if not is_signed(value, key) or not is_signed(own, key):
            return 400, {"code": "signature_not_valid"}
        counter = int(own["signed"]["report_counter"])
        if counter <= state["counters"].get(self.name, 0):
            return 400, {"code": "counter_not_higher"}
        state["counters"][self.name] = counter
        state["manifests"].append(value)
        return 200, {}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, address):
        pass


(FOLDER / "served").mkdir(parents=True, exist_ok=True)
authority = Authority(FOLDER / "authority")
state = State()
server = Server(("127.0.0.1", int(sys.argv[2]) if len(sys.argv) > 2 else 0), Device)
authority.write_archive(FOLDER / "credentials.zip", f"https://localhost:{server.server_port}",
                        FOLDER / "served")
state.save()
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()
