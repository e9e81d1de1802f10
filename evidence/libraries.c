#include "evidence/libraries.h"

#include <bzlib.h>
#include <dlfcn.h>
#include <limits.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <magic.h>
#include <seccomp.h>
#include <snappy-c.h>
#include <tsk/libtsk.h>
#include <zlib.h>
#include <zstd.h>

#include "config.h"
#ifdef HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif

/* snappy says its version to C++ alone: the loaded file's name has it,
 * libsnappy.so.1.1.9. */
static void from_file_name(library_fn fn, void *ctx, const char *name,
                           const void *function)
{
    char version[80] = "unknown";
    Dl_info info;
    char *path = dladdr(function, &info) && info.dli_fname
                     ? realpath(info.dli_fname, NULL)
                     : NULL;
    const char *so = path ? strstr(path, ".so.") : NULL;
    if (so)
        snprintf(version, sizeof(version), "%.40s (file)", so + 4);
    free(path);
    fn(ctx, name, version);
}

static void seccomp(library_fn fn, void *ctx)
{
    char version[48];
    const struct scmp_version *v = seccomp_version();
    snprintf(version, sizeof(version), "%u.%u.%u", v->major, v->minor,
             v->micro);
    fn(ctx, "libseccomp", version);
}

static void pcre2(library_fn fn, void *ctx)
{
    char version[64] = "unknown";
    if (pcre2_config(PCRE2_CONFIG_VERSION, NULL) <= (int)sizeof(version))
        (void)pcre2_config(PCRE2_CONFIG_VERSION, version);
    version[strcspn(version, " ")] = 0; /* "10.42 2022-12-11" */
    fn(ctx, "PCRE2", version);
}

static void bzip2(library_fn fn, void *ctx)
{
    char version[48];
    snprintf(version, sizeof(version), "%.40s", BZ2_bzlibVersion());
    version[strcspn(version, ",")] = 0; /* "1.0.8, 13-Jul-2019" */
    fn(ctx, "bzip2", version);
}

void evidence_libraries(library_fn fn, void *ctx)
{
    bzip2(fn, ctx);
    pcre2(fn, ctx);
#ifdef HAVE_LIBDEFLATE
    fn(ctx, "libdeflate", LIBDEFLATE_VERSION_STRING " (header)");
#endif
    fn(ctx, "liblzma", lzma_version_string());
    char magic[24];
    snprintf(magic, sizeof(magic), "%d.%02d", magic_version() / 100,
             magic_version() % 100);
    fn(ctx, "libmagic", magic);
    seccomp(fn, ctx);
    from_file_name(fn, ctx, "snappy", (const void *)snappy_uncompress);
    fn(ctx, "libtsk", tsk_version_get_str());
    fn(ctx, "zlib", zlibVersion());
    fn(ctx, "zstd", ZSTD_versionString());
}
