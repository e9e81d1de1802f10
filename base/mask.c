/*
 * One pass over the bytes. Characters that can stand before or in a secret
 * (`=`, `:`, `-`, `$`, first letters of known tokens) lead to a rule; a rule
 * that finds one gives its span and the pass goes on behind it. Looks back are
 * bounded, so that the pass is linear.
 */
#include "base/mask.h"

#include <stdlib.h>

enum {
    BACK = 256,      /* bytes looked back for a command or a name */
    AWS_SECRET = 40, /* characters of a secret access key */
};

struct span {
    size_t from, to;
};

struct masker {
    struct str s;
    struct buf spans; /* struct span */
    struct buf runs;  /* struct span: perhaps secret access keys */
    size_t run;       /* start of the run of base64 characters */
    bool aws;         /* something says that such keys are near */
};

/* ---- characters ---------------------------------------------------------- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == 0;
}

static bool is_name(char c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '.';
}

static bool is_token(char c)
{
    return is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '~' ||
           c == '+' || c == '/' || c == '=' || c == '%';
}

static bool is_base64(char c)
{
    return is_alnum(c) || c == '+' || c == '/';
}

static char at(const struct masker *m, size_t i)
{
    return i < m->s.n ? m->s.p[i] : ' ';
}

static size_t run_of(struct str s, size_t from, bool (*is)(char))
{
    size_t to = from;
    while (to < s.n && is(s.p[to]))
        to++;
    return to;
}

/* ---- names --------------------------------------------------------------- */

/* Most names of a log are none of a secret: each word has a letter that few
 * names have. */
static const struct {
    struct str word;
    char letter;
} telling[] = {
#define WORD(word, letter)                                                     \
    {                                                                          \
        { word, sizeof(word) - 1 }, letter                                     \
    }
    WORD("password", 'w'),       WORD("passwd", 'w'),
    WORD("passphrase", 'h'),     WORD("secret", 'c'),
    WORD("token", 'k'),          WORD("api_key", 'k'),
    WORD("apikey", 'k'),         WORD("api-key", 'k'),
    WORD("access_key", 'k'),     WORD("private_key", 'v'),
    WORD("privatekey", 'v'),     WORD("private-key", 'v'),
    WORD("authorization", 'z'),  WORD("account_key", 'k'),
    WORD("accountkey", 'k'),     WORD("auth_key", 'k'),
    WORD("encryption_key", 'k'), WORD("accesskey", 'k'),
    WORD("signature", 'g'),      WORD("mysql_pwd", 'q'),
    WORD("key-data", 'k'),       WORD("key_data", 'k'),
#undef WORD
};

static uint32_t letter_bit(char c)
{
    unsigned n = (unsigned)(unsigned char)(c | 0x20) - 'a';
    return n < 26 ? 1u << n : 0;
}

static bool has_telling(struct str name)
{
    uint32_t letters = 0;
    for (size_t i = 0; i < name.n; i++)
        letters |= letter_bit(name.p[i]);
    for (size_t i = 0; i < sizeof(telling) / sizeof(*telling); i++)
        if (letters & letter_bit(telling[i].letter) &&
            str_ifind(name, telling[i].word) != SIZE_MAX)
            return true;
    return false;
}

static bool ends_otherwise(struct str name)
{
    static const char *const ends[] = {
        "id",   "_file", "-file", "path", "_url", "-url",  "type",
        "name", "_dir",  "-dir",  "ttl",  "age",  "count", "expiration",
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
        size_t n = strlen(ends[i]);
        if (n <= name.n &&
            str_ieq(str_sub(name, name.n - n, n), str_from(ends[i])))
            return true;
    }
    return false;
}

bool mask_name(struct str name)
{
    if (name.n < 3 || name.n > 64)
        return false;
    if (has_telling(name))
        return !ends_otherwise(name);
    size_t at = name.n;
    while (at && name.p[at - 1] != '_' && name.p[at - 1] != '-' &&
           name.p[at - 1] != '.')
        at--;
    struct str last = str_sub(name, at, name.n);
    return str_ieq(last, STR("pass")) || str_ieq(last, STR("pwd")) ||
           str_ieq(last, STR("pw"));
}

