/* Containers of docker, Kubernetes and podman: what paths tell of them. */
#pragma once

#include "importers/identify.h"

struct container_path {
    struct str id;   /* 64 hex digits, or what stands for it in the path */
    struct str name; /* of the container */
    struct str namespace, pod, pod_uid; /* of Kubernetes */
};

/* Values point into the path. */
void container_of_path(struct str path, struct container_path *out);
/* The container and its pod as entities; the container itself only when it is
 * no column. */
void container_refs(struct refs *refs, const struct container_path *c,
                    bool itself);
bool container_is_id(struct str s);
