/*
 * Makes small registry hives of invented content: regf_make system|user|sam
 * FILE
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/varint.h"

enum {
    HEAD = 4096,
    SIZE = 64 << 10,
    KEYS = 80,
    TEXT = 1,
    HEX = 3,
    DWORD = 4,
    MULTI = 7,
    DELETED = 100, /* the key is free, its parent does not name it */
};

/* A key (value NULL), or a value of the key before. */
struct line {
    const char *key, *value;
    int type;
    const char *data;
};

static const struct line machine[] = {
    { "Select", NULL, 0, NULL },
    { NULL, "Current", DWORD, "1" },
    { "ControlSet001", NULL, 0, NULL },
    { "ControlSet001\\Control", NULL, 0, NULL },
    { "ControlSet001\\Control\\ComputerName", NULL, 0, NULL },
    { "ControlSet001\\Control\\ComputerName\\ComputerName", NULL, 0, NULL },
    { NULL, "ComputerName", TEXT, "APP-02" },
    { "ControlSet001\\Control\\TimeZoneInformation", NULL, 0, NULL },
    { NULL, "Bias", DWORD, "4294966756" },
    { NULL, "TimeZoneKeyName", TEXT, "Tokyo Standard Time" },
    { "ControlSet001\\Control\\Windows", NULL, 0, NULL },
    { NULL, "ShutdownTime", HEX, "0010c5d53eb1dc01" },
    { "ControlSet001\\Control\\Lsa", NULL, 0, NULL },
    { NULL, "Security Packages", MULTI, "kerberos;msv1_0;evilssp" },
    { "ControlSet001\\Services", NULL, 0, NULL },
    { "ControlSet001\\Services\\sysupd", NULL, 0, NULL },
    { NULL, "ImagePath", TEXT, "\"C:\\ProgramData\\sysupd.exe\" -k" },
    { NULL, "Start", DWORD, "2" },
    { NULL, "ObjectName", TEXT, "LocalSystem" },
    { "ControlSet001\\Services\\Tcpip", NULL, 0, NULL },
    { "ControlSet001\\Services\\Tcpip\\Parameters", NULL, 0, NULL },
    { NULL, "Hostname", TEXT, "app-02" },
    { "ControlSet001\\Services\\Tcpip\\Parameters\\Interfaces", NULL, 0, NULL },
    { "ControlSet001\\Services\\Tcpip\\Parameters\\Interfaces\\{1}", NULL, 0,
      NULL },
    { NULL, "DhcpIPAddress", TEXT, "10.0.1.21" },
    { "ControlSet002", NULL, 0, NULL },
    { "ControlSet002\\Control", NULL, 0, NULL },
    { "ControlSet002\\Control\\TimeZoneInformation", NULL, 0, NULL },
    { NULL, "Bias", DWORD, "300" },
    { NULL, "DaylightBias", DWORD, "4294967236" },
    { NULL, "DaylightStart", HEX, "00000300020002000000000000000000" },
    { NULL, "StandardStart", HEX, "00000b00010002000000000000000000" },
    { NULL, "TimeZoneKeyName", TEXT, "Eastern Standard Time" },
    { "MountedDevices", NULL, 0, NULL },
    { NULL, "\\DosDevices\\C:", HEX, "444d494f3a49443a" },
    { "Microsoft", NULL, 0, NULL },
    { "Microsoft\\Windows NT", NULL, 0, NULL },
    { "Microsoft\\Windows NT\\CurrentVersion", NULL, 0, NULL },
    { NULL, "ProductName", TEXT, "Windows Server 2022 Datacenter" },
    { NULL, "InstallDate", DWORD, "1772323200" },
    { "Microsoft\\Windows NT\\CurrentVersion\\Image File Execution Options",
      NULL, 0, NULL },
    { "Microsoft\\Windows NT\\CurrentVersion\\Image File Execution "
      "Options\\sethc.exe",
      NULL, 0, NULL },
    { NULL, "Debugger", TEXT, "C:\\Windows\\System32\\cmd.exe" },
    { "Microsoft\\Windows NT\\CurrentVersion\\NetworkList", NULL, 0, NULL },
    { "Microsoft\\Windows NT\\CurrentVersion\\NetworkList\\Profiles", NULL, 0,
      NULL },
    { "Microsoft\\Windows NT\\CurrentVersion\\NetworkList\\Profiles\\{2}", NULL,
      0, NULL },
    { NULL, "ProfileName", TEXT, "Network" },
    { NULL, "DateCreated", HEX, "ea0703000000010009000f0000007b00" },
    { "Microsoft\\Windows", NULL, 0, NULL },
    { "Microsoft\\Windows\\CurrentVersion", NULL, 0, NULL },
    { "Microsoft\\Windows\\CurrentVersion\\Run", NULL, 0, NULL },
    { NULL, "Updater", TEXT, "C:\\ProgramData\\sysupd.exe /silent" },
    { "Microsoft\\Windows\\CurrentVersion\\Gone", NULL, DELETED, NULL },
    { NULL, NULL, 0, NULL },
};