/* The name that ends before i: blanks and one quote may lie between. */
static struct str name_before(const struct masker *m, size_t i)
{
    size_t low = i > BACK ? i - BACK : 0;
    while (i > low && (m->s.p[i - 1] == ' ' || m->s.p[i - 1] == '\t'))
        i--;
    if (i > low && m->s.p[i - 1] == '\\')
        i--;
    if (i > low && (m->s.p[i - 1] == '"' || m->s.p[i - 1] == '\''))
        i--;
    if (i > low && m->s.p[i - 1] == '\\')
        i--;
    size_t end = i;
    while (i > low && is_name(m->s.p[i - 1]))
        i--;
    return str_sub(m->s, i, end - i);
}

/* ---- values -------------------------------------------------------------- */

static void add(struct buf *spans, size_t from, size_t to)
{
    struct span span = { from, to };
    if (to > from)
        buf_put(spans, (struct str){ (const char *)&span, sizeof(span) });
}

/* `$NAME`, `${NAME}`, `$(..)` and `<NAME>` stand for a secret and are none. A
 * crypted one ($6$..) is. */
static bool is_reference(struct str v)
{
    if ((v.n >= 2 && v.p[0] == '<') || str_starts(v, STR("[masked")))
        return true;
    if (v.n < 2 || v.p[0] != '$')
        return v.n && v.p[0] == '`';
    char c = v.p[1];
    if (v.n > 3 && memchr(v.p + 2, '$', v.n < 6 ? v.n - 2 : 4))
        return false;
    return is_alnum(c) || c == '{' || c == '(' || c == '_' || c == '@';
}

/* Words that say something about a secret, as settings and logs do. */
static bool is_word_value(struct str v, bool colon)
{
    static const char *const words[] = {
        "true", "false", "yes",   "no",       "none",  "null",     "on",
        "off",  "0",     "1",     "optional", "never", "ask",      "default",
        "file", "env",   "stdin", "prompt",   "nil",   "required",
    };
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
        if (str_ieq(v, str_from(words[i])))
            return true;
    size_t i = 0;
    while (colon && i < v.n && v.p[i] >= 'a' && v.p[i] <= 'z')
        i++;
    return colon && i == v.n;
}

static bool ends_value(char c)
{
    return is_blank(c) || c == '&' || c == ';' || c == ',' || c == '|' ||
           c == '"' || c == '\'' || c == '>' || c == ')' || c == '}' ||
           c == ']';
}

/* The value at i, which may be in quotes (also in escaped ones): its span;
 * the place behind it. */
static size_t value_at(const struct masker *m, size_t i, struct span *v)
{
    size_t escapes = 0;
    while (escapes < 3 && at(m, i + escapes) == '\\')
        escapes++;
    char quote = at(m, i + escapes);
    if (quote == '"' || quote == '\'') {
        i += escapes + 1;
        v->from = i;
        while (i < m->s.n && m->s.p[i] != quote)
            i += m->s.p[i] == '\\' && escapes == 0 ? 2 : 1;
        if (i > m->s.n)
            i = m->s.n;
        v->to = i;
        while (escapes-- && v->to > v->from && m->s.p[v->to - 1] == '\\')
            v->to--;
        return i;
    }
    v->from = i;
    while (i < m->s.n && !ends_value(m->s.p[i]))
        i += m->s.p[i] == '\\' ? 2 : 1;
    v->to = i < m->s.n ? i : m->s.n;
    return v->to;
}

/* A scheme before the credential: "Bearer x", "Basic x", "token x". */
static size_t skip_scheme(const struct masker *m, struct span *v)
{
    size_t word = run_of(m->s, v->from, is_alnum);
    size_t i = word;
    while (i < m->s.n && (m->s.p[i] == ' ' || m->s.p[i] == '\t'))
        i++;
    if (i == word || i >= m->s.n)
        return v->to;
    v->from = i;
    i = run_of(m->s, i, is_token);
    if (i > v->to || v->to <= v->from)
        v->to = i;
    return v->to;
}

