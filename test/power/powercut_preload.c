/*  powercut -- a disk that loses what was not synced, around any one program
    OWNS    a shadow of every file below one directory: what a power cut would leave of it
    THREAD  any; one lock
    FAILS   by abort () with a line on stderr: a test that cannot be trusted must not go on
    COST    every synced byte is written twice; nothing is really synced

    Preload it (LD_PRELOAD=powercut.so palaverd ...), or link it into a test program. Environment:

        POWER_DIR      the directory to watch; what is in it at the start counts as on disk.
                       Not set: do nothing
        POWER_IMAGE    a directory that does not exist: made at the cut, holds what the disk
                       would hold then
        POWER_CUT      cut at the N-th call of fsync or fdatasync below POWER_DIR, before it
                       has any effect; 0 or not set: never by count
        POWER_SEED     0 or not set: nothing unsynced survives. Else a random part of the
                       unsynced pages and, or not, of the unsynced directory changes survives,
                       as on a disk that reorders writes

    SIGUSR2 cuts at once. At a cut the program dies by SIGKILL, and then POWER_IMAGE is whole (it
    appears by a rename). Programs that it starts are not watched. To look at the result, give
    POWER_IMAGE to the program as its data directory, without the preload.

    What counts as on disk, strictly by POSIX: the bytes of a file when it was last fsync'ed or
    fdatasync'ed, under the names that its directory had when that was last fsync'ed. Renames,
    links and removals need no hooks: a directory is listed when it is synced. Files are known
    by inode; each is held open, so that no number is used twice. Not covered: mmap'ed writes,
    sync (), O_SYNC, paths that lead in through other mounts.  */

/*  The hardened headers define open () themselves.  */
#undef _FORTIFY_SOURCE

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define HOOK __attribute__ ((visibility ("default")))

enum { FILES_MAX = 16384, FDS_MAX = 65536, NAMES_MAX = 16384, DIRS_MAX = 64, PAGE_BYTES = 4096 };

typedef struct {
    dev_t device;
    ino_t inode;
    int live_fd;                /* for reading what is there now, and to keep the inode */
    int shadow_fd;              /* what is on disk */
    off_t dirty_from, dirty_to; /* written since the last sync; equal: nothing */
    off_t known_size;           /* at the last sync */
} file_t;

typedef struct {
    int dir;  /* in dirs */
    int file; /* in files; -1: a directory */
    char name[256];
} name_t;

typedef struct {
    char path[512]; /* below POWER_DIR; "" is itself */
    bool synced;    /* `names` holds its listing */
} dir_t;

/*  One program is watched by one such thing: the hooks have no other place to keep it.  */
static struct {
    bool on;
    char dir[512], image[512];
    uint64_t cut_at, syncs, random;
    pthread_mutex_t lock;
    file_t files[FILES_MAX];
    int file_count;
    name_t names[NAMES_MAX];
    int name_count;
    dir_t dirs[DIRS_MAX];
    int dir_count;
    uint16_t file_of_fd[FDS_MAX]; /* index + 1 */
    uint8_t dir_of_fd[FDS_MAX];   /* index + 1 */
} power = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void give_up (const char *what)
{
    fprintf (stderr, "powercut: %s: %s\n", what, strerror (errno));
    abort ();
}

/*  The hooks below stand in for these calls, so the kernel is asked directly.  */
static int sys_open (int at, const char *path, int flags, mode_t mode)
{
    return (int) syscall (SYS_openat, at, path, flags, mode);
}

static int sys_close (int fd)
{
    return (int) syscall (SYS_close, fd);
}

static ssize_t sys_pwrite (int fd, const void *data, size_t size, off_t offset)
{
    return syscall (SYS_pwrite64, fd, data, size, offset);
}

static uint64_t dice (void)
{
    power.random ^= power.random << 13;
    power.random ^= power.random >> 7;
    power.random ^= power.random << 17;
    return power.random;
}

static void shadow_path (char *path, size_t size, int file)
{
    snprintf (path, size, "%.480s.shadow/%d", power.image, file);
}

/*  Copies live bytes to the shadow.  */
static void copy_range (file_t *file, off_t from, off_t to)
{
    char block[65536];
    while (from < to) {
        size_t want = (size_t) (to - from) < sizeof block ? (size_t) (to - from) : sizeof block;
        ssize_t got = pread (file->live_fd, block, want, from);
        if (got < 0)
            give_up ("reading back");
        if (got == 0)
            break;
        if (sys_pwrite (file->shadow_fd, block, (size_t) got, from) != got)
            give_up ("writing a shadow");
        from += got;
    }
}

