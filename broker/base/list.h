/*  list -- an intrusive doubly linked list
    OWNS    nothing: a node sits inside the thing that is listed
    THREAD  that of its owner
    FAILS   never
    COST    O(1) for everything

    A node that is in no list points to itself or is zeroed.  */

#ifndef PLV_BASE_LIST_H
#define PLV_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

typedef struct plv_node {
    struct plv_node *next;
    struct plv_node *prev;
} plv_node_t;

/*  The struct of type `type` whose member `member` is `node`.  */
#define PLV_OF(node, type, member) ((type *) (void *) ((char *) (node) -offsetof (type, member)))

static inline void plv_list_init (plv_node_t *head)
{
    head->next = head;
    head->prev = head;
}

static inline bool plv_list_empty (const plv_node_t *head)
{
    return head->next == head;
}

static inline bool plv_node_listed (const plv_node_t *node)
{
    return node->next && node->next != node;
}

static inline void plv_list_push (plv_node_t *head, plv_node_t *node)
{
    node->prev = head->prev;
    node->next = head;
    head->prev->next = node;
    head->prev = node;
}

static inline void plv_list_push_front (plv_node_t *head, plv_node_t *node)
{
    plv_list_push (head->next, node);
}

static inline void plv_node_remove (plv_node_t *node)
{
    if (node->next) {
        node->prev->next = node->next;
        node->next->prev = node->prev;
    }
    node->next = NULL;
    node->prev = NULL;
}

static inline plv_node_t *plv_list_first (const plv_node_t *head)
{
    return head->next == head ? NULL : head->next;
}

static inline plv_node_t *plv_list_pop (plv_node_t *head)
{
    plv_node_t *node = plv_list_first (head);
    if (node)
        plv_node_remove (node);
    return node;
}

#endif