#define EXPLORER "Software\\Microsoft\\Windows\\CurrentVersion\\Explorer"
static const struct line user[] = {
    { "Software", NULL, 0, NULL },
    { "Software\\Microsoft", NULL, 0, NULL },
    { "Software\\Microsoft\\Windows", NULL, 0, NULL },
    { "Software\\Microsoft\\Windows\\CurrentVersion", NULL, 0, NULL },
    { EXPLORER, NULL, 0, NULL },
    { EXPLORER "\\RunMRU", NULL, 0, NULL },
    { NULL, "a", TEXT, "powershell -enc SQBFAFgA\\1" },
    { NULL, "MRUList", TEXT, "a" },
    { EXPLORER "\\UserAssist", NULL, 0, NULL },
    { EXPLORER "\\UserAssist\\{CEBFF5CD}", NULL, 0, NULL },
    { EXPLORER "\\UserAssist\\{CEBFF5CD}\\Count", NULL, 0, NULL },
    { NULL, "P:\\CebtenzQngn\\flfhcq.rkr", HEX,
      "000000000300000004000000e8030000000000000000000000000000000000000000"
      "0000000000000000000000000000000000000000000000000000"
      "0010c5d53eb1dc0100000000" },
    { EXPLORER "\\RecentDocs", NULL, 0, NULL },
    { NULL, "0", HEX,
      "63007500730074006f006d006500720073002e0063007300760000001400" },
    { "Software\\Microsoft\\Terminal Server Client", NULL, 0, NULL },
    { "Software\\Microsoft\\Terminal Server Client\\Default", NULL, 0, NULL },
    { NULL, "MRU0", TEXT, "10.0.1.22" },
    { NULL, NULL, 0, NULL },
};

static const struct line sam[] = {
    { "SAM", NULL, 0, NULL },
    { "SAM\\Domains", NULL, 0, NULL },
    { "SAM\\Domains\\Account", NULL, 0, NULL },
    { NULL, "V", HEX, "00000000bc0edd3b1b2b2b46d3b8a628" },
    { "SAM\\Domains\\Account\\Users", NULL, 0, NULL },
    { "SAM\\Domains\\Account\\Users\\000003E9", NULL, 0, NULL },
    { NULL, "F", HEX,
      "02000100000000000010c5d53eb1dc0100000000000000000010c5d53eb1dc01"
      "ffffffffffffff7f0000000000000000e9030000010200001002000000000000"
      "0000070001000000000000000000000000" },
    { NULL, "V", HEX,
      "00000000000000000000000000000000140000000000000014000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000"
      "00000000000000000000000000000000000000000000000000000000000000000000"
      "7300760063002d006200610063006b0075007000" },
    { NULL, NULL, 0, NULL },
};

static unsigned char image[SIZE];
static uint32_t next_cell = 32; /* after the block's head */

static uint32_t cell(size_t n, bool is_free)
{
    uint32_t at = next_cell;
    int32_t size = (int32_t)((n + 4 + 7) & ~(size_t)7);
    next_cell += (uint32_t)size;
    if (HEAD + next_cell > SIZE)
        exit(1);
    put_u32le(image + HEAD + at, (uint32_t)(is_free ? size : -size));
    return at;
}

static unsigned char *at(uint32_t cell_at)
{
    return image + HEAD + cell_at + 4;
}

static void put16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)v;
    p[1] = (unsigned char)(v >> 8);
}

struct key {
    const struct line *line;
    uint32_t cell, parent;
    const char *name;
};
static struct key keys[KEYS];
static size_t n_keys;

static size_t parent_of(const char *path)
{
    const char *end = strrchr(path, '\\');
    size_t n = end ? (size_t)(end - path) : 0;
    for (size_t i = n_keys; n && i-- > 1;)
        if (strlen(keys[i].line->key) == n &&
            strncmp(keys[i].line->key, path, n) == 0)
            return i;
    return 0;
}

static void put_key(const struct line *l, const char *name, uint64_t written)
{
    struct key *k = &keys[n_keys];
    bool gone = l && l->type == DELETED;
    size_t up = l ? parent_of(l->key) : 0;
    k->line = l;
    k->name = name;
    k->parent = n_keys ? keys[up].cell : UINT32_MAX;
    k->cell = cell(76 + strlen(name), gone);
    unsigned char *p = at(k->cell);
    memcpy(p, "nk", 2);
    put16(p + 2, n_keys ? 0x20 : 0x2c);
    put_u64le(p + 4, written);
    put_u32le(p + 16, k->parent);
    put_u32le(p + 28, UINT32_MAX);
    put_u32le(p + 32, UINT32_MAX);
    put_u32le(p + 40, UINT32_MAX);
    put_u32le(p + 44, UINT32_MAX);
    put_u32le(p + 48, UINT32_MAX);
    put16(p + 72, (unsigned)strlen(name));
    memcpy(p + 76, name, strlen(name));
    n_keys++;
}

