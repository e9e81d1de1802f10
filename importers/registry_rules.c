#include "importers/registry_rules.h"

#include "base/kinds.h"

#define CURRENT "Microsoft\\Windows\\CurrentVersion\\"
#define NT      "Microsoft\\Windows NT\\CurrentVersion"
#define CONTROL "ControlSet*\\Control\\"

/* Values are separated by "|", because their names have blanks. */
static const struct registry_rule rules[] = {
    /* -- the machine -- */
    { CONTROL "ComputerName\\ComputerName", "host fact", "computer name",
      FORM_KEY, KIND_HOST, "ComputerName", "ComputerName" },
    { CONTROL "TimeZoneInformation", "host fact", "time zone", FORM_ZONE, 0,
      "TimeZoneKeyName|Bias|ActiveTimeBias|StandardName|DaylightName",
      "TimeZoneKeyName" },
    { "ControlSet*\\Services\\Tcpip\\Parameters", "host fact", "network name",
      FORM_KEY, KIND_HOST, "Hostname|NV Hostname|Domain|DhcpDomain|NameServer",
      "Hostname" },
    { "ControlSet*\\Services\\Tcpip\\Parameters\\Interfaces\\*", "host fact",
      "network interface", FORM_KEY, 0,
      "EnableDHCP|DhcpIPAddress|DhcpSubnetMask|DhcpServer|DhcpDefaultGateway|"
      "DhcpNameServer|IPAddress|DefaultGateway|NameServer",
      NULL },
    { CONTROL "Windows", "shutdown", "last one", FORM_SHUTDOWN, 0,
      "ShutdownTime", NULL },
    { "Select", "host fact", "control sets", FORM_KEY, 0,
      "Current|Default|Failed|LastKnownGood", NULL },
    { "MountedDevices", "host fact", "mounted device", FORM_VALUES, 0, NULL,
      NULL },
    { CONTROL "Terminal Server", "host fact", "remote desktop", FORM_KEY, 0,
      "fDenyTSConnections", NULL },
    { NT, "host fact", "release", FORM_RELEASE, 0,
      "ProductName|DisplayVersion|ReleaseId|CurrentBuild|CurrentVersion|"
      "EditionID|RegisteredOwner|RegisteredOrganization|InstallDate",
      "ProductName" },
    { NT "\\ProfileList\\*", "account", "profile", FORM_KEY, KIND_HOST_USER,
      "ProfileImagePath", NULL },
    { NT "\\NetworkList\\Profiles\\*", "host fact", "network", FORM_NETWORK,
      KIND_RESOURCE, "ProfileName|Description|Category", "ProfileName" },
    { "Amazon\\MachineImage", "host fact", "machine image", FORM_KEY,
      KIND_RESOURCE, "AMIName|AMIVersion", "AMIName" },
    { CURRENT "Uninstall\\*", "package", NULL, FORM_KEY, KIND_PACKAGE,
      "DisplayName|DisplayVersion|Publisher|InstallDate|InstallLocation|"
      "UninstallString",
      "DisplayName" },
    /* -- what will run -- */
    { "ControlSet*\\Services\\*", "startup entry", "service", FORM_KEY,
      KIND_UNIT, "ImagePath|Start|Type|ObjectName|DisplayName|FailureCommand",
      NULL },
    { "ControlSet*\\Services\\*\\Parameters", "startup entry",
      "service's library", FORM_KEY, KIND_FILE, "ServiceDll", "ServiceDll" },
    { CONTROL "Session Manager", "startup entry", "session manager", FORM_KEY,
      0, "BootExecute|SetupExecute|Execute|PendingFileRenameOperations", NULL },
    { CONTROL "Session Manager\\AppCertDlls", "startup entry",
      "library in every process", FORM_VALUES, KIND_FILE, .target = NULL },
    { CONTROL "Lsa", "startup entry", "security packages", FORM_KEY, 0,
      "Authentication Packages|Security Packages|Notification Packages", NULL },
    { CONTROL "Print\\Monitors\\*", "startup entry", "print monitor", FORM_KEY,
      KIND_FILE, "Driver", "Driver" },
    { CURRENT "Run", "startup entry", "at logon", FORM_VALUES, KIND_FILE, NULL,
      NULL },
    { CURRENT "RunOnce", "startup entry", "at the next logon", FORM_VALUES,
      KIND_FILE, .target = NULL },
    { CURRENT "RunOnceEx\\*", "startup entry", "at the next logon", FORM_VALUES,
      KIND_FILE, .target = NULL },
    { CURRENT "RunServices", "startup entry", "at boot", FORM_VALUES, KIND_FILE,
      NULL, NULL },
    { CURRENT "RunServicesOnce", "startup entry", "at boot", FORM_VALUES,
      KIND_FILE, .target = NULL },
    { CURRENT "Policies\\Explorer\\Run", "startup entry", "at logon",
      FORM_VALUES, KIND_FILE, .target = NULL },
    { NT "\\Winlogon", "startup entry", "logon", FORM_KEY, 0,
      "Shell|Userinit|Taskman|GinaDLL|System|VmApplet|AutoAdminLogon|"
      "DefaultUserName|DefaultDomainName",
      NULL },
    { NT "\\Winlogon\\Notify\\*", "startup entry", "logon notification",
      FORM_KEY, KIND_FILE, "DLLName", "DLLName" },
    { NT "\\Windows", "startup entry", "library in every process", FORM_KEY, 0,
      "AppInit_DLLs|LoadAppInit_DLLs|Load|Run", NULL },
    { NT "\\Image File Execution Options\\*", "startup entry", "debugger",
      FORM_KEY, 0, "Debugger|GlobalFlag|VerifierDlls", NULL },
    { NT "\\SilentProcessExit\\*", "startup entry", "at a program's end",
      FORM_KEY, 0, "MonitorProcess|ReportingMode", NULL },
    { NT "\\Schedule\\TaskCache\\Tasks\\*", "scheduled task", NULL, FORM_KEY,
      KIND_UNIT, "Path|Author|Date|URI|Description", "Path" },
    { "Microsoft\\Active Setup\\Installed Components\\*", "startup entry",
      "active setup", FORM_KEY, KIND_FILE, "StubPath|ComponentID|Version",
      "StubPath" },
    { "Microsoft\\Command Processor", "startup entry", "command shell",
      FORM_KEY, 0, "AutoRun", NULL },
    { "Environment", "startup entry", "logon script", FORM_KEY, KIND_FILE,
      "UserInitMprLogonScript", "UserInitMprLogonScript" },
    { "Control Panel\\Desktop", "startup entry", "screen saver", FORM_KEY,
      KIND_FILE, "SCRNSAVE.EXE", "SCRNSAVE.EXE" },
    { "UsrClass\\CLSID\\*\\InprocServer32", "startup entry",
      "user's own COM library", FORM_VALUES, KIND_FILE, .target = NULL },
    { "NTUSER\\Software\\Classes\\CLSID\\*\\InprocServer32", "startup entry",
      "user's own COM library", FORM_VALUES, KIND_FILE, .target = NULL },
    /* -- what a user did -- */
    { CURRENT "Explorer\\RunMRU", "command", "typed into Run", FORM_VALUES,
      .target = NULL },
    { CURRENT "Explorer\\UserAssist\\*\\Count", "process", "started by hand",
      FORM_ASSIST, KIND_PROCESS, .target = NULL },
    { CURRENT "Explorer\\TypedPaths", "registry value", "path typed",
      FORM_VALUES, .target = NULL },
    { CURRENT "Explorer\\RecentDocs", "registry value", "file opened", FORM_MRU,
      KIND_FILE, .target = NULL },
    { CURRENT "Explorer\\RecentDocs\\*", "registry value", "file opened",
      FORM_MRU, KIND_FILE, .target = NULL },
    { "Microsoft\\Internet Explorer\\TypedURLs", "registry value", "URL typed",
      FORM_VALUES, KIND_URL, .target = NULL },
    { "Microsoft\\Terminal Server Client\\Default", "known host",
      "remote desktop to", FORM_VALUES, KIND_HOST, .target = NULL },
    { "Microsoft\\Terminal Server Client\\Servers\\*", "known host",
      "remote desktop to", FORM_KEY, KIND_HOST, "UsernameHint|CertHash", NULL },
    { "SimonTatham\\PuTTY\\SshHostKeys", "known host", "PuTTY", FORM_VALUES,
      KIND_HOST, .target = NULL },
    { "SimonTatham\\PuTTY\\Sessions\\*", "known host", "PuTTY session",
      FORM_KEY, KIND_HOST, "HostName|UserName|PortNumber|PublicKeyFile",
      "HostName" },
    /* -- accounts -- */
    { "SAM\\Domains\\Account\\Users\\0*", "account", NULL, FORM_USER,
      KIND_HOST_USER, .target = NULL },
    { "SAM\\Domains\\Account\\Users\\Names\\*", "account changed",
      "its name entered or changed", FORM_NAME, KIND_HOST_USER,
      .target = NULL },
    { "SAM\\Domains\\Account", "host fact", "machine SID", FORM_DOMAIN,
      KIND_MACHINE, .target = NULL },
    /* -- what was there -- */
    { "Root\\InventoryApplicationFile\\*", "registry key", "program seen",
      FORM_KEY, KIND_FILE,
      "LowerCaseLongPath|FileId|LinkDate|Size|Version|Publisher|ProductName",
      "LowerCaseLongPath" },
    { "Root\\File\\*\\*", "registry key", "program seen", FORM_KEY, KIND_FILE,
      "15|101|0|1", "15" },
};

/* The last n bytes' worth of components of path: does the pattern, which has
 * none but `*`, fit them one by one? */
static bool fits(struct str path, struct str pattern)
{
    for (;;) {
        size_t a = path.n, b = pattern.n;
        while (a && path.p[a - 1] != '\\')
            a--;
        while (b && pattern.p[b - 1] != '\\')
            b--;
        if (!str_glob(str_sub(pattern, b, pattern.n), str_sub(path, a, path.n),
                      true))
            return false;
        if (b == 0)
            return true;
        if (a == 0)
            return false;
        path = str_sub(path, 0, a - 1);
        pattern = str_sub(pattern, 0, b - 1);
    }
}

const struct registry_rule *registry_rule_next(struct str path,
                                               const struct registry_rule *r)
{
    const struct registry_rule *end = rules + sizeof rules / sizeof *rules;
    for (r = r ? r + 1 : rules; r < end; r++)
        if (fits(path, str_from(r->path)))
            return r;
    return NULL;
}
