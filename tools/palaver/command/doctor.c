#include "palaver/doctor/doctor.h"

ending_t command_doctor (call_t *call)
{
    doctor_t doctor;
    doctor_run (&doctor, call);
    unsigned problems = doctor.count[FINDING_PROBLEM], warnings = doctor.count[FINDING_WARNING];
    doctor_free (&doctor);
    if (!call->out.json)
        say ("%u problems, %u warnings", problems, warnings);
    return problems ? END_PARTLY : END_OK;
}