/* NAME=VALUE, "NAME": "VALUE", NAME: VALUE; i is the = or the colon. */
static size_t assigned(struct masker *m, size_t i)
{
    bool colon = m->s.p[i] == ':';
    struct str name = name_before(m, i);
    while (name.n && name.p[0] == '-')
        name = str_sub(name, 1, name.n);
    if (!mask_name(name))
        return i + 1;
    m->aws |= str_ifind(name, STR("secret")) != SIZE_MAX;
    size_t from = i + 1;
    while (from < m->s.n && (m->s.p[from] == ' ' || m->s.p[from] == '\t' ||
                             (colon && m->s.p[from] == '=')))
        from++;
    struct span v = { from, from };
    size_t next = value_at(m, from, &v);
    if (str_ifind(name, STR("authorization")) != SIZE_MAX)
        next = skip_scheme(m, &v);
    struct str value = str_sub(m->s, v.from, v.to - v.from);
    if (value.n == 0 || is_reference(value) || is_word_value(value, colon))
        return next > i ? next : i + 1;
    add(&m->spans, v.from, v.to);
    return next;
}

/* --NAME VALUE, and "NAME VALUE" of `aws configure set NAME VALUE`. */
static size_t long_option(struct masker *m, size_t i)
{
    size_t from = i;
    while (at(m, from) == '-')
        from++;
    size_t end = run_of(m->s, from, is_name);
    struct str name = str_sub(m->s, from, end - from);
    if ((at(m, end) != ' ' && at(m, end) != '\t') || end >= m->s.n ||
        !mask_name(name))
        return i + 1; /* --NAME=VALUE comes at its = */
    struct span v;
    size_t next = value_at(m, end + 1, &v);
    struct str value = str_sub(m->s, v.from, v.to - v.from);
    if (value.n == 0 || value.p[0] == '-' || is_reference(value) ||
        is_word_value(value, false))
        return end;
    m->aws |= str_ifind(name, STR("secret")) != SIZE_MAX;
    add(&m->spans, v.from, v.to);
    return next;
}

/* ---- options of known commands ------------------------------------------- */

enum form { ATTACHED = 1, SEPARATE = 2, AFTER_COLON = 4, AFTER_PERCENT = 8 };

static const struct {
    const char *command;
    char option;
    uint8_t form;
} options[] = {
    { "mysql", 'p', ATTACHED },
    { "mysqldump", 'p', ATTACHED },
    { "mysqladmin", 'p', ATTACHED },
    { "mariadb", 'p', ATTACHED },
    { "mariadb-dump", 'p', ATTACHED },
    { "sshpass", 'p', ATTACHED | SEPARATE },
    { "mongo", 'p', ATTACHED | SEPARATE },
    { "mongosh", 'p', SEPARATE },
    { "mongodump", 'p', SEPARATE },
    { "login", 'p', SEPARATE }, /* docker, podman, az login */
    { "7z", 'p', ATTACHED },
    { "7za", 'p', ATTACHED },
    { "unrar", 'p', ATTACHED },
    { "rar", 'p', ATTACHED },
    { "zip", 'P', ATTACHED | SEPARATE },
    { "unzip", 'P', ATTACHED | SEPARATE },
    { "sqlcmd", 'P', ATTACHED | SEPARATE },
    { "ipmitool", 'P', SEPARATE },
    { "mosquitto_pub", 'P', SEPARATE },
    { "redis-cli", 'a', SEPARATE },
    { "ldapsearch", 'w', ATTACHED | SEPARATE },
    { "ldapmodify", 'w', ATTACHED | SEPARATE },
    { "ldapadd", 'w', ATTACHED | SEPARATE },
    { "usermod", 'p', SEPARATE },
    { "useradd", 'p', SEPARATE },
    { "curl", 'u', ATTACHED | SEPARATE | AFTER_COLON },
    { "curl", 'U', ATTACHED | SEPARATE | AFTER_COLON },
    { "smbclient", 'U', ATTACHED | SEPARATE | AFTER_PERCENT },
    { "rpcclient", 'U', ATTACHED | SEPARATE | AFTER_PERCENT },
    { "xfreerdp", 'p', SEPARATE },
    { "rdesktop", 'p', SEPARATE },
};

