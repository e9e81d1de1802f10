#include "analyzer/file_words.h"

#include "base/kinds.h"

struct str file_mode(const struct file_row *f, char out[11])
{
    static const char types[] = "?-dcbpsl?";
    static const char letters[] = "rwxrwxrwx";
    out[0] = types[f->type < 8 ? f->type : 8];
    for (unsigned i = 0; i < 9; i++)
        out[i + 1] = f->mode & 0400u >> i ? letters[i] : '-';
    static const struct {
        uint32_t bit;
        uint8_t at;
        char with, without;
    } special[] = { { 04000, 3, 's', 'S' },
                    { 02000, 6, 's', 'S' },
                    { 01000, 9, 't', 'T' } };
    for (size_t i = 0; i < 3; i++)
        if (f->mode & special[i].bit)
            out[special[i].at] = out[special[i].at] == 'x' ? special[i].with
                                                           : special[i].without;
    return (struct str){ out, 10 };
}

bool file_is_deleted(const struct file_row *f)
{
    return f->found != 0 || f->flags & (FILE_DELETED | FILE_REALLOCATED);
}

struct str file_found(const struct file_row *f)
{
    static const char *const words[FILE_FOUND_KINDS] = {
        "live", "unlinked, still open", "freed inode", "remnant of a name",
        "older copy in the journal"
    };
    if (f->found == 0 && file_is_deleted(f))
        return STR("name or inode not in use");
    return str_from(f->found < FILE_FOUND_KINDS ? words[f->found] : "?");
}

struct str file_confidence(const struct file_row *f)
{
    static const char *const words[FILE_CONFIDENCES] = { "sure", "probable",
                                                         "possible" };
    return str_from(f->confidence < FILE_CONFIDENCES ? words[f->confidence]
                                                     : "?");
}

struct str file_state(const struct file_row *f, struct arena *a)
{
    const struct {
        bool yes;
        const char *word;
    } states[] = {
        { f->flags & FILE_REALLOCATED, "deleted, inode reused" },
        { f->flags & FILE_DELETED && !(f->flags & FILE_REALLOCATED),
          "deleted" },
        { f->view == FILE_VIEW_DISK, "as on disk" },
        { f->view == FILE_VIEW_JOURNAL, "after the journal" },
        { f->flags & FILE_PARTIAL, "partly unreadable" },
        { f->flags & FILE_UNRELIABLE, "unreliable" },
        { f->known == KNOWN_GOOD, "known" },
        { f->known == KNOWN_NOTABLE, "NOTABLE" },
    };
    struct buf b = { 0 };
    for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++)
        if (states[i].yes)
            buf_printf(&b, "%s%s", b.n ? ", " : "", states[i].word);
    return buf_to_arena(&b, a);
}
