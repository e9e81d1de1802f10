/*
 * The layers part of a citation, turned back into a source: "!ewf!p1!ino/12"
 * read from left to right. One line of the table per kind of layer; each
 * opener gets the source below and the argument after the first slash, with
 * its %HH escapes undone.
 */
#include "evidence/gzip.h"
#include "evidence/source.h"

enum {
    LAYERS_MAX = 16, /* deeper nesting than any importer makes */
};

/* As much as one gzip or archive member may unfold to (reliability: bombs). */
#define OUT_MAX (UINT64_C(64) << 30)

typedef struct source *open_fn(struct source *below, struct str name,
                               struct str arg, struct err *err);

static struct source *open_gz(struct source *below, struct str name,
                              struct str arg, struct err *err)
{
    (void)name;
    (void)arg;
    return source_open_gzip(below, OUT_MAX, err);
}

static const struct {
    const char *name;
    bool numbered; /* digits follow the name: p1 */
    bool arg;      /* "/ARG" follows */
    open_fn *open;
} kinds[] = {
    { "gz", false, false, open_gz },
};

static bool name_fits(struct str name, const char *kind, bool numbered)
{
    struct str k = str_from(kind);
    if (!numbered)
        return str_eq(name, k);
    uint64_t n;
    return str_starts(name, k) && str_u64(str_sub(name, k.n, name.n), &n);
}

/* One layer, "gz" or "fs/etc/passwd", over below. */
static struct source *open_layer(struct source *below, struct str layer,
                                 struct err *err)
{
    size_t slash = str_find(layer, STR("/"));
    bool has_arg = slash != SIZE_MAX;
    struct str name = str_sub(layer, 0, slash);
    struct str arg = has_arg ? str_sub(layer, slash + 1, layer.n) : STR_NONE;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (!name_fits(name, kinds[i].name, kinds[i].numbered))
            continue;
        if (has_arg != kinds[i].arg) {
            err_set(err, ERR_USAGE, "layer %s: %s", kinds[i].name,
                    has_arg ? "takes no name" : "needs /NAME");
            return NULL;
        }
        return kinds[i].open(below, name, arg, err);
    }
    err_set(err, ERR_USAGE, "unknown layer in the citation");
    return NULL;
}

struct source *source_open_layers(struct source *file, struct str layers,
                                  struct err *err)
{
    struct source *top = file;
    size_t n = 0;
    if (layers.n == 0) /* a slice: the caller closes what it gets */
        return source_open_slice(file, 0, file->size, "", err);
    while (layers.n > 0) {
        if (layers.p[0] != '!' || ++n > LAYERS_MAX) {
            err_set(err, ERR_USAGE, "layers must be !NAME!NAME, at most %d",
                    LAYERS_MAX);
            break;
        }
        layers = str_sub(layers, 1, layers.n);
        size_t end = str_find(layers, STR("!"));
        struct source *s = open_layer(top, str_sub(layers, 0, end), err);
        if (!s)
            break;
        s->owns_below = top != file;
        top = s;
        layers = str_sub(layers, end, layers.n);
    }
    if (layers.n == 0)
        return top;
    if (top != file)
        source_close(top);
    return NULL;
}