/* Does the simple command in front of i run `command`? */
static bool command_before(const struct masker *m, size_t i,
                           const char *command)
{
    size_t low = i > BACK ? i - BACK : 0, from = i;
    while (from > low &&
           !strchr("|;&\n(`", m->s.p[from - 1] ? m->s.p[from - 1] : 'x'))
        from--;
    struct str part = str_sub(m->s, from, i - from), name = str_from(command);
    for (size_t w = 0; w < part.n;) {
        while (w < part.n && is_blank(part.p[w]))
            w++;
        size_t start = w;
        while (w < part.n && !is_blank(part.p[w])) {
            if (part.p[w] == '/')
                start = w + 1;
            w++;
        }
        if (str_eq(str_sub(part, start, w - start), name))
            return true;
    }
    return false;
}

static size_t short_option(struct masker *m, size_t i)
{
    char letter = at(m, i + 1);
    for (size_t k = 0; k < sizeof(options) / sizeof(*options); k++) {
        uint8_t form = options[k].form;
        bool attached = !is_blank(at(m, i + 2));
        if (options[k].option != letter || i + 2 >= m->s.n ||
            !(form & (attached ? ATTACHED : SEPARATE)) ||
            !command_before(m, i, options[k].command))
            continue;
        size_t from = i + 2;
        while (from < m->s.n && (m->s.p[from] == ' ' || m->s.p[from] == '\t'))
            from++;
        struct span v;
        size_t next = value_at(m, from, &v);
        struct str value = str_sub(m->s, v.from, v.to - v.from);
        if (form & (AFTER_COLON | AFTER_PERCENT)) {
            char mark = form & AFTER_COLON ? ':' : '%';
            const char *sep = value.n ? memchr(value.p, mark, value.n) : NULL;
            if (!sep)
                return i + 1;
            v.from += (size_t)(sep - value.p) + 1;
            value = str_sub(m->s, v.from, v.to - v.from);
        }
        if (value.n == 0 || is_reference(value) ||
            (!attached && value.p[0] == '-'))
            return i + 1;
        add(&m->spans, v.from, v.to);
        return next;
    }
    return i + 1;
}

/* -----BEGIN X PRIVATE KEY----- up to its end, or that of the text. */
static size_t private_key(struct masker *m, size_t i)
{
    struct str rest = str_sub(m->s, i, 64);
    size_t end = str_find(rest, STR("PRIVATE KEY"));
    if (!str_starts(rest, STR("-----BEGIN ")) || end == SIZE_MAX)
        return i + 1;
    size_t from = i + end + strlen("PRIVATE KEY");
    while (from < m->s.n && m->s.p[from] != '-' && !is_blank(m->s.p[from]))
        from++;
    while (at(m, from) == '-')
        from++;
    size_t to = str_find(str_sub(m->s, from, m->s.n), STR("-----END"));
    to = to == SIZE_MAX ? m->s.n : from + to;
    add(&m->spans, from, to);
    return to > i ? to : i + 1;
}

static size_t dash(struct masker *m, size_t i)
{
    bool starts = i == 0 || is_blank(m->s.p[i - 1]) || m->s.p[i - 1] == '"' ||
                  m->s.p[i - 1] == '\'';
    if (at(m, i + 1) == '-' && at(m, i + 2) == '-')
        return private_key(m, i);
    if (!starts)
        return i + 1;
    if (at(m, i + 1) == '-' || is_alnum(at(m, i + 2))) {
        size_t next = long_option(m, i);
        if (next > i + 1)
            return next;
    }
    return at(m, i + 1) == '-' ? i + 2 : short_option(m, i);
}

/* ---- shapes -------------------------------------------------------------- */

/* scheme://user:password@host; i is the colon. */
static size_t url(struct masker *m, size_t i)
{
    size_t from = i + 3, to = from, colon = 0, sign = 0;
    for (; to < m->s.n && to - from < 512; to++) {
        char c = m->s.p[to];
        if (is_blank(c) || c == '/' || c == '"' || c == '\'' || c == '?' ||
            c == '#')
            break;
        if (c == ':' && !colon)
            colon = to;
        if (c == '@')
            sign = to;
    }
    if (!colon || sign <= colon + 1 ||
        is_reference(str_sub(m->s, colon + 1, sign - colon - 1)))
        return from < m->s.n ? from : m->s.n;
    add(&m->spans, colon + 1, sign);
    return sign;
}

