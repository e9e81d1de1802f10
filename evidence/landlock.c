#include "evidence/landlock.h"

#include <errno.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Debian 12's kernel header knows the rights up to ABI 2 only, and glibc has
 * no wrappers, so numbers and bits are our own (include/uapi/linux/landlock.h
 * of Linux 6.12). */
enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { RULE_PATH_BENEATH = 1, QUERY_VERSION = 1 };

struct ruleset_attr {
    uint64_t fs;     /* since ABI 1 */
    uint64_t net;    /* since ABI 4 */
    uint64_t scoped; /* since ABI 6 */
};

struct path_attr {
    uint64_t allowed;
    int32_t parent_fd;
} __attribute__((packed));

int landlock_abi(void)
{
    long v = syscall(CREATE_RULESET, NULL, 0, QUERY_VERSION);
    return v > 0 ? (int)v : 0;
}

uint64_t landlock_known(int abi)
{
    uint64_t known = (1u << 13) - 1;
    if (abi >= 2)
        known |= LANDLOCK_REFER;
    if (abi >= 3)
        known |= LANDLOCK_TRUNCATE;
    if (abi >= 5)
        known |= LANDLOCK_IOCTL_DEV;
    return known;
}

int landlock_open(int abi, uint64_t denied, bool scoped)
{
    struct ruleset_attr a = {
        .fs = denied & landlock_known(abi),
        .net = abi >= 4 ? 3 : 0, /* bind, connect: no port is allowed */
        .scoped = abi >= 6 && scoped ? 3 : 0, /* abstract sockets, signals */
    };
    size_t size = sizeof a;
    if (abi < 6)
        size = offsetof(struct ruleset_attr, scoped);
    if (abi < 4)
        size = offsetof(struct ruleset_attr, net);
    return (int)syscall(CREATE_RULESET, &a, size, 0);
}

int landlock_allow(int ruleset, int fd, uint64_t allowed)
{
    struct path_attr a = { .allowed = allowed, .parent_fd = fd };
    return (int)syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &a, 0);
}

int landlock_enforce(int ruleset)
{
    int rc = (int)syscall(RESTRICT_SELF, ruleset, 0);
    int saved = errno;
    close(ruleset);
    errno = saved;
    return rc;
}
