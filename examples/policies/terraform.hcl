# For a pipeline that keeps the mount and its integrations as code.
#
# Allows to enable and tune the mount at sei/, and to write its settings, integrations and targets of notifications. No
# credential can be read, sent or forgotten. A destroy can delete integrations, and their credentials with them, but not
# the mount.
#
# It cannot change which keys the audit log shows in plain text: who may can have secrets written there. They are set
# when the mount is enabled.
#
# Vault's provider makes a token of its own out of the one it is given, unless it has skip_child_token = true; without
# that it needs "update" on auth/token/create, too. Terraform that also writes policies can give itself any right:
# have another pipeline do that.
#
# Whoever may write sei/config decides by public_address to which host later links of invitations lead, where people
# enter credentials.
#
# To adapt: replace sei/, also below sys/mounts/, if the mount has another path.
path "sys/mounts/sei" {
  capabilities = ["read", "update"]
}

path "sys/mounts/sei/tune" {
  capabilities = ["read", "update"]
  denied_parameters = {
    "audit_non_hmac_request_keys"  = []
    "audit_non_hmac_response_keys" = []
  }
}

path "sei/config" {
  capabilities = ["read", "update"]
}

path "sei/integrations" {
  capabilities = ["list"]
}

path "sei/integrations/+" {
  capabilities = ["create", "read", "update", "delete"]
}

# Their addresses are secrets: whoever writes them with Terraform has them in its state. Leave this out if others do.
path "sei/notify" {
  capabilities = ["list"]
}

path "sei/notify/+" {
  capabilities = ["read", "update", "delete"]
}
