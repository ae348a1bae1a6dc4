# SPDX-License-Identifier: Apache-2.0
#
# What the sessions of this directory share; read by bash before each of them.

# make_repo [MODE]: a repo `repo` with two commits of `main` at fixed times, made by the real ostree.
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
