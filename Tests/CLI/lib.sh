# SPDX-License-Identifier: Apache-2.0
#
# What the sessions of this directory share; read by bash before each of them.

# make_repo [MODE]: a repo `repo` with two commits of `main` at fixed times, by the real ostree.
# Everything in them is owned by root, so that the checksums are the same for everybody.
make_repo() {
  ostree --repo=repo init --mode="${1:-archive}" || return
  mkdir -p tree/usr/bin tree/etc
  echo hello > tree/usr/bin/hello
  chmod 755 tree/usr/bin/hello
  ln -s hello tree/usr/bin/hi
  : > tree/etc/empty
  commit_tree 2026-01-01 -s 'First' > /dev/null
  echo world > tree/etc/world
  commit_tree 2026-01-02 -s 'Second' -m $'What is new:\n\na world' \
    --add-metadata-string=version=1.1 > /dev/null
}

# commit_tree DATE [OPTION...]: commits `tree` to branch main of `repo`.
commit_tree() {
  local date=$1
  shift
  ostree --repo=repo commit -b main --tree=dir=tree --owner-uid=0 --owner-gid=0 \
    --timestamp="$date 00:00:00 UTC" "$@"
}

# unpack_os: `os`, a repo with versions 1.0 to 3.0 of a small bootable system, made by the real
# ostree, and V1, V2, V3, their commits.
unpack_os() {
  tar xzf "$(dirname "${BASH_SOURCE[0]}")/../Golden/ostree/os-archive-repo.tar.gz" || return
  mv os-repo os
  V1=ed84cf1496a742031972edfb663cb74ddd508e265f11e86297fff6e6e6f134d6
  V2=ed05f417b8cb3bdf51b911e6504fb519608c3d6ee9fcde8b80b5ddd52c49db9e
  V3=f0c712a59a7319e6b7ec863887049dcc8cfa3cf8aea6f6eccdac3618099a44f5
}

# make_sysroot: `sysroot`, made by coppice, with all versions of `os` in its repo.
make_sysroot() {
  unpack_os || return
  coppice init-sysroot --sysroot sysroot --stateroot coppice || return
  coppice --sysroot sysroot remote add acme "file://$DIR/os" || return
  coppice --sysroot sysroot pull -q --depth=-1 acme coppice/x86_64/main > /dev/null
}

# make_device: `device`, a sysroot with nothing deployed; `device.conf` makes it follow `os`.
make_device() {
  unpack_os || return
  rm -f os/summary
  coppice init-sysroot --sysroot device --stateroot coppice || return
  coppice --sysroot device remote add acme "file://$DIR/os" || return
  printf '[device]\nremote=acme\nref=coppice/x86_64/main\n' > device.conf
}

# device COMMAND...: coppice on that device.
device() { coppice --sysroot device --config device.conf --progress none "$@"; }

# make_board: `device` whose GRUB counts in a grubenv, as bootloader/grub/grub.cfg does.
make_board() {
  make_device || return
  mkdir -p device/boot/grub
  echo '# boot_counter' > device/boot/grub/grub.cfg
  grub-editenv device/boot/grub/grubenv create
}

# start: what GRUB does: counts in grubenv and picks a position. What it starts is in $ROOT then.
start() {
  local env=device/boot/grub/grubenv left position=0 entry argument
  left=$(grub-editenv $env list | sed -n 's/^boot_counter=//p')
  if [ -n "$left" ] && grub-editenv $env list | grep -q '^boot_success=0$'; then
    [ "$left" -gt 0 ] || position=1
    grub-editenv $env set boot_counter=$((left > 0 ? left - 1 : -1))
  fi
  entry=$(printf '%s\n' device/boot/loader/entries/ostree-*.conf | sort -V |
    tail -n $((position + 1)) | head -n 1)
  ROOT=$(realpath "device$(sed -n 's/^options .*\bostree=\([^ ]*\).*/\1/p' "$entry")")
  echo "starting $(sed -n 's/^title //p' "$entry")"
}

