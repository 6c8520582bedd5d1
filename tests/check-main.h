/* SPDX-License-Identifier: Apache-2.0 */
/* check-main.h - the main() of a Check suite: one line of TAP per test on standard output.
 *
 *     static Suite *suite(void) { ... }
 *     CHECK_MAIN(suite)
 *
 * or, where main() has more to do, return check_main(suite()).
 *
 * CK_FORK=no in the environment runs all in one process, for a debugger. */
#ifndef MAILCHUTE_TESTS_CHECK_MAIN_H
#define MAILCHUTE_TESTS_CHECK_MAIN_H

#include <check.h>
#include <stdlib.h>

/* Its exit code. */
static inline int check_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#define CHECK_MAIN(suite)                                                                          \
    int main(void)                                                                                 \
    {                                                                                              \
        return check_main(suite());                                                                \
    }

#endif
