/*
 * The history of dnf, /var/lib/dnf/history.sqlite, and of yum,
 * /var/lib/yum/history/history-DATE.sqlite: an event for each transaction
 * (command line, user id, how it ended), and one for each package in it.
 * docs/formats/host.md.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "evidence/sqlite_file.h"
#include "importers/packages.h"

enum { ROWS_MAX = 4 << 20 };

struct transaction {
    int64_t id, begin, end, user, state;
    bool ended, has_user, has_state;
    struct str command; /* in the arena */
    uint64_t off;
    uint32_t len;
};

struct item {
    int64_t id;
    struct str name, version; /* in the arena */
};

struct history {
    struct import_job *job;
    struct sqlite_file *f;
    bool yum;
    struct transaction *t;
    size_t n_t, cap_t;
    struct item *items;
    size_t n_items, cap_items;
    int col[8];
    struct arena arena;
    struct buf text, mask;
    uint64_t strays; /* rows whose partner is not there */
};

static int no_memory(struct err *err)
{
    return err_set(err, ERR_INTERNAL, "history: out of memory");
}

static bool grow(void **v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return true;
    size_t more = *cap ? *cap * 2 : 256;
    void *p = n < ROWS_MAX ? realloc(*v, more * size) : NULL;
    if (!p)
        return false;
    *v = p;
    *cap = more;
    return true;
}

/* ---- rows in order of their ids ------------------------------------------ */

static int by_transaction(const void *a, const void *b)
{
    int64_t x = ((const struct transaction *)a)->id;
    int64_t y = ((const struct transaction *)b)->id;
    return x < y ? -1 : x > y;
}

static int by_item(const void *a, const void *b)
{
    int64_t x = ((const struct item *)a)->id;
    int64_t y = ((const struct item *)b)->id;
    return x < y ? -1 : x > y;
}

static struct transaction *transaction_of(const struct history *h, int64_t id)
{
    const struct transaction key = { .id = id };
    return h->n_t ? bsearch(&key, h->t, h->n_t, sizeof(*h->t), by_transaction)
                  : NULL;
}

static const struct item *item_of(const struct history *h, int64_t id)
{
    const struct item key = { .id = id };
    return h->n_items
               ? bsearch(&key, h->items, h->n_items, sizeof(*h->items), by_item)
               : NULL;
}

/* ---- tables -------------------------------------------------------------- */

static int take_transaction(void *ctx, const struct sqlite_row *r)
{
    struct history *h = ctx;
    if (!grow((void **)&h->t, h->n_t, &h->cap_t, sizeof(*h->t)))
        return ERR_INTERNAL;
    struct transaction t = {
        .id = sqlite_int(r, h->col[0]),
        .begin = sqlite_int(r, h->col[1]),
        .ended = !sqlite_null(r, h->col[2]),
        .end = sqlite_int(r, h->col[2]),
        .has_user = !sqlite_null(r, h->col[3]),
        .user = sqlite_int(r, h->col[3]),
        .command = arena_copy(&h->arena, sqlite_text(r, h->col[4])),
        .has_state = !sqlite_null(r, h->col[5]),
        .state = sqlite_int(r, h->col[5]),
        .off = r->off,
        .len = r->len,
    };
    if (!t.command.p)
        return ERR_INTERNAL;
    h->t[h->n_t++] = t;
    return 0;
}

static int take_end(void *ctx, const struct sqlite_row *r)
{
    struct history *h = ctx;
    struct transaction *t = transaction_of(h, sqlite_int(r, h->col[0]));
    if (!t) {
        h->strays++;
        return 0;
    }
    t->ended = !sqlite_null(r, h->col[1]);
    t->end = sqlite_int(r, h->col[1]);
    t->has_state = !sqlite_null(r, h->col[2]);
    t->state = sqlite_int(r, h->col[2]);
    return 0;
}

static int take_command(void *ctx, const struct sqlite_row *r)
{
    struct history *h = ctx;
    struct transaction *t = transaction_of(h, sqlite_int(r, h->col[0]));
    if (!t) {
        h->strays++;
        return 0;
    }
    t->command = arena_copy(&h->arena, sqlite_text(r, h->col[1]));
    return t->command.p ? 0 : ERR_INTERNAL;
}

static int take_item(void *ctx, const struct sqlite_row *r)
{
    struct history *h = ctx;
    struct str epoch = sqlite_text(r, h->col[2]);
    int64_t number = sqlite_int(r, h->col[2]);
    if (!grow((void **)&h->items, h->n_items, &h->cap_items, sizeof(*h->items)))
        return ERR_INTERNAL;
    buf_clear(&h->text);
    if (epoch.n && !str_eq(epoch, STR("0"))) {
        buf_put(&h->text, epoch);
        buf_putc(&h->text, ':');
    } else if (number) {
        buf_put_i64(&h->text, number);
        buf_putc(&h->text, ':');
    }
    buf_put(&h->text, sqlite_text(r, h->col[3]));
    buf_putc(&h->text, '-');
    buf_put(&h->text, sqlite_text(r, h->col[4]));
    buf_putc(&h->text, '.');
    buf_put(&h->text, sqlite_text(r, h->col[5]));
    struct item i = { sqlite_int(r, h->col[0]),
                      arena_copy(&h->arena, sqlite_text(r, h->col[1])),
                      arena_copy(&h->arena, buf_str(&h->text)) };
    if (!i.name.p || !i.version.p)
        return ERR_INTERNAL;
    h->items[h->n_items++] = i;
    return 0;
}

