# For who runs the mount: its settings and all its integrations.
#
# Allows to configure, also who is told what happens, to see health and history, to rotate and roll back, and to forget
# a credential, which comes before a change of where it is sent. Reads no credential and sends none.
#
# Whoever may write sei/config decides which hosts may be called at all; where those who configure integrations shall
# not, leave that path out: see "A stolen token for integrations" in docs/security.md. They also decide, by
# public_address, to which host later links of invitations lead, where people enter credentials.
#
# To adapt: replace sei/ if the mount has another path.
path "sei/config" {
  capabilities = ["read", "update"]
}

path "sei/integrations" {
  capabilities = ["list"]
}

path "sei/integrations/+" {
  capabilities = ["create", "read", "update", "delete"]
}

path "sei/creds/+" {
  capabilities = ["delete"] # no "read"
}

path "sei/reauth/+" {
  capabilities = ["read"] # what it takes; "update" to send a credential
}

path "sei/health" {
  capabilities = ["list"]
}

path "sei/health/+" {
  capabilities = ["read", "update"]
}

path "sei/history/+" {
  capabilities = ["read"]
}

path "sei/rotate/+" {
  capabilities = ["update"]
}

path "sei/rollback/+" {
  capabilities = ["update"]
}

path "sei/notify" {
  capabilities = ["list"]
}

path "sei/notify/+" {
  capabilities = ["read", "update", "delete"]
}

path "sei/notify/+/test" {
  capabilities = ["update"]
}

# What is open, and to end it; "update" on sei/invites/+ to invite, see inviter.hcl.
path "sei/invites" {
  capabilities = ["list"]
}

path "sei/invites/+" {
  capabilities = ["read"]
}

path "sei/invites/+/+" {
  capabilities = ["delete"]
}

path "sei/status" {
  capabilities = ["read"]
}

path "sei/providers" {
  capabilities = ["list"]
}

path "sei/providers/+" {
  capabilities = ["read"]
}
