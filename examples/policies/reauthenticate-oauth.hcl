# For a person who renews the credential of one OAuth integration in a browser.
#
# Allows to get the address where a person consents, and to see whether the credential works. oauth/callback, where
# the browser comes back to and the person confirms, needs no policy.
#
# To adapt: replace bitbucket-oauth, and sei/ if the mount has another path. Only if redirect_uri leads to a page of
# your own, and code and state are written to reauth/ by hand, the "update" below is needed.
path "sei/oauth/authorize/bitbucket-oauth" {
  capabilities = ["update"]
}

path "sei/reauth/bitbucket-oauth" {
  capabilities = ["read"] # and "update"; see above
}

path "sei/health/bitbucket-oauth" {
  capabilities = ["read"]
}
