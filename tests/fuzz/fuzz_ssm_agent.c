/* Any bytes as logs of the Systems Manager agent. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("ssm-agent",
    "var/log/amazon/ssm/amazon-ssm-agent.log",
    "var/log/amazon/ssm/audits/amazon-ssm-agent-audit-2026-03-10",
    "var/log/amazon/ssm/errors.log",
    "var/log/amazon/ssm/hibernate.log")
