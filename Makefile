# SPDX-License-Identifier: Apache-2.0
#
# One word for each thing that people and CI do; the work is in the scripts.

ARCH ?= x86_64 arm64 armv7

.PHONY: device device-test

# The static executables of the boards: .build/device/ARCH/coppice. All of them, or `ARCH=arm64`.
device:
	sdk/build-device $(ARCH)

# The checks inside the device executables, natively and under qemu-user.
device-test:
	sdk/test-device $(ARCH)
