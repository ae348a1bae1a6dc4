# SPDX-License-Identifier: Apache-2.0
"""The life of an update, each part with all that it writes on record."""
from host import expect
from system import REMOTE

from .device import TWIN
from .recording import Recording, recorded, settle, wait_up

UPDATE_SECONDS = 120
# The commit step of others: a new link takes the place of `loader`, and all is synced before and
# after. Linux sees one set of entries or the other, whenever it is cut.
RENAME = """cd /boot; now=$(readlink loader); other=loader.0; [ $now = loader.1 ] || other=loader.1
rm -rf $other; cp -a $now $other; sync
busybox ln -s $other loader.tmp; mv -T loader.tmp loader; sync""".replace("\n", "; ")


def update(layout, disk, name="update", launcher=None):
    """Version 1 runs, is declared good, and version 2 is deployed."""
    recording = Recording(layout, name)
    boot = recording.begin(disk)
    launcher = layout.launcher if launcher is None else launcher
    with recorded(recording, boot) as guest:
        recording.phase("start")
        wait_up(guest, layout, "1")
        guest.must_run("coppice mark-good; sync")
        recording.phase("update")
        guest.must_run(f"{launcher} coppice update", UPDATE_SECONDS)
        recording.done()
        # This change is for the merge of /etc at the next boot.
        guest.must_run("echo late > /etc/late")
        settle(guest)
    return recording


def prove(layout, disk):
    """Version 2 boots for the first time, and is declared good."""
    recording = Recording(layout, "prove")
    boot = recording.begin(disk)
    with recorded(recording, boot) as guest:
        recording.phase("finalize")
        wait_up(guest, layout, "2")
        guest.must_run("grep -q late /etc/late; sync")
        recording.phase("mark-good")
        guest.must_run(f"{layout.launcher} coppice mark-good")
        recording.done()
        settle(guest)
    return recording


def fall_back(layout, disk):
    """Version 2 has used up its starts; version 1 takes it out of the boot order."""
    recording = Recording(layout, "fallback")
    boot = recording.begin(disk, is_used_up=True)
    with recorded(recording, boot) as guest:
        recording.phase("fallback")
        wait_up(guest, layout, "1")
        guest.must_run(f"{layout.launcher} coppice mark-good")
        recording.done()
        settle(guest)
    return recording


def roll_back(layout, disk):
    """Version 2 is proven, and somebody goes back to version 1 all the same."""
    recording = Recording(layout, "rollback")
    boot = recording.begin(disk)
    with recorded(recording, boot) as guest:
        wait_up(guest, layout, "2")
        guest.must_run("sync")
        recording.phase("rollback")
        guest.must_run(f"{layout.launcher} coppice rollback")
        recording.done()
        settle(guest)
    return recording


def relink(layout, disk):
    """Version 2 waits for its first start, and a twin of it takes its place: the boot entries stay
    as they are, and other deployments are behind their links in `ostree/boot.N`."""
    recording = Recording(layout, "relink")
    boot = recording.begin(disk)
    with recorded(recording, boot) as guest:
        wait_up(guest, layout, "1")
        guest.must_run(f"{layout.launcher} coppice mark-good; coppice update; "
                       f"coppice pull {REMOTE} {TWIN}; sync", UPDATE_SECONDS)
        entries = guest.must_run("cat /boot/loader/entries/*")
        recording.phase("relink")
        guest.must_run(f"{layout.launcher} coppice deploy {REMOTE}:{TWIN}")
        recording.done()
        expect(guest.must_run("cat /boot/loader/entries/*") == entries, "the entries changed")
        settle(guest)
    return recording


def rename(layout, disk):
    """Version 2 runs, and somebody swaps its boot entries several times by `RENAME`."""
    recording = Recording(layout, "rename")
    boot = recording.begin(disk)
    with recorded(recording, boot) as guest:
        wait_up(guest, layout, "2")
        guest.must_run("sync")
        recording.phase("rename")
        for _ in range(6):
            guest.must_run(RENAME)
        settle(guest)
    return recording