# make_uboot_board: `device` whose U-Boot counts in one sector, as bootloader/uboot/boot.cmd does.
make_uboot_board() {
  make_device || return
  python3 -c 'import struct, zlib
data = b"bootcount=0\0\0".ljust(508, b"\0")
open("device/state", "wb").write(struct.pack("<I", zlib.crc32(data)) + data)'
  echo "$DIR/device/state 0x0 0x200" > fw_env.config
  printf '[boot]\nloader=uboot-env\nfw-env-config=%s\n' "$DIR/fw_env.config" >> device.conf
}

# start_uboot: what boot.cmd does: counts in the state and picks a position. What it starts is in
# $ROOT then.
start_uboot() {
  local suffix='' count limit
  state() { fw_printenv -c fw_env.config -n "$1" 2> /dev/null || echo 0; }
  if [ "$(state upgrade_available)" = 1 ]; then
    count=$(($(state bootcount) + 1)) limit=$(state bootlimit)
    echo "bootcount=$count" > script
    [ $count -le "$limit" ] || echo rollback=1 >> script
    fw_setenv -c fw_env.config -s script
  fi
  if [ "$(state rollback)" = 1 ] && grep -q '^bootargs2=' device/boot/loader/uEnv.txt; then
    suffix=2
  fi
  ROOT=$(realpath "device$(sed -n "s/^bootargs$suffix=.*\\bostree=\\([^ ]*\\).*/\\1/p" \
    device/boot/loader/uEnv.txt)")
  echo "starting position ${suffix:-1}"
}

# make_efi_board: `device` that systemd-boot starts, from the ESP at `device/efi`.
make_efi_board() {
  make_device || return
  mkdir -p device/efi/loader
  cp "$(dirname "${BASH_SOURCE[0]}")/../../bootloader/systemd-boot/loader.conf" device/efi/loader
}

# start_efi: what systemd-boot does: picks the highest entry that is complete and not bad, and
# counts in its name. What it starts is in $ROOT then.
start_efi() {
  local entry base counts argument
  entry=$(cd device/efi/loader/entries && grep -l '^linux ' ostree-*.conf | sort -rV |
    { grep -v '+0' || ls ostree-*+0*.conf; } | head -n 1)
  entry=device/efi/loader/entries/$entry
  ROOT=$(realpath "device$(sed -n 's/^options .*\bostree=\([^ ]*\).*/\1/p' "$entry")")
  echo "starting $(sed -n 's/^title //p' "$entry")"
  case $entry in *+*) ;; *) return ;; esac
  base=${entry%+*}
  counts=${entry##*+}
  counts=${counts%.conf}
  case $counts in *-*) ;; *) counts=$counts-0 ;; esac
  mv "$entry" "$base+$((${counts%-*} - 1))-$((${counts#*-} + 1)).conf"
}

# running COMMAND...: runs COMMAND as if the deployment $ROOT was what runs, with its own /var/lib.
running() {
  mkdir -p device/ostree/deploy/coppice/var/lib
  ROOT=$ROOT unshare --mount bash -c '
    mount --bind device/ostree/deploy/coppice/var/lib /var/lib &&
    mount -t tmpfs run /run && python3 - "$ROOT" << "END" && exec "$@"
import os, struct, sys
root = os.stat(sys.argv[1])
entry = b"backing-root-device-inode\0".ljust(32, b"\0")
entry += struct.pack("<QQ", root.st_dev, root.st_ino) + b"\0(tt)"
entry += bytes([26])
open("/run/ostree-booted", "wb").write(entry + bytes([len(entry)]))
END' running "$@"
}

# board COMMAND...: coppice on the device that `start` has started.
board() { running coppice --sysroot device --config device.conf --progress none "$@"; }

# confined UNIT COMMAND...: as `board`, with the capabilities that a unit of bootloader/systemd has.
confined() {
  local unit=$UNITS/coppice-$1.service set
  shift
  set=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr ' A-Z' ',a-z' | paste -sd, |
    sed 's/cap_/+/g')
  running setpriv --bounding-set="-all,$set" \
    coppice --sysroot device --config device.conf --progress none "$@"
}
UNITS=$(dirname "${BASH_SOURCE[0]}")/../../bootloader/systemd

