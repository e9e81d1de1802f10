#include "importers/evtx_events.h"

#include "base/kinds.h"

#define SECURITY "Microsoft-Windows-Security-Auditing"
#define EVENTLOG "Microsoft-Windows-Eventlog"
#define SERVICES "Service Control Manager"
#define KERNEL   "Microsoft-Windows-Kernel-General"
#define SHELL    "Microsoft-Windows-PowerShell"
#define SYSMON   "Microsoft-Windows-Sysmon"
#define SESSIONS "Microsoft-Windows-TerminalServices-LocalSessionManager"
#define REMOTE   "Microsoft-Windows-TerminalServices-RemoteConnectionManager"
#define BITS     "Microsoft-Windows-Bits-Client"
#define DEFENDER "Microsoft-Windows-Windows Defender"
#define WMI      "Microsoft-Windows-WMI-Activity"
#define TASKS    "Microsoft-Windows-TaskScheduler"
#define ACCOUNT                                                                \
    .actor = "SubjectUserName", .target = "TargetUserName",                    \
    .target_kind = KIND_HOST_USER
#define GROUP                                                                  \
    .actor = "SubjectUserName", .target = "TargetUserName",                    \
    .target_kind = KIND_RESOURCE
#define TASK                                                                   \
    .actor = "SubjectUserName", .target = "TaskName", .target_kind = KIND_UNIT
#define LOGON_SHOW                                                             \
    "LogonType TargetDomainName TargetUserName WorkstationName IpAddress "     \
    "IpPort LogonProcessName AuthenticationPackageName TargetLogonId "         \
    "ElevatedToken SubjectUserName ProcessName"

/* By id, then provider. Sources: the events' own field names as the providers
 * write them (docs/formats/windows.md). */