static void make_durable (file_t *file)
{
    struct stat status;
    if (fstat (file->live_fd, &status) < 0)
        give_up ("looking at a file");
    if (file->dirty_from < file->dirty_to)
        copy_range (file, file->dirty_from, file->dirty_to);
    /*  Bytes that came by a way without a hook, such as stdio.  */
    if (status.st_size > file->known_size)
        copy_range (file, file->known_size, status.st_size);
    if (syscall (SYS_ftruncate, file->shadow_fd, status.st_size) < 0)
        give_up ("sizing a shadow");
    file->known_size = status.st_size;
    file->dirty_from = file->dirty_to = 0;
}

/*  The file with this status, made known if it is not; `at`/`name` lead to it.  */
static int file_of (const struct stat *status, int at, const char *name)
{
    for (int i = power.file_count; i-- > 0;)
        if (power.files[i].inode == status->st_ino && power.files[i].device == status->st_dev)
            return i;
    if (power.file_count == FILES_MAX)
        give_up ("too many files");
    char path[600];
    file_t *file = &power.files[power.file_count];
    shadow_path (path, sizeof path, power.file_count);
    *file = (file_t){.device = status->st_dev, .inode = status->st_ino};
    file->live_fd = sys_open (at, name, O_RDONLY | O_CLOEXEC, 0);
    file->shadow_fd = sys_open (AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file->live_fd < 0 || file->shadow_fd < 0)
        give_up (path);
    return power.file_count++;
}

static int dir_of (const char *path)
{
    for (int i = 0; i < power.dir_count; i++)
        if (strcmp (power.dirs[i].path, path) == 0)
            return i;
    if (power.dir_count == DIRS_MAX)
        give_up ("too many directories");
    snprintf (power.dirs[power.dir_count].path, sizeof power.dirs->path, "%s", path);
    return power.dir_count++;
}

static void forget_names (int dir)
{
    int kept = 0;
    for (int i = 0; i < power.name_count; i++)
        if (power.names[i].dir != dir)
            power.names[kept++] = power.names[i];
    power.name_count = kept;
}

