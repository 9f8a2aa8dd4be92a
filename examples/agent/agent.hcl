# Vault Agent for a worker that reads its credential from a file, or through the agent.
#
#   export VAULT_ADDR=https://vault.example.com
#   vault agent -config=agent.hcl
#
# Paths are relative to where the agent is started. The AppRole has the policy
# ../policies/worker.hcl; any other method of auto_auth does as well.
#
# How soon a new credential is in the file: creds/ says in ttl when to read again, and the agent does
# so one second later. That is creds_ttl of the mount, 300 s unless it is set otherwise, or sooner where
# the credential ends, or an access token of OAuth has to be renewed. A file is written, and its command
# run, only if its contents change.

auto_auth {
  method "approle" {
    config = {
      role_id_file_path                   = "role-id"
      secret_id_file_path                 = "secret-id"
      remove_secret_id_file_after_reading = false
    }
  }
}

# A read that fails, because there is no credential yet or Vault is away, is tried again after 0.25 s, 0.5 s
# and so on up to a minute. What was written before stays. With exit_on_retry_failure = true the
# agent would end after twelve of them, about five minutes.
template_config {
  exit_on_retry_failure = false
}

template {
  source               = "credential.ctmpl"
  destination          = "credential.curl"
  perms                = "0600"
  error_on_missing_key = true
  exec {
    command = ["./changed.sh"]
    timeout = "30s"
  }
}

# For workers that read from Vault themselves: VAULT_ADDR=unix:///.../agent.sock, and no token. The agent adds its
# own. It caches what has a lease, and creds/ has none: each read is answered by Vault, and is as new as any.
api_proxy {
  use_auto_auth_token = "force"
}

cache {}

listener "unix" {
  address     = "agent.sock"
  socket_mode = "0600"
  tls_disable = true
}
