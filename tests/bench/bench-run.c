/* SPDX-License-Identifier: Apache-2.0 */
/* bench-run - run a command and write down what it took.
 *
 *     bench-run RESULT-FILE COMMAND [ARGUMENT...]
 *
 * Small on purpose: a process begins with the peak memory of the one that forked it, and a Python
 * would hide what a small program needs. The file gets {"wall": seconds, "user":, "system":,
 * "rss": bytes, "code": exit code}; processor time and memory are those of the command and of all
 * its children that it waited for. Exits with the command's code. */
#include <config.h>

#include <err.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

static double now(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        errx(64, "usage: bench-run RESULT-FILE COMMAND [ARGUMENT...]");
    struct rusage used;
    int status;
    double start = now();
    pid_t child = fork();
    if (child < 0)
        err(71, "fork");
    if (child == 0) {
        (void)execvp(argv[2], argv + 2);
        err(127, "%s", argv[2]);
    }
    if (wait4(child, &status, 0, &used) < 0)
        err(71, "wait");
    double wall = now() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *out = fopen(argv[1], "w");
    if (out == NULL)
        err(73, "%s", argv[1]);
    (void)fprintf(
        out, "{\"wall\": %.6f, \"user\": %.6f, \"system\": %.6f, \"rss\": %lld, \"code\": %d}\n",
        wall, seconds(used.ru_utime), seconds(used.ru_stime), (long long)used.ru_maxrss * 1024,
        code);
    if (fclose(out) != 0)
        err(74, "%s", argv[1]);
    return code;
}
