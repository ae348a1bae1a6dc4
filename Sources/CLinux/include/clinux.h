// SPDX-License-Identifier: Apache-2.0
//
// The one door to libc. Swift sees fixed-width fields, opaque pointers and enumerators only: no
// libc header and nothing whose size depends on the ABI (struct stat, off_t, time_t, pthread_t).
// Functions return what the system call returns; -1 means that clinux_errno() says why.
#ifndef CLINUX_H
#define CLINUX_H

#include "clinux_files.h"
#include "clinux_init.h"
#include "clinux_memory.h"
#include "clinux_process.h"
#include "clinux_programs.h"
#include "clinux_sockets.h"
#include "clinux_threads.h"

#endif
