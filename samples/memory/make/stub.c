/*
 * stub.c - a daemon that only is there: listens on a TCP PORT, a UDP port or a
 * unix LOCAL path when built with one, has THREADS more threads, runs its
 * arguments when built with RUN (the SSM document worker).
 */
#include "guest.h"
#include <pthread.h>
#include <sys/un.h>
#include <sys/wait.h>

#ifndef PORT
#define PORT 0
#endif
#ifndef UDP
#define UDP 0
#endif
#ifndef LOCAL
#define LOCAL ""
#endif
#ifndef THREADS
#define THREADS 0
#endif
#ifndef RUN
#define RUN 0
#endif

static void *idle(void *unused)
{
    while (pause())
        ;
    return unused;
}

int main(int argc, char **argv)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(PORT) };

    if (PORT) {
        int s = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(s, (struct sockaddr *)&at, sizeof at) == 0)
            listen(s, 128);
    }
    if (UDP) {
        int s = socket(AF_INET, SOCK_DGRAM, 0);
        at.sin_port = htons(UDP);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        bind(s, (struct sockaddr *)&at, sizeof at);
    }
    if (LOCAL[0]) {
        struct sockaddr_un un = { AF_UNIX, LOCAL };
        int s = socket(AF_UNIX, SOCK_STREAM, 0);
        if (bind(s, (struct sockaddr *)&un, sizeof un) == 0)
            listen(s, 8);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_t t;
        pthread_create(&t, NULL, idle, NULL);
    }
    if (RUN && argc > 3) {
        if (fork() == 0) {
            execv(argv[2], argv + 2);
            _exit(127);
        }
        wait(NULL);
        return 0;
    }
    for (;;)
        pause();
}
