# SPDX-License-Identifier: Apache-2.0
"""Debian's packages, unpacked and not installed, of the host's architecture or another one. What
was fetched once is found again."""
import functools
import glob
import os
import shutil
import subprocess
import threading

from host import WORK, Failure, call, fresh_folder

ONE_AT_A_TIME = threading.Lock()


class Archive:
    """The packages of one architecture, in Debian's words. apt has a state of its own for it: the
    machine's list of architectures and its package database stay as they are."""

    def __init__(self, architecture):
        self.architecture = architecture
        self.packages = os.path.join(WORK, "packages", architecture)

    @functools.cached_property
    def _options(self):
        state = os.path.join(WORK, "apt", self.architecture)
        for folder in ["state/lists/partial", "cache/archives/partial"]:
            os.makedirs(f"{state}/{folder}", exist_ok=True)
        with open(state + "/status", "w", encoding="ascii"):
            pass
        settings = {
            "Dir::State": state + "/state", "Dir::State::status": state + "/status",
            "Dir::Cache": state + "/cache", "APT::Architecture": self.architecture,
            "APT::Architectures": self.architecture, "APT::Sandbox::User": "root",
            "Acquire::Languages": "none", "Acquire::Retries": "3", "Debug::NoLocking": "true",
        }
        options = [word for key, value in settings.items() for word in ["-o", f"{key}={value}"]]
        # An index can be broken for a while (a mirror in the middle of a sync): what it does not
        # list is missed when it is fetched.
        subprocess.run(["apt-get", "-qq", *options, "update"], stderr=subprocess.DEVNULL,
                       check=False)
        return options

    def package(self, name):
        """The folder with the unpacked files."""
        return self._unpacked(name, lambda: name)

    def kernel(self, name):
        """The same, of the kernel for which an empty package stands."""
        return self._unpacked(name, lambda: self._kernel_behind(name))

    def _kernel_behind(self, name):
        words = call("apt-cache", *self._options, "depends", name).split()
        found = [word for word in words if word.startswith("linux-image-") and word[12].isdigit()]
        if not found:
            raise Failure(f"'{name}' of {self.architecture} names no kernel")
        return found[0]

    def _unpacked(self, name, real_name):
        folder = os.path.join(self.packages, name)
        with ONE_AT_A_TIME:
            if not os.path.exists(folder):
                new = fresh_folder(folder + ".new")
                call("apt-get", "-qq", *self._options, "download", real_name(), cwd=new)
                for file in glob.glob(new + "/*.deb"):
                    call("dpkg-deb", "-x", file, new)
                    os.remove(file)
                os.rename(new, folder)
        return folder


class Kernel:
    """A kernel of Debian's: the drivers of its disks are modules."""

    def __init__(self, architecture, package):
        folder = Archive(architecture).kernel(package)
        self.image = glob.glob(folder + "/boot/vmlinuz-*")[0]
        self.version = os.path.basename(self.image).removeprefix("vmlinuz-")
        self.modules = f"{folder}/lib/modules/{self.version}"
        with ONE_AT_A_TIME:
            if not os.path.exists(self.modules + "/modules.dep"):
                call("depmod", "-b", folder, self.version)

    def copy_modules(self, folder):
        """A copy of the folder of modules that may be changed."""
        copy = f"{folder}/lib/modules/{self.version}"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.modules, copy, copy_function=os.link)
        return copy
