/* SPDX-License-Identifier: Apache-2.0 */
#include "support.h"

#include "scene.h"

static void test_messages__x(void **state) { (void)state; }
int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_messages__x)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
