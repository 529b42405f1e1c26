#include "host/link/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct claim {
    int fd;
    bool ours;
};

plv_err_t claim_new (const char *dir, claim_t **ret_claim, plv_fail_t *ret_fail)
{
    char file[4096];
    snprintf (file, sizeof file, "%s/lock", dir);
    claim_t *self = calloc (1, sizeof *self);
    if (!self)
        return plv_fail (ret_fail, ERR_NOMEM, "%s: out of memory", file);
    self->fd = open (file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (self->fd < 0) {
        free (self);
        return plv_fail (ret_fail, plv_err_of_errno (errno), "%s: %s", file, strerror (errno));
    }
    *ret_claim = self;
    return ERR_OK;
}

void claim_destroy (claim_t **self_p)
{
    claim_t *self = *self_p;
    if (!self)
        return;
    close (self->fd);
    free (self);
    *self_p = NULL;
}

bool claim_take (claim_t *self)
{
    /* a lock of the process: a child that a plugin leaves behind does not hold it */
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (self && !self->ours)
        self->ours = fcntl (self->fd, F_SETLK, &whole) == 0;
    return !self || self->ours;
}
