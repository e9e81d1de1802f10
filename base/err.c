#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int err_set(struct err *err, int code, const char *fmt, ...)
{
    if (!err)
        return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->what, sizeof(err->what), fmt, ap);
    va_end(ap);
    err->code = code;
    err->hint[0] = 0;
    err->has_offset = false;
    return code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    if (!err)
        return ERR_INTERNAL;
    char context[160], whole[sizeof(context) + sizeof(err->what) + 2];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(context, sizeof(context), fmt, ap);
    va_end(ap);
    snprintf(whole, sizeof(whole), "%s: %s", context, err->what);
    memcpy(err->what, whole, sizeof(err->what) - 1);
    err->what[sizeof(err->what) - 1] = 0;
    return err->code;
}

void err_hint(struct err *err, const char *fmt, ...)
{
    if (!err)
        return;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->hint, sizeof(err->hint), fmt, ap);
    va_end(ap);
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
    int saved = errno;
    if (!err)
        return code;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(err->what, sizeof(err->what), fmt, ap);
    va_end(ap);
    size_t n = strlen(err->what);
    snprintf(err->what + n, sizeof(err->what) - n, ": %s", strerror(saved));
    err->code = code;
    err->hint[0] = 0;
    err->has_offset = false;
    errno = saved;
    return code;
}
