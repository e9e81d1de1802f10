/*
 * What was typed: the histories of shells and of programs that read lines like
 * shells. bash (bash(1), HISTTIMEFORMAT): one command a line, or `#SECONDS`
 * before each; zsh: plain or `: START:SECONDS;COMMAND`, "metafied"; fish: YAML
 * of its own; node: newest first; libedit: `_HiStOrY_V2_`. Without stamps the
 * order is known and the time is not. docs/formats/history.md
 */
#include "importers/history.h"
#include "base/mask.h"
#include "importers/homes.h"
#include "base/text.h"

enum { COMMAND_MAX = 1 << 20 }; /* of lines that are joined */

bool history_time(struct str digits, int64_t *t)
{
    uint64_t v;
    if (digits.n > 11 || !str_u64(digits, &v))
        return false;
    *t = (int64_t)v;
    return *t >= 631152000 && *t < 7258118400;
}

static int mention(void *ctx, size_t off, unsigned kind, struct str v)
{
    (void)off;
    if (kind == KIND_URL)
        refs_add(ctx, KIND_URL, ROLE_MENTIONED, v);
    else if (kind != KIND_NONE)
        identify_add(ctx, ROLE_MENTIONED, v);
    return 0;
}

int history_give(struct history *h, const struct history_item *item)
{
    buf_clear(&h->masked);
    bool secret = mask_secrets(item->text, &h->masked);
    uint64_t len = item->end - item->off;
    struct record r = {
        .timed = item->timed,
        .t = { .s = item->time },
        .t_zone = ZONE_EXPLICIT,
        .off = item->off,
        .len = len > UINT32_MAX ? UINT32_MAX : (uint32_t)len,
        .action = str_from(item->action ? item->action : "command"),
        .actor = h->owner,
        .actor_kind = KIND_HOST_USER,
        .target = item->file,
        .target_kind = KIND_FILE,
        .service = str_from(h->program),
        .text = secret ? buf_str(&h->masked) : item->text,
        .flags =
            (secret ? EVENT_SECRET : 0) | (item->joined ? EVENT_CONTINUED : 0),
    };
    identify_text(r.text, mention, &h->refs);
    r.refs = h->refs.v;
    r.n_refs = h->refs.n;
    if (h->refs.cut)
        r.flags |= EVENT_REFS_CUT;
    int rc = h->masked.failed ? ERR_INTERNAL : sink_record(h->job->sink, &r);
    h->refs.n = 0;
    h->refs.cut = false;
    h->given++;
    return rc;
}

/* ---- commands of one or more lines --------------------------------------- */

static void begin(struct history *h, struct history_item *item, struct str s)
{
    buf_clear(&h->text);
    buf_put(&h->text, s);
    item->off = h->line.off;
    item->end = h->line.off + h->line.text.n;
    item->joined = h->line.part;
}

static void more(struct history *h, struct history_item *item, struct str s,
                 bool line_break)
{
    if (h->text.n < COMMAND_MAX) {
        if (line_break)
            buf_putc(&h->text, '\n');
        buf_put(&h->text, s);
    }
    item->end = h->line.off + h->line.text.n;
    item->joined = true;
}

static int give_text(struct history *h, struct history_item *item)
{
    item->text = buf_str(&h->text);
    return h->text.failed ? ERR_INTERNAL : history_give(h, item);
}

/* `#1700000000`, of csh `#+1700000000`. */
static bool is_stamp(struct str s, int64_t *t)
{
    if (s.n < 2 || s.p[0] != '#')
        return false;
    s = str_sub(s, s.p[1] == '+' ? 2 : 1, s.n);
    return history_time(s, t);
}

/* A stamp is in front of its command, which goes on to the next stamp. */
static int read_stamped(struct history *h)
{
    struct history_item item = { 0 };
    bool open = false;
    int rc;
    int64_t t = 0;
    while ((rc = lines_next(&h->l, &h->line)) == 0) {
        struct str s = h->line.text;
        bool stamp = !h->line.rest && is_stamp(s, &t);
        if (open && (stamp || (!item.timed && !h->line.rest))) {
            if ((rc = give_text(h, &item)))
                return rc;
            open = false;
            item.timed &= stamp;
        }
        if (stamp) {
            item.timed = true;
            item.time = t;
        } else if (open) {
            more(h, &item, s, !h->line.rest);
        } else if (s.n) {
            begin(h, &item, s);
            open = true;
        }
    }
    if (open && rc == LINES_END) {
        int gave = give_text(h, &item);
        rc = gave ? gave : rc;
    }
    return rc;
}

/* ---- zsh ----------------------------------------------------------------- */

