/* The program on a terminal of ours, with hostile rows: what it sends is
 * taken apart byte by byte; random keys and sizes do not end it; it ends by
 * itself when the terminal goes away. */
#include "tests/tap.h"

#include "base/text.h"
#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

static char case_path[4200];

struct session {
    pid_t pid;
    int fd;
    struct buf out;
};

/* ---- a case with hostile texts ------------------------------------------- */

static const char *const hostile[] = {
    "\\u001b[31mred\\u001b]0;title\\u0007",
    "\\u001b[2J\\u001b[H",
    "a\\rb\\nc\\td",
    "\\u202egnp.exe",
    "\\u0085\\u009b31m",
    "\\u200b\\u200d\\u2060\\ufeff",
    "\\ud83d\\udc68\\u200d\\ud83d\\udc69",
    "\\u304b\\u3099",
    "\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22\\u5b57\\u6f22",
    "e\\u0301\\u0301\\u0301\\u0301\\u0301",
    "\\u05e9\\u05dc\\u05d5\\u05dd",
    "\\u2028\\u2029\\u00ad",
    "\\udb40\\udc41\\ufff9",
    "\\u001bP1;2|x\\u001b\\\\",
    "\\u000e\\u000f",
    "\xff\xfe\xc0\x80",
};
enum { HOSTILE = sizeof(hostile) / sizeof(hostile[0]) };

static void write_records(const char *path)
{
    FILE *f = fopen(path, "w");
    ck_assert_ptr_nonnull(f);
    fputs("{\"Records\":[", f);
    for (int i = 0; i < 400; i++) {
        const char *h = hostile[i % HOSTILE];
        fprintf(f,
                "%s{\"eventVersion\":\"1.08\",\"userIdentity\":{\"type\":"
                "\"IAMUser\",\"userName\":\"%s\",\"arn\":\"arn:aws:iam::"
                "111122223333:user/%s\",\"accountId\":\"111122223333\"},"
                "\"eventTime\":\"2026-03-11T%02d:%02d:00Z\",\"eventSource\":"
                "\"s3.amazonaws.com\",\"eventName\":\"Get%s\",\"awsRegion\":"
                "\"us-east-1\",\"sourceIPAddress\":\"%s\",\"userAgent\":\"%s\","
                "\"requestParameters\":{\"bucketName\":\"%s\"},\"eventID\":"
                "\"00000000-0000-4000-8000-%012d\",\"eventType\":"
                "\"AwsApiCall\"}\n",
                i ? "," : "", h, h, i / 60, i % 60, i % 3 ? h : "Object", h, h,
                h, i);
    }
    fputs("]}", f);
    ck_assert_int_eq(fclose(f), 0);
}

static int run(const char *const *args)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        dup2(null, 1);
        dup2(null, 2);
        execv(getenv("KANSHIKI"), (char *const *)(uintptr_t)args);
        _exit(127);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void make_case(void)
{
    char records[4200];
    snprintf(case_path, sizeof(case_path), "%s/case.kan", tap_dir());
    if (access(case_path, F_OK) == 0)
        return;
    snprintf(records, sizeof(records), "%s/\x1b[31mr.json", tap_dir());
    write_records(records);
    const char *const new[] = { "kanshiki", "new", case_path, NULL };
    const char *const import[] = { "kanshiki", "import", case_path, records,
                                   NULL };
    ck_assert_int_eq(run(new), 0);
    int rc = run(import);
    ck_assert(rc == 0 || rc == 2);
}

/* ---- a terminal ---------------------------------------------------------- */

static void start(struct session *s, const char *term, int w, int h)
{
    struct winsize ws = { .ws_row = (unsigned short)h,
                          .ws_col = (unsigned short)w };
    *s = (struct session){ .fd = -1 };
    s->pid = forkpty(&s->fd, NULL, NULL, &ws);
    ck_assert_int_ge(s->pid, 0);
    if (s->pid == 0) {
        setenv("TERM", term, 1);
        setenv("LC_ALL", "C.UTF-8", 1);
        execl(getenv("KANSHIKI"), "kanshiki", "tui", case_path, (char *)NULL);
        _exit(127);
    }
    fcntl(s->fd, F_SETFL, O_NONBLOCK);
}

/* Takes what comes until it is silent for so long; false at the end. */
static bool drain(struct session *s, int silent_ms)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    while (poll(&p, 1, silent_ms) > 0) {
        if (!buf_reserve(&s->out, 1 << 16))
            return false;
        ssize_t n = read(s->fd, s->out.p + s->out.n, 1 << 16);
        if (n <= 0)
            return n < 0 && (errno == EAGAIN || errno == EINTR);
        s->out.n += (size_t)n;
    }
    return true;
}

static void send_keys(struct session *s, const char *keys, size_t n)
{
    ck_assert_int_eq(write(s->fd, keys, n), (ssize_t)n);
}

static void press(struct session *s, const char *keys)
{
    send_keys(s, keys, strlen(keys));
    drain(s, 60);
}

static bool shows(const struct session *s, const char *words)
{
    return str_find(buf_str(&s->out), str_from(words)) != SIZE_MAX;
}

