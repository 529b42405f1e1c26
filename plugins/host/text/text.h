/*  text -- an event's Markdown in a platform's words, in parts that the platform takes
    OWNS    nothing
    THREAD  any
    FAILS   never: broken Markdown is text, bytes that are not UTF-8 become U+FFFD; out of memory stops the process
    COST    linear in the text, whatever stands in it: about 50 ms a MB

    The way of a text: source (made safe for the parser) -> md4c -> writer (what a flavour says where) ->
    layout (words, markup, breaks) -> split (parts). The parser and the splitter know no platform; all that
    differs between platforms is in flavour.c and writer*.c.  */

#ifndef HOST_TEXT_TEXT_H
#define HOST_TEXT_TEXT_H

#include "sdk/adapter.h"

typedef void (text_part_fn) (void *arg, pal_text_t part);

/*  See text_render in sdk/adapter.h.  */
void text_render (pal_text_t text, pal_markdown_t flavour, pal_text_unit_t unit, uint32_t max,
                  text_part_fn *part, void *arg);

/*  Splits a text without markup, at the same places; only white space where it is cut, and at both ends,
    is left out.  */
void text_split (pal_text_t text, pal_text_unit_t unit, uint32_t max, text_part_fn *part,
                 void *arg);

#endif
