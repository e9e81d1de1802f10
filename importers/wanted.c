/*
 * Most files are wanted by nobody, so that is what has to be quick: the
 * patterns whose folders fit are found once per folder, and only their last
 * components are compared with each name.
 */
#include "importers/wanted.h"

#include <stdlib.h>

#include "importers/importer.h"

struct pattern {
    struct str folder; /* of the pattern; all of it when every name fits */
    struct str base;
    bool fold, any_folder, any_name;
};

struct wanted {
    struct pattern *patterns;
    size_t n;
    struct arena arena;
    struct buf folder;          /* of the last path */
    const struct pattern **fit; /* for that folder */
    size_t n_fit;
    bool known; /* folder and fit are of a path */
};

/* Splits a pattern; its parts are copied, ended by NUL for path_like. */
static bool add(struct wanted *w, const char *text)
{
    struct str s = str_from(text);
    struct pattern *p = &w->patterns[w->n++];
    p->fold = str_starts(s, STR("(?i)"));
    struct str path = p->fold ? str_sub(s, 4, s.n) : s;
    p->base = path_base(path);
    p->any_name = str_eq(p->base, STR("**"));
    size_t n = s.n - p->base.n; /* with the slash before the name */
    p->any_folder = !p->any_name && path.n == p->base.n;
    struct buf b = { 0 };
    buf_put(&b, p->any_name ? s : str_sub(s, 0, n > 1 ? n - 1 : n));
    buf_putc(&b, 0);
    p->folder = buf_to_arena(&b, &w->arena);
    return p->folder.p != NULL;
}

struct wanted *wanted_open(void)
{
    struct wanted *w = calloc(1, sizeof *w);
    size_t n = 0;
    bool ok = w != NULL;
    for (size_t i = 0; importers[i]; i++)
        for (size_t k = 0; importers[i]->paths && importers[i]->paths[k]; k++)
            n++;
    if (ok) {
        w->patterns = calloc(n + 1, sizeof *w->patterns);
        w->fit = calloc(n + 1, sizeof *w->fit);
        ok = w->patterns && w->fit;
    }
    for (size_t i = 0; ok && importers[i]; i++)
        for (size_t k = 0; ok && importers[i]->paths && importers[i]->paths[k];
             k++)
            ok = add(w, importers[i]->paths[k]);
    if (ok)
        return w;
    wanted_close(w);
    return NULL;
}

void wanted_close(struct wanted *w)
{
    if (!w)
        return;
    free(w->patterns);
    free(w->fit);
    buf_free(&w->folder);
    arena_free(&w->arena);
    free(w);
}

static void fit_folder(struct wanted *w, struct str folder)
{
    w->n_fit = 0;
    for (size_t i = 0; i < w->n; i++)
        if (w->patterns[i].any_folder ||
            path_like(folder, w->patterns[i].folder.p))
            w->fit[w->n_fit++] = &w->patterns[i];
    buf_clear(&w->folder);
    buf_put(&w->folder, folder);
    w->known = !w->folder.failed;
}

bool wanted_path(struct wanted *w, struct str path)
{
    struct str base = path_base(path);
    struct str folder = str_sub(path, 0, path.n - base.n);
    if (!w->known || !str_eq(buf_str(&w->folder), folder))
        fit_folder(w, folder);
    for (size_t i = 0; i < w->n_fit; i++)
        if (w->fit[i]->any_name ||
            str_glob(w->fit[i]->base, base, w->fit[i]->fold))
            return true;
    return false;
}
