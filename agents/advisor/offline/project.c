#include "advisor/offline/project.h"

/*  The twelfth root of 1 + rate, by Newton's method: exact to the last bit that matters here.  */
static double month_factor (double rate)
{
    double year = 1.0 + rate / 100.0, factor = 1.0 + rate / 1200.0;
    for (int step = 0; step < 20; step++) {
        double power = 1.0;
        for (int i = 0; i < 11; i++)
            power *= factor;
        factor -= (power * factor - year) / (12.0 * power);
    }
    return factor;
}

double project (double amount, int every, int months, double rate)
{
    double factor = month_factor (rate), total = every ? 0 : amount;
    for (int month = 0; month < months; month++) {
        if (every && month % every == 0)
            total += amount;
        total *= factor;
    }
    return total;
}
