#include "palaver/ask/order.h"

ending_t command_adapters_stop (call_t *call)
{
    return order_each (call, "adapters.stop", "drains and stops, until: palaver adapters start");
}
