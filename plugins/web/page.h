/*  page -- the files of page/, compiled in: the chat page, the console, openapi.json
    OWNS    nothing; the files are part of the program
    THREAD  the host's loop
    FAILS   never
    COST    a comparison a file

    Browsers keep them and ask each time whether they are still the same (ETag).  */

#ifndef WEB_PAGE_H
#define WEB_PAGE_H

#include "web/asker.h"

typedef struct {
    const char *path; /* "/chat.js"; an index.html is at its folder's path */
    const char *type;
    const char *etag; /* in its quotes */
    const char *data;
    size_t size;
} page_file_t;

/*  Made by the build of all files in page/; the last one has no path.  */
extern const page_file_t page_files[];

/*  NULL: there is none at this path.  */
const page_file_t *page_find (pal_text_t path);
void page_serve (asker_t *asker, const page_file_t *file);

#endif
