#include "palaver/ask/order.h"

ending_t command_adapters_reload (call_t *call)
{
    return order_each (call, "adapters.reload",
                       "is being replaced; palaver adapters list shows how it goes");
}