static size_t data_of(const struct line *l, unsigned char *out)
{
    size_t n = 0;
    if (l->type == DWORD) {
        put_u32le(out, (uint32_t)strtoul(l->data, NULL, 10));
        return 4;
    }
    for (const char *c = l->data; l->type == HEX && c[0] && c[1]; c += 2)
        out[n++] = (unsigned char)(str_hex(c[0]) << 4 | str_hex(c[1]));
    for (const char *c = l->data; l->type != HEX && *c; c++) {
        out[n++] = *c == ';' && l->type == MULTI ? 0 : (unsigned char)*c;
        out[n++] = 0;
    }
    for (int i = 0; l->type != HEX && i < (l->type == MULTI ? 4 : 2); i++)
        out[n++] = 0;
    return n;
}

static uint32_t put_value(const struct line *l)
{
    static unsigned char data[4096];
    size_t n = data_of(l, data);
    uint32_t v = cell(20 + strlen(l->value), false);
    unsigned char *p = at(v);
    memcpy(p, "vk", 2);
    put16(p + 2, (unsigned)strlen(l->value));
    put_u32le(p + 4, (uint32_t)n);
    put_u32le(p + 12, (uint32_t)l->type);
    put16(p + 16, 1);
    memcpy(p + 20, l->value, strlen(l->value));
    if (n <= 4) {
        put_u32le(p + 4, (uint32_t)n | 0x80000000u);
        memcpy(p + 8, data, n);
    } else {
        uint32_t d = cell(n, false);
        put_u32le(p + 8, d);
        memcpy(at(d), data, n);
    }
    return v;
}

static void put_lists(const struct key *k)
{
    unsigned subkeys = 0, values = 0;
    unsigned char *p = at(k->cell);
    for (size_t i = 1; i < n_keys; i++)
        subkeys += keys[i].parent == k->cell && keys[i].line->type != DELETED;
    while (k->line && k->line[1 + values].value)
        values++;
    if (subkeys) {
        uint32_t list = cell(4 + 8 * (size_t)subkeys, false);
        unsigned char *to = at(list);
        memcpy(to, "lf", 2);
        put16(to + 2, subkeys);
        to += 4;
        for (size_t i = 1; i < n_keys; i++)
            if (keys[i].parent == k->cell && keys[i].line->type != DELETED) {
                put_u32le(to, keys[i].cell);
                memcpy(to + 4, keys[i].name, strnlen(keys[i].name, 4));
                to += 8;
            }
        put_u32le(p + 20, subkeys);
        put_u32le(p + 28, list);
    }
    if (values) {
        uint32_t list = cell(4 * (size_t)values, false);
        for (unsigned i = 0; i < values; i++) {
            uint32_t v = put_value(&k->line[1 + i]);
            put_u32le(at(list) + 4 * (size_t)i, v);
        }
        put_u32le(p + 36, values);
        put_u32le(p + 40, list);
    }
}

static void put_head(uint32_t size, const char *name)
{
    uint32_t sum = 0;
    memcpy(image, "regf", 4);
    put_u32le(image + 4, 7);
    put_u32le(image + 8, 7);
    put_u64le(image + 12, UINT64_C(134177220000000000));
    put_u32le(image + 20, 1);
    put_u32le(image + 24, 5);
    put_u32le(image + 32, 1);
    put_u32le(image + 36, keys[0].cell);
    put_u32le(image + 40, size);
    put_u32le(image + 44, 1);
    for (size_t i = 0; name[i] && i < 31; i++)
        image[48 + 2 * i] = (unsigned char)name[i];
    for (size_t i = 0; i < 508; i += 4)
        sum ^= u32le(image + i);
    put_u32le(image + 508, sum);
    memcpy(image + HEAD, "hbin", 4);
    put_u32le(image + HEAD + 8, size);
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 1;
    const struct line *l = argv[1][0] == 'u'   ? user
                           : argv[1][1] == 'a' ? sam
                                               : machine;
    /* 2026-03-11T02:20:00Z, then a minute each */
    uint64_t time = (UINT64_C(11644473600) + 1773195600) * 10000000;
    put_key(NULL, "ROOT", time);
    for (; l->key || l->value; l++) {
        const char *base = l->key ? strrchr(l->key, '\\') : NULL;
        if (l->key)
            put_key(l, base ? base + 1 : l->key,
                    time + n_keys * UINT64_C(600000000));
    }
    for (size_t i = 0; i < n_keys; i++)
        put_lists(&keys[i]);
    uint32_t size = (next_cell + 4095) & ~4095u;
    put_u32le(image + HEAD + next_cell, size - next_cell); /* what is free */
    put_head(size, argv[1]);
    FILE *f = fopen(argv[2], "wb");
    bool ok = f && fwrite(image, 1, HEAD + size, f) == HEAD + size;
    if (f)
        ok &= fclose(f) == 0;
    return ok ? 0 : 1;
}
