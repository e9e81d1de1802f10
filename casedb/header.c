#include "casedb/header.h"

#include "base/varint.h"
#include "casedb/schema.h"

enum {
    AT_PAGE_SIZE = 16,
    AT_WRITE_VERSION = 18,
    AT_READ_VERSION = 19,
    AT_RESERVED = 20,
    AT_ENCODING = 56,
    AT_USER_VERSION = 60,
    AT_APPLICATION_ID = 68,
};

const char *header_check(const unsigned char *p, size_t n,
                         struct case_header *out)
{
    *out = (struct case_header){ 0 };
    if (n == 0)
        return "the file is empty";
    if (n < HEADER_SIZE || memcmp(p, "SQLite format 3", 16) != 0)
        return "not a case file";
    if (u32be(p + AT_APPLICATION_ID) != CASE_APPLICATION_ID)
        return "an SQLite file, but not a case";
    out->user_version = u32be(p + AT_USER_VERSION);
    out->wal = p[AT_READ_VERSION] == 2;
    if (out->user_version > CASE_USER_VERSION)
        return "made by a newer version";
    if (out->user_version == 0)
        return "no such version of the case format";
    if (out->user_version < CASE_USER_VERSION)
        return "made by an older version";
    if (u16be(p + AT_PAGE_SIZE) != CASE_PAGE_SIZE || p[AT_RESERVED] != 0 ||
        u32be(p + AT_ENCODING) != 1)
        return "damaged header: not the page form of a case";
    if (p[AT_WRITE_VERSION] != p[AT_READ_VERSION] || p[AT_READ_VERSION] < 1 ||
        p[AT_READ_VERSION] > 2)
        return "damaged header: unknown journal form";
    return NULL;
}

static bool only_zeros(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i])
            return false;
    return true;
}

const char *header_check_wal(const unsigned char *p, size_t n)
{
    static const unsigned char magic[3] = { 0x37, 0x7f, 0x06 };
    if (n > WAL_HEADER_SIZE)
        n = WAL_HEADER_SIZE;
    if (only_zeros(p, n))
        return NULL;
    if (memcmp(p, magic, n < 3 ? n : 3) != 0 ||
        (n > 3 && (p[3] & 0xfe) != 0x82))
        return "not a write-ahead log";
    if (n == WAL_HEADER_SIZE &&
        (u32be(p + 4) != 3007000 || u32be(p + 8) != CASE_PAGE_SIZE))
        return "the write-ahead log of another kind of file";
    return NULL;
}
