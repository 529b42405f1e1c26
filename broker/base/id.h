/*  id -- UUIDv7: event ids that sort by time (RFC 9562, 5.7)
    OWNS    nothing; a plain value of 16 bytes
    THREAD  any
    FAILS   never; plv_id_parse returns false on anything but 36 characters of a UUID
    COST    a few instructions; the text form one small loop

    Pure: the time and the random bits come in as arguments.  */

#ifndef PLV_BASE_ID_H
#define PLV_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { PLV_ID_BYTES = 16, PLV_ID_TEXT_BYTES = 37 };

typedef struct {
    uint8_t bytes[PLV_ID_BYTES];
} plv_id_t;

/*  `now_us`: microseconds since 1970, UTC (milliseconds go into the id, the rest of the precision
    into rand_a, so that ids of one process sort within a millisecond).  */
plv_id_t plv_id_make (int64_t now_us, uint64_t random);

/*  "018f3c5e-7f00-7abc-8def-0123456789ab" and a NUL into `ret_text`.  */
void plv_id_format (const plv_id_t *self, char ret_text[PLV_ID_TEXT_BYTES]);
bool plv_id_parse (const char *text, plv_id_t *ret_id);
bool plv_id_is_zero (const plv_id_t *self);

/*  Is it a UUID of version 7?  */
bool plv_id_is_v7 (const plv_id_t *self);

#ifdef __cplusplus
}
#endif

#endif
