/* SPDX-License-Identifier: Apache-2.0 */
/* Against the real registry of CNCF Distribution and the real client skopeo, both from Debian, on
 * loopback. */
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/sb.h"
#include "os/file.h"
#include "registry/registry.h"

#include "../image/archive_list.h"
#include "fake.h"

struct scene {
    struct arena arena;
    struct err err;
    const char *dir;
    struct fake *sink; /* of notifications */
    uint16_t port;
    pid_t registry;
};

static bool is_installed(const char *program)
{
    const char *folders[] = {"/usr/bin", "/usr/local/bin", "/bin"};
    char path[256];
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], program);
        if (access(path, X_OK) == 0)
            return true;
    }
    print_message("skipped: %s is not installed\n", program);
    return false;
}

static pid_t start(const char *const *argv, const char *log)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    dup2(fd, 1);
    dup2(fd, 2);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void run(struct scene *s, const char *const *argv)
{
    int status = 0;
    str log = arena_printf(&s->arena, "%s/log", s->dir);
    pid_t pid = start(argv, log.ptr);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        str text;
        assert_ok(file_read(&s->arena, log.ptr, 1 << 20, &text, &s->err), s->err);
        fail_msg("%s: %.*s", argv[0], STR_ARG(text));
    }
}

static void save(struct scene *s, const char *name, str bytes)
{
    str path = arena_printf(&s->arena, "%s/%s", s->dir, name);
    assert_ok(file_save(path.ptr, bytes, 0644, &s->err), s->err);
}

/* --- a layout with an image of two platforms
 * ------------------------------------------------------- */
static str save_blob(struct scene *s, str bytes)
{
    char text[DIGEST_TEXT_SIZE];
    digest d = digest_of(HASH_SHA256, bytes);
    str printed = arena_dup(&s->arena, digest_print(&d, text));
    save(s, arena_printf(&s->arena, "layout/blobs/sha256/%s", printed.ptr + 7).ptr, bytes);
    return arena_printf(&s->arena, "\"digest\":\"%s\",\"size\":%zu", printed.ptr, bytes.len);
}

static str save_image(struct scene *s, const char *arch)
{
    str layer =
        arena_printf(&s->arena, "%01024d%s", 0, arch); /* no tar: nobody here looks inside */
    char diff_id[DIGEST_TEXT_SIZE];
    digest d = digest_of(HASH_SHA256, layer);
    digest_print(&d, diff_id);
    str config = save_blob(s, arena_printf(&s->arena,
                                           "{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":"
                                           "{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
                                           arch, diff_id));
    return save_blob(s,
                     arena_printf(&s->arena,
                                  "{\"schemaVersion\":2,\"mediaType\":\"application/"
                                  "vnd.oci.image.manifest.v1+json\",\"config\":"
                                  "{\"mediaType\":\"application/"
                                  "vnd.oci.image.config.v1+json\",%s},\"layers\":[{\"mediaType\":"
                                  "\"application/vnd.oci.image.layer.v1.tar\",%s}]}",
                                  config.ptr, save_blob(s, layer).ptr));
}

static void make_layout(struct scene *s)
{
    assert_ok(dir_make(arena_printf(&s->arena, "%s/layout/blobs/sha256", s->dir).ptr, &s->err),
              s->err);
    save(s, "layout/oci-layout", STR("{\"imageLayoutVersion\":\"1.0.0\"}"));
    str one = save_image(s, "amd64"), two = save_image(s, "arm64");
    static const char type[] = "\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"";
    str index = save_blob(
        s, arena_printf(&s->arena,
                        "{\"schemaVersion\":2,\"mediaType\":\"application/"
                        "vnd.oci.image.index.v1+json\",\"manifests\":["
                        "{%s,%s,\"platform\":{\"os\":\"linux\",\"architecture\":\"amd64\"}},"
                        "{%s,%s,\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\"}}]}",
                        type, one.ptr, type, two.ptr));
    save(s, "layout/index.json",
         arena_printf(&s->arena,
                      "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":\"application/"
                      "vnd.oci.image.index.v1+json\",%s,"
                      "\"annotations\":{\"org.opencontainers.image.ref.name\":\"v1\"}}]}",
                      index.ptr));
}

