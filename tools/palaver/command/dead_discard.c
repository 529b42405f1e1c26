#include "palaver/interrupt.h"
#include "palaver/replay/send_again.h"

static ending_t discard (call_t *call, asker_t *asker, const letters_t *letters)
{
    sending_t sending = {.call = call, .command = "dead.discard"};
    tally_t tally = {.missing = letters->missing};
    ending_t end = letters_confirm (call, letters->count, "throw away");
    if (end)
        return end;
    if (call_has (call, OPTION_DRY_RUN))
        tally.done = letters->count;
    else
        end = send_again (&sending, asker, letters, &tally);
    return send_again_report (call, &tally, "discarded", end);
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
