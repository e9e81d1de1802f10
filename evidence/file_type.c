#include "evidence/file_type.h"

#include <magic.h>
#include <stdlib.h>

#include "base/text.h"

/* The system's own database: not one that a variable of the environment or a
 * file in a home folder names, so that the answer depends on the library. */
#define DATABASE "/usr/share/misc/magic.mgc"

struct file_types {
    magic_t magic;
    struct buf shown;
};

struct file_types *file_types_open(void)
{
    struct file_types *t = calloc(1, sizeof(*t));
    size_t most = FILE_TYPE_HEAD;
    if (!t)
        return NULL;
    t->magic = magic_open(MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_CHECK_CDF);
    if (t->magic && magic_load(t->magic, DATABASE) == 0 &&
        magic_setparam(t->magic, MAGIC_PARAM_BYTES_MAX, &most) == 0)
        return t;
    file_types_close(t);
    return NULL;
}

void file_types_close(struct file_types *t)
{
    if (!t)
        return;
    if (t->magic)
        magic_close(t->magic);
    buf_free(&t->shown);
    free(t);
}

struct str file_type_of(struct file_types *t, struct str head)
{
    if (head.n > FILE_TYPE_HEAD)
        head.n = FILE_TYPE_HEAD;
    const char *words = magic_buffer(t->magic, head.n ? head.p : "", head.n);
    buf_clear(&t->shown);
    if (!words)
        return STR_NONE;
    /* it may quote the content */
    text_show(&t->shown, str_from(words), TEXT_ASCII);
    struct str s = buf_str(&t->shown);
    if (t->shown.failed)
        return STR_NONE;
    return str_sub(s, 0, FILE_TYPE_MAX);
}