/* --- the registry
 * ------------------------------------------------------------------------------------ */
static void wait_for_port(struct scene *s)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons(s->port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int64_t until = clock_mono_ms() + 20000;
    int status = 0;
    for (bool is_up = false; !is_up;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        is_up = connect(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
        close(fd);
        if (waitpid(s->registry, &status, WNOHANG) == s->registry) {
            s->registry = 0;
            fail_msg("docker-registry ended with status %d: see %s/registry.log", status, s->dir);
        }
        assert_true(clock_mono_ms() < until);
        if (!is_up)
            nanosleep(&(const struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
    }
}

static void start_registry(struct scene *s, bool has_password)
{
    close(fake_bind(&s->port));
    if (has_password) {
        const char *const htpasswd[] = {
            "htpasswd", "-Bbc", arena_printf(&s->arena, "%s/htpasswd", s->dir).ptr,
            "user",     "pass", NULL};
        run(s, htpasswd);
    }
    str auth = has_password
                   ? arena_printf(&s->arena, "auth: {htpasswd: {realm: test, path: %s/htpasswd}}\n",
                                  s->dir)
                   : STR("");
    save(s, "config.yml",
         arena_printf(&s->arena,
                      "version: 0.1\nlog: {level: error}\n"
                      "storage: {filesystem: {rootdirectory: %s/store}, delete: {enabled: true}}\n"
                      "http: {addr: '127.0.0.1:%u'}\n%.*s"
                      "notifications: {endpoints: [{name: sink, url: 'http://127.0.0.1:%u/events', "
                      "timeout: 5s, "
                      "threshold: 5, backoff: 1s}]}\n",
                      s->dir, s->port, STR_ARG(auth), s->sink->port));
    const char *const argv[] = {"docker-registry", "serve",
                                arena_printf(&s->arena, "%s/config.yml", s->dir).ptr, NULL};
    s->registry = start(argv, arena_printf(&s->arena, "%s/registry.log", s->dir).ptr);
    wait_for_port(s);
}

static void push(struct scene *s, const char *credentials)
{
    str from = arena_printf(&s->arena, "oci:%s/layout:v1", s->dir);
    str to = arena_printf(&s->arena, "docker://127.0.0.1:%u/team/app:v1", s->port);
    const char *const argv[] = {"skopeo",
                                "--insecure-policy",
                                "copy",
                                "--all",
                                "--preserve-digests",
                                "--dest-tls-verify=false",
                                from.ptr,
                                to.ptr,
                                credentials ? "--dest-creds" : NULL,
                                credentials,
                                NULL};
    run(s, argv);
}

static void set_up(struct scene *s, bool has_password)
{
    *s = (struct scene){0};
    if (!is_installed("docker-registry") || !is_installed("skopeo") ||
        (has_password && !is_installed("htpasswd")))
        skip();
    arena_init(&s->arena, 32 << 20);
    s->dir = test_mkdir(&s->arena);
    s->sink = fake_open();
    for (size_t i = 0; i < FAKE_MAX; i++)
        s->sink->replies[i] =
            STR("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
    s->sink->n_replies = FAKE_MAX;
    setenv("DOCKER_CONFIG", s->dir, 1);
    make_layout(s);
    start_registry(s, has_password);
    push(s, has_password ? "user:pass" : NULL);
}

static void tear_down(struct scene *s)
{
    if (s->registry > 0) {
        kill(s->registry, SIGTERM);
        waitpid(s->registry, NULL, 0);
    }
    fake_close(s->sink);
    test_rmdir(s->dir);
    arena_fini(&s->arena);
}

static struct image_source *open_source(struct scene *s, const char *name,
                                        const struct registry_config *config)
{
    struct reference ref;
    struct image_source *source = NULL;
    s->err = (struct err){0};
    str text = arena_printf(&s->arena, "127.0.0.1:%u/%s", s->port, name);
    assert_ok(reference_parse(&s->arena, text, &ref, &s->err), s->err);
    assert_ok(registry_open(&ref, config, &source, &s->err), s->err);
    return source;
}

static bool resolve(struct scene *s, struct image_source *source, images *out)
{
    struct image_choice choice = {.is_all = true};
    s->err = (struct err){0};
    return image_resolve(source, &s->arena, STR_NONE, NULL, &choice, out, &s->err);
}

static void expect_error(struct scene *s, const char *name, const struct registry_config *config,
                         enum err_kind kind, const char *words)
{
    images out;
    struct image_source *source = open_source(s, name, config);
    assert_false(resolve(s, source, &out));
    if (s->err.kind != kind || !strstr(s->err.msg, words))
        fail_msg("%s: \"%s\", expected \"%s\"", err_row(s->err.kind)->name, s->err.msg, words);
    image_source_close(source);
}

static void check_image(struct scene *s, const struct registry_config *config)
{
    images out;
    struct image_source *source = open_source(s, "team/app:v1", config);
    assert_ok(resolve(s, source, &out), s->err);
    assert_int_equal(out.len, 2);
    assert_str(out.ptr[0].platform.arch, "amd64");
    assert_str(out.ptr[1].platform.arch, "arm64");
    for (size_t i = 0; i < out.len; i++)
        check_layers(source, &s->arena, &out.ptr[i]);
    image_source_close(source);
}

/* --- behaviour
 * ---------------------------------------------------------------------------------------- */
static void test_distribution__what_skopeo_pushed_is_read(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, false);
    check_image(&s, NULL);
    expect_error(&s, "team/app:v2", NULL, ERR_NOT_FOUND, "no such repository or tag: team/app:v2");
    expect_error(&s, "team/other", NULL, ERR_NOT_FOUND,
                 "no such repository or tag: team/other:latest");
    expect_error(&s,
                 "team/app@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                 NULL, ERR_NOT_FOUND, "sha256:aaaa");
    tear_down(&s);
}

static void test_distribution__basic_credentials_open_it(void **state)
{
    (void)state;
    struct scene s;
    set_up(&s, true);
    struct registry_config good = {.username = STR("user"), .password = STR("pass")};
    struct registry_config bad = {.username = STR("user"), .password = STR("no")};
    check_image(&s, &good);
    expect_error(&s, "team/app:v1", &bad, ERR_DENIED, "is denied (401)");
    expect_error(&s, "team/app:v1", NULL, ERR_DENIED, "none are known");
    save(&s, "config.json",
         arena_printf(&s.arena, "{\"auths\":{\"127.0.0.1:%u\":{\"auth\":\"dXNlcjpwYXNz\"}}}",
                      s.port));
    check_image(&s, NULL);
    tear_down(&s);
}

/* Every envelope that the registry posted, until the pushed tag was in one. */
static bool find_push(struct scene *s, size_t *n_read)
{
    for (; *n_read < s->sink->n_asked && *n_read < FAKE_MAX; (*n_read)++) {
        const char *head = s->sink->heads[*n_read];
        registry_events events;
        assert_non_null(strstr(head, "application/vnd.docker.distribution.events.v"));
        str body = str_from(strstr(head, "\r\n\r\n") + 4);
        assert_ok(registry_events_parse(&s->arena, &(struct registry_message){.body = body},
                                        &events, &s->err),
                  s->err);
        for (size_t i = 0; i < events.len; i++) {
            const struct registry_event *e = &events.ptr[i];
            assert_str(e->repository, "team/app");
            assert_true(e->at > 0 && e->id.len > 0 && str_has(e->user_agent, STR("skopeo")));
            if (e->action == ACTION_PUSH && str_eq(e->tag, STR("v1")) && !e->is_blob)
                return true;
        }
    }
    return false;
}

static void test_distribution__notification_tells_of_the_push(void **state)
{
    (void)state;
    struct scene s;
    size_t n_read = 0;
    set_up(&s, false);
    int64_t until = clock_mono_ms() + 15000;
    while (!find_push(&s, &n_read)) {
        assert_true(clock_mono_ms() < until);
        nanosleep(&(const struct timespec){.tv_nsec = 20 * 1000000L}, NULL);
    }
    tear_down(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_distribution__what_skopeo_pushed_is_read),
        cmocka_unit_test(test_distribution__basic_credentials_open_it),
        cmocka_unit_test(test_distribution__notification_tells_of_the_push),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
