/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes choose a stack of layers; its merge is the scan of the flattened root, or says that it
 * is not complete. */
#ifdef __clang__ /* what it is compared with needs no guidance, and the sanitizers were there */
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif
#include "../../unit/inventory/stack.h"

#include "../../unit/inventory/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    static struct stack stack;      /* lint: mutable static, as large as a run's other work */
    static struct stack_work *work; /* lint: mutable static, made once */
    struct dice dice = {.data = size ? data : nothing, .left = size};
    char why[256];
    if (!work)
        work = stack_work_new();
    stack_make(&dice, &stack);
    struct stack_tally tally = {0};
    if (stack_check(work, &stack, why, sizeof(why), &tally) == STACK_DIFFERS) {
        fprintf(stderr, "%s\n", why);
        stack_print(&stack);
        abort();
    }
    return 0;
}
#ifdef __clang__
#pragma clang attribute pop
#endif