/* ---- events -------------------------------------------------------------- */

static void put_time(struct buf *b, int64_t s)
{
    char t[TIME_TEXT_MAX];
    size_t n = time_format(t, (struct instant){ s, 0 }, 0, 0);
    buf_put(b, (struct str){ t, n });
}

/* Users are stated by number. */
static void actor_of(const struct transaction *t, struct record *r,
                     char name[32])
{
    if (!t || !t->has_user || t->user < 0 || t->user >= UINT32_MAX)
        return;
    r->actor = STR("root");
    r->actor_kind = KIND_HOST_USER;
    if (t->user) {
        int n = snprintf(name, 32, "uid %lld", (long long)t->user);
        r->actor = (struct str){ name, (size_t)n };
    }
}

static void record_of(const struct history *h, const struct transaction *t,
                      uint64_t off, uint32_t len, struct record *r)
{
    *r = (struct record){
        .timed = t != NULL,
        .t_zone = ZONE_FORMAT,
        .off = off,
        .len = len,
        .service = h->yum ? STR("yum") : STR("dnf"),
    };
    if (t)
        r->t.s = t->begin;
}

/* dnf: 1 done, 2 error; yum keeps what the program returned. */
static bool failed(const struct history *h, const struct transaction *t)
{
    return t->has_state && (h->yum ? t->state != 0 : t->state == 2);
}

static int tell_transaction(struct history *h, const struct transaction *t)
{
    struct record r;
    char user[32];
    record_of(h, t, t->off, t->len, &r);
    actor_of(t, &r, user);
    buf_clear(&h->text);
    buf_printf(&h->text, "transaction %lld: ", (long long)t->id);
    buf_put(&h->text,
            t->command.n ? t->command : STR("no command line is stated"));
    buf_putz(&h->text, t->ended ? ", ended " : ", not ended");
    if (t->ended)
        put_time(&h->text, t->end);
    r.action = STR("command");
    r.outcome = failed(h, t) ? STR("failed") : STR_NONE;
    r.text = package_masked(buf_str(&h->text), &h->mask, &r.flags);
    return sink_record(h->job->sink, &r);
}

/* What dnf's numbers mean (libdnf, TransactionItemAction). */
static struct str dnf_action(int64_t n)
{
    static const char *const names[] = {
        "",         "install",   "downgrade",   "downgraded",
        "obsolete", "obsoleted", "upgrade",     "upgraded",
        "remove",   "reinstall", "reinstalled", "reason change"
    };
    return n > 0 && (size_t)n < sizeof(names) / sizeof(*names)
               ? str_from(names[n])
               : STR_NONE;
}

static struct str meaning(const struct history *h, struct str word)
{
    static const char *const removed[] = { "downgraded", "upgraded",
                                           "obsoleted", "reinstalled",
                                           "updated" };
    /* of dnf: what was replaced by another item of the transaction */
    for (size_t i = 0; !h->yum && i < sizeof(removed) / sizeof(*removed); i++)
        if (str_eq(word, str_from(removed[i])))
            return STR("package removed");
    if (str_eq(word, STR("obsolete")))
        return STR("package installed");
    struct str action = package_action(word);
    return action.n ? action : STR("log line");
}

static int take_change(void *ctx, const struct sqlite_row *r)
{
    struct history *h = ctx;
    const struct transaction *t = transaction_of(h, sqlite_int(r, h->col[0]));
    const struct item *i = item_of(h, sqlite_int(r, h->col[1]));
    struct str word = h->yum ? sqlite_text(r, h->col[2])
                             : dnf_action(sqlite_int(r, h->col[2]));
    struct record e;
    char user[32];
    if (!i) { /* a group; or its row is damaged */
        h->strays++;
        return 0;
    }
    record_of(h, t, r->off, r->len, &e);
    actor_of(t, &e, user);
    buf_clear(&h->text);
    buf_put(&h->text, word);
    buf_putc(&h->text, ' ');
    buf_put(&h->text, i->name);
    buf_putc(&h->text, '-');
    buf_put(&h->text, i->version);
    e.action = meaning(h, word);
    e.target = i->name;
    e.target_kind = KIND_PACKAGE;
    e.text = buf_str(&h->text);
    if (!h->yum && sqlite_int(r, h->col[3]) == 2)
        e.outcome = STR("failed");
    return sink_record(h->job->sink, &e);
}

/* ---- reading ------------------------------------------------------------- */

