/* Logs of EC2Launch. */
#include "tests/fuzz/importer.h"

FUZZ_IMPORTER("ec2launch", "ProgramData/Amazon/EC2Launch/log/agent.log")
