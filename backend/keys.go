package backend

// IntegrationsPrefix is that of the storage keys of integrations.
const IntegrationsPrefix = "integrations/"

// CredentialsPrefix is that of the storage keys of credential records.
const CredentialsPrefix = "credentials/"

// GroupsPrefix is that of the storage keys of the index of groups.
const GroupsPrefix = "groups/"

// FlowsPrefix is that of the storage keys of open authorizations.
const FlowsPrefix = "oauth/"

// InvitesPrefix is that of the storage keys of open invitations.
const InvitesPrefix = "invites/"

// HealthPrefix is that of the storage keys of findings.
const HealthPrefix = "health/"

// PendingPrefix is that of the storage keys of rotations under way.
const PendingPrefix = "rotating/"

// MountKey is the storage key of the mount's settings; it is also their path.
const MountKey = "config"

// NotifyPrefix is that of the storage keys of targets of notifications.
const NotifyPrefix = "notify/"

// NotifiedPrefix is that of the storage keys of what targets were told.
const NotifiedPrefix = "notified/"
