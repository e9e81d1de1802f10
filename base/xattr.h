/*
 * Extended attributes for people: SELinux labels, POSIX ACLs and file
 * capabilities as their own tools print them, all else as text or hex.
 *
 * Sources: POSIX ACL as ext4 stores it (version 1) and as the system call
 * gives it (version 2), as XFS stores it (SGI_ACL_FILE, big-endian); file
 * capabilities, struct vfs_cap_data, revisions 1 to 3 (linux/capability.h).
 */
#pragma once

#include "base/str.h"

/* Appends the value in display form (base/text.h): one line, no controls. */
void xattr_show(struct buf *out, struct str name, struct str value);
/* "security.capability" that gives at least one capability. */
bool xattr_is_privilege(struct str name, struct str value);