/* Until the words are there. */
static void await(struct session *s, const char *words)
{
    int64_t end = time_mono_ns() + 20000000000;
    while (!shows(s, words) && time_mono_ns() < end)
        if (!drain(s, 20))
            break;
    ck_assert_msg(shows(s, words), "%s did not appear", words);
}

/* Exit status within so many milliseconds, -1 = still there. */
static int ended(struct session *s, int ms)
{
    int status;
    int64_t end = time_mono_ns() + (int64_t)ms * 1000000;
    do {
        if (s->fd >= 0)
            drain(s, 1);
        if (waitpid(s->pid, &status, WNOHANG) == s->pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
        usleep(5000);
    } while (time_mono_ns() < end);
    return -1;
}

static void finish(struct session *s)
{
    if (s->fd >= 0)
        close(s->fd);
    buf_free(&s->out);
}

/* ---- the oracle ---------------------------------------------------------- */

/* Length of the escape sequence at s, 0 when it may not occur. */
static size_t sequence(struct str s)
{
    if (s.n < 2)
        return s.n; /* cut off */
    /* terminfo's own: smcup and rmcup of xterm keep the title */
    if (str_starts(s, STR("\x1b[22;0;0t")) ||
        str_starts(s, STR("\x1b[23;0;0t")))
        return 9;
    /* and the cursor of linux */
    if (str_starts(s, STR("\x1b[?1c")) || str_starts(s, STR("\x1b[?0c")))
        return 5;
    if (s.p[1] == '(' || s.p[1] == ')')
        return s.n < 3 || s.p[2] == 'B' || s.p[2] == '0' ? 3 : 0;
    if (strchr("=>78MDc", s.p[1]))
        return s.p[1] == 'c' ? 0 : 2;
    if (s.p[1] != '[')
        return 0; /* OSC, DCS, APC, PM and all else */
    size_t i = 2;
    while (i < s.n && (unsigned char)s.p[i] >= 0x20 &&
           (unsigned char)s.p[i] <= 0x3f)
        i++;
    if (i == s.n)
        return s.n;
    /* no queries (c n x), no window operations (t), no keyboard (q u) */
    return strchr("ABCDGHJKLMPSTXZ@bdefghlmr", s.p[i]) ? i + 1 : 0;
}

static void check_output(const struct session *s)
{
    struct str all = buf_str(&s->out);
    for (size_t at = 0; at < all.n;) {
        struct str rest = str_sub(all, at, 64);
        unsigned char c = (unsigned char)rest.p[0];
        uint32_t cp = 0;
        size_t n;
        if (c == 0x1b) {
            n = sequence(rest);
            ck_assert_msg(n > 0, "sequence ESC %.8s at %zu", rest.p + 1, at);
        } else if (c < 0x20 || c == 0x7f) {
            n = 1;
            ck_assert_msg(strchr("\r\n\b\t\x0e\x0f", c) != NULL,
                          "control %02x at %zu", c, at);
        } else {
            n = text_utf8(str_sub(rest, 0, 4), &cp);
            if (n == 0 && all.n - at < 4)
                return; /* cut off */
            struct buf shown = { 0 };
            ck_assert_msg(n > 0, "byte %02x at %zu", c, at);
            /* a combining mark is right behind its base */
            text_show(&shown, str_sub(rest, 0, n), 0);
            bool plain = str_eq(buf_str(&shown), str_sub(rest, 0, n));
            bool picture = (cp >= 0x2400 && cp <= 0x2421);
            ck_assert_msg(plain || picture || wcwidth((wchar_t)cp) == 0 ||
                              (cp >= 0x300 && cp < 0x370) || cp == 0x3099,
                          "U+%04X at %zu", cp, at);
            ck_assert_msg(cp != 0x202e && cp != 0x200b && cp != 0x200d &&
                              cp != 0xfeff && cp != 0x2060 && cp != 0xad,
                          "U+%04X at %zu", cp, at);
            buf_free(&shown);
        }
        at += n ? n : 1;
    }
}

/* ---- tests --------------------------------------------------------------- */

START_TEST(only_cells_reach_the_terminal)
{
    static const char *const terms[] = { "xterm-256color", "screen-256color",
                                         "vt100", "linux" };
    make_case();
    for (size_t i = 0; i < sizeof(terms) / sizeof(terms[0]); i++) {
        struct session s;
        start(&s, terms[i], 100, 30);
        await(&s, "agrees");
        press(&s, "2");
        await(&s, "TIME");
        press(&s, "G");
        press(&s, "g");
        for (int k = 0; k < 20; k++)
            press(&s, "jx"[k % 2] == 'j' ? "j" : "\x1b[6~");
        press(&s, "\r");
        for (int k = 0; k < 5; k++)
            press(&s, "l");
        press(&s, "\x1b");
        press(&s, "3");
        press(&s, "\t");
        press(&s, "\r");
        press(&s, "\x1b");
        press(&s, "4");
        press(&s, "Get\r");
        await(&s, "searched");
        press(&s, "6");
        press(&s, "\r");
        press(&s, "l");
        check_output(&s);
        for (int k = 0; k < 9; k++)
            press(&s, "q");
        ck_assert_int_eq(ended(&s, 10000), 0);
        finish(&s);
    }
}
END_TEST

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

START_TEST(random_keys_do_not_end_it)
{
    static const char *const keys[] = {
        "j",
        "k",
        "h",
        "l",
        "\x1b[A",
        "\x1b[B",
        "\x1bOC",
        "\x1b[5~",
        "\x1b[6~",
        "g",
        "G",
        "\r",
        "\r",
        "\t",
        "\x1b[Z",
        "f",
        "F",
        "x",
        "X",
        "/",
        ">",
        "<",
        "s",
        "@",
        "w",
        "[",
        "]",
        "=",
        "+",
        "-",
        ",",
        ".",
        "{",
        "}",
        "e",
        "m",
        "t",
        "n",
        "r",
        "y",
        "1",
        "2",
        "3",
        "4",
        "5",
        "6",
        ":",
        "?",
        "\x1b",
        "\x7f",
        "\x03",
        "u",
        "\x0c",
        "T",
        "a",
        "0",
        " ",
        "\xff",
        "\xe3\x81\x82",
        "\x1b[99~",
        "\x1b[200~pasted\rq\x1b[201~",
        "\x1b[1;5D",
        "*",
        "(",
        "\"",
    };
    uint32_t seed = 20260311;
    struct session s;
    make_case();
    start(&s, "xterm-256color", 80, 24);
    await(&s, "agrees");
    for (int i = 0; i < 3000; i++) {
        const char *k = keys[next(&seed) % (sizeof(keys) / sizeof(keys[0]))];
        send_keys(&s, k, strlen(k));
        if (next(&seed) % 40 == 0) {
            struct winsize ws = {
                .ws_row = (unsigned short)(1 + next(&seed) % 40),
                .ws_col = (unsigned short)(1 + next(&seed) % 140),
            };
            ioctl(s.fd, TIOCSWINSZ, &ws);
        }
        if (i % 8 == 0)
            drain(&s, 2);
        if (i % 500 == 499)
            ck_assert_int_eq(ended(&s, 1), -1);
    }
    struct winsize ws = { .ws_row = 24, .ws_col = 80 };
    ioctl(s.fd, TIOCSWINSZ, &ws);
    drain(&s, 300);
    check_output(&s);
    /* the first screen is a few steps away; there q ends */
    for (int i = 0; i < 10; i++) {
        send_keys(&s, "\x1b", 1);
        drain(&s, 80);
    }
    send_keys(&s, "q", 1);
    ck_assert_int_eq(ended(&s, 15000), 0);
    finish(&s);
}
END_TEST

START_TEST(it_ends_when_the_terminal_goes)
{
    struct session s;
    make_case();
    start(&s, "xterm-256color", 80, 24);
    await(&s, "agrees");
    close(s.fd);
    s.fd = -1;
    ck_assert_int_ne(ended(&s, 1000), -1);
    finish(&s);
    /* a signal does it too, and the terminal is as it was */
    start(&s, "xterm-256color", 80, 24);
    await(&s, "agrees");
    kill(s.pid, SIGTERM);
    ck_assert_int_ne(ended(&s, 1000), -1);
    ck_assert(shows(&s, "\x1b[?1049l"));
    finish(&s);
}
END_TEST

START_TEST(a_dumb_terminal_is_refused)
{
    struct session s;
    make_case();
    start(&s, "dumb", 80, 24);
    ck_assert_int_eq(ended(&s, 10000), 1);
    ck_assert(shows(&s, "cannot move its cursor"));
    finish(&s);
}
END_TEST

START_TEST(others_write_while_it_is_open)
{
    struct session s;
    make_case();
    const char *const note[] = { "kanshiki", "note",         case_path,
                                 "E1",       "from-outside", NULL };
    start(&s, "xterm-256color", 100, 30);
    await(&s, "agrees");
    /* when its user rests, another program can write */
    ck_assert_int_eq(run(note), 0);
    /* and so can it, itself; then it knows of both */
    send_keys(&s, "2", 1);
    await(&s, "GetObject");
    send_keys(&s, "m", 1);
    drain(&s, 3000);
    send_keys(&s, "5", 1);
    await(&s, "from-outside");
    await(&s, "bookmark");
    send_keys(&s, "qq", 2);
    finish(&s);
}
END_TEST

Suite *suite(void)
{
    Suite *s = suite_create("pty");
    tcase_set_timeout(tap_case(s, "turns", others_write_while_it_is_open), 60);
    tcase_set_timeout(tap_case(s, "oracle", only_cells_reach_the_terminal),
                      120);
    tcase_set_timeout(tap_case(s, "random", random_keys_do_not_end_it), 180);
    tcase_set_timeout(tap_case(s, "hangup", it_ends_when_the_terminal_goes),
                      60);
    tcase_set_timeout(tap_case(s, "dumb", a_dumb_terminal_is_refused), 60);
    return s;
}