/*  The listing of a directory as it is now becomes the one on disk.  */
static void list_dir (int dir)
{
    char path[1100];
    snprintf (path, sizeof path, "%s/%s", power.dir, power.dirs[dir].path);
    forget_names (dir);
    power.dirs[dir].synced = true;
    int fd = sys_open (AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    DIR *stream = fd < 0 ? NULL : fdopendir (fd);
    for (struct dirent *entry; stream && (entry = readdir (stream));) {
        struct stat status;
        if (strcmp (entry->d_name, ".") == 0 || strcmp (entry->d_name, "..") == 0
            || fstatat (fd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0)
            continue;
        if (power.name_count == NAMES_MAX)
            give_up ("too many names");
        if (!S_ISREG (status.st_mode) && !S_ISDIR (status.st_mode))
            continue;
        name_t *name = &power.names[power.name_count++];
        *name = (name_t){.dir = dir, .file = -1};
        snprintf (name->name, sizeof name->name, "%s", entry->d_name);
        if (S_ISREG (status.st_mode))
            name->file = file_of (&status, fd, entry->d_name);
    }
    if (stream)
        closedir (stream);
}

static void child_path (char *path, size_t size, int dir, const char *name)
{
    const char *parent = power.dirs[dir].path;
    snprintf (path, size, "%.250s%s%.250s", parent, *parent ? "/" : "", name);
}

/*  What is there at the start is on disk.  */
static void take_as_durable (int dir)
{
    list_dir (dir);
    for (int i = 0; i < power.name_count; i++) {
        char path[512];
        if (power.names[i].dir != dir)
            continue;
        if (power.names[i].file >= 0) {
            make_durable (&power.files[power.names[i].file]);
        } else {
            child_path (path, sizeof path, dir, power.names[i].name);
            take_as_durable (dir_of (path));
        }
    }
}

/*  A disk that reorders: any page may have arrived, or none behind some point.  */
static void let_some_survive (file_t *file)
{
    struct stat status;
    if (fstat (file->live_fd, &status) < 0)
        give_up ("looking at a file");
    off_t from = file->dirty_from < file->dirty_to ? file->dirty_from : file->known_size;
    off_t to = status.st_size;
    if (from >= to)
        return;
    bool prefix = dice () % 2;
    if (prefix) {
        copy_range (file, from, from + (off_t) (dice () % (uint64_t) (to - from + 1)));
        return;
    }
    for (off_t at = from; at < to;) {
        off_t end = (at / PAGE_BYTES + 1) * PAGE_BYTES;
        if (dice () % 2)
            copy_range (file, at, end < to ? end : to);
        at = end;
    }
}

static void build_dir (int dir, const char *top)
{
    char path[1600], shadow[600], below[512];
    snprintf (path, sizeof path, "%s/%s", top, power.dirs[dir].path);
    if (mkdir (path, 0700) < 0 && errno != EEXIST)
        give_up (path);
    for (int i = 0; i < power.name_count; i++) {
        const name_t *name = &power.names[i];
        if (name->dir != dir)
            continue;
        if (name->file < 0) {
            child_path (below, sizeof below, dir, name->name);
            build_dir (dir_of (below), top);
            continue;
        }
        shadow_path (shadow, sizeof shadow, name->file);
        snprintf (path, sizeof path, "%s/%s/%s", top, power.dirs[dir].path, name->name);
        if (link (shadow, path) < 0)
            give_up (path);
    }
}

/*  Under the lock: every other thread stops at its next call, as if the power were gone.  */
static void cut (void)
{
    char making[600];
    if (power.random) {
        for (int i = 0; i < power.dir_count; i++)
            if (dice () % 2)
                list_dir (i);
        for (int i = 0; i < power.file_count; i++)
            let_some_survive (&power.files[i]);
    }
    snprintf (making, sizeof making, "%s.making", power.image);
    build_dir (0, making);
    if (rename (making, power.image) < 0)
        give_up (power.image);
    kill (getpid (), SIGKILL);
    for (;;)
        pause ();
}

static void *wait_for_signal (void *arg)
{
    sigset_t *set = arg;
    int number;
    sigwait (set, &number);
    pthread_mutex_lock (&power.lock);
    cut ();
    return NULL;
}

static uint64_t number_of (const char *name)
{
    const char *text = getenv (name);
    return text ? strtoull (text, NULL, 10) : 0;
}

__attribute__ ((constructor)) static void start (void)
{
    static sigset_t set;
    pthread_t thread;
    const char *dir = getenv ("POWER_DIR"), *image = getenv ("POWER_IMAGE");
    if (!dir || !image)
        return;
    if ((mkdir (dir, 0700) < 0 && errno != EEXIST) || !realpath (dir, power.dir))
        give_up (dir);
    snprintf (power.image, sizeof power.image, "%s", image);
    char shadows[600];
    snprintf (shadows, sizeof shadows, "%s.shadow", image);
    if (mkdir (shadows, 0700) < 0)
        give_up (shadows);
    power.cut_at = number_of ("POWER_CUT");
    power.random = number_of ("POWER_SEED") * UINT64_C (0x9e3779b97f4a7c15);
    unsetenv ("LD_PRELOAD");
    unsetenv ("POWER_DIR");
    take_as_durable (dir_of (""));
    sigemptyset (&set);
    sigaddset (&set, SIGUSR2);
    pthread_sigmask (SIG_BLOCK, &set, NULL);
    if (pthread_create (&thread, NULL, wait_for_signal, &set) != 0)
        give_up ("starting a thread");
    pthread_detach (thread);
    power.on = true;
}

/*  The path of `fd` below POWER_DIR, or NULL.  */
static const char *watched_path (int fd, char *buffer, size_t size)
{
    char link[64];
    snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t got = readlink (link, buffer, size - 1);
    size_t prefix = strlen (power.dir);
    if (got < 0)
        return NULL;
    buffer[got] = '\0';
    if (strncmp (buffer, power.dir, prefix) != 0
        || (buffer[prefix] != '/' && buffer[prefix] != '\0'))
        return NULL;
    return buffer[prefix] ? buffer + prefix + 1 : buffer + prefix;
}

static int opened (int fd)
{
    char buffer[1024];
    struct stat status;
    if (!power.on || fd < 0 || fd >= FDS_MAX)
        return fd;
    int error = errno;
    const char *path = watched_path (fd, buffer, sizeof buffer);
    pthread_mutex_lock (&power.lock);
    /*  fclose closes without a hook, so an old entry may still be there.  */
    power.file_of_fd[fd] = 0;
    power.dir_of_fd[fd] = 0;
    if (path && fstat (fd, &status) == 0) {
        if (S_ISDIR (status.st_mode))
            power.dir_of_fd[fd] = (uint8_t) (dir_of (path) + 1);
        else if (S_ISREG (status.st_mode))
            power.file_of_fd[fd] = (uint16_t) (file_of (&status, AT_FDCWD, buffer) + 1);
    }
    pthread_mutex_unlock (&power.lock);
    errno = error;
    return fd;
}

static void written (int fd, off_t from, ssize_t size)
{
    if (!power.on || size <= 0 || fd < 0 || fd >= FDS_MAX || !power.file_of_fd[fd])
        return;
    pthread_mutex_lock (&power.lock);
    file_t *file = &power.files[power.file_of_fd[fd] - 1];
    if (file->dirty_from == file->dirty_to) {
        file->dirty_from = from;
        file->dirty_to = from + size;
    } else {
        file->dirty_from = from < file->dirty_from ? from : file->dirty_from;
        file->dirty_to = from + size > file->dirty_to ? from + size : file->dirty_to;
    }
    pthread_mutex_unlock (&power.lock);
}

static int synced (int fd, long number)
{
    if (!power.on || fd < 0 || fd >= FDS_MAX || (!power.file_of_fd[fd] && !power.dir_of_fd[fd]))
        return (int) syscall (number, fd);
    pthread_mutex_lock (&power.lock);
    if (++power.syncs == power.cut_at)
        cut ();
    if (power.file_of_fd[fd])
        make_durable (&power.files[power.file_of_fd[fd] - 1]);
    else
        list_dir (power.dir_of_fd[fd] - 1);
    pthread_mutex_unlock (&power.lock);
    return 0;
}

static mode_t mode_of (int flags, va_list list)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg (list, mode_t) : 0;
}

/*  From here on: the calls that RocksDB and the C library's users make, under all their names.  */
#define OPEN(name_)                                                                                \
    HOOK int name_ (const char *path, int flags, ...);                                             \
    HOOK int name_ (const char *path, int flags, ...)                                              \
    {                                                                                              \
        va_list list;                                                                              \
        va_start (list, flags);                                                                    \
        mode_t mode = mode_of (flags, list);                                                       \
        va_end (list);                                                                             \
        return opened (sys_open (AT_FDCWD, path, flags, mode));                                    \
    }

#define OPENAT(name_)                                                                              \
    HOOK int name_ (int at, const char *path, int flags, ...);                                     \
    HOOK int name_ (int at, const char *path, int flags, ...)                                      \
    {                                                                                              \
        va_list list;                                                                              \
        va_start (list, flags);                                                                    \
        mode_t mode = mode_of (flags, list);                                                       \
        va_end (list);                                                                             \
        return opened (sys_open (at, path, flags, mode));                                          \
    }

#define PWRITE(name_)                                                                              \
    HOOK ssize_t name_ (int fd, const void *data, size_t size, off_t offset);                      \
    HOOK ssize_t name_ (int fd, const void *data, size_t size, off_t offset)                       \
    {                                                                                              \
        ssize_t done = sys_pwrite (fd, data, size, offset);                                        \
        written (fd, offset, done);                                                                \
        return done;                                                                               \
    }

#define PWRITEV(name_)                                                                             \
    HOOK ssize_t name_ (int fd, const struct iovec *parts, int count, off_t offset);               \
    HOOK ssize_t name_ (int fd, const struct iovec *parts, int count, off_t offset)                \
    {                                                                                              \
        ssize_t done = syscall (SYS_pwritev, fd, parts, count, offset, 0L);                        \
        written (fd, offset, done);                                                                \
        return done;                                                                               \
    }

OPEN (open)
OPEN (open64)
OPEN (__open_2)
OPEN (__open64_2)
OPENAT (openat)
OPENAT (openat64)
PWRITE (pwrite)
PWRITE (pwrite64)
PWRITEV (pwritev)
PWRITEV (pwritev64)

HOOK ssize_t write (int fd, const void *data, size_t size)
{
    ssize_t done = syscall (SYS_write, fd, data, size);
    if (power.on && done > 0 && fd >= 0 && fd < FDS_MAX && power.file_of_fd[fd])
        written (fd, lseek (fd, 0, SEEK_CUR) - done, done);
    return done;
}

HOOK ssize_t writev (int fd, const struct iovec *parts, int count)
{
    ssize_t done = syscall (SYS_writev, fd, parts, count);
    if (power.on && done > 0 && fd >= 0 && fd < FDS_MAX && power.file_of_fd[fd])
        written (fd, lseek (fd, 0, SEEK_CUR) - done, done);
    return done;
}

HOOK int fsync (int fd)
{
    return synced (fd, SYS_fsync);
}

HOOK int fdatasync (int fd)
{
    return synced (fd, SYS_fdatasync);
}

HOOK int close (int fd)
{
    if (power.on && fd >= 0 && fd < FDS_MAX && (power.file_of_fd[fd] || power.dir_of_fd[fd])) {
        pthread_mutex_lock (&power.lock);
        power.file_of_fd[fd] = 0;
        power.dir_of_fd[fd] = 0;
        pthread_mutex_unlock (&power.lock);
    }
    return sys_close (fd);
}