static const struct evtx_rule rules[] = {
    /* -- who came and went -- */
    { 4624, SECURITY, "login", .actor = "TargetUserName", .ip = "IpAddress",
      .show = LOGON_SHOW },
    { 4625, SECURITY, "login failed", .outcome = "failed",
      .actor = "TargetUserName", .ip = "IpAddress",
      .show = "LogonType Status SubStatus TargetDomainName WorkstationName "
              "IpAddress IpPort LogonProcessName AuthenticationPackageName "
              "SubjectUserName ProcessName" },
    { 4634, SECURITY, "logout", .actor = "TargetUserName",
      .show = "LogonType TargetDomainName TargetLogonId" },
    { 4647, SECURITY, "logout", .says = "by the user",
      .actor = "TargetUserName", .show = "TargetDomainName TargetLogonId" },
    { 4648, SECURITY, "credentials used", .says = "another account's",
      .actor = "SubjectUserName", .target = "TargetUserName",
      .target_kind = KIND_HOST_USER, .ip = "IpAddress",
      .show = "TargetDomainName TargetServerName TargetInfo ProcessName "
              "IpAddress IpPort SubjectLogonId" },
    { 4672, SECURITY, "privileges", .says = "given to a new logon",
      .actor = "SubjectUserName",
      .show = "SubjectDomainName SubjectLogonId PrivilegeList" },
    { 4768, SECURITY, "kerberos ticket", .says = "granting ticket",
      .status = "Status", .actor = "TargetUserName", .target = "ServiceName",
      .target_kind = KIND_RESOURCE, .ip = "IpAddress" },
    { 4769, SECURITY, "kerberos ticket", .says = "service ticket",
      .status = "Status", .actor = "TargetUserName", .target = "ServiceName",
      .target_kind = KIND_RESOURCE, .ip = "IpAddress" },
    { 4771, SECURITY, "login failed", .says = "Kerberos pre-authentication",
      .outcome = "failed", .actor = "TargetUserName", .ip = "IpAddress" },
    { 4776, SECURITY, "credentials checked", .says = "NTLM", .status = "Status",
      .actor = "TargetUserName" },
    { 4778, SECURITY, "session opened", .says = "reconnected",
      .actor = "AccountName", .ip = "ClientAddress" },
    { 4779, SECURITY, "session closed", .says = "disconnected",
      .actor = "AccountName", .ip = "ClientAddress" },
    { 21, SESSIONS, "login", .says = "session", .actor = "User",
      .ip = "Address" },
    { 22, SESSIONS, "session opened", .says = "shell started", .actor = "User",
      .ip = "Address" },
    { 23, SESSIONS, "logout", .says = "session", .actor = "User" },
    { 24, SESSIONS, "session closed", .says = "disconnected", .actor = "User",
      .ip = "Address" },
    { 25, SESSIONS, "session opened", .says = "reconnected", .actor = "User",
      .ip = "Address" },
    { 1149, REMOTE, "session opened",
      .says = "user authenticated for remote desktop", .actor = "Param1",
      .ip = "Param3" },
    /* -- what ran -- */
    { 4688, SECURITY, "process", .says = "started", .actor = "SubjectUserName",
      .target = "NewProcessName", .target_kind = KIND_PROCESS,
      .show = "CommandLine NewProcessName NewProcessId ParentProcessName "
              "ProcessId TargetUserName TokenElevationType SubjectDomainName "
              "SubjectLogonId" },
    { 4689, SECURITY, "process", .says = "ended", .actor = "SubjectUserName",
      .target = "ProcessName", .target_kind = KIND_PROCESS,
      .show = "ProcessName ProcessId Status SubjectLogonId" },
    { 1, SYSMON, "process", .says = "started", .actor = "User",
      .target = "Image", .target_kind = KIND_PROCESS,
      .show = "CommandLine Image ProcessId CurrentDirectory ParentImage "
              "ParentCommandLine ParentProcessId IntegrityLevel Hashes "
              "OriginalFileName LogonId ProcessGuid ParentProcessGuid" },
    { 5, SYSMON, "process", .says = "ended", .actor = "User", .target = "Image",
      .target_kind = KIND_PROCESS },
    { 4103, SHELL, "command", .says = "module", .show = "Payload ContextInfo" },
    { 4104, SHELL, "command", .says = "script block", .target = "Path",
      .target_kind = KIND_FILE,
      .show = "MessageNumber MessageTotal ScriptBlockId Path "
              "ScriptBlockText" },
    { 400, "PowerShell", "command", .says = "engine started" },
    { 403, "PowerShell", "log line", .says = "engine stopped" },
    { 600, "PowerShell", "log line", .says = "provider started" },
    { 800, "PowerShell", "command", .says = "pipeline" },
    { 200, TASKS, "command", .says = "task's action started",
      .target = "ActionName", .target_kind = KIND_PROCESS },
    { 201, TASKS, "command", .says = "task's action ended",
      .status = "ResultCode", .target = "ActionName",
      .target_kind = KIND_PROCESS },
    /* -- what will run -- */
    { 4697, SECURITY, "service installed", .actor = "SubjectUserName",
      .target = "ServiceName", .target_kind = KIND_UNIT,
      .show = "ServiceFileName ServiceType ServiceStartType ServiceAccount" },
    { 7045, SERVICES, "service installed", .target = "ServiceName",
      .target_kind = KIND_UNIT,
      .show = "ImagePath ServiceType StartType AccountName" },
    { 7030, SERVICES, "log line", .target = "param1",
      .target_kind = KIND_UNIT },
    { 7023, SERVICES, "service failed", .says = "ended with an error",
      .outcome = "failed", .target = "param1", .target_kind = KIND_UNIT },
    { 7024, SERVICES, "service failed", .says = "ended with an error",
      .outcome = "failed", .target = "param1", .target_kind = KIND_UNIT },
    { 7031, SERVICES, "service failed", .says = "ended unexpectedly",
      .outcome = "failed", .target = "param1", .target_kind = KIND_UNIT },
    { 7034, SERVICES, "service failed", .says = "ended unexpectedly",
      .outcome = "failed", .target = "param1", .target_kind = KIND_UNIT },
    { 7035, SERVICES, "log line", .says = "control sent", .target = "param1",
      .target_kind = KIND_UNIT },
    { 7036, SERVICES, "service state", .target = "param1",
      .target_kind = KIND_UNIT },
    { 7040, SERVICES, "service changed", .says = "start type",
      .target = "param1", .target_kind = KIND_UNIT },
    { 4698, SECURITY, "scheduled task", .says = "created", TASK },
    { 4699, SECURITY, "scheduled task", .says = "deleted", TASK },
    { 4700, SECURITY, "scheduled task", .says = "enabled", TASK },
    { 4701, SECURITY, "scheduled task", .says = "disabled", TASK },
    { 4702, SECURITY, "scheduled task", .says = "changed", TASK },
    { 106, TASKS, "scheduled task", .says = "registered",
      .actor = "UserContext", .target = "TaskName", .target_kind = KIND_UNIT },
    { 140, TASKS, "scheduled task", .says = "changed", .actor = "UserName",
      .target = "TaskName", .target_kind = KIND_UNIT },
    { 141, TASKS, "scheduled task", .says = "deleted", .actor = "UserName",
      .target = "TaskName", .target_kind = KIND_UNIT },
    { 5857, WMI, "WMI provider", .says = "loaded" },
    { 5858, WMI, "log line", .says = "WMI query failed", .actor = "User" },
    { 5859, WMI, "WMI subscription", .says = "filter started" },
    { 5860, WMI, "WMI subscription", .says = "temporary" },
    { 5861, WMI, "WMI subscription", .says = "permanent" },
    { 19, SYSMON, "WMI subscription", .says = "filter", .actor = "User" },
    { 20, SYSMON, "WMI subscription", .says = "consumer", .actor = "User" },
    { 21, SYSMON, "WMI subscription", .says = "filter bound to consumer",
      .actor = "User" },
    /* -- accounts and groups -- */
    { 4720, SECURITY, "account changed", .says = "created", ACCOUNT },
    { 4722, SECURITY, "account changed", .says = "enabled", ACCOUNT },
    { 4723, SECURITY, "account changed", .says = "password change tried",
      ACCOUNT },
    { 4724, SECURITY, "account changed", .says = "password reset tried",
      ACCOUNT },
    { 4725, SECURITY, "account changed", .says = "disabled", ACCOUNT },
    { 4726, SECURITY, "account changed", .says = "deleted", ACCOUNT },
    { 4727, SECURITY, "account changed", .says = "global group created",
      GROUP },
    { 4728, SECURITY, "account changed", .says = "added to global group",
      GROUP },
    { 4729, SECURITY, "account changed", .says = "removed from global group",
      GROUP },
    { 4730, SECURITY, "account changed", .says = "global group deleted",
      GROUP },
    { 4731, SECURITY, "account changed", .says = "local group created", GROUP },
    { 4732, SECURITY, "account changed", .says = "added to local group",
      GROUP },
    { 4733, SECURITY, "account changed", .says = "removed from local group",
      GROUP },
    { 4734, SECURITY, "account changed", .says = "local group deleted", GROUP },
    { 4735, SECURITY, "account changed", .says = "local group changed", GROUP },
    { 4737, SECURITY, "account changed", .says = "global group changed",
      GROUP },
    { 4738, SECURITY, "account changed", .says = "changed", ACCOUNT },
    { 4740, SECURITY, "account changed", .says = "locked out", ACCOUNT },
    { 4756, SECURITY, "account changed", .says = "added to universal group",
      GROUP },
    { 4757, SECURITY, "account changed", .says = "removed from universal group",
      GROUP },
    { 4767, SECURITY, "account changed", .says = "unlocked", ACCOUNT },
    { 4781, SECURITY, "account changed", .says = "renamed",
      .actor = "SubjectUserName", .target = "NewTargetUserName",
      .target_kind = KIND_HOST_USER },
    /* -- the log and the clock -- */
    { 1102, EVENTLOG, "log cleared", .actor = "SubjectUserName",
      .target = "Channel", .target_kind = KIND_RESOURCE },
    { 104, EVENTLOG, "log cleared", .actor = "SubjectUserName",
      .target = "Channel", .target_kind = KIND_RESOURCE },
    { 1100, EVENTLOG, "service stopped", .says = "event logging" },
    { 4719, SECURITY, "audit policy changed", .actor = "SubjectUserName" },
    { 4616, SECURITY, "clock step", .actor = "SubjectUserName",
      .show = "PreviousTime NewTime ProcessName" },
    { 1, KERNEL, "clock step", .show = "OldTime NewTime Reason" },
    /* -- the machine -- */
    { 4608, SECURITY, "boot", .says = NULL },
    { 6005, "EventLog", "boot", .says = "event log started" },
    { 6006, "EventLog", "shutdown", .says = "event log stopped" },
    { 6008, "EventLog", "shutdown", .says = "unexpected",
      .outcome = "unexpected" },
    { 6009, "EventLog", "host fact", .says = "release" },
    { 6011, "EventLog", "host fact", .says = "computer name changed" },
    { 6013, "EventLog", "host fact", .says = "uptime in seconds" },
    { 12, KERNEL, "boot", .says = NULL },
    { 13, KERNEL, "shutdown", .says = NULL },
    { 41, "Microsoft-Windows-Kernel-Power", "boot",
      .says = "without a clean shutdown before", .outcome = "unclean" },
    { 1074, "User32", "shutdown", .says = "asked for", .actor = "param7",
      .target = "param1", .target_kind = KIND_PROCESS },
    { 1074, "USER32", "shutdown", .says = "asked for", .actor = "param7",
      .target = "param1", .target_kind = KIND_PROCESS },
    /* -- network, files, registry (Sysmon, BITS) -- */
    { 2, SYSMON, "file time changed", .actor = "User",
      .target = "TargetFilename", .target_kind = KIND_FILE },
    { 3, SYSMON, "network connection", .actor = "User", .target = "Image",
      .target_kind = KIND_PROCESS, .ip = "DestinationIp" },
    { 6, SYSMON, "image loaded", .says = "driver", .target = "ImageLoaded",
      .target_kind = KIND_FILE },
    { 7, SYSMON, "image loaded", .actor = "User", .target = "ImageLoaded",
      .target_kind = KIND_FILE },
    { 8, SYSMON, "remote thread", .actor = "SourceUser",
      .target = "TargetImage", .target_kind = KIND_PROCESS },
    { 10, SYSMON, "process access", .actor = "SourceUser",
      .target = "TargetImage", .target_kind = KIND_PROCESS },
    { 11, SYSMON, "file created", .actor = "User", .target = "TargetFilename",
      .target_kind = KIND_FILE },
    { 12, SYSMON, "registry key", .actor = "User", .target = "TargetObject",
      .target_kind = KIND_RESOURCE },
    { 13, SYSMON, "registry value", .actor = "User", .target = "TargetObject",
      .target_kind = KIND_RESOURCE },
    { 14, SYSMON, "registry key", .says = "renamed", .actor = "User",
      .target = "TargetObject", .target_kind = KIND_RESOURCE },
    { 15, SYSMON, "file created", .says = "stream", .actor = "User",
      .target = "TargetFilename", .target_kind = KIND_FILE },
    { 22, SYSMON, "name lookup", .actor = "User", .target = "QueryName",
      .target_kind = KIND_DOMAIN },
    { 23, SYSMON, "file deleted", .actor = "User", .target = "TargetFilename",
      .target_kind = KIND_FILE },
    { 26, SYSMON, "file deleted", .actor = "User", .target = "TargetFilename",
      .target_kind = KIND_FILE },
    { 59, BITS, "transfer", .says = "started", .target = "url",
      .target_kind = KIND_URL },
    { 60, BITS, "transfer", .says = "stopped", .status = "hr", .target = "url",
      .target_kind = KIND_URL },
    /* -- protection -- */
    { 1116, DEFENDER, "threat found", .actor = "Detection User",
      .target = "Path", .target_kind = KIND_FILE },
    { 1117, DEFENDER, "threat found", .says = "action taken",
      .actor = "Detection User", .target = "Path", .target_kind = KIND_FILE },
    { 5001, DEFENDER, "protection changed",
      .says = "real-time protection off" },
    { 5007, DEFENDER, "protection changed", .says = "settings" },
};

