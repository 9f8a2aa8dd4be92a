# For who sends links: to people who own an account at an upstream and have none at Vault.
#
# Allows to invite for one integration, for the account that it has, to see and to end what is open, and to see whether
# the credential works. Whoever may invite can use the link, too: this is the right to re-authenticate that account.
#
# To adapt: replace jira-prod, and sei/ if the mount has another path. Without denied_parameters other accounts can be
# invited as well.
path "sei/invites/jira-prod" {
  capabilities = ["read", "update"]
  denied_parameters = {
    "identity"     = []
    "any_identity" = []
  }
}

path "sei/invites/jira-prod/+" {
  capabilities = ["delete"]
}

path "sei/health/jira-prod" {
  capabilities = ["read"]
}
