/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const pieces[] = {"1",   "2",        "0",  "10", "007",   "a",  "b", "rc",
                                     "Z",   "~",        "~",  ".",  ".",     "+",  "-", "-1",
                                     "+b1", "~deb12u1", "1:", "-",  "+dfsg", "99", ":", "0:"};

static struct maker maker(uint64_t seed)
{
    return (struct maker){seed, false, pieces, ARRAY_LEN(pieces)};
}
static const struct version_scheme *scheme(void) { return version_find(STR("dpkg")); }

static void test_dpkg__rules(void **state)
{
    (void)state;
    check_rules(scheme(), "version/dpkg.txt");
}

static void test_dpkg__shared_vectors(void **state)
{
    (void)state;
    assert_true(check_vectors(scheme(), "versions/dpkg.tsv", true) > 8000);
}

static void test_dpkg__is_an_order(void **state)
{
    (void)state;
    check_properties(scheme(), maker(1));
}

/* dpkg's own word: its exit code, 0 true, 1 false, 2 a version it refuses. */
static int ask_dpkg(const char *question, const char *a, const char *op, const char *b)
{
    extern char **environ;
    const char *const argv[] = {"dpkg", question, a, op, b, NULL};
    char *copy[ARRAY_LEN(argv)];
    memcpy(copy, argv, sizeof(argv));
    posix_spawn_file_actions_t quiet;
    posix_spawn_file_actions_init(&quiet);
    posix_spawn_file_actions_addopen(&quiet, STDERR_FILENO, "/dev/null", 1, 0);
    pid_t pid;
    int status = 0;
    assert_int_equal(posix_spawn(&pid, "/usr/bin/dpkg", &quiet, NULL, copy, environ), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    posix_spawn_file_actions_destroy(&quiet);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_dpkg__agrees_with_dpkg(void **state)
{
    (void)state;
    if (access("/usr/bin/dpkg", X_OK) != 0) {
        print_message("skipped: dpkg is absent\n");
        skip();
    }
    static const char *const ops[] = {"?", "lt", "eq", "gt"};
    struct maker source = maker(42);
    size_t n_asked = 0, n_refused = 0;
    while (n_asked < 3000) {
        char a[MADE_SIZE], b[MADE_SIZE];
        str va = maker_next(&source, a), vb = maker_next(&source, b);
        if (maker_random(&source, 4) == 0) { /* near relatives: one more piece at the end */
            memcpy(b, a, va.len + 1);
            memcpy(b + va.len, "~1", 3);
            vb = str_of(b, va.len + 2);
        }
        if (strchr("+-", a[0]) || strchr("+-", b[0]))
            continue; /* strtol takes "+1:" for an epoch, the manual does not; "-1" is an option */
        enum version_order order = scheme()->cmp(va, vb);
        n_asked++;
        if (order == VERSION_UNKNOWN) {
            n_refused++;
            if (ask_dpkg("--validate-version", a, NULL, NULL) == 0 &&
                ask_dpkg("--validate-version", b, NULL, NULL) == 0)
                fail_msg("dpkg takes both %s and %s", a, b);
        } else if (ask_dpkg("--compare-versions", a, ops[order], b) != 0) {
            fail_msg("dpkg denies that %s %s %s", a, ops[order], b);
        }
    }
    assert_in_range(n_refused, 300, 1500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dpkg__rules),
        cmocka_unit_test(test_dpkg__shared_vectors),
        cmocka_unit_test(test_dpkg__is_an_order),
        cmocka_unit_test(test_dpkg__agrees_with_dpkg),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
