#include "palaver/ask/order.h"

ending_t command_adapters_stop (call_t *call)
{
    static const order_t order = {.command = "adapters.stop",
                                  .done = "drains and stops, until: palaver adapters start"};
    return order_each (call, &order);
}
