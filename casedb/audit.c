/*
 * The audit chain: case.md 2.4, to the byte.
 *
 *   body = seq TAB prev TAB at TAB actor TAB action TAB object TAB detail
 *   hash = SHA-256(body); prev of the first = SHA-256("kanshiki-audit-v1" LF
 *   uuid). Exported line: hex(hash) SP body LF.
 *
 * It proves order and that nothing was altered since the last head somebody
 * else holds; a cut tail alone cannot be seen from within.
 */
#include "casedb/db.h"

#include "base/json.h"
#include "base/text.h"

#include <stdio.h>

enum { AUDIT_TABS = 6 };

void audit_genesis(const char *uuid, unsigned char out[SHA256_LEN])
{
    char text[64];
    int n = snprintf(text, sizeof(text), "kanshiki-audit-v1\n%s", uuid);
    hash_sha256((struct str){ text, (size_t)n }, out);
}

/* seq and hash of the last row; 0 and genesis when there is none. */
static int last_row(struct casedb *c, uint64_t *seq,
                    unsigned char hash[SHA256_LEN], struct err *err)
{
    sqlite3_stmt *st = db_prepare(
        c, "SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    *seq = 0;
    audit_genesis(c->uuid, hash);
    int r = db_step(c, st, err);
    if (r <= 0)
        return r;
    *seq = (uint64_t)sqlite3_column_int64(st, 0);
    struct str h = db_col(st, 1);
    if (h.n == SHA256_LEN)
        memcpy(hash, h.p, SHA256_LEN);
    sqlite3_reset(st);
    return h.n == SHA256_LEN ? 0
                             : err_set(err, ERR_CASE, "%s: damaged audit log",
                                       text_line(str_from(c->path)));
}

/* One line of JSON from our writer: no byte that could end a field. */
static bool clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < 0x20)
            return false;
    return text_utf8_valid(s);
}

struct entry {
    uint64_t seq;
    const unsigned char *prev;
    struct str actor, action, object, detail;
};

/* Control characters in one form only: the writer's short escapes (\t) become
 * \u00XX, so that equal details are equal bytes. */
static void put_detail(struct buf *b, struct str s)
{
    static const char shorts[] = "bfnrt", codes[] = "\b\f\n\r\t";
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\' || i + 1 == s.n) {
            buf_putc(b, s.p[i]);
            continue;
        }
        const char *at = memchr(shorts, s.p[++i], sizeof(shorts) - 1);
        if (at)
            buf_printf(b, "\\u%04x", (unsigned)codes[at - shorts]);
        else
            buf_put(b, str_sub(s, i - 1, 2));
    }
}

/* Actor, action and object pass the text layer: a name from evidence may hold
 * a TAB, and the display form keeps it readable and reversible. */
static void put_body(struct buf *b, const struct entry *e)
{
    char at[TIME_TEXT_MAX];
    size_t n = time_format(at, time_now(), 6, 0);
    buf_put_u64(b, e->seq);
    buf_putc(b, '\t');
    buf_put_hex(b, e->prev, SHA256_LEN);
    buf_putc(b, '\t');
    buf_put(b, (struct str){ at, n });
    buf_putc(b, '\t');
    text_show(b, e->actor, 0);
    buf_putc(b, '\t');
    text_show(b, e->action, 0);
    buf_putc(b, '\t');
    text_show(b, e->object, 0);
    buf_putc(b, '\t');
    put_detail(b, e->detail);
}

