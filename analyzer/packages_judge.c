#include "analyzer/packages_judge.h"

#include "base/kinds.h"

enum {
    FORMAT = 0170000, /* of a mode: the type */
    REGULAR = 0100000,
    SPECIAL = 06000, /* setuid, setgid */
    RIGHTS = 07777,
    EXECUTES = 0111,
};

const char *const package_state_names[PACKAGE_STATES] = {
    [PACKAGE_AS_PACKAGED] = "as packaged",
    [PACKAGE_CHANGED] = "changed",
    [PACKAGE_CONFIG_CHANGED] = "config changed",
    [PACKAGE_IS_MISSING] = "missing",
    [PACKAGE_NOT_HASHED] = "not hashed",
    [PACKAGE_NOT_STATED] = "no digest stated",
    [PACKAGE_OPEN] = "left open",
    [PACKAGE_NO_OWNER] = "no package owns it",
};

static uint8_t type_of(uint32_t mode)
{
    switch (mode & FORMAT) {
    case REGULAR:
        return FILE_REGULAR;
    case 0040000:
        return FILE_DIR;
    case 0020000:
        return FILE_CHAR;
    case 0060000:
        return FILE_BLOCK;
    case 0010000:
        return FILE_FIFO;
    case 0140000:
        return FILE_SOCKET;
    case 0120000:
        return FILE_LINK;
    default:
        return 0;
    }
}

/* 1 equal, 0 not, -1: the file has no such digest. */
static int same_digest(struct str stated, const struct package_file *f)
{
    struct str have = stated.n == 32   ? f->sha256
                      : stated.n == 20 ? f->sha1
                      : stated.n == 16 ? f->md5
                                       : STR_NONE;
    if (have.n != stated.n || f->flags & FILE_PARTIAL)
        return -1;
    return str_eq(have, stated);
}

/* Only root's number is known without the host's own list of users. */
static unsigned owner_differs(struct str name, uint32_t id, unsigned bit,
                              bool *named)
{
    if (name.n == 0)
        return 0;
    if (str_eq(name, STR("root")))
        return id ? bit : 0;
    *named = true;
    return id == 0 ? bit : 0;
}

/* rpm states capabilities; of dpkg's packages scripts set them. */
static unsigned rights_differ(const struct package_claim *p,
                              const struct package_file *f)
{
    bool capable = f->capability && p->manager == PACKAGE_RPM &&
                   !(p->flags & PACKAGE_CAPABILITY);
    unsigned bits = capable ? DIFFERS_PRIVILEGE : 0u;
    if (!(p->known & PACKAGE_MODE) || f->type == FILE_LINK ||
        (p->mode & RIGHTS) == (f->mode & RIGHTS))
        return bits;
    if (f->type == FILE_REGULAR && f->mode & ~p->mode & SPECIAL)
        bits |= DIFFERS_PRIVILEGE;
    return bits | DIFFERS_MODE;
}

static unsigned content_differs(const struct package_claim *p,
                                const struct package_file *f, bool *compared)
{
    unsigned bits = 0;
    *compared = false;
    if (p->known & PACKAGE_SIZE && p->size != f->size)
        bits |= DIFFERS_SIZE;
    if (p->digest.n && !(p->flags & PACKAGE_NO_DIGEST)) {
        int same = same_digest(p->digest, f);
        *compared = same >= 0;
        bits |= same == 0 ? DIFFERS_DIGEST : 0u;
    }
    return bits;
}

static enum package_state state_of(const struct package_claim *p,
                                   const struct package_file *f, unsigned bits,
                                   bool compared)
{
    const unsigned lawful = DIFFERS_DIGEST | DIFFERS_SIZE | DIFFERS_MODE |
                            DIFFERS_OWNER | DIFFERS_GROUP;
    if (bits)
        return p->flags & PACKAGE_CONFIG && !(bits & ~lawful)
                   ? PACKAGE_CONFIG_CHANGED
                   : PACKAGE_CHANGED;
    if (f->type != FILE_REGULAR || compared)
        return PACKAGE_AS_PACKAGED;
    if (p->flags & (PACKAGE_GHOST | PACKAGE_NO_DIGEST))
        return PACKAGE_OPEN;
    if (p->digest.n == 0) /* rpm states none of empty files of old */
        return p->known & PACKAGE_SIZE && p->size == 0 ? PACKAGE_AS_PACKAGED
                                                       : PACKAGE_NOT_STATED;
    return PACKAGE_NOT_HASHED;
}

