# SPDX-License-Identifier: Apache-2.0
"""The authority of a fleet: what it signs, and the archive of credentials that it hands out.

    gateway_authority.py FOLDER show NAME
    gateway_authority.py FOLDER revoke NAME

The gateway of this FOLDER shows the certificate NAME to devices from its next connection on: server
as it should be, expired, elsewhere (which is for another host) or stranger (of another authority);
it refuses the device NAME.
"""
import pathlib
import ssl
import subprocess
import sys
import zipfile


def openssl(*words, data=None, folder=None):
    done = subprocess.run(["openssl", *map(str, words)], input=data, cwd=folder,
                          capture_output=True)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return done.stdout


NAMES = "DNS:localhost,IP:127.0.0.1,IP:10.0.2.2"
# For openssl-ca(1), which knows dates and revocations.
REGISTER = """[register]
database=index.txt
serial=serial
new_certs_dir=.
default_md=sha256
unique_subject=no
policy=policy
[policy]
commonName=supplied
"""
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
            self.sign("server", NAMES)
            self.sign("fleet")

    def context(self):
        """What a device meets that connects now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chosen = self.folder / "shown"
        shown = self.folder / (chosen.read_text() if chosen.exists() else "server")
        context.load_cert_chain(f"{shown}.pem", f"{shown}.key")
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(self.certificate)
        revoked = self.folder / "revoked.pem"
        if revoked.exists():
            context.load_verify_locations(revoked)
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
        return context

    def show(self, name):
        if name == "elsewhere":
            self.sign(name, "DNS:elsewhere.example")
        elif name == "stranger":
            Authority(self.folder / "other").sign("server", NAMES)
            for end in ("pem", "key"):
                (self.folder / "other" / f"server.{end}").rename(self.folder / f"stranger.{end}")
        elif name == "expired":
            self.sign(name, NAMES, ["-startdate", "20150101000000Z", "-enddate", "20160101000000Z"])
        (self.folder / "shown").write_text(name)

    def revoke(self, name):
        """From now on devices are held against a list of what was revoked."""
        self.register("-revoke", f"{name}.pem")
        self.register("-gencrl", "-crldays", 3650, "-out", "revoked.pem")

    def register(self, *words):
        for name, text in (("register", REGISTER), ("index.txt", ""), ("serial", "1000")):
            if not (self.folder / name).exists():
                (self.folder / name).write_text(text)
        openssl("ca", "-batch", "-config", "register", "-name", "register", "-cert", "ca.pem",
                "-keyfile", "ca.key", *words, folder=self.folder)

    def sign(self, name, names=None, dates=None):
        """NAME.key and NAME.pem, good for ten years unless there are `dates`."""
        base = self.folder / name
        request = openssl("req", *KEY, "-subj", f"/CN={name}", "-keyout", f"{base}.key")
        extensions = []
        if names:
            (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
            extensions = ["-extfile", f"{base}.ext"]
        if dates:
            pathlib.Path(f"{base}.csr").write_bytes(request)
            return self.register("-in", f"{name}.csr", "-out", f"{name}.pem", *dates,
                                 "-extfile", f"{name}.ext")
        openssl("x509", "-req", "-CA", self.certificate, "-CAkey", self.key, "-CAcreateserial",
                "-days", 3650, "-out", f"{base}.pem", *extensions, data=request)

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


if __name__ == "__main__":
    place, verb, given = sys.argv[1:]
    authority = Authority(pathlib.Path(place) / "authority")
    {"show": authority.show, "revoke": authority.revoke}[verb](given)
