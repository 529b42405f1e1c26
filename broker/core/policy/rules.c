#define PCRE2_CODE_UNIT_WIDTH 8

#include "core/policy/rules.h"

#include "base/alloc.h"
#include "base/check.h"

#include <pcre2.h>
#include <stdlib.h>

enum {
    RULES_HEAP_KB = 4096, /* of one match without the JIT */
    RULES_JIT_STACK_FIRST = 32768,
    RULES_JIT_STACK_MAX = 1024 * 1024, /* of one match with it */
    RULES_REASON_BYTES = 200,
};

/*  \C would split characters.  */
static const uint32_t RULES_OPTIONS =
    PCRE2_CASELESS | PCRE2_UTF | PCRE2_DOTALL | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;

struct rules {
    pcre2_general_context *memory;
    pcre2_match_context *context;
    pcre2_match_data *data;
    pcre2_jit_stack *stack;
    pcre2_code **codes;
    size_t count;
};

static void *rules_alloc (size_t size, void *unused)
{
    (void) unused;
    return plv_alloc (size);
}

static void rules_free (void *block, void *unused)
{
    (void) unused;
    free (block);
}

rules_t *rules_new (uint32_t match_limit)
{
    rules_t *self = plv_alloc_zero (1, sizeof *self);
    self->memory = pcre2_general_context_create (rules_alloc, rules_free, NULL);
    self->context = pcre2_match_context_create (self->memory);
    self->data = pcre2_match_data_create (1, self->memory);
    /* NULL where the system forbids the JIT: then nothing is compiled by it */
    self->stack = pcre2_jit_stack_create (RULES_JIT_STACK_FIRST, RULES_JIT_STACK_MAX, self->memory);
    pcre2_jit_stack_assign (self->context, NULL, self->stack);
    pcre2_set_match_limit (self->context, match_limit);
    pcre2_set_depth_limit (self->context, match_limit);
    pcre2_set_heap_limit (self->context, RULES_HEAP_KB);
    return self;
}

void rules_destroy (rules_t **self_p)
{
    rules_t *self = self_p ? *self_p : NULL;
    if (!self)
        return;
    for (size_t i = 0; i < self->count; i++)
        pcre2_code_free (self->codes[i]);
    free (self->codes);
    pcre2_jit_stack_free (self->stack);
    pcre2_match_data_free (self->data);
    pcre2_match_context_free (self->context);
    pcre2_general_context_free (self->memory);
    free (self);
    *self_p = NULL;
}

plv_err_t rules_add (rules_t *self, const char *pattern, plv_fail_t *ret_fail)
{
    int error;
    PCRE2_SIZE offset;
    pcre2_compile_context *context = pcre2_compile_context_create (self->memory);
    pcre2_code *code = pcre2_compile ((PCRE2_SPTR) pattern, PCRE2_ZERO_TERMINATED, RULES_OPTIONS,
                                      &error, &offset, context);
    pcre2_compile_context_free (context);
    if (!code) {
        PCRE2_UCHAR reason[RULES_REASON_BYTES];
        pcre2_get_error_message (error, reason, sizeof reason);
        return plv_fail (ret_fail, ERR_CONF, "%s: %s at offset %zu", pattern, (const char *) reason,
                         (size_t) offset);
    }
    pcre2_jit_compile (code, PCRE2_JIT_COMPLETE); /* without it pcre2_match interprets */
    self->codes = plv_realloc (self->codes, (self->count + 1) * sizeof (pcre2_code *));
    self->codes[self->count++] = code;
    return ERR_OK;
}

size_t rules_count (const rules_t *self)
{
    return self->count;
}

rules_answer_t rules_match (rules_t *self, size_t number, plv_view_t text)
{
    CHECK (number < self->count, "rule %zu of %zu", number, self->count);
    const uint8_t none = 0;
    const uint8_t *subject = text.size ? text.data : &none;
    int found =
        pcre2_match (self->codes[number], subject, text.size, 0, 0, self->data, self->context);
    if (found == PCRE2_ERROR_NOMATCH)
        return RULES_NO;
    return found >= 0 ? RULES_YES : RULES_LIMIT;
}
