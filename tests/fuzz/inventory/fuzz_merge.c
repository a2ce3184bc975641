/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes choose a stack of layers; its merge is the scan of the flattened root, or says that it
 * is not complete. */
#include "../../unit/inventory/stack.h"

#include "../../unit/inventory/compare.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t nothing[1];
    struct dice dice = {.data = size ? data : nothing, .left = size};
    struct stack *stack = calloc(1, sizeof(*stack));
    stack_make(&dice, stack);
    char why[256];
    struct stack_tally tally = {0};
    if (stack_check(stack, why, sizeof(why), &tally) == STACK_DIFFERS)
        abort();
    free(stack);
    return 0;
}
