/* Landlock by its raw system calls: a process gives up rights on files, for
 * itself and its children. Descriptors that are open keep their rights. Errors
 * are -1 and errno. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum {
    LANDLOCK_EXECUTE = 1 << 0,
    LANDLOCK_WRITE_FILE = 1 << 1,
    LANDLOCK_READ_FILE = 1 << 2,
    LANDLOCK_READ_DIR = 1 << 3,
    LANDLOCK_REMOVE_DIR = 1 << 4,
    LANDLOCK_REMOVE_FILE = 1 << 5,
    LANDLOCK_MAKE = 0x7f << 6, /* char, dir, reg, sock, fifo, block, sym */
    LANDLOCK_REFER = 1 << 13,
    LANDLOCK_TRUNCATE = 1 << 14,
    LANDLOCK_IOCTL_DEV = 1 << 15,
    LANDLOCK_EVERYTHING = 0xffff,
};

/* Version of the kernel's Landlock; 0 = not built in or disabled. */
int landlock_abi(void);
/* The file rights that this version knows. */
uint64_t landlock_known(int abi);
/* A ruleset that denies `denied` everywhere, and TCP where it can; scoped:
 * also signals to and abstract sockets of processes outside. */
int landlock_open(int abi, uint64_t denied, bool scoped);
/* Gives rights back at and beneath an open file or folder. */
int landlock_allow(int ruleset, int fd, uint64_t allowed);
/* Enforces and closes the ruleset. */
int landlock_enforce(int ruleset);
