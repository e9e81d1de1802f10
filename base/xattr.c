#include "base/xattr.h"

#include "base/text.h"
#include "base/varint.h"

enum { SHOWN_MAX = 4096, ACL_ENTRIES_MAX = 1024 };

/* ---- POSIX ACLs ---------------------------------------------------------- */

enum acl_tag {
    ACL_USER_OBJ = 1,
    ACL_USER = 2,
    ACL_GROUP_OBJ = 4,
    ACL_GROUP = 8,
    ACL_MASK = 16,
    ACL_OTHER = 32,
};

static const char *acl_word(uint32_t tag)
{
    switch (tag) {
    case ACL_USER_OBJ:
    case ACL_USER:
        return "user";
    case ACL_GROUP_OBJ:
    case ACL_GROUP:
        return "group";
    case ACL_MASK:
        return "mask";
    case ACL_OTHER:
        return "other";
    default:
        return NULL;
    }
}

static bool acl_entry(struct buf *out, bool first, uint32_t tag, uint32_t perm,
                      uint32_t id)
{
    const char *word = acl_word(tag);
    if (!word || perm > 7)
        return false;
    buf_printf(out, "%s%s:", first ? "" : ",", word);
    if (tag == ACL_USER || tag == ACL_GROUP)
        buf_put_u64(out, id);
    buf_printf(out, ":%c%c%c", perm & 4 ? 'r' : '-', perm & 2 ? 'w' : '-',
               perm & 1 ? 'x' : '-');
    return true;
}

/* Version 2: all entries of 8 bytes. Version 1: only named ones have an id. */
static bool acl_linux(struct buf *out, struct str v)
{
    struct cursor k = cursor_of(v.p, v.n);
    uint32_t version = cursor_u32(&k);
    if (version != 1 && version != 2)
        return false;
    for (unsigned i = 0; cursor_left(&k) && i < ACL_ENTRIES_MAX; i++) {
        uint32_t tag = cursor_u16(&k), perm = cursor_u16(&k), id = 0;
        if (version == 2 || tag == ACL_USER || tag == ACL_GROUP)
            id = cursor_u32(&k);
        if (k.failed || !acl_entry(out, i == 0, tag, perm, id))
            return false;
    }
    return !k.failed && cursor_left(&k) == 0 && v.n > 4;
}

static uint32_t be32(struct cursor *k)
{
    return __builtin_bswap32(cursor_u32(k));
}

/* XFS: count, then tag, id, perm and two bytes of nothing, big-endian. */
static bool acl_xfs(struct buf *out, struct str v)
{
    struct cursor k = cursor_of(v.p, v.n);
    uint32_t n = be32(&k);
    if (n == 0 || n > ACL_ENTRIES_MAX || v.n != 4 + (size_t)n * 12)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t tag = be32(&k), id = be32(&k), perm = be32(&k) >> 16;
        if (k.failed || !acl_entry(out, i == 0, tag, perm, id))
            return false;
    }
    return true;
}

/* ---- capabilities -------------------------------------------------------- */

static const char *const capabilities[] = {
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
};
enum { CAPABILITIES = sizeof(capabilities) / sizeof(*capabilities) };

struct caps {
    uint64_t permitted, inheritable;
    bool effective, has_root;
    uint32_t root;
};

static bool caps_read(struct str v, struct caps *c)
{
    struct cursor k = cursor_of(v.p, v.n);
    uint32_t magic = cursor_u32(&k), revision = magic >> 24;
    static const size_t sizes[] = { 0, 12, 20, 24 };
    if (revision < 1 || revision > 3 || v.n != sizes[revision])
        return false;
    *c = (struct caps){ .effective = magic & 1 };
    c->permitted = cursor_u32(&k);
    c->inheritable = cursor_u32(&k);
    if (revision > 1) {
        c->permitted |= (uint64_t)cursor_u32(&k) << 32;
        c->inheritable |= (uint64_t)cursor_u32(&k) << 32;
    }
    c->has_root = revision == 3;
    c->root = revision == 3 ? cursor_u32(&k) : 0;
    return !k.failed;
}

static void put_caps(struct buf *out, uint64_t set, const char *as)
{
    bool any = false;
    if (!set)
        return;
    if (out->n && out->p[out->n - 1] != ' ')
        buf_putc(out, ' ');
    for (unsigned i = 0; i < 64; i++) {
        if (!(set >> i & 1))
            continue;
        buf_putz(out, any ? ",cap_" : "cap_");
        any = true;
        if (i < CAPABILITIES)
            buf_putz(out, capabilities[i]);
        else
            buf_printf(out, "%u", i);
    }
    buf_putz(out, as);
}

/* As getcap prints it: cap_net_raw=ep */
static bool show_caps(struct buf *out, struct str v)
{
    struct caps c;
    struct buf b = { 0 };
    if (!caps_read(v, &c))
        return false;
    uint64_t both = c.permitted & c.inheritable;
    put_caps(&b, both, c.effective ? "=eip" : "=ip");
    put_caps(&b, c.permitted & ~both, c.effective ? "=ep" : "=p");
    put_caps(&b, c.inheritable & ~both, c.effective ? "=ei" : "=i");
    if (b.n == 0)
        buf_putz(&b, "(none)");
    if (c.has_root)
        buf_printf(&b, " [root of its name space: uid %u]", c.root);
    buf_put(out, buf_str(&b));
    buf_free(&b);
    return true;
}

bool xattr_is_privilege(struct str name, struct str value)
{
    struct caps c;
    return str_eq(name, STR("security.capability")) && caps_read(value, &c) &&
           (c.permitted || c.inheritable);
}

/* ---- all ----------------------------------------------------------------- */

static const struct {
    struct str name;
    bool (*show)(struct buf *out, struct str value);
} decoders[] = {
    { { "system.posix_acl_access", 23 }, acl_linux },
    { { "system.posix_acl_default", 24 }, acl_linux },
    { { "trusted.SGI_ACL_FILE", 20 }, acl_xfs },
    { { "trusted.SGI_ACL_DEFAULT", 23 }, acl_xfs },
    { { "security.capability", 19 }, show_caps },
};

static bool is_text(struct str v)
{
    for (size_t i = 0; i < v.n; i++)
        if ((unsigned char)v.p[i] < 0x20 || v.p[i] == 0x7f)
            return false;
    return text_utf8_valid(v);
}

void xattr_show(struct buf *out, struct str name, struct str value)
{
    for (size_t i = 0; i < sizeof(decoders) / sizeof(*decoders); i++) {
        size_t before = out->n;
        if (!str_eq(name, decoders[i].name))
            continue;
        if (decoders[i].show(out, value))
            return;
        out->n = before; /* not as it should be: the bytes */
    }
    struct str text = value;
    if (text.n && text.p[text.n - 1] == 0) /* labels end in NUL */
        text.n--;
    if (text.n <= SHOWN_MAX && is_text(text)) {
        text_show(out, text, 0);
        return;
    }
    buf_putz(out, "0x");
    buf_put_hex(out, value.p, value.n < SHOWN_MAX ? value.n : SHOWN_MAX);
    if (value.n > SHOWN_MAX)
        buf_printf(out, " +%zu bytes", value.n - SHOWN_MAX);
}