# publish COMMIT: what the branch of `os` names from now on.
publish() { echo "$1" > os/refs/heads/coppice/x86_64/main; }

# unlock DIR: takes away the flag that forbids changes to a deployment, where there is one.
unlock() {
  chattr -f -i "$1" || :
}

# with_lock FILE COMMAND...: runs COMMAND while somebody else holds the lock, as libostree does.
with_lock() {
  python3 - "$@" << 'END'
import fcntl, os, struct, subprocess, sys
file = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT, 0o660)
F_OFD_SETLK = 37
fcntl.fcntl(file, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
sys.exit(subprocess.run(sys.argv[2:]).returncode)
END
}

# serve DIR: serves DIR by nginx on a free port, until the session ends; sets URL.
# requests: what was asked for since the last call, in order.
serve() {
  local port
  port=$(python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])')
  mkdir -p "$DIR/../nginx"
  cat > "$DIR/../nginx/conf" << END
$([ "$(id -u)" != 0 ] || echo 'user root;')
daemon on;
pid $DIR/../nginx/pid;
error_log $DIR/../nginx/error.log;
events {}
http {
  log_format requests '\$status \$request_uri';
  access_log $DIR/../nginx/requests requests;
  client_body_temp_path $DIR/../nginx/body;
  proxy_temp_path $DIR/../nginx/proxy;
  fastcgi_temp_path $DIR/../nginx/fastcgi;
  uwsgi_temp_path $DIR/../nginx/uwsgi;
  scgi_temp_path $DIR/../nginx/scgi;
  server { listen 127.0.0.1:$port; root $(realpath "$1"); }
}
END
  nginx -c "$DIR/../nginx/conf" -e "$DIR/../nginx/error.log" || return
  trap 'kill "$(cat "$DIR/../nginx/pid")"' EXIT
  URL=http://127.0.0.1:$port
}

requests() {
  cat "$DIR/../nginx/requests"
  : > "$DIR/../nginx/requests"
}

# make_tuf_repository: `served/metadata` and `served/targets`, a golden TUF repository with roots 1
# to 3, two delegations and consistent snapshots off; and `first-root.json`. It is valid at $NOW.
make_tuf_repository() {
  mkdir -p served/targets/apps
  cp -r "$(dirname "${BASH_SOURCE[0]}")/../Golden/uptane/base/tuf/image" served/metadata
  cp served/metadata/1.root.json first-root.json
  for ((i = 0; i < 60; i++)); do printf 'sensor firmware 7 '; done |
    head -c 1024 > served/targets/apps/sensor-fw-7.bin
  NOW=2027-03-01T12:00:00Z
}

# serve_gateway: a device gateway on a free port, until the session ends; GATEWAY is its folder, and
# `credentials.zip` what it hands out.
serve_gateway() {
  local servers
  servers=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../Servers")
  GATEWAY=$DIR/../gateway
  mkdir -p "$GATEWAY"
  # It lives as long as this descriptor is open.
  mkfifo "$GATEWAY/life" "$GATEWAY/port"
  python3 -B "$servers/gateway_server.py" "$GATEWAY" < "$GATEWAY/life" > "$GATEWAY/port" &
  exec 9> "$GATEWAY/life"
  read -r PORT < "$GATEWAY/port"
  cp "$GATEWAY/credentials.zip" .
}

# damage REPO PATH: writes into the object of a file of `main` in a repo of mode bare-user.
damage() {
  local checksum object
  checksum=$(ostree --repo="$1" ls -C main "$2" | awk '{ print $5 }')
  object=$1/objects/${checksum:0:2}/${checksum:2}.file
  chmod u+w "$object"
  printf damaged > "$object"
}

# booting ARGUMENTS COMMAND...: coppice with these kernel arguments, in its own mount namespace.
booting() {
  echo "BOOT_IMAGE=/vmlinuz $1" > cmdline
  shift
  local as_root=()
  [ "$(id -u)" = 0 ] || as_root=(--map-root-user)
  unshare --mount "${as_root[@]}" sh -c \
    'mount --bind cmdline /proc/cmdline && exec "$@"' sh coppice "$@"
}
