# SPDX-License-Identifier: Apache-2.0
"""The machine on which the tests run: its folders, and its programs."""
import os
import shutil
import subprocess

HERE = os.path.realpath(os.path.dirname(__file__))
ROOT = os.path.realpath(os.path.join(HERE, "../.."))
WORK = os.path.join(ROOT, ".build/e2e")
# Deployments can be deleted as any other files.
os.environ["OSTREE_SYSROOT_DEBUG"] = "mutable-deployments"
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Failure(Exception):
    """Something was not as it must be."""


def expect(holds, what):
    if not holds:
        raise Failure(what)


def call(*command, **options):
    """Runs a program that must succeed; gives what it printed."""
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                            text=True, **options)
    if result.returncode != 0:
        raise Failure(f"'{' '.join(command)}' ended with {result.returncode}\n"
                      f"{result.stdout}{result.stderr}")
    return result.stdout.strip()


def fresh_folder(path):
    # A deployment is immutable, and so cannot be removed.
    subprocess.run(["chattr", "-R", "-f", "-i", path], check=False)
    shutil.rmtree(path, ignore_errors=True)
    os.makedirs(path)
    return path


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def coppice(architecture):
    """The executable of a board."""
    path = os.path.join(ROOT, ".build/device", architecture, "coppice")
    expect(os.path.exists(path), f"no '{path}'; run 'make device ARCH={architecture}'")
    return path