/* Rows of a table with the named columns; 1 when it is there. */
static int read_table(struct history *h, const char *name,
                      const char *const *columns,
                      int (*fn)(void *, const struct sqlite_row *),
                      struct err *err)
{
    struct sqlite_table t;
    int rc = sqlite_file_table(h->f, name, &t, err);
    if (rc <= 0)
        return rc ? rc
                  : sink_issue(
                        h->job->sink, ISSUE_WARNING, 0, 0, "history-table",
                        "no table %s can be read in this database", name);
    for (size_t i = 0; i < sizeof(h->col) / sizeof(*h->col); i++)
        h->col[i] = -1;
    for (size_t i = 0; columns[i]; i++)
        h->col[i] = sqlite_column(&t, columns[i]);
    return sqlite_file_rows(h->f, &t, fn, h, err);
}

static const struct {
    bool yum;
    const char *name;
    int (*fn)(void *, const struct sqlite_row *);
    const char *const columns[8];
} tables[] = {
    { false,
      "trans",
      take_transaction,
      { "id", "dt_begin", "dt_end", "user_id", "cmdline", "state" } },
    { false,
      "rpm",
      take_item,
      { "item_id", "name", "epoch", "version", "release", "arch" } },
    { true,
      "trans_beg",
      take_transaction,
      { "tid", "timestamp", "", "loginuid" } },
    { true, "trans_end", take_end, { "tid", "timestamp", "return_code" } },
    { true, "trans_cmdline", take_command, { "tid", "cmdline" } },
    { true,
      "pkgtups",
      take_item,
      { "pkgtupid", "name", "epoch", "version", "release", "arch" } },
};

static const char *const dnf_changes[] = { "trans_id", "item_id", "action",
                                           "state", NULL };
static const char *const yum_changes[] = { "tid", "pkgtupid", "state", NULL };

static int read_all(struct history *h, struct err *err)
{
    int rc = 0;
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables) && rc == 0; i++) {
        if (tables[i].yum != h->yum)
            continue;
        rc =
            read_table(h, tables[i].name, tables[i].columns, tables[i].fn, err);
        if (h->n_t)
            qsort(h->t, h->n_t, sizeof(*h->t), by_transaction);
    }
    if (h->n_items)
        qsort(h->items, h->n_items, sizeof(*h->items), by_item);
    for (size_t i = 0; i < h->n_t && rc == 0; i++)
        rc = tell_transaction(h, &h->t[i]);
    if (rc == 0)
        rc = read_table(h, h->yum ? "trans_data_pkgs" : "trans_item",
                        h->yum ? yum_changes : dnf_changes, take_change, err);
    return rc;
}

static int say_issues(struct history *h)
{
    const struct sqlite_damage *bad = sqlite_file_damage(h->f);
    struct sink *s = h->job->sink;
    int rc = 0;
    if (bad->n)
        rc = sink_issue(s, ISSUE_ERROR, bad->off, 0, "sqlite-damaged",
                        "%s (%llu such places)", bad->what,
                        (unsigned long long)bad->n);
    if (rc == 0 && h->strays)
        rc = sink_issue(s, ISSUE_NOTE, 0, 0, "history-rows",
                        "%llu rows belong to no package or transaction that "
                        "can be read (groups are no packages)",
                        (unsigned long long)h->strays);
    if (rc == 0 && sqlite_file_wal(h->f))
        rc = sink_issue(s, ISSUE_NOTE, 18, 2, "sqlite-wal",
                        "written in WAL mode: what was in a -wal file beside "
                        "it is not part of this");
    return rc;
}

static int import(struct import_job *job, struct err *err)
{
    struct history h = { .job = job };
    struct sqlite_table t;
    h.f = sqlite_file_open(job->in->src, err);
    if (!h.f)
        return sink_issue(job->sink, ISSUE_ERROR, 0, 0, "history-damaged", "%s",
                          err->what);
    int rc = sqlite_file_table(h.f, "trans_beg", &t, err);
    h.yum = rc == 1;
    if (rc >= 0)
        rc = read_all(&h, err);
    if (rc == 0)
        rc = say_issues(&h);
    sqlite_file_close(h.f);
    free(h.t);
    free(h.items);
    arena_free(&h.arena);
    buf_free(&h.text);
    buf_free(&h.mask);
    return rc && !err->code ? no_memory(err) : rc;
}

static const char *const paths[] = { "var/lib/dnf/history.sqlite",
                                     "var/lib/yum/history/history-*.sqlite",
                                     "usr/lib/sysimage/dnf/history.sqlite",
                                     NULL };

static int probe(struct probe *p)
{
    struct str head = p->head;
    bool dnf = str_find(head, STR("console_output")) != SIZE_MAX &&
               str_find(head, STR("rpmdb_version_begin")) != SIZE_MAX;
    bool yum = str_find(head, STR("trans_data_pkgs")) != SIZE_MAX &&
               str_find(head, STR("pkgtups")) != SIZE_MAX;
    if (!sqlite_file_is(head) || (!dnf && !yum))
        return 0;
    p->reason = dnf ? "an SQLite database with the tables of dnf's history"
                    : "an SQLite database with the tables of yum's history";
    return 94;
}

const struct importer importers_dnf_history = {
    .name = "dnf-history",
    .title = "History of dnf and yum",
    .reads = "history.sqlite of dnf, history-DATE.sqlite of yum",
    .paths = paths,
    .probe = probe,
    .import = import,
};
