#include "web/body.h"

#include <jansson.h>
#include <stdio.h>

void *body_read (pal_text_t body, char fault[BODY_FAULT_BYTES])
{
    json_error_t error;
    json_t *root =
        json_loadb (body.size ? body.data : "", body.size, JSON_REJECT_DUPLICATES, &error);
    fault[0] = 0;
    if (!body.size)
        snprintf (fault, BODY_FAULT_BYTES, "there is no body: a JSON object is needed");
    else if (!root && json_error_code (&error) == json_error_null_character)
        snprintf (fault, BODY_FAULT_BYTES,
                  "line %d, column %d: a text with a NUL (\\u0000) is not taken", error.line,
                  error.column);
    else if (!root)
        snprintf (fault, BODY_FAULT_BYTES, "the body is no JSON: line %d, column %d: %s",
                  error.line, error.column, error.text);
    else if (!json_is_object (root))
        snprintf (fault, BODY_FAULT_BYTES, "the body is no JSON object");
    return root;
}
