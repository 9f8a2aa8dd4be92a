package backend

// integrationsPrefix is that of the storage keys of integrations.
const integrationsPrefix = "integrations/"

// credentialsPrefix is that of the storage keys of credential records.
const credentialsPrefix = "credentials/"

// groupsPrefix is that of the storage keys of the index of groups.
const groupsPrefix = "groups/"

// flowsPrefix is that of the storage keys of open authorizations.
const flowsPrefix = "oauth/"

// healthPrefix is that of the storage keys of findings.
const healthPrefix = "health/"

// pendingPrefix is that of the storage keys of rotations under way.
const pendingPrefix = "rotating/"

// mountKey is the storage key of the mount's settings; it is also their path.
const mountKey = "config"
