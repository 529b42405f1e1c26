#include "palaver/ask/order.h"

ending_t command_adapters_start (call_t *call)
{
    return order_each (call, "adapters.start", "is started");
}
