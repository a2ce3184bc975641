/* SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <signal.h>
#include <sys/stat.h>

static const struct cmd_option options[] = {CMD_OPTION_OUTPUT, {0}};
static const struct command command = {.name = "x", .options = options};

static struct cmd_call call_with(struct arena *arena, const char *path)
{
    struct cmd_call call = {.arena = arena, .command = &command};
    *(struct cmd_value *)vec_push(arena, &call.values) =
        (struct cmd_value){.option = &options[0], .text = str_from(path)};
    return call;
}

static void test_output__file_is_replaced_as_a_whole_or_not_at_all(void **state)
{
    struct arena arena;
    struct err err = {0};
    (void)state;
    arena_init(&arena, 1 << 20);
    const char *dir = test_mkdir(&arena);
    const char *path = arena_printf(&arena, "%s/report", dir).ptr;
    for (int is_done = 1; is_done >= 0; is_done--) {
        struct cmd_call call = call_with(&arena, path);
        struct output output;
        struct stat st;
        assert_ok(output_open(&call, &output, &err), err);
        assert_int_equal(write(output.fd, is_done ? "new" : "half", is_done ? 3 : 4),
                         is_done ? 3 : 4);
        assert_int_equal(output_close(&output, is_done, &err), is_done);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_size, 3); /* the second time too: the failed write changed nothing */
        assert_int_equal(access(output.aside.ptr, F_OK), -1);
    }
    test_rmdir(dir);
    arena_fini(&arena);
}

static void test_output__device_is_written_in_place(void **state)
{
    struct arena arena;
    struct err err = {0};
    (void)state;
    arena_init(&arena, 1 << 20);
    struct cmd_call call = call_with(&arena, "/dev/null");
    struct output output;
    assert_ok(output_open(&call, &output, &err), err);
    assert_true(output_close(&output, true, &err));
    assert_int_equal(access("/dev/null", F_OK), 0);
    arena_fini(&arena);
}

static void test_output__missing_folder_is_named(void **state)
{
    struct arena arena;
    struct err err = {0};
    (void)state;
    arena_init(&arena, 1 << 20);
    struct cmd_call call = call_with(&arena, "/no/such/folder/x");
    struct output output;
    assert_false(output_check(&call, &err));
    assert_string_equal(err.msg, "/no/such/folder/x: /no/such/folder: No such file or directory");
    assert_false(output_open(&call, &output, &err));
    assert_string_equal(err.msg, "/no/such/folder/x: No such file or directory");
    arena_fini(&arena);
}

static void test_output__closed_pipe_is_a_quiet_end(void **state)
{
    struct arena arena;
    int ends[2], status;
    (void)state;
    arena_init(&arena, 1 << 20);
    assert_int_equal(pipe(ends), 0);
    int errors = memfd_create("errors", MFD_CLOEXEC);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        dup2(errors, STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        const char *argv[] = {"plimsoll", "help", "--markdown"};
        _exit(cmd_main(3, argv));
    }
    close(ends[0]);
    close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    assert_str(run_read(&arena, errors), "");
    arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__file_is_replaced_as_a_whole_or_not_at_all),
        cmocka_unit_test(test_output__device_is_written_in_place),
        cmocka_unit_test(test_output__missing_folder_is_named),
        cmocka_unit_test(test_output__closed_pipe_is_a_quiet_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
