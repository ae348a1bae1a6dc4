# SPDX-License-Identifier: Apache-2.0
"""The authority of a fleet: what it signs, and the archive of credentials that it hands out."""
import pathlib
import subprocess
import zipfile


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]


class Authority:
    """Keys and certificates below a folder, made when they are first needed."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.certificate = self.folder / "ca.pem"
        self.key = self.folder / "ca.key"
        if not self.certificate.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            openssl("req", "-x509", *KEY, "-days", 3650, "-subj", "/CN=fleet authority",
                    "-keyout", self.key, "-out", self.certificate)
            self.sign("server", "DNS:localhost,IP:127.0.0.1,IP:10.0.2.2")
            self.sign("fleet")

    def sign(self, name, names=None, days=3650):
        """NAME.key and NAME.pem."""
        base = self.folder / name
        request = openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{base}.key")
        extensions = []
        if names:
            (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
            extensions = ["-extfile", f"{base}.ext"]
        openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", days, "-out", f"{base}.pem", *extensions, data=request)

    def pkcs12(self, name):
        """Key, certificate and authority, without a passphrase."""
        base = self.folder / name
        return openssl("pkcs12", "-export", "-inkey", f"{base}.key", "-in", f"{base}.pem",
                       "-certfile", self.certificate, "-passout", "pass:")

    def write_archive(self, path, url, served):
        """With the first roots that `served` has, else with some that prove nothing."""
        members = {
            "treehub.json": b'{"no_auth":true}',
            "autoprov_credentials.p12": self.pkcs12("fleet"),
            "autoprov.url": f"{url}\n".encode(),
            "root.json": b'{"signatures":[],"signed":{"_type":"Root","version":1}}',
            "director_root.json": b'{"signatures":[],"signed":{"_type":"Root","version":2}}',
            "tufrepo.url": f"{url}/repo".encode(),
        }
        for member, name in (("root.json", "repo"), ("director_root.json", "director")):
            root = served / name / "1.root.json"
            if root.exists():
                members[member] = root.read_bytes()
        with zipfile.ZipFile(path, "w") as archive:
            for index, (name, content) in enumerate(members.items()):
                method = zipfile.ZIP_DEFLATED if index % 2 else zipfile.ZIP_STORED
                archive.writestr(name, content, compress_type=method)