/* $6$salt$hash and its like. */
static size_t crypted(struct masker *m, size_t i)
{
    size_t id = run_of(m->s, i + 1, is_alnum);
    if (id == i + 1 || id > i + 4 || at(m, id) != '$')
        return i + 1;
    size_t to = id;
    while (to < m->s.n &&
           (is_alnum(m->s.p[to]) || m->s.p[to] == '$' || m->s.p[to] == '.' ||
            m->s.p[to] == '/' || m->s.p[to] == '=' || m->s.p[to] == ','))
        to++;
    if (to - id < 20)
        return i + 1;
    add(&m->spans, id + 1, to);
    return to;
}

static const struct {
    const char *prefix;
    uint8_t keep, least; /* bytes of the prefix shown; length at least */
} tokens[] = {
    { "ghp_", 4, 30 },          { "gho_", 4, 30 },
    { "ghu_", 4, 30 },          { "ghs_", 4, 30 },
    { "ghr_", 4, 30 },          { "github_pat_", 11, 30 },
    { "glpat-", 6, 20 },        { "xoxb-", 5, 20 },
    { "xoxp-", 5, 20 },         { "xoxa-", 5, 20 },
    { "xoxr-", 5, 20 },         { "xoxs-", 5, 20 },
    { "sk_live_", 8, 20 },      { "rk_live_", 8, 20 },
    { "npm_", 4, 30 },          { "hvs.", 4, 20 },
    { "dop_v1_", 7, 40 },       { "AIza", 4, 39 },
    { "IQoJ", 4, 100 },         { "FwoGZXIvYXdz", 4, 100 },
    { "FQoGZXIvYXdz", 4, 100 }, { "eyJ", 3, 40 },
};

/* A known kind of token at the beginning of a word. */
static size_t token(struct masker *m, size_t i)
{
    struct str rest = str_sub(m->s, i, m->s.n - i);
    if (i && is_alnum(m->s.p[i - 1]))
        return i + 1;
    if (rest.n >= 20 &&
        (str_starts(rest, STR("AKIA")) || str_starts(rest, STR("ASIA")))) {
        m->aws = true;
        return i + 1;
    }
    if (rest.n > 10 && (rest.p[0] | 0x20) == 'b' &&
        str_ieq(str_sub(rest, 0, 7), STR("bearer "))) {
        size_t to = run_of(m->s, i + 7, is_token);
        if (to - i - 7 < 16)
            return i + 1;
        add(&m->spans, i + 7, to);
        return to;
    }
    for (size_t k = 0; k < sizeof(tokens) / sizeof(*tokens); k++) {
        if (rest.n == 0 || tokens[k].prefix[0] != rest.p[0])
            continue; /* most words: log lines pass here by the million */
        struct str prefix = str_from(tokens[k].prefix);
        if (!str_starts(rest, prefix))
            continue;
        size_t to = run_of(m->s, i, is_token);
        bool jwt = prefix.p[0] == 'e';
        if (to - i < tokens[k].least || (jwt && !memchr(rest.p, '.', to - i)))
            return i + 1;
        add(&m->spans, i + tokens[k].keep, to);
        return to;
    }
    return i + 1;
}

/* ---- secret access keys that stand alone --------------------------------- */

static bool is_mixed(struct str s)
{
    bool upper = false, lower = false, digit = false;
    for (size_t i = 0; i < s.n; i++) {
        upper |= s.p[i] >= 'A' && s.p[i] <= 'Z';
        lower |= s.p[i] >= 'a' && s.p[i] <= 'z';
        digit |= s.p[i] >= '0' && s.p[i] <= '9';
    }
    return upper && lower && digit;
}

/* `end` ends a run of base64 characters; also where 40 of them follow a name
 * and a `/` is part of the key, not of a path. */
static void end_run(struct masker *m, size_t end)
{
    if (end - m->run == AWS_SECRET &&
        is_mixed(str_sub(m->s, m->run, AWS_SECRET)))
        add(&m->runs, m->run, end);
}

/* ---- the pass ------------------------------------------------------------ */

