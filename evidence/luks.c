#include "evidence/luks.h"

#include "base/varint.h"

static void field(char *to, const unsigned char *p, size_t n)
{
    size_t len = strnlen((const char *)p, n);
    memcpy(to, p, len);
    to[len] = '\0';
}

bool luks_read(struct source *vol, struct luks_info *in)
{
    unsigned char h[512];
    size_t got;
    *in = (struct luks_info){ 0 };
    if (source_read(vol, 0, h, sizeof h, &got, NULL) || got != sizeof h ||
        memcmp(h, "LUKS\xba\xbe", 6) != 0)
        return false;
    in->version = u16be(h + 6);
    field(in->uuid, h + 168, 40);
    if (in->version == 1) {
        field(in->cipher, h + 8, 32);
        field(in->mode, h + 40, 32);
        field(in->hash, h + 72, 32);
    } else if (in->version == 2) {
        field(in->label, h + 24, 48);
    }
    return true;
}
