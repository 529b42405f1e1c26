/*  environment -- the variables that a plugin's process keeps
    OWNS    nothing
    THREAD  the main thread, while it is the only one
    FAILS   never
    COST    at start only

    Secrets have been read by then; see section.h.  */

#ifndef HOST_ENVIRONMENT_H
#define HOST_ENVIRONMENT_H

/*  Removes all but those of base/environment.def.  */
void environment_clean (void);

#endif
