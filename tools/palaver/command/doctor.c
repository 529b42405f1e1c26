#include "palaver/doctor/doctor.h"
#include "palaver/show/text.h"

ending_t command_doctor (call_t *call)
{
    doctor_t doctor;
    doctor_run (&doctor, call);
    unsigned problems = doctor.count[FINDING_PROBLEM], warnings = doctor.count[FINDING_WARNING];
    doctor_free (&doctor);
    if (!call->out.json)
        say ("%u problem%s, %u warning%s", problems, text_s (problems), warnings,
             text_s (warnings));
    return problems ? END_PARTLY : END_OK;
}
