#include "base/base64.h"

static int digit_of(char c)
{
    return c >= 'A' && c <= 'Z'   ? c - 'A'
           : c >= 'a' && c <= 'z' ? c - 'a' + 26
           : c >= '0' && c <= '9' ? c - '0' + 52
           : c == '+'             ? 62
           : c == '/'             ? 63
                                  : -1;
}

static bool is_break(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool base64_decode(struct str s, unsigned flags, struct buf *out)
{
    uint32_t bits = 0;
    unsigned have = 0;
    bool clean = true;
    for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
        int d = digit_of(s.p[i]);
        if (d < 0) {
            if (flags & BASE64_BREAKS && is_break(s.p[i]))
                continue;
            clean = false;
            if (!(flags & BASE64_NOISE))
                break;
            continue;
        }
        bits = (bits << 6 | (uint32_t)d) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            buf_putc(out, (char)(bits >> have & 0xff));
        }
    }
    return clean && have < 6 && !out->failed;
}

void base64_encode(struct buf *out, struct str bytes, bool pad)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "abcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = (const unsigned char *)bytes.p;
    for (size_t i = 0; i < bytes.n; i += 3) {
        size_t left = bytes.n - i;
        uint32_t v = (uint32_t)p[i] << 16;
        if (left > 1)
            v |= (uint32_t)p[i + 1] << 8;
        if (left > 2)
            v |= p[i + 2];
        buf_putc(out, digits[v >> 18]);
        buf_putc(out, digits[v >> 12 & 63]);
        if (left > 1 || pad)
            buf_putc(out, left > 1 ? digits[v >> 6 & 63] : '=');
        if (left > 2 || pad)
            buf_putc(out, left > 2 ? digits[v & 63] : '=');
    }
}
