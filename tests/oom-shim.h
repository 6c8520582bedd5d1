/* SPDX-License-Identifier: Apache-2.0 */
/* oom-shim.h - for a test that runs under oom-shim.so and lets one allocation after the other fail
 * within one process. All are looked up by dlsym(): they are there only where the shim is
 * preloaded. No other thread may be at work in any of them. */
#ifndef MAILCHUTE_TESTS_OOM_SHIM_H
#define MAILCHUTE_TESTS_OOM_SHIM_H

#include <stdbool.h>

/** oom_shim_arm - from now on allocations count, and the @at-th fails; @goes_on: all behind it,
 * too.
 */
void oom_shim_arm(long at, bool goes_on);

/** oom_shim_list - from now on allocations count, and the first of each call path is written to @fd
 * as "NUMBER PATH", one a line. None fails. */
void oom_shim_list(int fd);

/** oom_shim_disarm - nothing counts and fails any more. Returns how many counted; *out_failed:
 * whether the one that was to fail was among them. */
long oom_shim_disarm(bool *out_failed);

#endif
