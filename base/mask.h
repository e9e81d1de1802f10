/*
 * Secrets in command lines, settings and log messages: what must not be read
 * from a report. Which access key was used is evidence, so key ids stay; the
 * secret that belongs to one goes. The rules are listed in
 * docs/formats/host.md, "Secrets".
 */
#pragma once

#include "base/str.h"

/* True: s holds secrets; s with "[masked]" in the place of each is appended to
 * out. False: it holds none, and out is as before. One pass, any bytes. */
bool mask_secrets(struct str s, struct buf *out);
/* Is this the name of a setting, option or header that holds a secret?
 * "AWS_SECRET_ACCESS_KEY", "db-password", "X-Api-Key"; not "access_key_id",
 * "password_file". */
bool mask_name(struct str name);
/* Forms that only their place tells from other text, line by line: "user:
 * password" below `chpasswd:` of cloud-config, "password P" of .netrc, "auth"
 * of docker's settings. As mask_secrets, but out holds s in any case. */
bool mask_lines(struct str s, struct buf *out);
/* A record that is known to hold a secret, for display: both of the above;
 * when neither finds where it is (it is encoded), nothing of it is shown. */
void mask_record(struct str raw, struct buf *out);
