/* Any bytes as what Systems Manager leaves of commands. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("ssm-orchestration",
    "var/lib/amazon/ssm/i-0f3a9c1d2b4e5f607/document/orchestration/0b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b/awsrunShellScript/0.awsrunShellScript/_script.sh",
    "var/lib/amazon/ssm/i-0f3a9c1d2b4e5f607/document/orchestration/0b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b/awsrunShellScript/0.awsrunShellScript/stderr",
    "var/lib/amazon/ssm/i-0f3a9c1d2b4e5f607/document/orchestration/0b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b/awsrunShellScript/0.awsrunShellScript/stdout",
    "var/lib/amazon/ssm/i-0f3a9c1d2b4e5f607/document/state/completed/0b5e7c1a-2d34-4f56-8a9b-0c1d2e3f4a5b",
    "var/lib/amazon/ssm/i-0f3a9c1d2b4e5f607/document/state/completed/ir-lead-0123456789abcdef0",
    "var/lib/amazon/ssm/i-0f3a9c1d2b4e5f607/session/orchestration/ir-lead-0123456789abcdef0/Standard_Stream/ipcTempFile.log",
    "var/lib/amazon/ssm/runtimeconfig/identity_config.json")
