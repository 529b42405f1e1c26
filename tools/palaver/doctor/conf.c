/*  The configuration and the keys that it names.  */

#include "base/alloc.h"
#include "base/build.h"
#include "palaver/ask/where.h"
#include "palaver/doctor/doctor.h"
#include "palaver/show/text.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*  While letters cannot be saved, they are kept: nothing is lost, and nothing goes.  */
static void look_at_export (doctor_t *doctor)
{
    const char *folder = doctor->conf->dead_export;
    if (folder[0] && access (folder, W_OK | X_OK))
        doctor_say (
            doctor, FINDING_PROBLEM,
            "make it, for the broker's user; under systemd inside the state directory, or as "
            "ReadWritePaths of the unit",
            "dead.export: %s: %s", folder, strerror (errno));
}

static const char *advice_for (plv_err_t err)
{
    if (err == ERR_NOENT)
        return "name one that is there: --conf FILE";
    return err == ERR_PERM ? DOCTOR_BE_THE_USER
                           : "correct the line; palaverd --check-conf says the same";
}

static void load_conf (doctor_t *doctor)
{
    plv_fail_t fail;
    char *its = doctor_broker_path (doctor, "conf");
    const char *file = call_text (doctor->call, OPTION_CONF, its);
    if (!file && !doctor->process.size && access (plv_build_conf_path, F_OK) == 0)
        file = plv_build_conf_path;
    plv_err_t err = file ? plv_conf_load (file, &doctor->conf, &fail) : ERR_OK;
    if (err)
        doctor_say (doctor, FINDING_PROBLEM, advice_for (err), "%s", fail.text);
    else if (file)
        doctor_say (doctor, FINDING_OK, "", "%s: %zu route%s", file, doctor->conf->route_count,
                    text_s (doctor->conf->route_count));
    else
        doctor_say (doctor, FINDING_OK, "", "no file: the defaults hold");
    if (!doctor->conf && plv_conf_defaults (&doctor->conf, &fail))
        plv_out_of_memory (0);
    doctor->conf_file = file ? plv_strdup (file) : NULL;
    free (its);
}

void check_conf (doctor_t *doctor)
{
    load_conf (doctor);
    char *its = doctor_broker_path (doctor, "data");
    const char *data = call_text (doctor->call, OPTION_DATA, its);
    doctor->data = where_data (data ? data : doctor->conf->data_dir);
    free (its);
    if (!doctor->conf->data_sync)
        doctor_say (doctor, FINDING_WARNING, "set data.sync = true unless that is meant",
                    "data.sync is false: a power cut loses what was acknowledged last");
    look_at_export (doctor);
}

/*  Relative names are beside the file that names them.  */
static char *keys_folder (const doctor_t *doctor)
{
    const char *folder = doctor->conf->listen_keys;
    const char *slash = doctor->conf_file ? strrchr (doctor->conf_file, '/') : NULL;
    char *path = NULL;
    if (folder[0] == '/' || !slash)
        return plv_strdup (folder);
    if (asprintf (&path, "%.*s/%s", (int) (slash - doctor->conf_file), doctor->conf_file, folder)
        < 0)
        plv_out_of_memory (strlen (folder));
    return path;
}

static bool is_secret (const char *name)
{
    static const char ending[] = ".cert_secret";
    size_t size = strlen (name), end = sizeof ending - 1;
    return size > end && strcmp (name + size - end, ending) == 0;
}

/*  How many secret keys there are, and how many of them others may read.  */
static unsigned count_open (DIR *stream, unsigned *ret_open)
{
    struct stat info;
    unsigned count = 0;
    for (struct dirent *entry; (entry = readdir (stream));) {
        if (!is_secret (entry->d_name) || fstatat (dirfd (stream), entry->d_name, &info, 0))
            continue;
        count++;
        *ret_open += (info.st_mode & 077) != 0;
    }
    return count;
}

/*  Is this another user than the broker's, as far as can be seen?  */
static bool is_stranger (const doctor_t *doctor)
{
    struct stat info;
    if (doctor->closed)
        return true;
    if (!doctor->data)
        return false;
    return stat (doctor->data, &info) ? errno == EACCES : info.st_uid != geteuid ();
}

static void miss_rights (doctor_t *doctor, const char *folder)
{
    if (is_stranger (doctor))
        doctor_say (doctor, FINDING_SKIPPED, DOCTOR_BE_THE_USER, "%s: %s", folder,
                    strerror (EACCES));
    else
        doctor_say (doctor, FINDING_PROBLEM, "chown -R it to the broker's user",
                    "listen.agents is set, and %s: %s", folder, strerror (EACCES));
}

static void miss_keys (doctor_t *doctor, const char *folder, bool there)
{
    char *advice = NULL;
    if (asprintf (&advice, "make the broker's key pair: palaver keys new broker --keys %s", folder)
        < 0)
        plv_out_of_memory (strlen (folder));
    doctor_say (doctor, FINDING_PROBLEM, advice, "listen.agents is set, and %s %s", folder,
                there ? "has no broker.cert_secret" : "cannot be read");
    free (advice);
}

/*  0, or why the broker's secret key cannot be read.  */
static int try_own_key (DIR *stream)
{
    return faccessat (dirfd (stream), "broker.cert_secret", R_OK, 0) ? errno : 0;
}

void check_keys (doctor_t *doctor)
{
    unsigned open = 0;
    char *folder = keys_folder (doctor);
    DIR *stream = opendir (folder);
    int why = stream ? try_own_key (stream) : errno;
    unsigned count = stream ? count_open (stream, &open) : 0;
    if (doctor->conf->listen_agents[0] && why == EACCES)
        miss_rights (doctor, folder);
    else if (doctor->conf->listen_agents[0] && why)
        miss_keys (doctor, folder, stream != NULL);
    else if (!stream)
        doctor_say (doctor, FINDING_SKIPPED, "", "no agents of other machines");
    else if (open)
        doctor_say (doctor, FINDING_PROBLEM, "chmod 600 them, and make new ones if in doubt",
                    "%s: %u of %u secret keys can be read by others", folder, open, count);
    else
        doctor_say (doctor, FINDING_OK, "", "%s: %u secret key%s, closed to others", folder, count,
                    text_s (count));
    if (stream)
        closedir (stream);
    free (folder);
}
