#include "palaver/interrupt.h"
#include "palaver/letters.h"

static ending_t replay (call_t *call, asker_t *asker, letters_t *letters)
{
    size_t done = letters->count;
    ending_t end = letters_confirm (call, letters, "send again");
    if (end)
        return end;
    if (!call_has (call, OPTION_DRY_RUN))
        end = letters_apply (call, asker, "dead.replay", letters, &done);
    return letters_report (call, letters, "replayed", done, end);
}

ending_t command_dead_replay (call_t *call)
{
    asker_t asker;
    letters_t letters;
    interrupt_begin ();
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = letters_choose (call, &asker, !call_has (call, OPTION_DUPLICATES), &letters);
    if (!end) {
        end = replay (call, &asker, &letters);
        letters_free (&letters);
    }
    asker_close (&asker);
    return end;
}
