/* Any bytes as logs and settings of the cloud's agents. */
#include "tests/fuzz/importer.h"

/* clang-format off: one a line */
FUZZ_IMPORTER_PATHS("cloud-agents",
    "etc/ecs/ecs.config",
    "etc/kubernetes/kubelet/kubelet-config.json",
    "opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.d/default",
    "opt/aws/amazon-cloudwatch-agent/logs/amazon-cloudwatch-agent.log",
    "var/lib/ecs/data/agent.db",
    "var/lib/ecs/data/ecs_agent_data.json",
    "var/log/amazon/efs/mount.log",
    "var/log/aws/codedeploy-agent/codedeploy-agent.log",
    "var/log/awslogs.log",
    "var/log/ecs/audit.log.2026-03-09-00",
    "var/log/ecs/ecs-agent.log")
