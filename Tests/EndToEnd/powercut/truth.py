# SPDX-License-Identifier: Apache-2.0
"""What the real `ostree` says that is right: the objects of its repo and the trees that were
committed."""
import os
import stat

from host import call, fresh_folder

from .device import FOLDER


class Truth:
    """The contents of all objects and of all trees; equal contents are one value."""

    def __init__(self, maker):
        self._contents = {}
        reference = fresh_folder(os.path.join(FOLDER, "reference"))
        call("ostree", f"--repo={reference}", "init", "--mode=bare")
        self.objects, self.closures, self.trees = {}, {}, {}
        for version in maker.versions:
            call("ostree", f"--repo={reference}", "pull-local", maker.system.repo, version.commit)
            self.closures[version.commit] = self._closure(reference, version)
            self.trees[version.commit] = self._tree(version.tree)
        for folder, _, names in os.walk(reference + "/objects"):
            for name in names:
                self.objects[f"{os.path.basename(folder)}/{name}"] = self._content(
                    os.path.join(folder, name))

    def _content(self, path):
        """Bytes of a file, target of a link."""
        if os.path.islink(path):
            return os.readlink(path)
        with open(path, "rb") as file:
            content = file.read()
        return self._contents.setdefault(content, content)

    @staticmethod
    def _closure(reference, version):
        """The objects of a commit."""
        listed = call("ostree", f"--repo={reference}", "ls", "-R", "-C", version.commit)
        names = {f"{version.commit[:2]}/{version.commit[2:]}.commit"}
        for line in listed.splitlines():
            words = line.split()
            is_directory = words[0].startswith("d")
            kinds = ["dirtree", "dirmeta"] if is_directory else ["file"]
            for checksum, kind in zip(words[4:], kinds):
                names.add(f"{checksum[:2]}/{checksum[2:]}.{kind}")
        return names

    def _tree(self, root):
        """{path: (mode, content)}; None is the content of a directory."""
        result = {}
        for folder, directories, names in os.walk(root):
            for name in directories + names:
                path = os.path.join(folder, name)
                status = os.lstat(path)
                content = None if stat.S_ISDIR(status.st_mode) else self._content(path)
                result[os.path.relpath(path, root)] = (status.st_mode, content)
        return result
