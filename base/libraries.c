#include "base/libraries.h"

#include <stdio.h>
#include <unistr.h>
#include <unistring/version.h>

#include <gnu/libc-version.h>
#include <openssl/crypto.h>

void base_libraries(library_fn fn, void *ctx)
{
    char unistring[32];
    int v = _libunistring_version; /* 0x0009 10 or 0x01 02 00: major minor */
    snprintf(unistring, sizeof(unistring), "%d.%d.%d", v >> 16, v >> 8 & 255,
             v & 255);
    fn(ctx, "OpenSSL", OpenSSL_version(OPENSSL_VERSION_STRING));
    fn(ctx, "glibc", gnu_get_libc_version());
    fn(ctx, "libunistring", unistring);
}
