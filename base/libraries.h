/*
 * Which libraries the program runs with. Each folder that calls a library
 * names it here in a function of its own, FOLDER_libraries; cli/ puts them
 * together for `version` and for the record of each run (case.md R10).
 */
#pragma once

/* version: what the library says of itself at run time. One that says
 * nothing has how it is known behind it, "1.14 (header)". */
typedef void (*library_fn)(void *ctx, const char *name, const char *version);

/* OpenSSL, libunistring and the C library. */
void base_libraries(library_fn fn, void *ctx);
