/*
 * avml.c - stands where the acquisition tool stands: writes what the guest
 * itself says (the ground truth) to the control line, then tells the emulator
 * to stop the machine (a byte to the pvpanic port), so that the dump is taken
 * at exactly this moment.
 */
#define _GNU_SOURCE
#include "guest.h"
#include <dirent.h>
#include <sys/io.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/stat.h>

static char buf[1 << 18];
static int out;

static void put(const void *p, size_t n)
{
    const char *c = p;

    while (n) {
        ssize_t w = write(out, c, n);
        if (w <= 0)
            return;
        c += w;
        n -= (size_t)w;
    }
}

static void begin(const char *name)
{
    dprintf(out, "@@FILE %s\n", name);
}
static void end(void)
{
    put("\n@@END\n", 7);
}

/* The buffer is wiped, so that no copy of what it held is in the dump. */
static void put_file(const char *path, const char *name)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return;
    begin(name);
    while ((n = read(fd, buf, 65536)) > 0) {
        put(buf, (size_t)n);
        memset(buf, 0, (size_t)n);
    }
    close(fd);
    end();
}

static void links(const char *dir, const char *name)
{
    char path[320], to[512];
    DIR *d = opendir(dir);
    struct dirent *e;

    if (!d)
        return;
    begin(name);
    while ((e = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        ssize_t n = readlink(path, to, sizeof to - 1);
        if (n < 0)
            continue;
        to[n] = 0;
        dprintf(out, "%s -> %s\n", e->d_name, to);
    }
    closedir(d);
    end();
}

static void one_process(const char *pid)
{
    static const char *const files[] = { "status", "stat",   "cmdline",
                                         "maps",   "cgroup", "environ" };
    char path[64], name[64], to[512];

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%s/%s", pid, files[i]);
        snprintf(name, sizeof name, "proc/%s/%s", pid, files[i]);
        put_file(path, name);
    }
    snprintf(path, sizeof path, "/proc/%s/fd", pid);
    snprintf(name, sizeof name, "proc/%s/fd", pid);
    links(path, name);
    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n < 0)
        return;
    to[n] = 0;
    snprintf(name, sizeof name, "proc/%s/exe", pid);
    begin(name);
    dprintf(out, "%s", to);
    end();
}

static int each_pid(int i, char *pid, size_t room)
{
    DIR *d = opendir("/proc");
    struct dirent *e;

    while ((e = readdir(d)))
        if (e->d_name[0] >= '1' && e->d_name[0] <= '9' && i-- == 0) {
            snprintf(pid, room, "%s", e->d_name);
            closedir(d);
            return 1;
        }
    closedir(d);
    return 0;
}

/* Present pages of one process: virtual address and frame number. */
static void pagemap(const char *pid)
{
    char path[64], line[256];

    snprintf(path, sizeof path, "/proc/%s/maps", pid);
    FILE *maps = fopen(path, "r");
    snprintf(path, sizeof path, "/proc/%s/pagemap", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (maps && fd >= 0 && fgets(line, sizeof line, maps)) {
        char *p;
        uint64_t e;
        unsigned long a = strtoul(line, &p, 16), b = strtoul(p + 1, NULL, 16);
        for (; a < b; a += 4096)
            if (pread(fd, &e, 8, (off_t)(a / 4096 * 8)) == 8 && e >> 63)
                dprintf(out, "%s %lx %llx\n", pid, a,
                        (unsigned long long)(e & ((1ULL << 55) - 1)));
    }
    if (maps)
        fclose(maps);
    close(fd);
}

static void pagecache(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int pm = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0 || !st.st_size) {
        close(pm);
        return;
    }
    volatile char *p =
        mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
    for (off_t at = 0; at < st.st_size; at += 4096) {
        uint64_t e = 0;
        (void)p[at];
        pread(pm, &e, 8, (off_t)((uintptr_t)(p + at) / 4096 * 8));
        dprintf(out, "%s %lld %llx\n", path, (long long)(at / 4096),
                (unsigned long long)(e & ((1ULL << 55) - 1)));
    }
    munmap((void *)p, (size_t)st.st_size);
    close(fd);
    close(pm);
}

