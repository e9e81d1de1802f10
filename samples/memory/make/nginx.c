/*
 * nginx.c - the sample's web application under nginx's name: a master and a
 * worker; /fetch?url= fetches what it is told to, which is the hole.
 */
#include "guest.h"
#include <grp.h>
#include <poll.h>
#include <sys/wait.h>

static int log_fd;

static void log_line(const struct sockaddr_in *from, const char *request,
                     int status, size_t bytes)
{
    char when[64], ip[INET_ADDRSTRLEN], first[512];
    time_t now = time(NULL);
    size_t n = strcspn(request, "\r\n");
    const char *agent = strstr(request, "User-Agent: ");

    inet_ntop(AF_INET, &from->sin_addr, ip, sizeof ip);
    strftime(when, sizeof when, "%d/%b/%Y:%H:%M:%S +0000", gmtime(&now));
    snprintf(first, sizeof first, "%.*s", (int)n, request);
    dprintf(log_fd, "%s - - [%s] \"%s\" %d %zu \"-\" \"%.*s\"\n", ip, when,
            first, status, bytes, agent ? (int)strcspn(agent + 12, "\r\n") : 1,
            agent ? agent + 12 : "-");
}

static char *fetch(const char *request)
{
    const char *url = "GET /fetch?url=http://" IMDS_IP;
    char path[256];

    if (strncmp(request, url, strlen(url)) != 0)
        return NULL;
    request += strlen(url);
    snprintf(path, sizeof path, "%.*s", (int)strcspn(request, " \r\n"),
             request);
    return guest_http_get(IMDS_IP, path);
}

static void serve(int fd, const struct sockaddr_in *from)
{
    char *request = guest_heap(2048);
    ssize_t n = read(fd, request, 2047);

    if (n <= 0)
        return;
    request[n] = 0;
    char *answer = fetch(request);
    char *body = answer ? strstr(answer, "\r\n\r\n") : NULL;
    if (body) {
        body += 4;
        dprintf(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%s", body);
        log_line(from, request, 200, strlen(body));
    } else {
        dprintf(fd, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
        log_line(from, request, 404, 0);
    }
}

static _Noreturn void worker(int s, char *title)
{
    memset(title, 0, strlen(title));
    memcpy(title, "nginx: worker process", 21);
    setgroups(0, NULL);
    if (setgid(994) < 0 || setuid(996) < 0)
        _exit(1);
    for (;;) {
        struct sockaddr_in from = { 0 };
        socklen_t len = sizeof from;
        int fd = accept4(s, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
        if (fd < 0)
            continue;
        serve(fd, &from);
        close(fd);
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(80) };
    int s = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    (void)argc;
    log_fd =
        open("/var/log/nginx/access.log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(s, (struct sockaddr *)&at, sizeof at) < 0 || listen(s, 511) < 0)
        return 1;
    guest_put_file("/run/nginx.pid", "nginx\n", 0644);
    if (fork() == 0)
        worker(s, argv[0]);
    for (;;)
        wait(NULL), pause();
}
