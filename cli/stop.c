#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t stopping; /* number of the signal that came */

static void on_signal(int number)
{
    /* The second one: as if we had never caught any. */
    if (stopping) {
        struct sigaction plain = { .sa_handler = SIG_DFL };
        sigset_t only;
        sigaction(number, &plain, NULL);
        sigemptyset(&only);
        sigaddset(&only, number);
        raise(number);
        sigprocmask(SIG_UNBLOCK, &only, NULL);
        return;
    }
    stopping = number;
}

void stop_install(void)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction ours = { .sa_handler = on_signal }, old;
    sigemptyset(&ours.sa_mask);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        /* nohup and background jobs have them ignored: that stays */
        if (sigaction(numbers[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
            sigaction(numbers[i], &ours, NULL);
}

int stop_signal(void)
{
    return stopping;
}
