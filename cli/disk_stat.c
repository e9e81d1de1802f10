/* disk stat: all that the file system says of one file. */
#include "cli/disk_content.h"

#include "base/text.h"
#include "base/xattr.h"
#include "cli/names.h"
#include "importers/record.h"

static int put_xattr(void *ctx, struct str name, struct str value)
{
    struct cli *cli = ctx;
    struct buf shown = { 0 };
    xattr_show(&shown, name, value);
    out_putz(cli, "attribute     ");
    out_text(cli, name);
    out_putz(cli, " ");
    buf_putc(&shown, '\n');
    buf_putc(&shown, 0);
    out_putz(cli, shown.failed ? "\n" : shown.p);
    buf_free(&shown);
    return 0;
}

static void put_times(struct cli *cli, const struct file_row *f)
{
    const struct {
        const char *name;
        struct instant at;
        uint32_t none;
    } times[] = {
        { "modified", f->m, FILE_NO_TIME_M },
        { "accessed", f->a, FILE_NO_TIME_A },
        { "changed", f->c, FILE_NO_TIME_C },
        { "born", f->b, FILE_NO_TIME_B },
        { "deleted", f->d, FILE_NO_TIME_D },
    };
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        if (!(f->flags & times[i].none))
            out_field(cli, times[i].name,
                      cli_time(cli, times[i].at, f->t_res ? 9 : 0));
}

static void put_digests(struct cli *cli, const struct file_row *f)
{
    const struct {
        const char *name;
        struct str value;
    } digests[] = { { "sha256", f->sha256 },
                    { "sha1", f->sha1 },
                    { "md5", f->md5 } };
    for (size_t i = 0; i < 3; i++)
        if (digests[i].value.n)
            out_field(cli, digests[i].name,
                      name_hex(&cli->arena, digests[i].value));
}

/* A deleted file: how it came to light, what may still be had. */
static void put_remains(struct cli *cli, const struct file_row *f)
{
    if (!file_is_deleted(f))
        return;
    out_field(cli, "found", file_found(f));
    out_field(cli, "confidence", file_confidence(f));
    if (f->size)
        out_printf(cli, "free          %llu of %llu bytes\n",
                   (unsigned long long)f->free_bytes,
                   (unsigned long long)f->size);
}

int disk_stat(struct disk *d, struct err *err)
{
    struct disk_file found;
    char mode[11];
    int rc = disk_find(d, &found, err);
    if (rc)
        return rc;
    struct cli *cli = d->cli;
    const struct file_row *f = &found.row;
    out_field(cli, "path", f->path);
    out_field(cli, "cite", disk_cite(&found, &cli->arena));
    out_field(cli, "volume", f->volume);
    out_printf(cli, "inode         %llu\n", (unsigned long long)f->inode);
    out_field(cli, "mode", file_mode(f, mode));
    out_printf(cli, "owner         uid %u, gid %u\n", f->uid, f->gid);
    out_printf(cli, "links         %u\n", f->links);
    out_printf(cli, "size          %llu\n", (unsigned long long)f->size);
    if (f->type == FILE_CHAR || f->type == FILE_BLOCK)
        out_printf(cli, "device        %u:%u\n", f->device >> 20,
                   f->device & 0xfffff);
    struct str state = file_state(f, &cli->arena);
    if (state.n)
        out_field(cli, "state", state);
    put_remains(cli, f);
    if (f->link_target.n)
        out_field(cli, "link target", f->link_target);
    put_times(cli, f);
    put_digests(cli, f);
    if (f->content_type.n)
        out_field(cli, "content", f->content_type);
    return case_xattrs(d->c, f->id, put_xattr, cli, err);
}
