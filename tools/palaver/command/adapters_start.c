#include "palaver/ask/order.h"

ending_t command_adapters_start (call_t *call)
{
    static const order_t order = {
        .command = "adapters.start", .done = "is started", .not_done = "is not started"};
    return order_each (call, &order);
}
