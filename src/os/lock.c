/* SPDX-License-Identifier: Apache-2.0 */
#include "os/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/num.h"

/* Rights that newer kernels know and Debian 12's header does not; landlock(7). */
enum {
    LL_FS_ABI1 = (1 << 13) - 1,
    LL_FS_REFER = 1 << 13,     /* ABI 2 */
    LL_FS_TRUNCATE = 1 << 14,  /* ABI 3 */
    LL_FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
    LL_NET_ALL = 3,            /* ABI 4: bind and connect of TCP */
    LL_SCOPE_ALL = 3,          /* ABI 6: abstract sockets, signals */
};
struct ruleset {
    uint64_t fs, net, scoped;
};

int lock_landlock_abi(void)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

bool lock_landlock(struct err *err)
{
    int abi = lock_landlock_abi();
    struct ruleset rules = {.fs = LL_FS_ABI1};
    rules.fs |= abi >= 2 ? (uint64_t)LL_FS_REFER : 0;
    rules.fs |= abi >= 3 ? (uint64_t)LL_FS_TRUNCATE : 0;
    rules.fs |= abi >= 5 ? (uint64_t)LL_FS_IOCTL_DEV : 0;
    rules.net = abi >= 4 ? LL_NET_ALL : 0;
    rules.scoped = abi >= 6 ? LL_SCOPE_ALL : 0;
    size_t size = abi >= 6 ? sizeof(rules) : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    auto_fd fd = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
    if (fd < 0 || syscall(SYS_landlock_restrict_self, fd, 0) != 0)
        return err_sys(err, ERR_SANDBOX, "landlock");
    return true;
}

static bool limit(int what, uint64_t value, struct err *err)
{
    struct rlimit rl = {value, value};
    return setrlimit((__rlimit_resource_t)what, &rl) == 0 ||
           err_sys(err, ERR_SANDBOX, "rlimit %d", what);
}

bool lock_limits(uint64_t memory_bytes, uint64_t cpu_s, struct err *err)
{
    /* The address sanitizer reserves terabytes. */
    bool has_room = PLIMSOLL_SANITIZED || limit(RLIMIT_AS, memory_bytes, err);
    return has_room && limit(RLIMIT_CPU, cpu_s, err) && limit(RLIMIT_FSIZE, 0, err) &&
           limit(RLIMIT_CORE, 0, err);
}

bool lock_privileges(struct err *err)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
        syscall(SYS_capset, &head, none) != 0)
        return err_sys(err, ERR_SANDBOX, "dropping privileges");
    return true;
}

bool lock_root(struct err *err)
{
    /* An own tmpfs over some folder, become the root by chroot: what lay below is out of reach,
     * since no descriptor to it is kept and Landlock denies the rest. */
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "size=4k") !=
            0 ||
        chdir("/tmp") != 0 || syscall(SYS_pivot_root, ".", ".") != 0 ||
        umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
        return err_sys(err, ERR_SANDBOX, "empty root");
    return true;
}

/* --- seccomp ------------------------------------------------------------------------------------
 */

static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(readv),
    SCMP_SYS(writev),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(sched_yield),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(poll),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(ppoll),
};

/* What the sanitizers' runtimes ask for besides. */
static const int allowed_sanitized[] = {
    SCMP_SYS(mmap),         SCMP_SYS(mprotect),          SCMP_SYS(sigaltstack), SCMP_SYS(prctl),
    SCMP_SYS(rt_sigaction), SCMP_SYS(sched_getaffinity), SCMP_SYS(getrlimit),   SCMP_SYS(prlimit64),
};

static int allow_all(scmp_filter_ctx filter, const int *calls, size_t n)
{
    int failed = 0;
    for (size_t i = 0; i < n && !failed; i++)
        failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
    return failed;
}

static struct scmp_arg_cmp compare(unsigned arg, enum scmp_compare op, scmp_datum_t a,
                                   scmp_datum_t b)
{
    return (struct scmp_arg_cmp){.arg = arg, .op = op, .datum_a = a, .datum_b = b};
}

/* Memory may be had, but never made executable; a process may only signal itself (abort). */
static int allow_some(scmp_filter_ctx filter)
{
    int failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  compare(0, SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    if (failed || PLIMSOLL_SANITIZED)
        return failed;
    failed = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                              compare(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    return failed ? failed
                  : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                     compare(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

bool lock_syscalls(struct err *err)
{
    uint32_t otherwise = PLIMSOLL_SANITIZED ? SCMP_ACT_ERRNO(EPERM) : SCMP_ACT_KILL_PROCESS;
    scmp_filter_ctx filter = seccomp_init(otherwise);
    if (!filter)
        return err_memory(err);
    int failed = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    failed = failed ? failed : allow_all(filter, allowed, ARRAY_LEN(allowed));
    failed = failed ? failed : allow_some(filter);
    if (PLIMSOLL_SANITIZED)
        failed =
            failed ? failed : allow_all(filter, allowed_sanitized, ARRAY_LEN(allowed_sanitized));
    failed = failed ? failed : seccomp_load(filter);
    seccomp_release(filter);
    errno = -failed;
    return !failed || err_sys(err, ERR_SANDBOX, "seccomp");
}
