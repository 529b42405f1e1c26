#include "palaver/ask/order.h"

ending_t command_adapters_reload (call_t *call)
{
    static const order_t order = {
        .command = "adapters.reload", .done = "is replaced", .not_done = "is not replaced"};
    return order_each (call, &order);
}
