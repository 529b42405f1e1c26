#include "shell/letters_file.h"

#include "base/sync.h"
#include "wire/json.h"
#include "wire/mp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
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

static bool is_line_end (int fd, off_t end)
{
    char last = '\n';
    return end == 0 || (pread (fd, &last, 1, end - 1) == 1 && last == '\n');
}

/*  Behind a line that a crash has cut short a letter would not be read any more, nor behind a part of itself: what is
    not added whole is taken back.  */
static bool add (int fd, off_t end, plv_view_t lines)
{
    bool good = (is_line_end (fd, end) || write_all (fd, plv_view ("\n", 1)))
                && write_all (fd, lines) && fsync (fd) == 0;
    int error = errno;
    if (!good)
        (void) !ftruncate (fd, end);
    errno = error;
    return good;
}

/*  A directory that may not be read is taken at its word.  */
static bool sync_name (const char *path)
{
    return plv_sync_parent (path) || errno == EACCES;
}

/*  Nothing is masked in it: nobody else may read it.  */
plv_err_t letters_file_append (plv_view_t order, plv_buf_t *path, plv_fail_t *ret_fail)
{
    plv_buf_t lines = {0};
    struct stat before;
    plv_err_t err = ERR_OK;
    put_path (order, path);
    put_lines (order, &lines);
    const char *name = (const char *) path->data;
    int fd = open (name, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && fstat (fd, &before) == 0
                && add (fd, before.st_size, plv_buf_view (&lines))
                && (before.st_size > 0 || sync_name (name));
    if (!good)
        err = plv_fail (ret_fail, ERR_IO, "%s: %s", name, strerror (errno));
    if (fd >= 0)
        close (fd);
    plv_buf_free (&lines);
    return err;
}
