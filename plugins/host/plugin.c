#include "host/plugin.h"
#include "host/link/broker_link.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 32, KEYS_MAX = 256, DESCRIPTOR_MAX_BYTES = 4096 };

/*  What 1.0 has: no descriptor is smaller, no key entry either.  */
static const size_t descriptor_min_bytes = sizeof (pal_adapter_t);
static const size_t key_min_bytes = sizeof (pal_key_t);

static const pal_key_t host_keys[] = {
#include "host/settings.def"
};

struct plugin {
    void *object;
    pal_adapter_t adapter;
};

static host_exit_t refuse (host_exit_t code, plv_fail_t *ret_fail, const char *file,
                           const char *why)
{
    plv_fail (ret_fail, ERR_ARG, "%s: %s", file, why);
    return code;
}

/*  Our own, from what we run.  */
static uint16_t machine (void)
{
    extern const Elf64_Ehdr __ehdr_start; /* the linker's */
    return __ehdr_start.e_machine;
}

static host_exit_t check_elf (int fd, const char *file, plv_fail_t *ret_fail)
{
    Elf64_Ehdr head;
    if (pread (fd, &head, sizeof head, 0) != (ssize_t) sizeof head
        || memcmp (head.e_ident, ELFMAG, SELFMAG) != 0)
        return refuse (HOST_EXIT_REFUSED_ELF, ret_fail, file,
                       "is not an ELF file: copy the plugin again");
    if (head.e_ident[EI_CLASS] != ELFCLASS64 || head.e_type != ET_DYN)
        return refuse (HOST_EXIT_REFUSED_ELF, ret_fail, file,
                       "is not a 64-bit shared object: build it for this machine, "
                       "with -shared -fPIC");
    if (head.e_machine != machine ())
        return refuse (HOST_EXIT_REFUSED_ELF, ret_fail, file,
                       "is built for another kind of machine: build it for this one");
    return HOST_EXIT_OK;
}

static host_exit_t check_file (const char *file, plv_fail_t *ret_fail)
{
    struct stat info;
    int fd = open (file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", file,
                  errno == ELOOP   ? "is a symbolic link, not a regular file"
                  : errno == ENXIO ? "is not a regular file"
                                   : strerror (errno));
        return HOST_EXIT_REFUSED_FILE;
    }
    host_exit_t code = HOST_EXIT_OK;
    if (fstat (fd, &info) < 0 || !S_ISREG (info.st_mode))
        code = refuse (HOST_EXIT_REFUSED_FILE, ret_fail, file, "is not a regular file");
    else if (info.st_uid != 0 && info.st_uid != geteuid ())
        code = refuse (HOST_EXIT_REFUSED_OWNER, ret_fail, file,
                       "belongs neither to root nor to the user that runs this: chown it to root");
    else if (info.st_mode & (S_IWGRP | S_IWOTH))
        code = refuse (HOST_EXIT_REFUSED_MODE, ret_fail, file,
                       "may be written by its group or by everybody: chmod go-w");
    else
        code = check_elf (fd, file, ret_fail);
    close (fd);
    return code;
}

