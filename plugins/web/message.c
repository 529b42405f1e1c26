#include "web/message.h"

#include "web/text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PLATFORM_BYTES_MAX = 64 };

/*  False: it is there, but is no text.  */
static bool read_text (const json_t *object, const char *name, pal_text_t *ret_text)
{
    const json_t *value = json_object_get (object, name);
    if (!value || json_is_null (value))
        return true;
    if (!json_is_string (value))
        return false;
    *ret_text = (pal_text_t){json_string_value (value), json_string_length (value)};
    return true;
}

/*  The number of `digits` digits at the start of `*text`, which is moved behind them; -1: there are none.  */
static int take_number (pal_text_t *text, size_t digits)
{
    int number = 0;
    if (text->size < digits)
        return -1;
    for (size_t at = 0; at < digits; at++) {
        if (text->data[at] < '0' || text->data[at] > '9')
            return -1;
        number = number * 10 + (text->data[at] - '0');
    }
    *text = (pal_text_t){text->data + digits, text->size - digits};
    return number;
}

static bool take_char (pal_text_t *text, const char *any)
{
    if (!text->size || !strchr (any, text->data[0]))
        return false;
    *text = (pal_text_t){text->data + 1, text->size - 1};
    return true;
}

static int64_t take_fraction_us (pal_text_t *text)
{
    int64_t us = 0, unit = 100000;
    if (!take_char (text, "."))
        return 0;
    for (int digit; (digit = take_number (text, 1)) >= 0; unit /= 10)
        us += digit * unit;
    return us;
}

/*  "Z" or "+02:00", in seconds.  */
static bool take_zone (pal_text_t *text, int *ret_seconds)
{
    *ret_seconds = 0;
    if (take_char (text, "Zz"))
        return true;
    bool east = text->size && text->data[0] == '+';
    if (!take_char (text, "+-"))
        return false;
    int hours = take_number (text, 2);
    int minutes = take_char (text, ":") ? take_number (text, 2) : -1;
    *ret_seconds = (hours * 60 + minutes) * (east ? 60 : -60);
    return hours >= 0 && minutes >= 0;
}

/*  JavaScript counts in milliseconds; as seconds, these would be in the year 5138 and later.  */
static bool take_count (double number, int64_t *ret_us)
{
    const double ms_from = 1e11;
    if (!(number > 0 && number < ms_from * 1000))
        return false;
    *ret_us = (int64_t) (number < ms_from ? number * 1e6 : number * 1e3);
    return true;
}

bool message_time (pal_text_t text, int64_t *ret_us)
{
    struct tm tm = {0};
    int zone = 0;
    tm.tm_year = take_number (&text, 4) - 1900;
    bool good = tm.tm_year >= 70 && take_char (&text, "-")
                && (tm.tm_mon = take_number (&text, 2) - 1) >= 0 && take_char (&text, "-")
                && (tm.tm_mday = take_number (&text, 2)) > 0 && take_char (&text, "Tt ")
                && (tm.tm_hour = take_number (&text, 2)) >= 0 && take_char (&text, ":")
                && (tm.tm_min = take_number (&text, 2)) >= 0 && take_char (&text, ":")
                && (tm.tm_sec = take_number (&text, 2)) >= 0;
    if (!good || tm.tm_mon > 11 || tm.tm_mday > 31 || tm.tm_hour > 23 || tm.tm_min > 59
        || tm.tm_sec > 60)
        return false;
    int64_t fraction = take_fraction_us (&text);
    if (text.size && (!take_zone (&text, &zone) || text.size))
        return false;
    *ret_us = ((int64_t) timegm (&tm) - zone) * 1000000 + fraction;
    return true;
}

static const char *read_timestamp (message_t *self, const json_t *object)
{
    const json_t *value = json_object_get (object, "timestamp");
    if (!value || json_is_null (value))
        return NULL;
    if (json_is_number (value) && take_count (json_number_value (value), &self->timestamp_us))
        return NULL;
    pal_text_t text = {json_string_value (value), json_string_length (value)};
    if (json_is_string (value) && message_time (text, &self->timestamp_us))
        return NULL;
    return "timestamp: takes seconds or milliseconds since 1970, or a time as 2026-01-31T12:00:00Z";
}

/*  The platform that a client names does not choose the session: it is told to the agent, no more.  */
static const char *read_metadata (message_t *self, const json_t *object)
{
    json_t *value = json_object_get (object, "metadata");
    bool foreign = self->platform.size && !pal_text_is (self->platform, "web");
    if (value && !json_is_null (value) && !json_is_object (value))
        return "metadata: takes an object";
    if (!json_is_object (value) && !foreign)
        return NULL;
    json_t *metadata = json_is_object (value) ? json_copy (value) : json_object ();
    if (foreign)
        json_object_set_new (metadata, "client_platform",
                             json_stringn (self->platform.data, self->platform.size));
    self->metadata = json_dumps (metadata, JSON_COMPACT);
    json_decref (metadata);
    return self->metadata ? NULL : "metadata: is too large";
}

/*  Clients take "." and ".." out of an address, and a slash parts it, however they are written.  */
static bool is_in_addresses (pal_text_t id)
{
    return !memchr (id.data, '/', id.size) && !pal_text_is (id, ".") && !pal_text_is (id, "..");
}

/*  What is fixed, or taken when the message does not say it.  */
static const char *read_ids (message_t *self, const json_t *object, const message_t *standard)
{
    self->session_id = standard->session_id;
    self->user_id = standard->user_id;
    if (!standard->session_id.size
        && (!read_text (object, "session_id", &self->session_id)
            || !text_is_id (self->session_id, SESSION_BYTES_MAX)
            || !is_in_addresses (self->session_id)))
        return "session_id: takes a text of 1 to 180 bytes without a slash, and not . or ..";
    if (!read_text (object, "user_id", &self->user_id)
        || !text_is_id (self->user_id, USER_BYTES_MAX))
        return "user_id: takes a text of 1 to 255 bytes";
    return NULL;
}

const char *message_read (message_t *self, const void *root, const message_t *standard)
{
    const json_t *object = root;
    const char *fault = read_ids (self, object, standard);
    if (fault)
        return fault;
    if (!read_text (object, "message_text", &self->message_text) || !self->message_text.size)
        return "message_text: takes a text that is not empty";
    if (!read_text (object, "platform", &self->platform)
        || (self->platform.size && !text_is_id (self->platform, PLATFORM_BYTES_MAX)))
        return "platform: takes a text of 1 to 64 bytes";
    fault = read_timestamp (self, object);
    return fault ? fault : read_metadata (self, object);
}

const char *message_parse (message_t *self, pal_text_t body)
{
    static const message_t nothing = {0};
    *self = (message_t){0};
    self->root = body_read (body, self->fault);
    return *self->fault ? self->fault : message_read (self, self->root, &nothing);
}

void message_free (message_t *self)
{
    json_decref (self->root);
    free (self->metadata);
    *self = (message_t){0};
}
