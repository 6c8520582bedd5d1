/* SPDX-License-Identifier: Apache-2.0 */
/* fault.h - places where a test lets the process die, as if the power went off there.
 *
 * For test builds alone (configure --enable-fault-injection, and what tests/torture.mk builds
 * beside the real thing); else nothing of it is compiled.
 *
 * MAILCHUTE_FAULT_TRACE names a file: each point that is passed adds one record of FAULT_RECORD
 * bytes, its name, filled up with spaces and ended by a newline. The file is the counter of the
 * whole process, plug-ins included. MAILCHUTE_FAULT_AT=n: at the n-th record the process ends there
 * and then with exit code FAULT_EXIT; nothing is flushed, closed or told. Without the variables a
 * point does nothing. */
#ifndef MAILCHUTE_COMMON_FAULT_H
#define MAILCHUTE_COMMON_FAULT_H

#include "error.h" /* PRINTF_LIKE */

#define FAULT_RECORD 32u
#define FAULT_EXIT 137 /* what a shell tells of a process that was killed */

#ifdef FAULT_INJECTION
/** fault_point - one point; up to FAULT_RECORD - 1 bytes of its name are kept. */
void fault_point(const char *fmt, ...) PRINTF_LIKE(1, 2);
#else
#define fault_point(...) ((void)0)
#endif

/* The crash tests' own test: a host that settles before it commits must be caught by them. */
#ifndef FAULT_SWAPPED
#define FAULT_SWAPPED 0
#endif

#endif
