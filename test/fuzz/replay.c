/*  Runs a fuzzer's function over the files of its corpus: what was found once is tested in every build.  */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

static int replay (const char *path)
{
    FILE *file = fopen (path, "rb");
    if (!file)
        return -1;
    size_t room = 1 << 20;
    uint8_t *data = malloc (room);
    size_t size = data ? fread (data, 1, room, file) : 0;
    fclose (file);
    /*  A block of just this size, so that the sanitizer sees a step beyond its end.  */
    uint8_t *exact = malloc (size ? size : 1);
    if (data && exact) {
        memcpy (exact, data, size);
        LLVMFuzzerTestOneInput (exact, size);
    }
    free (exact);
    free (data);
    return 0;
}

int main (int argc, char **argv)
{
    unsigned count = 0;
    LLVMFuzzerTestOneInput ((const uint8_t *) "", 0);
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir (argv[i]);
        struct dirent *entry;
        while (folder && (entry = readdir (folder))) {
            char path[4096];
            snprintf (path, sizeof path, "%s/%s", argv[i], entry->d_name);
            if (entry->d_name[0] != '.' && replay (path) == 0)
                count++;
        }
        if (folder)
            closedir (folder);
    }
    printf ("%u inputs of the corpus\nok\n", count);
    return 0;
}
