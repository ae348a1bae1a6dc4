// SPDX-License-Identifier: Apache-2.0
#include "common.h"
#include "include/clinux_process.h"

// Written by sdk/write-identity for device builds. A plain `swift build` has none.
#if __has_include("coppice_build.h")
#include "coppice_build.h"
#else
#define COPPICE_BUILD_COMMIT "unknown"
#define COPPICE_BUILD_SECONDS 0
#endif

const char *clinux_build_commit(void) { return COPPICE_BUILD_COMMIT; }

int64_t clinux_build_seconds(void) { return COPPICE_BUILD_SECONDS; }
