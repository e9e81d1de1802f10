/* Values taken from a kernel: setfacl, setcap and chcon on ext4 and XFS. */
#include "base/xattr.h"

#include "tests/tap.h"

#define B(literal)                                                             \
    {                                                                          \
        literal, sizeof(literal) - 1                                           \
    }

static const struct {
    const char *name;
    struct str value;
    const char *shown;
} vectors[] = {
    { "security.selinux", B("system_u:object_r:bin_t:s0\0"),
      "system_u:object_r:bin_t:s0" },
    { "user.comment", B("a\x1b[31m"), "0x611b5b33316d" },
    { "user.empty", B(""), "" },
    { "security.capability", B("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
      "cap_net_raw=ep" },
    { "security.capability", B("\0\0\0\2\1\0\0\0\1\0\0\0\x80\0\0\0\0\0\0\0"),
      "cap_chown=ip cap_bpf=p" },
    { "security.capability",
      B("\1\0\0\3\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe8\3\0\0"),
      "cap_setuid=ep [root of its name space: uid 1000]" },
    { "security.capability", B("\1\0\0\2\0\x20"), "0x010000020020" },
    { "security.capability", B("\0\0\0\2\0\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0"),
      "cap_63=p" },
    /* ext4: only named entries have an id */
    { "system.posix_acl_access",
      B("\1\0\0\0\1\0\6\0\2\0\4\0\xe8\3\0\0\4\0\4\0\x10\0\4\0\x20\0\0\0"),
      "user::rw-,user:1000:r--,group::r--,mask::r--,other::---" },
    { "system.posix_acl_default",
      B("\2\0\0\0\1\0\7\0\xff\xff\xff\xff\x08\0\5\0\x0a\0\0\0"),
      "user::rwx,group:10:r-x" },
    { "trusted.SGI_ACL_FILE",
      B("\0\0\0\2\0\0\0\1\xff\xff\xff\xff\0\6\0\0\0\0\0\2\0\0\3\xe8\0\5\0\0"),
      "user::rw-,user:1000:r-x" },
    /* damaged: the bytes */
    { "system.posix_acl_access", B("\1\0\0\0\3\0\6\0"), "0x0100000003000600" },
    { "trusted.SGI_ACL_FILE", B("\0\0\0\2\0\0\0\1"), "0x0000000200000001" },
};

START_TEST(values_are_shown_as_their_tools_do)
{
    struct buf b = { 0 };
    xattr_show(&b, str_from(vectors[_i].name), vectors[_i].value);
    buf_putc(&b, 0);
    ck_assert_str_eq(b.p, vectors[_i].shown);
    buf_free(&b);
}
END_TEST

START_TEST(only_capabilities_give_rights)
{
    const struct str raw = B("\1\0\0\2\0\x20\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    const struct str none = B("\1\0\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0");
    ck_assert(xattr_is_privilege(STR("security.capability"), raw));
    ck_assert(!xattr_is_privilege(STR("security.capability"), none));
    ck_assert(!xattr_is_privilege(STR("user.capability"), raw));
}
END_TEST

START_TEST(any_bytes_end_somewhere)
{
    char p[40];
    struct buf b = { 0 };
    uint32_t seed = 1;
    for (int i = 0; i < 20000; i++) {
        size_t n = (seed = seed * 1103515245 + 12345) >> 16 & 31;
        for (size_t k = 0; k < n; k++)
            p[k] = (char)((seed = seed * 1103515245 + 12345) >> 16 & 7);
        buf_clear(&b);
        xattr_show(&b, str_from(vectors[(size_t)i % 13].name),
                   (struct str){ p, n });
        for (size_t k = 0; k < b.n; k++)
            ck_assert((unsigned char)b.p[k] >= 0x20);
    }
    buf_free(&b);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("xattr");
    TCase *t = tcase_create("shown");
    tcase_add_loop_test(t, values_are_shown_as_their_tools_do, 0,
                        sizeof(vectors) / sizeof(*vectors));
    tcase_add_test(t, only_capabilities_give_rights);
    tcase_add_test(t, any_bytes_end_somewhere);
    suite_add_tcase(s, t);
    return s;
}
