# SPDX-License-Identifier: Apache-2.0
#
# One word for each thing that people and CI do; the work is in the scripts.

ARCH ?= x86_64 arm64 armv7

# How long `make fuzz` stays with each reader.
SECONDS ?= 60

.PHONY: demo test check device device-test e2e e2e-full fuzz bench size format lint

# Two versions of a small OS by the real `ostree`, pulled, verified and deployed by our binary.
demo:
	sdk/install-packages demo
	sdk/build-device x86_64
	Tests/Demo/run

# Installs what is missing, then builds and tests in ordinary Swift.
test:
	sdk/install-packages test
	swift build --build-tests
	sdk/run-tests

# All that must hold before a push.
check: lint
	.ci/run

# The static executables of the boards: .build/device/ARCH/coppice. All of them, or `ARCH=arm64`.
device:
	sdk/install-packages build
	sdk/build-device $(ARCH)
	Tests/DeviceObjects/compare $(ARCH)
	sdk/check-size $(ARCH)

# The checks inside the device executables, natively and under qemu-user.
device-test:
	sdk/install-packages device-test
	sdk/test-device $(ARCH)

# Real kernels in emulated machines, with coppice as their initramfs.
e2e:
	sdk/install-packages e2e
	sdk/build-device
	Tests/EndToEnd/run

# The rest of the chains: those that need a compiler, or more time.
e2e-full: e2e
	sdk/install-packages e2e-full
	Tests/EndToEnd/run --full

# Bytes that a fuzzer makes up for each reader of foreign bytes. `SECONDS=600` stays longer.
fuzz:
	sdk/install-packages build
	Tests/Fuzz/run $(SECONDS)

# All comparisons with the real `ostree`, five runs of each; hours. `QUICK=1` takes one, and small
# sizes.
bench:
	sdk/install-packages bench
	sdk/build-device x86_64
	benchmarks/run $(if $(QUICK),--quick)

# Where the bytes of the device executables are.
size:
	sdk/show-size $(ARCH)

format:
	swift format --in-place --parallel --recursive Package.swift Sources Tests

lint:
	swift format lint --strict --parallel --recursive Package.swift Sources Tests
