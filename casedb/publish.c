#include "casedb/publish.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int sync_path(const char *path, int flags, struct err *err)
{
    int fd = open(path, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    int r = 0;
    if (fd < 0 || fsync(fd) != 0)
        r = err_errno(err, ERR_WRITE, "%s: making it durable",
                      text_line(str_from(path)));
    if (fd >= 0)
        close(fd);
    return r;
}

char *folder_of(const char *path)
{
    char *p = strdup(path);
    char *slash = p ? strrchr(p, '/') : NULL;
    if (slash)
        slash[slash == p ? 1 : 0] = 0;
    return p;
}

static int sync_folder(const char *path, struct err *err)
{
    char *folder = folder_of(path);
    if (!folder)
        return err_set(err, ERR_INTERNAL, "out of memory");
    int r = sync_path(folder, O_DIRECTORY, err);
    free(folder);
    return r;
}

int publish(const char *from, const char *to, const char *shown,
            struct err *err)
{
    int r = sync_path(from, 0, err);
    if (r)
        return r;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) != 0 &&
        (errno != EINVAL || link(from, to) != 0 || unlink(from) != 0))
        return err_errno(err, errno == EEXIST ? ERR_USAGE : ERR_WRITE, "%s",
                         text_line(str_from(shown)));
    return sync_folder(to, err);
}

int make_empty(const char *path, const char *shown, struct err *err)
{
    int fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fchmod(fd, 0600) != 0) {
        int r = err_errno(err, ERR_WRITE, "%s: making it",
                          text_line(str_from(shown)));
        if (fd >= 0)
            close(fd);
        return r;
    }
    close(fd);
    return 0;
}
