# SPDX-License-Identifier: Apache-2.0
"""Judges one state of a disk. What was found about a file system with the same bytes is not looked
for twice."""
import mmap
import os
import shutil
from dataclasses import dataclass, field

from .ext4 import DAMAGE, FileSystem, Unreadable
from .linuxjudge import DEPLOY, Status, Tree, repaired, small_files
from .loaderjudge import LoaderJudge
from .memory import is_same

# The size of a partition is a multiple of it.
CHUNK = 256 << 10


@dataclass
class Root:
    """What Linux finds on the root file system."""
    problems: list = field(default_factory=list)
    # {what `ostree=` may say: the deployment's name}
    links: dict = field(default_factory=dict)
    # {a deployment's name: what is wrong with it}
    broken: dict = field(default_factory=dict)
    files: bytes = b""
    # Of /boot, if it is on this file system, after the replay.
    view: object = None


@dataclass
class Boot:
    """What Linux finds on a /boot of its own."""
    problems: list = field(default_factory=list)
    files: bytes = None
    view: object = None


class Scratch:
    """A partition of the state that is judged as a file, for programs that read or change it."""

    def __init__(self, path, begin, end):
        self.path, self.begin, self.size = path, begin, end - begin
        with open(path, "w+b") as file:
            file.truncate(self.size)
            self.bytes = mmap.mmap(file.fileno(), self.size)

    def load(self, medium):
        """Only what differs is copied: what the state before had, and what its repair changed."""
        for place in range(0, self.size, CHUNK):
            begin = self.begin + place
            if not is_same(self.bytes, place, medium.bytes, begin, CHUNK):
                self.bytes[place:place + CHUNK] = medium.bytes[begin:begin + CHUNK]

    def file_system(self):
        return FileSystem(self.bytes, 0)


class Judge:
    def __init__(self, maker, layout, truth, etcs, folder):
        """`etcs`: {a deployment's name: what its /etc may be, the last of them when it is final};
        `folder`: in memory, for what other programs must read."""
        self.layout, self.truth, self.etcs, self.folder = layout, truth, etcs, folder
        self.loader = LoaderJudge(layout, maker.versions, truth)
        self.versions = {version.commit: version.name for version in maker.versions}
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        self.status = Status(maker.coppice, folder + "/status")
        scratches = {begin: Scratch(f"{folder}/{begin}.img", begin, end)
                     for begin, end in layout.parts}
        self.root_scratch = scratches[layout.parts[-1][0]]
        self.boot_scratch = scratches[layout.parts[0][0]]
        # What stands for all the small files of the last state.
        self.kind = None
        self.views, self.roots, self.boots = {}, {}, {}

    def end(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def judge(self, medium, keys, rule, is_done):
        """All that is wrong with the state that `medium` is in."""
        boot_key, root_key = keys[0], keys[-1]
        if boot_key not in self.views:
            self.views[boot_key] = self._raw_view(medium)
        if root_key not in self.roots:
            self.roots[root_key] = self._root(medium)
        root, boot = self.roots[root_key], None
        if self.layout.has_own_boot:
            if boot_key not in self.boots:
                self.boots[boot_key] = self._boot(medium)
            boot = self.boots[boot_key]
        self.kind = (root.files, boot.files if boot else None)
        problems = root.problems + (boot.problems if boot else [])
        problems += self._views(self.views[boot_key], (boot or root).view, root, rule, is_done)
        if root.files and (boot is None or boot.files):
            status = self.status.check(root.files, boot.files if boot else None)
            if status:
                problems.append(f"status: {status}")
        return problems

    def _views(self, raw, replayed, root, rule, is_done):
        """What boots now, and what boots once Linux has replayed the journal."""
        problems = []
        for place, view in (("loader", raw), ("replayed", replayed)):
            if view is None:
                continue  # No journal is there to be replayed.
            if isinstance(view, str):
                problems.append(f"{place}: {view}")
                continue
            for position, choice in enumerate(view.choices):
                name = root.links.get(choice.link)
                version = name and self.versions.get(name.split(".")[0])
                wrong = None
                if name is None:
                    wrong = f"'{choice.link}' leads nowhere"
                elif version not in choice.versions:
                    wrong = f"the kernel of {set(choice.versions)} starts version {version}"
                elif name in root.broken:
                    wrong = root.broken[name]
                elif position == view.position:
                    wrong = rule.problem(version, view.is_counting, is_done)
                if wrong:
                    problems.append(f"{place}: {wrong}")
        return problems

    # MARK: File systems

    def _raw_view(self, medium):
        try:
            file_system = self.layout.boot_file_system(medium.bytes, self.layout.parts[0][0])
            view = self.loader.view(file_system)
        except DAMAGE as problem:
            return str(problem)
        if not self.loader.has_seconded(view):
            self.boot_scratch.load(medium)
        return self.loader.second(view, file_system, self.boot_scratch.path) or view

    def _root(self, medium):
        root = Root()
        self.root_scratch.load(medium)
        wrong = repaired(self.root_scratch.path)
        if wrong:
            root.problems.append(f"file system: {wrong}")
        if self.root_scratch is self.boot_scratch:
            root.view = self._replayed_view()
        try:
            tree = Tree(self.root_scratch.file_system(), self.truth)
            tree.check_repo()
        except DAMAGE as problem:
            root.problems.append(str(problem))
            return root
        for folder in ("ostree/boot.0", "ostree/boot.1"):
            self._links(tree, folder, root)
        for name in set(root.links.values()):
            try:
                self._deployment(tree, name)
            except DAMAGE as problem:
                root.broken[name] = str(problem)
        try:
            root.files = self.status.add(small_files(tree.file_system))
        except DAMAGE as problem:
            root.problems.append(str(problem))
        return root

    @staticmethod
    def _links(tree, folder, root):
        """All that boot entries may name below `folder`."""
        try:
            for path, inode in tree.file_system.walk(folder):
                link = f"/{folder}/{path}"
                if path.count("/") == 2:
                    root.links[link] = tree.deployment(link)
        except DAMAGE:
            pass  # Then no entry may name it.

    def _deployment(self, tree, name):
        etc = tree.check_deployment(name, self.etcs)
        final = self.etcs.get(name, [etc])[-1]
        if etc != final and not tree.is_pending(name):
            raise Unreadable(f"deployment {name[:8]}: its /etc was not merged and never will be")

    def _replayed_view(self):
        try:
            return self.loader.view(self.boot_scratch.file_system())
        except DAMAGE as problem:
            return str(problem)

    def _boot(self, medium):
        boot = Boot()
        self.boot_scratch.load(medium)
        wrong = repaired(self.boot_scratch.path)
        if wrong:
            boot.problems.append(f"file system of /boot: {wrong}")
        boot.view = self._replayed_view()
        try:
            boot.files = self.status.add(small_files(self.boot_scratch.file_system()))
        except DAMAGE as problem:
            boot.problems.append(f"/boot: {problem}")
        return boot


def etc_at_rest(medium, layout, truth, name, folder):
    """The /etc of a deployment on a disk whose journal may be open; None without deployment."""
    scratch = Scratch(f"{folder}/rest.img", *layout.parts[-1])
    scratch.load(medium)
    repaired(scratch.path)
    tree = Tree(scratch.file_system(), truth)
    os.remove(scratch.path)
    if not tree.file_system.exists(f"{DEPLOY}/{name}/etc"):
        return None
    return tree.etc(name)
