# For who looks at all integrations in the console, and changes nothing.
#
# Allows to see which work and since when, what expires next, how each is configured and what its credential consists of,
# who replaced it, and whether people are told. Reads no credential, sends none, and asks no upstream.
#
# To adapt: replace sei/ if the mount has another path.
path "sei/health" {
  capabilities = ["list"]
}

path "sei/health/+" {
  capabilities = ["read"] # no "update": a check is a request upstream
}

path "sei/status" {
  capabilities = ["read"]
}

path "sei/integrations/+" {
  capabilities = ["read"]
}

path "sei/reauth/+" {
  capabilities = ["read"] # what it takes, and who shares it; "update" to send a credential
}

path "sei/history/+" {
  capabilities = ["read"]
}

path "sei/notify" {
  capabilities = ["list"]
}
