/*  log -- structured lines with stable ids
    OWNS    a file descriptor that it was given, and its name and format
    THREAD  any: one line is one write ()
    FAILS   never; a line that cannot be written is counted
    COST    one copy a field, and no allocation; nothing when the level is off

    A line is an id from log.def and fields. On a terminal:
        14:02:11.123 info  session.created  session=web_42 platform=web
    off it one JSON object: {"time":"...Z","level":"info","id":"session.created","program":"palaverd",...}.
    Times are UTC. Control characters and what is not UTF-8 are escaped. A line longer than LOG_LINE_BYTES_MAX
    is cut, and says so with cut=true: up to there, lines of several programs in one pipe do not mix.
    Texts of users and secrets are never logged.  */

#ifndef PLV_BASE_LOG_H
#define PLV_BASE_LOG_H

#include "base/view.h"

#include <stdint.h>

enum { LOG_LINE_BYTES_MAX = 4096 }; /* PIPE_BUF */

typedef enum { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR } plv_log_level_t;
typedef enum { LOG_AUTO, LOG_TEXT, LOG_JSON } plv_log_format_t;

typedef enum {
#define LOGID(name, level, text, meaning) LOG_##name,
#include "base/log/log.def"
#undef LOGID
    LOG_COUNT_
} plv_log_id_t;

/*  "session.created"; the level and the meaning that log.def gives it.  */
const char *plv_log_id_text (plv_log_id_t id);
plv_log_level_t plv_log_id_level (plv_log_id_t id);

typedef struct plv_log plv_log_t;

/*  LOG_AUTO is LOG_TEXT on a terminal (in colours, unless NO_COLOR is set) and LOG_JSON off it.  */
plv_log_t *plv_log_new (const char *program, int fd, plv_log_level_t least,
                        plv_log_format_t format);
void plv_log_destroy (plv_log_t **self_p);
void plv_log_set (plv_log_t *self, plv_log_level_t least, plv_log_format_t format);

/*  What a child that writes to the same place is told. NULL: LOG_INFO, LOG_AUTO.  */
plv_log_level_t plv_log_least (const plv_log_t *self);
plv_log_format_t plv_log_format (const plv_log_t *self); /* LOG_TEXT or LOG_JSON */

/*  Lines that could not be written so far.  */
uint64_t plv_log_lost (const plv_log_t *self);

/*  Fields: built with the makers below, e.g.
        plv_log (log, LOG_SESSION_CREATED, F_VIEW ("session", id), F_INT ("count", 3));  */
typedef enum { FIELD_END, FIELD_STR, FIELD_VIEW, FIELD_INT } plv_field_type_t;

typedef struct {
    const char *name;
    plv_field_type_t type;
    const char *text;
    plv_view_t view;
    int64_t number;
} plv_field_t;

#define F_STR(name_, value) ((plv_field_t){.name = (name_), .type = FIELD_STR, .text = (value)})
#define F_VIEW(name_, value) ((plv_field_t){.name = (name_), .type = FIELD_VIEW, .view = (value)})
#define F_INT(name_, value) ((plv_field_t){.name = (name_), .type = FIELD_INT, .number = (value)})

/*  For a line without fields: plv_log (log, LOG_BROKER_STOPPED, F_NONE).  */
#define F_NONE ((plv_field_t){.type = FIELD_END})

/*  `self` may be NULL: nothing is written.  */
void plv_log_fields (plv_log_t *self, plv_log_id_t id, const plv_field_t *fields, size_t count);

#define plv_log(self, id, ...)                                                                     \
    plv_log_fields ((self), (id), (const plv_field_t[]){__VA_ARGS__},                              \
                    sizeof ((const plv_field_t[]){__VA_ARGS__}) / sizeof (plv_field_t))

#endif
