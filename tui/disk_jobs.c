/* What the screen of disk images asks of the case and of the evidence. */
#include "tui/screen_disk.h"

#include "base/text.h"
#include "base/xattr.h"
#include "tui/bytes.h"
#include "tui/tui.h"

#include <stdio.h>
#include <stdlib.h>

struct file_row disk_row_copy(struct arena *a, const struct file_row *f)
{
    struct file_row r = *f;
    struct str *texts[] = { &r.volume, &r.path, &r.link_target, &r.sha256,
                            &r.sha1,   &r.md5,  &r.content_type };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        *texts[i] = arena_copy(a, *texts[i]);
    return r;
}

/* ---- lists --------------------------------------------------------------- */

/* Room for one more; lists double, old ones stay in the arena. */
static void *room(struct arena *a, void *list, size_t n, size_t *cap,
                  size_t size)
{
    if (n < *cap)
        return list;
    size_t want = *cap ? *cap * 2 : 64;
    void *p = arena_array(a, want, size);
    if (!p)
        return NULL;
    if (n)
        memcpy(p, list, n * size);
    *cap = want;
    return p;
}

static int add_volume(void *ctx, const struct file_volume *v)
{
    struct disk_list_job *j = ctx;
    struct arena *a = &j->job.arena;
    struct disk_volume *p =
        room(a, j->volumes, j->n, &j->cap, sizeof(*j->volumes));
    if (!p)
        return ERR_INTERNAL;
    j->volumes = p;
    p[j->n++] = (struct disk_volume){ v->exhibit, arena_copy(a, v->name), v->n,
                                      v->deleted, v->views };
    return job_stopped(&j->job);
}

static struct str last_part(struct str path)
{
    size_t n = path.n;
    while (n && path.p[n - 1] != '/')
        n--;
    return str_sub(path, n, path.n);
}

static struct disk_entry *add_entry(struct disk_list_job *j)
{
    struct disk_entry *p =
        room(&j->job.arena, j->entries, j->n, &j->cap, sizeof(*j->entries));
    if (!p)
        return NULL;
    j->entries = p;
    return &p[j->n++];
}

static int add_file(void *ctx, const struct file_row *f)
{
    struct disk_list_job *j = ctx;
    if (j->hide_known && f->known == KNOWN_GOOD)
        return 0;
    if (j->n == j->most) {
        j->left_out++;
        return 0;
    }
    struct disk_entry *e = add_entry(j);
    if (!e)
        return ERR_INTERNAL;
    e->row = disk_row_copy(&j->job.arena, f);
    e->path = e->row.path;
    e->name = last_part(e->path);
    e->folder = f->type == FILE_DIR;
    return job_stopped(&j->job);
}

/* Folders that only their files tell of stand in the root. */
static int add_folder(void *ctx, struct str path)
{
    struct disk_list_job *j = ctx;
    struct disk_entry *e = add_entry(j);
    if (!e)
        return ERR_INTERNAL;
    *e = (struct disk_entry){ .path = arena_copy(&j->job.arena, path),
                              .folder = true };
    e->name = str_sub(e->path, e->path.n && e->path.p[0] == '/', e->path.n);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    const struct disk_entry *x = a, *y = b;
    if (x->folder != y->folder)
        return x->folder ? -1 : 1;
    int c = str_cmp(x->name, y->name);
    return c ? c : x->row.id < y->row.id ? -1 : x->row.id > y->row.id;
}

int disk_list_run(struct job *job, struct desk *d, struct err *err)
{
    struct disk_list_job *j = (struct disk_list_job *)job;
    int rc;
    if (j->volumes_only) {
        rc = case_file_volumes(d->c, 0, add_volume, j, err);
    } else {
        rc = case_files(d->c, &j->q, add_file, j, err);
        if (rc == 0 && j->q.path.n <= 1)
            rc = case_file_folders(d->c, j->q.exhibit, j->q.volume, add_folder,
                                   j, err);
        if (rc == 0 && j->n)
            qsort(j->entries, j->n, sizeof(*j->entries), by_name);
    }
    return rc > 0 ? ERR_STOPPED : rc;
}

/* ---- one file ------------------------------------------------------------ */

static void put_time(struct disk_about_job *j, const char *label, uint32_t none,
                     struct instant t)
{
    char text[TIME_TEXT_MAX];
    if (j->file.flags & none)
        return;
    text[time_format(text, t, j->file.t_res, 0)] = 0;
    pane_addf(&j->about, &j->job.arena, label, "%s", text);
}

static void put_hex(struct disk_about_job *j, const char *label, struct str s)
{
    struct buf b = { 0 };
    if (s.n == 0)
        return;
    buf_put_hex(&b, s.p, s.n);
    pane_add(&j->about, &j->job.arena, label, buf_to_arena(&b, &j->job.arena));
}

static int put_xattr(void *ctx, struct str name, struct str value)
{
    struct disk_about_job *j = ctx;
    struct arena *a = &j->job.arena;
    struct buf shown = { 0 }, bytes = { 0 };
    xattr_show(&shown, name, value);
    /* the pane shows it anew: give the bytes that look so */
    text_parse(&bytes, buf_str(&shown));
    struct pane_line *l = pane_add(&j->about, a, NULL, buf_to_arena(&bytes, a));
    buf_free(&shown);
    if (l)
        l->name = arena_copy(a, name);
    return job_stopped(&j->job);
}

