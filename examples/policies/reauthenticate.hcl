# For a person, or a team's group, who renews the credential of one integration.
#
# Allows to read which fields its credential has, to send a new one, and to see whether it works. Not the
# configuration, and no credential, not even the one just sent.
#
# To adapt: replace jira-prod, and sei/ if the mount has another path. "jira-*" in the place of a name would also
# cover integrations that do not exist yet: only where nobody else may create those.
path "sei/reauth/jira-prod" {
  capabilities = ["read", "update"]
}

path "sei/health/jira-prod" {
  capabilities = ["read"] # "update" to have it checked now
}

# To try a credential out without storing it; it tells no more than reauth/ does.
# path "sei/validate/jira-prod" {
#   capabilities = ["update"]
# }
