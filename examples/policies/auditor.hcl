# For who looks at what happened and changes nothing: audit, security, an on-call rotation.
#
# Allows to read who replaced which credential when and why, and which work. What was refused is in Vault's audit log,
# which is read outside of Vault. The names of all integrations show.
#
# To adapt: replace sei/ if the mount has another path.
path "sei/history/+" {
  capabilities = ["read"]
}

path "sei/health" {
  capabilities = ["list"]
}

path "sei/health/+" {
  capabilities = ["read"] # no "update": a check is a request upstream
}

path "sei/status" {
  capabilities = ["read"]
}

# Where each credential is sent, and what is demanded of it.
# path "sei/integrations/+" {
#   capabilities = ["read"]
# }