enum { PASS, EQUALS, COLON, DASH, DOLLAR, LETTER, BREAK };

static const uint8_t trigger[256] = {
    ['='] = EQUALS, [':'] = COLON,  ['-'] = DASH,   ['$'] = DOLLAR,
    ['g'] = LETTER, ['x'] = LETTER, ['s'] = LETTER, ['r'] = LETTER,
    ['n'] = LETTER, ['h'] = LETTER, ['d'] = LETTER, ['A'] = LETTER,
    ['I'] = LETTER, ['F'] = LETTER, ['e'] = LETTER, ['B'] = LETTER,
    ['b'] = LETTER, [' '] = BREAK,  ['\t'] = BREAK, ['\n'] = BREAK,
    ['"'] = BREAK,  ['\''] = BREAK, [','] = BREAK,  [';'] = BREAK,
};

/* `aws configure set aws_secret_access_key VALUE`: a telling name as a word of
 * its own with the value behind it. Only this name is so used. */
static size_t aws_word(struct masker *m, size_t i)
{
    static const char *const names[] = { "aws_secret_access_key ",
                                         "aws_session_token " };
    for (size_t k = 0; k < 2; k++) {
        struct str name = str_from(names[k]);
        if (!str_ieq(str_sub(m->s, i, name.n), name))
            continue;
        struct span v;
        size_t next = value_at(m, i + name.n, &v);
        struct str value = str_sub(m->s, v.from, v.to - v.from);
        if (value.n < 8 || is_reference(value))
            return i + 1;
        add(&m->spans, v.from, v.to);
        return next;
    }
    return i + 1;
}

static size_t rule(struct masker *m, size_t i)
{
    switch (trigger[(unsigned char)m->s.p[i]]) {
    case EQUALS:
        return assigned(m, i);
    case COLON:
        return at(m, i + 1) == '/' && at(m, i + 2) == '/' ? url(m, i)
                                                          : assigned(m, i);
    case DASH:
        return dash(m, i);
    case DOLLAR:
        return crypted(m, i);
    case LETTER:
        if (i && is_alnum(m->s.p[i - 1]))
            return i + 1;
        return token(m, i);
    default:
        return (at(m, i + 1) | 0x20) == 'a' ? aws_word(m, i + 1) : i + 1;
    }
}

static void scan(struct masker *m)
{
    for (size_t i = 0; i < m->s.n;) {
        unsigned t = trigger[(unsigned char)m->s.p[i]];
        if (t == PASS) {
            i++;
            continue;
        }
        size_t next = rule(m, i);
        if (!is_base64(m->s.p[i])) {
            end_run(m, i);
            m->run = i + 1;
        }
        if (next > i + 1) /* what it covered has runs of its own no more */
            m->run = next;
        i = next;
    }
    end_run(m, m->s.n);
}

static int by_start(const void *a, const void *b)
{
    const struct span *x = a, *y = b;
    return x->from < y->from ? -1 : x->from > y->from;
}

static void write_masked(struct masker *m, struct buf *out)
{
    struct span *v = (struct span *)(void *)m->spans.p;
    size_t n = m->spans.n / sizeof(*v), done = 0;
    qsort(v, n, sizeof(*v), by_start);
    for (size_t k = 0; k < n; k++) {
        if (v[k].to <= done)
            continue;
        if (v[k].from >= done) {
            buf_put(out, str_sub(m->s, done, v[k].from - done));
            buf_putz(out, "[masked]");
        }
        done = v[k].to;
    }
    buf_put(out, str_sub(m->s, done, m->s.n - done));
}

bool mask_secrets(struct str s, struct buf *out)
{
    struct masker m = { .s = s };
    scan(&m);
    if (m.runs.n && (m.aws || str_ifind(s, STR("secret")) != SIZE_MAX))
        buf_put(&m.spans, buf_str(&m.runs));
    bool any = m.spans.n != 0;
    if (m.spans.failed || m.runs.failed) /* no memory: nothing is shown */
        buf_putz(out, "[masked]");
    else if (any)
        write_masked(&m, out);
    any |= m.spans.failed || m.runs.failed;
    buf_free(&m.spans);
    buf_free(&m.runs);
    return any;
}
