/*  control_show -- the maps that tools get
    OWNS    see core.h
    THREAD  core only
    FAILS   see core.h
    COST    see core.h  */

#ifndef CORE_CONTROL_SHOW_H
#define CORE_CONTROL_SHOW_H

#include "core/core.h"
#include "core/dead/dead.h"
#include "core/state/entry.h"
#include "core/state/session.h"

void control_measure (core_t *self);
void control_status (core_t *self, plv_buf_t *body);
void control_routes (core_t *self, plv_buf_t *body);
void control_sessions (core_t *self, plv_view_t arguments, plv_buf_t *body);
void control_session (const session_t *session, plv_buf_t *body);
void control_dead_item (core_t *self, const dead_t *dead, const entry_t *entry, bool whole,
                        plv_view_t row, plv_buf_t *items); /* `row`: shown too, unless empty */

#endif
