# For a program that uses the credential of one integration: a worker, Vault Agent, the External Secrets Operator.
#
# Allows to read that credential, and to report what the upstream said of it. Nothing can be changed or listed.
#
# To adapt: replace github-prod, and sei/ if the mount has another path; leave the second path out where nothing is
# reported. A worker of several integrations has both paths for each: a "*" would hand out credentials that it has no
# use for, and those of integrations to come.
path "sei/creds/github-prod" {
  capabilities = ["read"]
}

path "sei/creds/github-prod/report" {
  capabilities = ["update"]
}
