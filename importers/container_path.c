/*
 *     docker/containers/ID/ID-json.log
 *     pods/NAMESPACE_POD_UID/NAME/N.log
 *     containers/POD_NAMESPACE_NAME-ID.log
 *     overlay-containers/ID/userdata/ctr.log
 *
 * Names of Kubernetes have no underscores (RFC 1123), so these part them.
 */
#include "importers/container.h"

#include "importers/path.h"

bool container_is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') ||
              (s.p[i] >= 'a' && s.p[i] <= 'f')))
            return false;
    return s.n == 64;
}

/* The part before the character, taken off with it; all when there is none. */
static struct str part(struct str *s, char c)
{
    const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
    struct str p = str_sub(*s, 0, at ? (size_t)(at - s->p) : s->n);
    *s = str_sub(*s, p.n + 1, s->n);
    return p;
}

static struct str above(struct str path)
{
    struct str base = path_base(path);
    size_t n = base.n ? (size_t)(base.p - path.p) : 0;
    return str_sub(path, 0, n ? n - 1 : 0);
}

static void of_pod(struct str path, struct container_path *out)
{
    struct str folder = above(path), pod = path_base(above(folder));
    out->name = path_base(folder);
    out->namespace = part(&pod, '_');
    out->pod = part(&pod, '_');
    out->pod_uid = pod;
    /* from the pod's folder to the container's */
    struct str from = path_base(above(folder));
    out->id = (struct str){ from.p, from.n + 1 + out->name.n };
}

static void of_link(struct str base, struct container_path *out)
{
    size_t end = str_find(base, STR(".log"));
    struct str s = str_sub(base, 0, end);
    out->pod = part(&s, '_');
    out->namespace = part(&s, '_');
    if (s.n > 65 && s.p[s.n - 65] == '-' &&
        container_is_id(str_sub(s, s.n - 64, 64))) {
        out->id = str_sub(s, s.n - 64, 64);
        s = str_sub(s, 0, s.n - 65);
    }
    out->name = s;
}

void container_of_path(struct str path, struct container_path *out)
{
    struct str base = path_base(path);
    *out = (struct container_path){ .id = STR_NONE };
    if (path_like(path, "pods/*_*_*/*/*")) {
        of_pod(path, out);
        return;
    }
    if (path_like(path, "containers/*_*_*-*.log*")) {
        of_link(base, out);
        return;
    }
    for (int deep = 0; deep < 4 && path.n; deep++) {
        base = path_base(path);
        struct str front = str_sub(base, 0, 64);
        if (container_is_id(front) && (base.n == 64 || base.p[64] == '-')) {
            out->id = front;
            return;
        }
        path = above(path);
    }
}

void container_refs(struct refs *refs, const struct container_path *c,
                    bool itself)
{
    if (itself)
        refs_add(refs, KIND_CONTAINER, ROLE_WHERE, c->id);
    refs_add(refs, KIND_RESOURCE, ROLE_WHERE, c->pod);
}