static bool name_good (const char *name, const char *more)
{
    if (!name || *name < 'a' || *name > 'z' || strlen (name) > NAME_MAX_BYTES)
        return false;
    for (const char *at = name; *at; at++) {
        bool plain = (*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9');
        if (!plain && !strchr (more, *at))
            return false;
    }
    return true;
}

static const char *key_fault (const pal_key_t *key)
{
    if (!name_good (key->name, "_"))
        return "its name is not [a-z][a-z0-9_]*";
    if (key->type < PAL_KEY_INT || key->type > PAL_KEY_SECRET)
        return "its type is unknown";
    if (key->type == PAL_KEY_INT && (key->number < key->min || key->number > key->max))
        return "its default is outside its range";
    return NULL;
}

static const char *descriptor_fault (const plugin_t *self)
{
    const pal_adapter_t *adapter = &self->adapter;
    if (!name_good (adapter->name, "-"))
        return "its name is not [a-z][a-z0-9-]*";
    if (!name_good (adapter->platform, ""))
        return "its platform is not [a-z][a-z0-9]*";
    if (!adapter->version || !*adapter->version || strlen (adapter->version) > 64)
        return "it has no version";
    if (!adapter->open || !adapter->deliver || !adapter->close)
        return "open, deliver or close is missing";
    if (adapter->key_count > KEYS_MAX || (adapter->key_count && !adapter->keys))
        return "its table of conf keys is not there, or too long";
    if (adapter->key_count && (adapter->key_size < key_min_bytes || adapter->key_size > 1024))
        return "the size of its conf keys is impossible: set .key_size = sizeof (pal_key_t)";
    return NULL;
}

/*  What a number of the descriptor may be. Through int64_t, since a plugin may put anything into an enum.  */
static host_exit_t check_numbers (const plugin_t *self, const char *file, plv_fail_t *ret_fail)
{
    const int64_t markdown = (int) self->adapter.markdown, unit = (int) self->adapter.text_unit;
    const int64_t credit = self->adapter.credit;
    if (markdown < PAL_MARKDOWN_NONE || markdown > PAL_MARKDOWN_HTML)
        plv_fail (ret_fail, ERR_ARG,
                  "%s: its markdown %" PRId64 " is none of pal_markdown_t: build it against this "
                  "sdk/adapter.h, or upgrade palaver",
                  file, markdown);
    else if (unit < PAL_BYTES || unit > PAL_UTF16_UNITS)
        plv_fail (ret_fail, ERR_ARG,
                  "%s: its text_unit %" PRId64 " is none of pal_text_unit_t: build it against this "
                  "sdk/adapter.h, or upgrade palaver",
                  file, unit);
    else if (credit > BROKER_LINK_CREDIT_MAX)
        plv_fail (ret_fail, ERR_RANGE,
                  "%s: its credit %" PRId64 " is more than %d: set a smaller one, or 0 for 64",
                  file, credit, (int) BROKER_LINK_CREDIT_MAX);
    else
        return HOST_EXIT_OK;
    return HOST_EXIT_REFUSED_DESCRIPTOR;
}

/*  Key `at` of the plugin's table, whatever the size of its entries.  */
static pal_key_t own_key (const plugin_t *self, size_t at)
{
    pal_key_t key;
    const char *table = (const char *) self->adapter.keys;
    memcpy (&key, table + at * self->adapter.key_size, sizeof key);
    return key;
}

bool plugin_row (const plugin_t *self, size_t at, pal_key_t *ret_key)
{
    const size_t hosts = sizeof host_keys / sizeof *host_keys;
    if (at >= hosts + self->adapter.key_count)
        return false;
    *ret_key = at < hosts ? host_keys[at] : own_key (self, at - hosts);
    return true;
}

/*  Every key by its name alone; the host has keys too.  */
static bool is_twice (const plugin_t *self, const char *name)
{
    pal_key_t key;
    unsigned times = 0;
    for (size_t at = 0; plugin_row (self, at, &key); at++)
        times += strcmp (key.name, name) == 0;
    return times > 1;
}

static host_exit_t refuse_key (const pal_key_t *key, size_t at, const char *file, const char *fault,
                               plv_fail_t *ret_fail)
{
    plv_fail (ret_fail, ERR_ARG, "%s: conf key %zu, %.*s: %s", file, at + 1, NAME_MAX_BYTES,
              key->name ? key->name : "which has no name", fault);
    return HOST_EXIT_REFUSED_DESCRIPTOR;
}

static host_exit_t check_keys (const plugin_t *self, const char *file, plv_fail_t *ret_fail)
{
    for (size_t at = 0; at < self->adapter.key_count; at++) {
        pal_key_t key = own_key (self, at);
        const char *fault = key_fault (&key);
        if (fault)
            return refuse_key (&key, at, file, fault, ret_fail);
    }
    for (size_t at = 0; at < self->adapter.key_count; at++) {
        pal_key_t key = own_key (self, at);
        if (is_twice (self, key.name))
            return refuse_key (&key, at, file,
                               "there is one of this name already, of the plugin or of every "
                               "adapter (palaver-adapter --print-keys): give it another name",
                               ret_fail);
    }
    return HOST_EXIT_OK;
}

static host_exit_t check_descriptor (plugin_t *self, const char *file, plv_fail_t *ret_fail)
{
    const pal_adapter_t *found = dlsym (self->object, PAL_SYMBOL);
    if (!found)
        return refuse (HOST_EXIT_REFUSED_SYMBOL, ret_fail, file,
                       "has no descriptor: export a const pal_adapter_t named " PAL_SYMBOL);
    if (found->abi >> 16 != PAL_ABI_MAJOR) {
        plv_fail (ret_fail, ERR_VERSION,
                  "%s: is built for adapter ABI %u.%u, this host speaks %d.%d: %s", file,
                  found->abi >> 16, found->abi & 0xffff, PAL_ABI_MAJOR, PAL_ABI_MINOR,
                  found->abi >> 16 > PAL_ABI_MAJOR ? "upgrade palaver" : "build the plugin again");
        return HOST_EXIT_REFUSED_ABI;
    }
    if (found->size < descriptor_min_bytes || found->size > DESCRIPTOR_MAX_BYTES)
        return refuse (
            HOST_EXIT_REFUSED_DESCRIPTOR, ret_fail, file,
            "the size in its descriptor is impossible: set .size = sizeof (pal_adapter_t)");
    memcpy (&self->adapter, found,
            found->size < sizeof self->adapter ? found->size : sizeof self->adapter);
    const char *fault = descriptor_fault (self);
    if (fault)
        return refuse (HOST_EXIT_REFUSED_DESCRIPTOR, ret_fail, file, fault);
    host_exit_t code = check_numbers (self, file, ret_fail);
    return code ? code : check_keys (self, file, ret_fail);
}

static const char *link_advice (const char *words)
{
    if (strstr (words, "cannot open shared object file"))
        return "install that library, or link it into the plugin";
    if (strstr (words, "executable"))
        return "build it with -shared -fPIC";
    return "link all that it needs into it (-Wl,-z,defs finds it)";
}

/*  The linker's words begin with the path of what they are about: the plugin, or a library that it needs.  */
static host_exit_t refuse_link (const char *file, const char *path, const char *words,
                                plv_fail_t *ret_fail)
{
    size_t size = strlen (path);
    bool own = strncmp (words, path, size) == 0 && strncmp (words + size, ": ", 2) == 0;
    plv_fail (ret_fail, ERR_ARG, "%s: %s: %s", file, own ? words + size + 2 : words,
              link_advice (words));
    return HOST_EXIT_REFUSED_LINK;
}

host_exit_t plugin_load (const char *file, plugin_t **ret_plugin, plv_fail_t *ret_fail)
{
    host_exit_t code = check_file (file, ret_fail);
    if (code)
        return code;
    plugin_t *self = calloc (1, sizeof *self);
    if (!self)
        return refuse (HOST_EXIT_HOST, ret_fail, file, "out of memory");
    /*  A name without a slash would be searched for in the linker's path.  */
    char path[PATH_MAX];
    snprintf (path, sizeof path, "%s%s", strchr (file, '/') ? "" : "./", file);
    self->object = dlopen (path, RTLD_NOW | RTLD_LOCAL);
    if (self->object)
        code = check_descriptor (self, file, ret_fail);
    else
        code = refuse_link (file, path, dlerror (), ret_fail);
    if (code)
        plugin_destroy (&self);
    else
        *ret_plugin = self;
    return code;
}

void plugin_destroy (plugin_t **self_p)
{
    plugin_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    if (self->object)
        dlclose (self->object);
    free (self);
    *self_p = NULL;
}

const pal_adapter_t *plugin_adapter (const plugin_t *self)
{
    return &self->adapter;
}