const struct evtx_rule *evtx_rule_of(struct str provider, unsigned id)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (rules[i].id == id && str_ieq(provider, str_from(rules[i].provider)))
            return &rules[i];
    return NULL;
}

/* MS-KILE, MS-ERREF 2.3; the logon types of the Security log. */
static const struct {
    const char *field, *value, *meaning;
} meanings[] = {
    { "LogonType", "0", "system" },
    { "LogonType", "2", "interactive" },
    { "LogonType", "3", "network" },
    { "LogonType", "4", "batch" },
    { "LogonType", "5", "service" },
    { "LogonType", "7", "unlock" },
    { "LogonType", "8", "network, clear text" },
    { "LogonType", "9", "new credentials" },
    { "LogonType", "10", "remote interactive" },
    { "LogonType", "11", "cached interactive" },
    { "LogonType", "12", "cached remote interactive" },
    { "LogonType", "13", "cached unlock" },
    { "Status", "0xc000006d", "bad user name or password" },
    { "Status", "0xc000006e", "account restriction" },
    { "Status", "0xc0000064", "no such user" },
    { "Status", "0xc000006a", "wrong password" },
    { "Status", "0xc0000070", "workstation not allowed" },
    { "Status", "0xc000006f", "outside of logon hours" },
    { "Status", "0xc0000071", "password expired" },
    { "Status", "0xc0000072", "account disabled" },
    { "Status", "0xc0000133", "clocks differ too much" },
    { "Status", "0xc000015b", "logon type not granted" },
    { "Status", "0xc0000193", "account expired" },
    { "Status", "0xc0000224", "password must be changed" },
    { "Status", "0xc0000234", "account locked out" },
};

struct str evtx_meaning(struct str field, struct str value)
{
    if (str_eq(field, STR("SubStatus")))
        field = STR("Status");
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (str_eq(field, str_from(meanings[i].field)) &&
            str_ieq(value, str_from(meanings[i].value)))
            return str_from(meanings[i].meaning);
    return STR("");
}