struct package_verdict package_judge(const struct package_claim *p,
                                     const struct package_file *f)
{
    struct package_verdict v = { PACKAGE_OPEN, 0, false };
    const uint32_t may_lack =
        PACKAGE_GHOST | PACKAGE_MISSING_OK | PACKAGE_NOT_WANTED;
    bool compared = false;
    if (!f) {
        v.state = p->flags & may_lack ? PACKAGE_OPEN : PACKAGE_IS_MISSING;
        return v;
    }
    if (p->flags & PACKAGE_NOT_WANTED)
        return v;
    uint8_t type = p->known & PACKAGE_MODE ? type_of(p->mode) : 0;
    if (type && type != f->type)
        v.differs |= DIFFERS_TYPE;
    v.differs |= rights_differ(p, f);
    v.differs |= owner_differs(p->owner, f->uid, DIFFERS_OWNER, &v.names_owner);
    v.differs |= owner_differs(p->group, f->gid, DIFFERS_GROUP, &v.names_owner);
    if (f->type == FILE_LINK && p->link_target.n &&
        !str_eq(p->link_target, f->link_target))
        v.differs |= DIFFERS_LINK;
    if (f->type == FILE_REGULAR && !(p->flags & PACKAGE_GHOST))
        v.differs |= content_differs(p, f, &compared);
    v.state = state_of(p, f, v.differs, compared);
    return v;
}

bool package_privileged(const struct package_file *f)
{
    return f->type == FILE_REGULAR && (f->mode & SPECIAL || f->capability);
}

/* ---- places -------------------------------------------------------------- */

static bool below_any(struct str path, const char *const *folders, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_starts(path, str_from(folders[i])))
            return true;
    return false;
}

bool package_place(struct str path, const struct package_file *f)
{
    static const char *const any[] = {
        "/bin/",
        "/sbin/",
        "/usr/bin/",
        "/usr/sbin/",
        "/usr/libexec/",
        "/usr/local/bin/",
        "/usr/local/sbin/",
        "/etc/init.d/",
        "/etc/cron.",
        "/etc/systemd/",
        "/etc/profile.d/",
        "/etc/ld.so.preload",
        "/etc/rc.local",
        "/etc/sudoers.d/",
        "/etc/pam.d/",
        "/etc/udev/",
        "/usr/lib/systemd/",
        "/lib/systemd/",
    };
    static const char *const code[] = { "/lib", "/usr/lib", "/usr/local/lib",
                                        "/opt/" };
    if (f->type != FILE_REGULAR)
        return false;
    if (below_any(path, any, sizeof(any) / sizeof(*any)))
        return true;
    bool library = str_find(path, STR(".so")) != SIZE_MAX ||
                   str_find(path, STR(".ko")) != SIZE_MAX;
    return (f->mode & EXECUTES || library) &&
           below_any(path, code, sizeof(code) / sizeof(*code));
}

enum package_rank package_rank(const struct package_claim *p,
                               const struct package_file *f,
                               const struct package_verdict *v)
{
    uint32_t mode = f ? f->mode : p->known & PACKAGE_MODE ? p->mode : 0;
    bool program = (!f || f->type == FILE_REGULAR) && mode & EXECUTES &&
                   (f || (p->mode & FORMAT) == REGULAR);
    switch (v->state) {
    case PACKAGE_CHANGED:
        if (v->differs & DIFFERS_PRIVILEGE || (f && package_privileged(f)))
            return RANK_PRIVILEGED;
        return program ? RANK_PROGRAM : RANK_CHANGED;
    case PACKAGE_IS_MISSING:
        return program ? RANK_GONE : RANK_MISSING;
    case PACKAGE_CONFIG_CHANGED:
        return RANK_CONFIG;
    default:
        return RANK_OTHER;
    }
}

void packages_differences(struct buf *out, const struct package_finding *f)
{
    static const struct {
        unsigned bit;
        const char *name;
    } names[] = {
        { DIFFERS_PRIVILEGE, "privileges added" },
        { DIFFERS_TYPE, "type" },
        { DIFFERS_DIGEST, "digest" },
        { DIFFERS_SIZE, "size" },
        { DIFFERS_LINK, "link target" },
        { DIFFERS_MODE, "mode" },
        { DIFFERS_OWNER, "owner" },
        { DIFFERS_GROUP, "group" },
    };
    size_t before = out->n;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (f->differs & names[i].bit)
            buf_printf(out, "%s%s", out->n > before ? ", " : "", names[i].name);
    if (f->privileged)
        buf_printf(out, "%ssetuid, setgid or capabilities",
                   out->n > before ? ", " : "");
}