static int insert(struct casedb *c, uint64_t seq, struct str body,
                  struct err *err)
{
    unsigned char hash[SHA256_LEN];
    hash_sha256(body, hash);
    sqlite3_stmt *st =
        db_prepare(c, "INSERT INTO audit VALUES(?1, ?2, ?3)", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    sqlite3_bind_int64(st, 1, (int64_t)seq);
    db_bind_text(st, 2, body);
    db_bind_str(st, 3, (struct str){ (char *)hash, sizeof(hash) });
    return db_run(c, st, err);
}

static int append(struct casedb *c, struct entry *e, struct err *err)
{
    unsigned char prev[SHA256_LEN];
    int r = last_row(c, &e->seq, prev, err);
    if (r)
        return r;
    e->seq++;
    e->prev = prev;
    struct buf b = { 0 };
    put_body(&b, e);
    r = b.failed ? err_set(err, ERR_INTERNAL, "out of memory")
                 : insert(c, e->seq, buf_str(&b), err);
    buf_free(&b);
    return r;
}

int case_audit(struct casedb *c, struct str action, struct str object,
               struct str detail, struct err *err)
{
    if (c->mode != CASE_WRITE)
        return err_set(err, ERR_CASE, "%s: opened for reading only",
                       text_line(str_from(c->path)));
    if (!clean(detail))
        return err_set(err, ERR_INTERNAL,
                       "the detail of an audit entry is not one line");
    if (!str_starts(detail, STR("{")) || !json_valid(detail, NULL, NULL))
        return err_set(err, ERR_INTERNAL,
                       "the detail of an audit entry is not a JSON object");
    struct entry e = { .actor = str_from(c->actor),
                       .action = action,
                       .object = object,
                       .detail = detail };
    int r = db_begin(c, err);
    if (r)
        return r;
    r = append(c, &e, err);
    if (r)
        db_rollback(c);
    return r ? r : db_commit(c, err);
}

static void put_head(struct audit_head *out, uint64_t seq,
                     const unsigned char hash[SHA256_LEN])
{
    static const char digits[] = "0123456789abcdef";
    out->seq = seq;
    for (size_t i = 0; i < SHA256_LEN; i++) {
        out->hex[2 * i] = digits[hash[i] >> 4];
        out->hex[2 * i + 1] = digits[hash[i] & 15];
    }
    out->hex[2 * SHA256_LEN] = 0;
}

int case_audit_head(struct casedb *c, struct audit_head *out, struct err *err)
{
    unsigned char hash[SHA256_LEN];
    uint64_t seq;
    int r = last_row(c, &seq, hash, err);
    if (r == 0)
        put_head(out, seq, hash);
    return r;
}

/* ---- verification -------------------------------------------------------- */

struct walk {
    struct audit_head head; /* of the rows seen so far */
    int (*line)(void *ctx, struct str line);
    void *ctx;
    struct buf text;
};

static int bad(const struct walk *w, struct err *err, const char *why)
{
    return err_set(err, ERR_VERIFY, "audit entry %llu: %s",
                   (unsigned long long)(w->head.seq + 1), why);
}

/* The body begins with its number and the hash before it. */
static bool begins_right(const struct walk *w, struct str body)
{
    char want[96];
    int n = snprintf(want, sizeof(want), "%llu\t%s\t",
                     (unsigned long long)(w->head.seq + 1), w->head.hex);
    return str_starts(body, (struct str){ want, (size_t)n });
}

static bool one_line(struct str body)
{
    int tabs = 0;
    for (size_t i = 0; i < body.n; i++) {
        if (body.p[i] == '\t')
            tabs++;
        else if ((unsigned char)body.p[i] < 0x20)
            return false;
    }
    return tabs == AUDIT_TABS;
}

static int pass_on(struct walk *w, struct str body, struct err *err)
{
    if (!w->line)
        return 0;
    buf_clear(&w->text);
    buf_putz(&w->text, w->head.hex);
    buf_putc(&w->text, ' ');
    buf_put(&w->text, body);
    if (w->text.failed)
        return err_set(err, ERR_INTERNAL, "out of memory");
    return w->line(w->ctx, buf_str(&w->text));
}

static int check_row(struct walk *w, sqlite3_stmt *st, struct err *err)
{
    unsigned char hash[SHA256_LEN];
    struct str body = db_col(st, 1), stored = db_col(st, 2);
    if (sqlite3_column_int64(st, 0) != (int64_t)(w->head.seq + 1))
        return bad(w, err, "is missing");
    if (!begins_right(w, body))
        return bad(w, err, "does not follow the one before it");
    if (!one_line(body))
        return bad(w, err, "is not one line of seven fields");
    hash_sha256(body, hash);
    if (!str_eq(stored, (struct str){ (char *)hash, sizeof(hash) }))
        return bad(w, err, "does not have its hash");
    put_head(&w->head, w->head.seq + 1, hash);
    return pass_on(w, body, err);
}

int case_audit_verify(struct casedb *c, struct audit_head *out,
                      int (*line)(void *ctx, struct str line), void *ctx,
                      struct err *err)
{
    unsigned char genesis[SHA256_LEN];
    struct walk w = { .line = line, .ctx = ctx };
    audit_genesis(c->uuid, genesis);
    put_head(&w.head, 0, genesis);
    sqlite3_stmt *st =
        db_prepare(c, "SELECT seq, line, hash FROM audit ORDER BY seq", err);
    if (!st)
        return err ? err->code : ERR_INTERNAL;
    int r, stop = 0;
    while (stop == 0 && (r = db_step(c, st, err)) != 0)
        stop = r < 0 ? r : check_row(&w, st, err);
    sqlite3_reset(st);
    buf_free(&w.text);
    if (stop == 0 && w.head.seq == 0)
        stop = bad(&w, err, "is missing");
    if (stop == 0 && out)
        *out = w.head;
    return stop;
}
