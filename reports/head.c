#include "reports/head.h"

#include "base/json.h"

#include <stdio.h>

enum { HASH_HEX = 64, FIELD_AT = 2, FIELD_ACTION = 4, FIELD_DETAIL = 6 };

bool head_is_disclosure(struct str action)
{
    return str_starts(action, STR("report.")) ||
           str_starts(action, STR("export."));
}

struct str head_field(struct str line, unsigned n)
{
    struct str s = str_sub(line, HASH_HEX + 1, line.n);
    for (;; n--) {
        const char *tab = s.n ? memchr(s.p, '\t', s.n) : NULL;
        size_t len = tab ? (size_t)(tab - s.p) : s.n;
        if (n == 0)
            return str_sub(s, 0, len);
        s = str_sub(s, tab ? len + 1 : len, s.n);
    }
}

static int see(void *ctx, struct str line)
{
    struct head *h = ctx;
    struct time_text at;
    struct str action = head_field(line, FIELD_ACTION), sha;
    if (head_is_disclosure(action) || line.n <= HASH_HEX)
        return 0;
    if (str_u64(head_field(line, 0), &h->audit.seq)) {
        memcpy(h->audit.hex, line.p, HASH_HEX);
        h->audit.hex[HASH_HEX] = 0;
    }
    if (time_parse(head_field(line, FIELD_AT), &at))
        h->at = at.t;
    if (str_eq(action, STR("seal.end"))) {
        h->seals++;
        if (json_get(head_field(line, FIELD_DETAIL), STR("tagmanifest"), &sha,
                     NULL) == JSON_STRING &&
            sha.n == HASH_HEX) {
            memcpy(h->previous, sha.p, HASH_HEX);
            h->previous[HASH_HEX] = 0;
        }
    }
    return 0;
}

int head_find(struct casedb *c, struct head *out, struct err *err)
{
    struct err own = { 0 };
    memset(out, 0, sizeof(*out));
    int rc = case_audit_verify(c, NULL, see, out, &own);
    if (rc == ERR_VERIFY) {
        snprintf(out->broken, sizeof(out->broken), "%s", own.what);
        return 0;
    }
    if (rc && err)
        *err = own;
    return rc;
}
