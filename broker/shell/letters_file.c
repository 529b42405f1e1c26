#include "shell/letters_file.h"

#include "wire/json.h"
#include "wire/mp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void put_path (plv_view_t order, plv_buf_t *path)
{
    char name[64] = "/dead.jsonl";
    plv_mp_t value;
    int64_t at_us = 0;
    struct tm day;
    if (plv_mp_find (order, "at_us", &value))
        plv_mp_i64 (&value, &at_us);
    time_t at = (time_t) (at_us / 1000000);
    if (gmtime_r (&at, &day))
        strftime (name, sizeof name, "/dead-%Y-%m-%d.jsonl", &day);
    plv_buf_add_view (path, plv_mp_find_str (order, "dir"));
    plv_buf_add (path, name, strlen (name) + 1);
    plv_buf_check (path);
}

static void put_lines (plv_view_t order, plv_buf_t *lines)
{
    plv_mp_t items;
    plv_view_t item;
    uint32_t count;
    if (!plv_mp_find (order, "items", &items) || !plv_mp_array (&items, &count))
        return;
    while (count-- && plv_mp_skip (&items, &item)) {
        plv_json_from_mp (lines, item);
        plv_buf_add_u8 (lines, '\n');
    }
    plv_buf_check (lines);
}

static bool write_all (int fd, plv_view_t bytes)
{
    while (bytes.size) {
        ssize_t written = write (fd, bytes.data, bytes.size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes = plv_view (bytes.data + written, bytes.size - (size_t) written);
    }
    return true;
}

/*  Nothing is masked in it: nobody else may read it.  */
plv_err_t letters_file_append (plv_view_t order, plv_buf_t *path, plv_fail_t *ret_fail)
{
    plv_buf_t lines = {0};
    plv_err_t err = ERR_OK;
    put_path (order, path);
    put_lines (order, &lines);
    int fd = open ((const char *) path->data,
                   O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && write_all (fd, plv_buf_view (&lines)) && fsync (fd) == 0;
    if (!good)
        err = plv_fail (ret_fail, ERR_IO, "%s: %s", (const char *) path->data, strerror (errno));
    if (fd >= 0)
        close (fd);
    plv_buf_free (&lines);
    return err;
}