static void put_state(struct disk_about_job *j)
{
    struct arena *a = &j->job.arena;
    const struct file_row *f = &j->file;
    struct str state = file_state(f, a);
    struct pane_line *l =
        state.n ? pane_add(&j->about, a, "state", state) : NULL;
    if (l)
        l->style = STYLE_WARN;
    if (!file_is_deleted(f))
        return;
    pane_add(&j->about, a, "found", file_found(f));
    pane_add(&j->about, a, "confidence", file_confidence(f));
    if (f->size)
        pane_addf(&j->about, a, "free", "%llu of %llu bytes",
                  (unsigned long long)f->free_bytes,
                  (unsigned long long)f->size);
}

int disk_about_run(struct job *job, struct desk *d, struct err *err)
{
    struct disk_about_job *j = (struct disk_about_job *)job;
    const struct file_row *f = &j->file;
    struct arena *a = &job->arena;
    struct member m;
    char mode[11];
    int rc = case_file_content(d->c, f, a, &m, err);
    if (rc)
        return rc;
    struct pane *p = &j->about;
    struct str words = file_mode(f, mode);
    pane_add(p, a, "path", f->path);
    pane_add(p, a, "citation", bytes_cite(&m, 0, f->size, 0, a));
    pane_addf(p, a, "inode", "%llu", (unsigned long long)f->inode);
    pane_addf(p, a, "mode", "%.*s  (%o)", STR_ARG(words), f->mode & 07777);
    pane_addf(p, a, "owner", "uid %u, gid %u", f->uid, f->gid);
    pane_addf(p, a, "links", "%u", f->links);
    pane_addf(p, a, "size", "%llu", (unsigned long long)f->size);
    if (f->type == FILE_CHAR || f->type == FILE_BLOCK)
        pane_addf(p, a, "device", "%u:%u", f->device >> 20,
                  f->device & 0xfffff);
    put_state(j);
    if (f->link_target.n)
        pane_add(p, a, "link target", f->link_target);
    put_time(j, "modified", FILE_NO_TIME_M, f->m);
    put_time(j, "accessed", FILE_NO_TIME_A, f->a);
    put_time(j, "changed", FILE_NO_TIME_C, f->c);
    put_time(j, "born", FILE_NO_TIME_B, f->b);
    put_time(j, "deleted", FILE_NO_TIME_D, f->d);
    put_hex(j, "sha256", f->sha256);
    put_hex(j, "sha1", f->sha1);
    put_hex(j, "md5", f->md5);
    if (f->content_type.n)
        pane_add(p, a, "content", f->content_type);
    rc = case_xattrs(d->c, f->id, put_xattr, j, err);
    return rc > 0 ? ERR_STOPPED : rc;
}

/* ---- bytes --------------------------------------------------------------- */

static void add_hex(struct disk_bytes_job *j, struct str bytes)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t at = 0; at < bytes.n; at += 16) {
        struct str row = str_sub(bytes, at, 16);
        char hex[50], shown[17];
        size_t n = 0;
        for (size_t i = 0; i < 16; i++) {
            unsigned char c = i < row.n ? (unsigned char)row.p[i] : 0;
            hex[n++] = ' ';
            if (i == 8)
                hex[n++] = ' ';
            hex[n++] = i < row.n ? digits[c >> 4] : ' ';
            hex[n++] = i < row.n ? digits[c & 15] : ' ';
            shown[i] = c >= 0x20 && c < 0x7f ? (char)c : '.';
        }
        hex[n] = 0;
        shown[row.n] = 0;
        struct pane_line *l =
            pane_addf(&j->hex, &j->job.arena, NULL, "%08llx %s  |%s|",
                      (unsigned long long)(j->off + at), hex, shown);
        if (l)
            l->text = true;
    }
}

int disk_bytes_run(struct job *job, struct desk *d, struct err *err)
{
    struct disk_bytes_job *j = (struct disk_bytes_job *)job;
    struct reader_got got = { .n_gaps = 0 };
    struct member m;
    if (j->file.type != FILE_REGULAR && j->file.type != FILE_DIR &&
        j->file.type != FILE_LINK)
        return 0;
    int rc = case_file_content(d->c, &j->file, &job->arena, &m, err);
    if (rc == 0)
        rc = bytes_read(d, &m, j->off, DISK_BYTES, &job->arena, &got, err);
    if (rc)
        return rc;
    j->size = got.size;
    for (size_t i = 0; i < got.n_gaps; i++) {
        struct pane_line *l = pane_addf(&j->hex, &job->arena, "gap",
                                        "%llu bytes at %llu, shown as zeros",
                                        (unsigned long long)got.gaps[i].len,
                                        (unsigned long long)got.gaps[i].off);
        if (l)
            l->style = STYLE_WARN;
    }
    add_hex(j, got.bytes);
    return 0;
}

int disk_save_run(struct job *job, struct desk *d, struct err *err)
{
    struct disk_save_job *j = (struct disk_save_job *)job;
    if (!d->evidence || !d->evidence->save)
        return err_set(err, ERR_EVIDENCE, "the evidence is not at hand");
    return d->evidence->save(d->c, j->exhibit, &j->file, j->told,
                             sizeof(j->told), err);
}
