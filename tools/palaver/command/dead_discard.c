#include "palaver/interrupt.h"
#include "palaver/letters.h"

static ending_t discard (call_t *call, asker_t *asker, letters_t *letters)
{
    size_t done = letters->count;
    ending_t end = letters_confirm (call, letters, "throw away");
    if (end)
        return end;
    if (!call_has (call, OPTION_DRY_RUN))
        end = letters_apply (call, asker, "dead.discard", letters, &done);
    return letters_report (call, letters, "discarded", done, end);
}

ending_t command_dead_discard (call_t *call)
{
    asker_t asker;
    letters_t letters;
    interrupt_begin ();
    ending_t end = asker_open (&asker, call, 10);
    if (end)
        return end;
    end = letters_choose (call, &asker, false, &letters);
    if (!end) {
        end = discard (call, &asker, &letters);
        letters_free (&letters);
    }
    asker_close (&asker);
    return end;
}
