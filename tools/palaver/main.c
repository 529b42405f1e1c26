/*  palaver -- the command line of an operator: see, ask, send again, save
    The commands are listed in commands.def and live in command/, one a file.  */

#include "base/build.h"
#include "palaver/call_parse.h"
#include "palaver/doc/help.h"
#include "palaver/interrupt.h"
#include "palaver/show/text.h"

#include <stdio.h>

static ending_t show_version (const call_t *call)
{
    if (call->out.json && call_has (call, OPTION_JSON))
        printf ("{\"version\":\"%s\"}\n", plv_build_version);
    else
        printf ("palaver %s\n", plv_build_version);
    return END_OK;
}

static ending_t run (call_t *call)
{
    if (call_has (call, OPTION_HELP))
        help_print (call);
    else if (call_has (call, OPTION_VERSION))
        return show_version (call);
    else
        return call->command->function (call);
    return END_OK;
}

static void say_wrong (const call_t *call, const char *what)
{
    if (call->command)
        say ("%s\npalaver %s --help says what it takes", what, call->command->words);
    else if (call->group)
        say ("%s\npalaver %s --help lists its commands", what, call->group);
    else
        say ("%s\npalaver --help lists the commands", what);
}

int main (int argc, char **argv)
{
    call_t call;
    plv_fail_t fail;
    text_begin ();
    if (call_parse (argc, argv, &call, &fail)) {
        say_wrong (&call, fail.text);
        return END_USAGE;
    }
    call.out = out_begin (call_has (&call, OPTION_JSON), call_has (&call, OPTION_TABLE));
    ending_t end = run (&call);
    call_free (&call);
    if (!out_end () && !end)
        end = END_PARTLY;
    if (end && interrupt_seen ()) {
        interrupt_end ();
        end = END_INTERRUPTED;
    }
    return (int) end;
}
