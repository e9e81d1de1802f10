/*
 * guest.h - what the sample guest's small programs share.
 *
 * They are linked statically against musl and run on a real kernel inside an
 * emulated machine; every name, address and key in them is invented.
 */
#ifndef SAMPLES_GUEST_H
#define SAMPLES_GUEST_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define INSTANCE  "i-0f3a9c1d2b4e5f607"
#define IMDS_IP   "169.254.169.254"
#define IMDS_ROLE "/latest/meta-data/iam/security-credentials/app-server-role"
#define C2_IP     "198.51.100.66"

/* A bump allocator on brk, so that the bytes lie in [heap] as with glibc. */
static inline void *guest_heap(size_t n)
{
    static uintptr_t at, end;

    n = (n + 15) & ~(size_t)15;
    if (!at)
        at = end = (uintptr_t)syscall(SYS_brk, 0);
    if (at + n > end) {
        uintptr_t want = (at + n + 0x20fff) & ~(uintptr_t)0xfff;
        end = (uintptr_t)syscall(SYS_brk, want);
        if (end < want)
            _exit(99);
    }
    at += n;
    return (void *)(at - n);
}

static inline int guest_connect(const char *ip, int port)
{
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)port) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    inet_pton(AF_INET, ip, &to.sin_addr);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* One HTTP/1.0 GET; the whole answer with its head stays in the heap. */
static inline char *guest_http_get(const char *ip, const char *path)
{
    size_t room = 4096, have = 0;
    char *buf = guest_heap(room);
    int fd = guest_connect(ip, 80);

    if (fd < 0)
        return NULL;
    dprintf(fd, "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n", path, ip);
    for (;;) {
        ssize_t n = read(fd, buf + have, room - 1 - have);
        if (n <= 0)
            break;
        have += (size_t)n;
    }
    buf[have] = 0;
    close(fd);
    return buf;
}

static inline void guest_put_file(const char *path, const char *text, int mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

    if (fd < 0)
        return;
    if (write(fd, text, strlen(text)) < 0)
        perror(path);
    close(fd);
}

#endif
