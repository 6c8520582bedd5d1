/* SPDX-License-Identifier: Apache-2.0 */
/* replay-main.c - runs a fuzz target over the seeds kept for it, as a test (TAP, one line a seed).
 *
 *     fuzz-connection-string [FILE...]    without files: all of $(srcdir)/fuzz/seeds/<target>
 *
 * The target is a function LLVMFuzzerTestOneInput(); a finding is a crash or a sanitizer's report.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SEED_MAX (1u << 20) /* bytes of a seed */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    uint8_t *all = malloc(SEED_MAX);
    size_t size = all != NULL ? fread(all, 1, SEED_MAX, file) : 0;
    fclose(file);
    uint8_t *exact =
        all != NULL ? realloc(all, size > 0 ? size : 1) : NULL; /* one too far is seen */
    if (exact == NULL) {
        free(all);
        return -1;
    }
    (void)LLVMFuzzerTestOneInput(exact, size);
    free(exact);
    return 0;
}

static int is_seed(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
    int failed = 0;
    if (argc > 1) {
        for (int i = 1; i < argc; i++)
            failed += replay(argv[i]) < 0;
        return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    struct dirent **seeds;
    int count = scandir(SEEDS, &seeds, is_seed, alphasort);
    if (count <= 0) {
        printf("Bail out! no seeds in %s\n", SEEDS);
        return EXIT_FAILURE;
    }
    printf("1..%d\n", count);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", SEEDS, seeds[i]->d_name);
        int bad = replay(path) < 0;
        printf("%sok %d - the seed %s is read without harm\n", bad ? "not " : "", i + 1,
               seeds[i]->d_name);
        fflush(stdout);
        failed += bad;
        free(seeds[i]);
    }
    free(seeds);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
