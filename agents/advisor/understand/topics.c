#include "advisor/understand/topics.h"

#include <assert.h>

typedef struct {
    topic_info_t info;
    const char *is;
    const char *holds;
} row_t;

static const row_t ROWS[TOPIC_COUNT_] = {
#define TOPIC(id_, label_, weight_, words_, is_, holds_)                                           \
    [TOPIC_##id_] = {{#id_, label_, words_, weight_}, is_, holds_},
#include "advisor/understand/topics.def"
#undef TOPIC
};

static_assert (TOPIC_COUNT_ <= 64, "a set of topics is one 64-bit number");

topic_info_t topic_info (topic_t topic)
{
    return ROWS[topic].info;
}

int topic_find (plv_view_t id)
{
    for (int i = 0; i < TOPIC_COUNT_; i++)
        if (plv_view_is (id, ROWS[i].info.id))
            return i;
    return -1;
}

/*  Is `word` one of the words in `list`, which a space divides?  */
static bool listed (const char *list, plv_view_t word)
{
    while (*list) {
        size_t size = strcspn (list, " ");
        if (word.size && plv_view_equal (plv_view (list, size), word))
            return true;
        list += size + (list[size] == ' ');
    }
    return false;
}

topic_set_t topics_of (const plv_view_t *words, size_t count, bool holds)
{
    topic_set_t set = 0;
    for (int topic = 0; topic < TOPIC_COUNT_; topic++)
        for (size_t i = 0; i < count; i++)
            if (listed (holds ? ROWS[topic].holds : ROWS[topic].is, words[i]))
                set |= TOPIC_BIT (topic);
    return set;
}
