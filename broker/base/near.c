#include "base/near.h"

#include <ctype.h>

static size_t least (size_t a, size_t b)
{
    return a < b ? a : b;
}

static bool same_letter (uint8_t a, uint8_t b)
{
    return tolower (a) == tolower (b);
}

/*  Optimal string alignment: the table of distances between all beginnings, of which three rows are kept.  */
size_t plv_near_distance (plv_view_t a, plv_view_t b)
{
    size_t rows[3][NEAR_NAME_BYTES_MAX + 1];
    size_t *before = rows[0];
    size_t *last = rows[1];
    size_t *row = rows[2];
    if (a.size > NEAR_NAME_BYTES_MAX || b.size > NEAR_NAME_BYTES_MAX)
        return a.size > b.size ? a.size : b.size;
    for (size_t column = 0; column <= b.size; column++)
        last[column] = column;
    for (size_t at = 1; at <= a.size; at++) {
        row[0] = at;
        for (size_t to = 1; to <= b.size; to++) {
            bool same = same_letter (a.data[at - 1], b.data[to - 1]);
            row[to] = least (least (row[to - 1], last[to]) + 1, last[to - 1] + !same);
            if (at > 1 && to > 1 && same_letter (a.data[at - 1], b.data[to - 2])
                && same_letter (a.data[at - 2], b.data[to - 1]))
                row[to] = least (row[to], before[to - 2] + 1);
        }
        size_t *oldest = before;
        before = last;
        last = row;
        row = oldest;
    }
    return last[b.size];
}

plv_near_t plv_near (plv_view_t name)
{
    return (plv_near_t){.name = name, .cost = name.size / 3 + 1};
}

void plv_near_offer_at (plv_near_t *self, plv_view_t known, size_t cost)
{
    if (cost < self->cost) {
        self->best = known;
        self->cost = cost;
    }
}

/*  "warning" for "warn", "message" for "messages".  */
static bool begins_alike (plv_view_t a, plv_view_t b)
{
    size_t size = least (a.size, b.size), at = 0;
    while (at < size && same_letter (a.data[at], b.data[at]))
        at++;
    return size >= 3 && at == size;
}

void plv_near_offer (plv_near_t *self, plv_view_t known)
{
    size_t distance = plv_near_distance (self->name, known);
    plv_near_offer_at (self, known,
                       begins_alike (self->name, known) ? least (distance, 1) : distance);
}