/* Bytes that are special to zsh are written as 0x83 and the byte with bit 5
 * changed (Src/utils.c, unmetafy). */
static struct str unmetafied(struct history *h, struct str s)
{
    if (s.n == 0 || !memchr(s.p, 0x83, s.n))
        return s;
    char *p = arena_alloc(h->job->arena, s.n);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        bool meta = (unsigned char)s.p[i] == 0x83 && i + 1 < s.n;
        i += meta;
        p[n++] = (char)(s.p[i] ^ (meta ? 0x20 : 0));
    }
    return (struct str){ p, n };
}

/* `: START:SECONDS;COMMAND` */
static bool is_extended(struct str s, int64_t *t, struct str *command)
{
    if (!str_starts(s, STR(": ")))
        return false;
    const char *semi = memchr(s.p, ';', s.n < 40 ? s.n : 40);
    const char *colon =
        semi ? memchr(s.p + 2, ':', (size_t)(semi - s.p) - 2) : NULL;
    uint64_t seconds;
    if (!colon ||
        !str_u64((struct str){ colon + 1, (size_t)(semi - colon) - 1 },
                 &seconds))
        return false;
    size_t n = (size_t)(semi - s.p) + 1;
    if (!history_time(
            str_trim((struct str){ s.p + 2, (size_t)(colon - s.p) - 2 }), t))
        return false;
    *command = str_sub(s, n, s.n);
    return true;
}

/* A line break within a command is written after a backslash. */
static bool goes_on(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[s.n - 1 - n] == '\\')
        n++;
    return n != 0;
}

static int read_zsh(struct history *h)
{
    struct history_item item = { 0 };
    bool open = false;
    int rc;
    while ((rc = lines_next(&h->l, &h->line)) == 0) {
        arena_reset(h->job->arena);
        struct str s = h->line.text, command = s;
        bool on = goes_on(s) || h->line.part;
        if (!open) {
            item.timed = is_extended(s, &item.time, &command);
            if (command.n == 0 && !item.timed)
                continue;
        }
        if (goes_on(command))
            command.n--;
        command = unmetafied(h, command);
        if (open)
            more(h, &item, command, !h->line.rest);
        else
            begin(h, &item, command);
        open = on;
        if (!on && (rc = give_text(h, &item)))
            return rc;
    }
    if (open && rc == LINES_END) {
        int gave = give_text(h, &item);
        rc = gave ? gave : rc;
    }
    return rc;
}

/* ---- fish ---------------------------------------------------------------- */

/* A backslash and a line break are escaped, all else is as typed. */
static void fish_text(struct history *h, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char next = i + 1 < s.n ? s.p[i + 1] : 0;
        bool escape = s.p[i] == '\\' && (next == 'n' || next == '\\');
        i += escape;
        buf_putc(&h->text, escape && next == 'n' ? '\n' : s.p[i]);
    }
}

static struct str fish_value(struct str s, const char *key)
{
    struct str k = str_from(key);
    return str_starts(s, k) ? str_trim(str_sub(s, k.n, s.n)) : STR_NONE;
}

static int fish_line(struct history *h, struct history_item *item, bool *open)
{
    struct str s = h->line.text, v;
    int rc = 0;
    if (h->line.rest || (!*open && !str_starts(s, STR("- cmd:"))))
        return s.n == 0
                   ? 0
                   : sink_reject(h->job->sink, h->line.off, s.n, "fish-syntax",
                                 "a line that belongs to no command");
    if (str_starts(s, STR("- cmd:"))) {
        rc = *open ? give_text(h, item) : 0;
        *item = (struct history_item){ .off = h->line.off };
        arena_reset(h->job->arena);
        buf_clear(&h->text);
        fish_text(h, fish_value(s, "- cmd:"));
        *open = true;
    } else if ((v = fish_value(s, "  when:")).n) {
        item->timed = history_time(v, &item->time);
    } else if ((v = fish_value(s, "    - ")).n) {
        refs_add(&h->refs, KIND_FILE, ROLE_MENTIONED,
                 arena_copy(h->job->arena, v));
    }
    item->end = h->line.off + s.n;
    return rc;
}

static int read_fish(struct history *h)
{
    struct history_item item = { 0 };
    bool open = false;
    int rc;
    while ((rc = lines_next(&h->l, &h->line)) == 0)
        if ((rc = fish_line(h, &item, &open)))
            return rc;
    if (open && rc == LINES_END) {
        int gave = give_text(h, &item);
        rc = gave ? gave : rc;
    }
    return rc;
}

/* ---- libedit ------------------------------------------------------------- */

static const char libedit[] = "_HiStOrY_V2_";

