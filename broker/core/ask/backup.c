#include "core/ask/backup.h"

#include "core/ask/control_answer.h"
#include "core/ask/control_ask.h"
#include "core/internal.h"
#include "wire/mp.h"

static void settle (core_t *self, ask_t *ask)
{
    static const plv_buf_t empty_map = {.data = (uint8_t *) "\x80", .size = 1};
    peer_t *peer = control_asker (self, ask, "");
    if (peer)
        control_answer (self, peer, ask->request, "ok", &empty_map);
    control_finish (self, ask);
}

static const ask_kind_t ask_backup = {.settle = settle};

void backup_start (core_t *self, peer_t *peer, uint64_t request, plv_view_t arguments)
{
    plv_view_t dir = plv_mp_find_str (arguments, "dir");
    if (dir.size == 0 || dir.data[0] != '/' || memchr (dir.data, 0, dir.size)) {
        control_fail (self, peer, request, ERR_ARG,
                      "backup needs \"dir\", an absolute path that does not exist yet");
        return;
    }
    if (self->effects->checkpoint_token) {
        control_fail (self, peer, request, ERR_BUSY,
                      "another backup was asked for at this moment: try again");
        return;
    }
    ask_t *ask = control_ask_new (self, &ask_backup);
    control_ask_from (ask, peer, request);
    ask->waiting = 1;
    self->effects->checkpoint_token = ask->token;
    plv_buf_add_view (&self->effects->checkpoint_dir, dir);
    plv_buf_add_u8 (&self->effects->checkpoint_dir, 0);
}
