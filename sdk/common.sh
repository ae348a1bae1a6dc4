# SPDX-License-Identifier: Apache-2.0
#
# Read by the other scripts of this folder: where things are, and what an architecture is called
# by us, by Debian, by GNU, by clang and by Swift.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
sdk=$root/.build/sdk
device=$root/.build/device
architectures=(x86_64 arm64 armv7)

fail() {
  echo "$(basename "$0"): error: $*" >&2
  exit 1
}

# The folder that holds the toolchain's bin and lib.
toolchain() {
  local swift
  swift=$(command -v swift) || fail "no 'swift' in PATH; see README.md for the version needed"
  cd "$(dirname "$(readlink -f "$swift")")/.." && pwd
}

# Sets debian, gnu, clang_triple and swift_triple for one of our architectures.
#
# No embedded standard library is shipped for an arm Linux triple, so on arm Swift compiles for a
# bare-metal triple and only C and the link know of Linux. Our bundle makes "eabihf" an alias of
# the toolchain's "eabi": that name is what turns on the hard-float calling convention.
describe_architecture() {
  case $1 in
    x86_64)
      debian=amd64 gnu=x86_64-linux-gnu
      clang_triple=x86_64-unknown-linux-gnu swift_triple=x86_64-unknown-linux-gnu
      swift_module=$swift_triple
      ;;
    arm64)
      debian=arm64 gnu=aarch64-linux-gnu
      clang_triple=aarch64-unknown-linux-gnu swift_triple=aarch64-none-none-elf
      swift_module=$swift_triple
      ;;
    armv7)
      debian=armhf gnu=arm-linux-gnueabihf
      clang_triple=armv7-unknown-linux-gnueabihf swift_triple=armv7-none-none-eabihf
      swift_module=armv7-none-none-eabi
      ;;
    *) fail "unknown architecture '$1'; known are: ${architectures[*]}" ;;
  esac
}

# The most bytes that an executable may have.
budget() {
  local bytes
  bytes=$(awk -v name="$1" '$1 == name { print $2 }' "$root/sdk/size-budgets")
  [ -n "$bytes" ] || fail "no budget for '$1' in sdk/size-budgets"
  echo "$bytes"
}