/* Blanks, breaks and bytes that are no letters are \OOO (vis(3)). */
static struct str unvis(struct history *h, struct str s)
{
    char *p = arena_alloc(h->job->arena, s.n + 1);
    size_t n = 0;
    for (size_t i = 0; p && i < s.n; i++) {
        unsigned v = 0, k = 0;
        while (s.p[i] == '\\' && k < 3 && i + 1 + k < s.n &&
               s.p[i + 1 + k] >= '0' && s.p[i + 1 + k] <= '7')
            v = v * 8 + (unsigned)(s.p[i + 1 + k++] - '0');
        if (s.p[i] == '\\' && k == 0 && i + 1 < s.n && s.p[i + 1] == '\\')
            i++;
        p[n++] = k == 3 ? (char)v : s.p[i];
        i += k == 3 ? 3 : 0;
    }
    return (struct str){ p, n };
}

static int read_libedit(struct history *h)
{
    int rc;
    while ((rc = lines_next(&h->l, &h->line)) == 0) {
        arena_reset(h->job->arena);
        struct history_item item = { .off = h->line.off,
                                     .end = h->line.off + h->line.text.n };
        item.text = unvis(h, h->line.text);
        if (item.text.n == 0 || str_eq(h->line.text, STR("_HiStOrY_V2_")))
            continue;
        if ((rc = history_give(h, &item)))
            return rc;
    }
    return rc;
}

/* ---- which --------------------------------------------------------------- */

enum history_kind { STAMPED, ZSH, FISH, VIM, LESS, LIBEDIT };

static const struct {
    const char *name; /* end of the file's name */
    const char *program;
    uint8_t kind;
} names[] = {
    { "bash_history", "bash", STAMPED },
    { "sh_history", "sh", STAMPED }, /* also zsh's: see below */
    { "zhistory", "zsh", ZSH },
    { ".histfile", "zsh", ZSH },
    { "fish_history", "fish", FISH },
    { "python_history", "python", STAMPED },
    { "mysql_history", "mysql", STAMPED },
    { "mariadb_history", "mariadb", STAMPED },
    { "psql_history", "psql", STAMPED },
    { "sqlite_history", "sqlite", STAMPED },
    { "node_repl_history", "node", STAMPED },
    { "rediscli_history", "redis-cli", STAMPED },
    { "irb_history", "irb", STAMPED },
    { "mongo_history", "mongo", STAMPED },
    { "dbshell", "mongo", STAMPED },
    { "lesshst", "less", LESS },
    { "viminfo", "vim", VIM },
    { ".history", "csh", STAMPED },
    { "zsh_extended_history", "zsh", ZSH },
};

enum { SH = 1, NONE = sizeof(names) / sizeof(*names) };

/* Copies: .bash_history-01234.tmp (as bash writes them), .bak, .1, ~ */
static bool is_copy_suffix(struct str s)
{
    static const char *const ends[] = { ".bak",  ".old", ".orig",
                                        ".save", ".tmp", ".txt" };
    uint64_t number;
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_eq(s, str_from(ends[i])))
            return true;
    return s.n && (strchr("-_~", s.p[0]) ||
                   (s.p[0] == '.' && str_u64(str_sub(s, 1, s.n), &number)));
}

/* The name of a history at the end of the file's, or of a copy's: its place in
 * the table; *end: without what makes it a copy. */
static size_t by_name(struct str path, struct str *stem)
{
    struct str base = path_base(path);
    for (size_t i = 0; i < NONE; i++) {
        struct str name = str_from(names[i].name);
        size_t at = str_find(base, name);
        if (at == SIZE_MAX)
            continue;
        *stem = str_sub(base, 0, at + name.n);
        struct str suffix = str_sub(base, at + name.n, base.n);
        char before = at ? base.p[at - 1] : '.';
        if ((suffix.n == 0 || is_copy_suffix(suffix)) &&
            (strchr(i == SH ? "._-zka" : "._-", before) || name.p[0] == '.'))
            return i;
    }
    return NONE;
}

static const char *program_of(struct str path, uint8_t *kind)
{
    struct str base = STR("");
    size_t i = by_name(path, &base);
    *kind = i < NONE ? names[i].kind : STAMPED;
    if (i != SH)
        return i < NONE ? names[i].program : "";
    if (str_ends(base, STR("zsh_history"))) {
        *kind = ZSH;
        return "zsh";
    }
    return str_ends(base, STR("ash_history"))   ? "ash"
           : str_ends(base, STR("ksh_history")) ? "ksh"
                                                : "sh";
}

static bool is_vim(struct str s)
{
    return str_starts(s, STR("# This viminfo file was generated"));
}

