/* Any bytes as files that hold credentials. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("aws-credentials",
    "etc/boto.cfg",
    "etc/passwd-s3fs",
    "home/alice/.aws/cli/cache/0123456789abcdef.json",
    "home/alice/.aws/cli/history/history.db",
    "home/alice/.aws/sso/cache/aa.json",
    "home/alice/.config/gh/hosts.yml",
    "home/alice/.git-credentials",
    "home/alice/.netrc",
    "root/.aws/config",
    "root/.aws/credentials",
    "root/.config/rclone/rclone.conf",
    "root/.docker/config.json",
    "root/.kube/config",
    "root/.s3cfg",
    "srv/app/.env",
    "srv/infra/terraform.tfstate",
    "tmp/role.json")
