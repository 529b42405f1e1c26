/*  names -- by which names a gateway may be called that asks nobody for a key
    OWNS    nothing
    THREAD  that of the plugin
    FAILS   never
    COST    one pass over the list

    A page of any web site may have a browser call its own name at 127.0.0.1 (DNS rebinding). The browser takes what
    is there for a part of that site then, and lets the page read it. Such a call is known by its Host: a name that
    somebody else owns. A number, localhost and what is under localhost belong to the machine (RFC 6761, 6.3).  */

#ifndef WEB_NAMES_H
#define WEB_NAMES_H

#include "sdk/adapter.h"

/*  An address of this machine that others do not reach.  */
bool names_loopback (pal_text_t address);

/*  `host`: the header Host, with or without a port. `others`: further names with blanks between them; * is any.  */
bool names_own (pal_text_t host, pal_text_t others);

#endif
