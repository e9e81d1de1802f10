/*
 * Lets a unit test start workers: they are this program, executed again, and
 * leave before main. Handlers come from worker_test_handlers.
 */
#pragma once

#include "evidence/worker.h"

#include <unistd.h>

static const struct worker_handler worker_test_handlers[WORKER_KINDS];

__attribute__((constructor)) static void become_worker(int argc, char **argv)
{
    if (worker_is(argc, argv))
        _exit(worker_main(argc, argv, worker_test_handlers));
}