static bool is_fish(struct str s)
{
    const char *lf =
        str_starts(s, STR("- cmd:")) ? memchr(s.p, '\n', s.n) : NULL;
    return lf &&
           str_starts(str_sub(s, (size_t)(lf - s.p) + 1, s.n), STR("  when: "));
}

/* What the beginning says, for files of any name. */
static bool by_content(struct str s, uint8_t *kind, const char **program)
{
    struct str command;
    int64_t t;
    const char *lf = s.n ? memchr(s.p, '\n', s.n) : NULL;
    struct str first = str_sub(s, 0, lf ? (size_t)(lf - s.p) : s.n);
    *kind = is_vim(s)                                    ? VIM
            : is_fish(s)                                 ? FISH
            : str_starts(s, STR(".less-history-file:"))  ? LESS
            : str_starts(s, (struct str){ libedit, 12 }) ? LIBEDIT
            : is_extended(first, &t, &command)           ? ZSH
                                                         : STAMPED;
    static const char *const programs[] = { "bash", "zsh",  "fish",
                                            "vim",  "less", "libedit" };
    *program = programs[*kind];
    return *kind != STAMPED || (lf && is_stamp(first, &t));
}

/* ---- descriptor ---------------------------------------------------------- */

static int read_kind(struct history *h, uint8_t kind)
{
    switch (kind) {
    case ZSH:
        return read_zsh(h);
    case FISH:
        return read_fish(h);
    case VIM:
        return history_vim(h);
    case LESS:
        return history_less(h);
    case LIBEDIT:
        return read_libedit(h);
    default:
        return read_stamped(h);
    }
}

/* Nobody works without leaving a line. */
static int say_empty(struct history *h)
{
    bool owned = h->owner.n != 0;
    return sink_issue(h->job->sink, ISSUE_NOTE, 0, 0, "history-empty",
                      "a history of %s%s%.*s without a command: never written, "
                      "emptied, or turned off",
                      h->program, owned ? " of " : "", owned ? 64 : 0,
                      owned ? text_line(h->owner) : "");
}

static int import(struct import_job *job, struct err *err)
{
    struct history h = { .job = job, .owner = home_owner(job->name) };
    uint8_t kind, found;
    const char *program;
    if (window_fill(job->in, 4096))
        return err_set(err, ERR_INTERNAL, "out of memory");
    struct str head =
        window_text(str_sub((struct str){ job->in->p, job->in->n }, 0, 4096));
    h.program = program_of(job->name, &kind);
    if (by_content(head, &found, &program) || h.program[0] == 0) {
        /* mysql and psql built with libedit keep their names */
        if (h.program[0] == 0 || (found != LIBEDIT && found != STAMPED))
            h.program = program;
        kind = found;
    }
    lines_open(&h.l, job);
    int rc = lines_end(&h.l, read_kind(&h, kind));
    if (rc == 0 && h.given == 0)
        rc = say_empty(&h);
    buf_free(&h.text);
    buf_free(&h.masked);
    return rc ? err_set(err, ERR_STOPPED, "stopped") : 0;
}

/* Text: no control characters but those of lines; zsh's and other bytes from
 * 0x80 on may be. */
static bool is_text(struct str s)
{
    size_t odd = 0, n = s.n < 4096 ? s.n : 4096;
    for (size_t i = 0; i < n; i++)
        odd +=
            (unsigned char)s.p[i] < 0x20 && !strchr("\t\n\r\033\b\f", s.p[i]);
    return odd * 20 <= n;
}

static int probe(struct probe *p)
{
    struct str head = window_text(p->head);
    uint8_t kind;
    const char *program;
    struct str stem;
    size_t i = by_name(p->path, &stem);
    bool sure = by_content(head, &kind, &program);
    if (sure && kind == STAMPED && i == NONE) {
        p->reason = "#SECONDS before a line, as histories of bash have it";
        return 70;
    }
    if (sure) {
        p->reason = "begins as such a history does";
        return kind == VIM || kind == LESS || kind == LIBEDIT ? 96 : 88;
    }
    p->reason = "text in a file that is named like a history";
    return i < NONE && is_text(head) ? 82 : 0;
}

static const char *const paths[] = {
    ".*_history", ".zhistory", ".histfile",    ".history", ".lesshst",
    ".viminfo",   ".dbshell",  "fish_history", NULL,
};

const struct importer importers_history = {
    .name = "shell-history",
    .title = "Histories of shells and the like",
    .reads = "bash, zsh, fish, ash, csh, python, mysql, psql, sqlite, node, "
             "less, vim",
    .paths = paths,
    .probe = probe,
    .import = import,
};
