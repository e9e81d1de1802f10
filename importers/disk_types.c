#include "importers/disk_types.h"

static const struct str places[] = {
    { "/tmp/", 5 }, { "/var/tmp/", 9 }, { "/dev/shm/", 9 }, { "/run/shm/", 9 }
};

static bool in_places(struct str path)
{
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (str_starts(path, places[i]))
            return true;
    return false;
}

bool disk_type_wanted(const struct fs_file *f, bool one_view)
{
    if (f->type != FS_FILE_REGULAR || f->size == 0 ||
        f->flags & FS_FILE_REALLOCATED)
        return false;
    return f->mode & 06111 || one_view || in_places(f->path) ||
           str_find(f->path, STR("/.")) != SIZE_MAX ||
           f->flags & FS_FILE_DELETED || f->found != FS_FOUND_LIVE;
}
