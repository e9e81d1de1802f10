/* SIGINT, SIGTERM, SIGHUP: a first one asks to stop, a second one ends. */
#pragma once

void stop_install(void);
int stop_signal(void); /* 0 = go on, else its number */