/* Files that have no name any more but that a process still holds. */
static void held_files(const char *pid)
{
    char dir[64], path[400], to[512];

    snprintf(path, sizeof path, "/proc/%s/exe", pid);
    ssize_t n = readlink(path, to, sizeof to - 1);
    to[n > 0 ? n : 0] = 0;
    if (strstr(to, "(deleted)"))
        pagecache(path);
    snprintf(dir, sizeof dir, "/proc/%s/fd", pid);
    DIR *d = opendir(dir);
    struct dirent *e;
    while (d && (e = readdir(d))) {
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        n = readlink(path, to, sizeof to - 1);
        to[n > 0 ? n : 0] = 0;
        if (strstr(to, "(deleted)"))
            pagecache(path);
    }
    if (d)
        closedir(d);
}

/* Every regular file below the given directories. */
static void walk(const char *const *roots, int depth)
{
    for (; *roots; roots++) {
        DIR *d = opendir(*roots);
        struct dirent *e;
        while (d && (e = readdir(d))) {
            char path[512];
            const char *const next[] = { path, NULL };
            snprintf(path, sizeof path, "%s/%s", (*roots)[1] ? *roots : "",
                     e->d_name);
            if (e->d_type == DT_REG)
                pagecache(path);
            else if (e->d_type == DT_DIR && e->d_name[0] != '.' && depth < 12)
                walk(next, depth + 1);
        }
        if (d)
            closedir(d);
    }
}

static void kpageflags(void)
{
    int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
    int fc = open("/proc/kpagecount", O_RDONLY | O_CLOEXEC);
    static uint64_t v[512], c[512];
    uint64_t pfn = 0;
    ssize_t n;

    while ((n = read(fd, v, sizeof v)) > 0) {
        if (read(fc, c, (size_t)n) != n)
            break;
        for (ssize_t i = 0; i < n / 8; i++, pfn++)
            if (v[i] != 1 << 20)
                dprintf(out, "%llx %llx %llx\n", (unsigned long long)pfn,
                        (unsigned long long)v[i], (unsigned long long)c[i]);
    }
    close(fd);
    close(fc);
}

static void system_files(void)
{
    static const char *const files[] = { "net/tcp",
                                         "net/tcp6",
                                         "net/udp",
                                         "net/unix",
                                         "net/route",
                                         "net/arp",
                                         "net/dev",
                                         "modules",
                                         "mounts",
                                         "self/mountinfo",
                                         "iomem",
                                         "cmdline",
                                         "version",
                                         "stat",
                                         "uptime",
                                         "meminfo",
                                         "slabinfo",
                                         "vmallocinfo",
                                         "sys/kernel/random/boot_id",
                                         "kallsyms",
                                         "buddyinfo",
                                         "net/fib_trie",
                                         "sys/kernel/tainted" };
    char path[64], name[64];
    struct timespec now;

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "/proc/%s", files[i]);
        snprintf(name, sizeof name, "sys/%s", files[i]);
        put_file(path, name);
    }
    begin("sys/dmesg");
    int n = klogctl(3, buf, sizeof buf);
    put(buf, n > 0 ? (size_t)n : 0);
    memset(buf, 0, sizeof buf);
    end();
    begin("sys/clock");
    clock_gettime(CLOCK_REALTIME, &now);
    dprintf(out, "realtime %lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    clock_gettime(CLOCK_BOOTTIME, &now);
    dprintf(out, "boottime %lld.%09ld", (long long)now.tv_sec, now.tv_nsec);
    end();
}

int main(void)
{
    static const char *const roots[] = { "/usr", "/etc", "/var", "/run",
                                         "/tmp", "/bin", NULL };
    char pid[64];

    out = open("/dev/ttyS1", O_WRONLY | O_NOCTTY | O_CLOEXEC);
    put_file("/var/log/nginx/access.log", "files/access.log");
    for (int i = 0; each_pid(i, pid, sizeof pid); i++)
        one_process(pid);
    system_files();
    begin("pagecache");
    walk(roots, 0);
    for (int i = 0; each_pid(i, pid, sizeof pid); i++)
        held_files(pid);
    end();
    begin("pagemap");
    for (int i = 0; each_pid(i, pid, sizeof pid); i++)
        pagemap(pid);
    end();
    begin("kpageflags");
    kpageflags();
    end();
    put("PHASE stop\n", 11);
    usleep(50000);
    ioperm(0x505, 1, 1);
    outb(1, 0x505);
    for (;;)
        pause();
}
