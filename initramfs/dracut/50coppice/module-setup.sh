#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# dracut: mounts the deployment that `ostree=` names with coppice. See README.md two folders above.

check() {
  require_binaries coppice || return 1
  # Without systemd dracut itself refuses a root file system that has no /usr, as ours.
  [[ -x $systemdutildir/systemd ]] || return 1
  # Only where `add_dracutmodules` or `--add` names it.
  return 255
}

depends() {
  echo systemd
}

install() {
  inst_binary coppice /usr/bin/coppice
  inst_simple "$moddir/coppice-prepare-root.service" \
    "$systemdsystemunitdir/coppice-prepare-root.service"
  $SYSTEMCTL -q --root "$initdir" add-wants initrd-root-fs.target coppice-prepare-root.service
  # What fails ends in a restart, not in a shell, nor in waiting for ever: arguments of the kernel
  # command line come after these.
  mkdir -p "$initdir/etc/cmdline.d"
  echo 'rd.shell=0 rd.emergency=reboot rd.timeout=120' > "$initdir/etc/cmdline.d/50-coppice.conf"
  for file in /usr/lib/ostree/prepare-root.conf /etc/ostree/prepare-root.conf; do
    [[ -e $dracutsysrootdir$file ]] && inst_simple "$file"
  done
  return 0
}
