# For the people of every team, as one policy: Vault puts in the team of whoever sends a request.
#
# Allows to see the integrations of one's own team, to renew their credentials in both ways, and to look at health and
# history. Not to configure, and no credential. Integrations are named team.name, such as alpha.jira-prod.
#
# The team is the metadata "team" of the entity (or of a group: {{identity.groups.names.NAME.metadata.team}}), which
# only administrators may write. A token without it gets nothing. No team may have a dot in its name, or be empty.
#
# Names alone do not part teams where they may also write integrations/: see "The mount is the boundary" in
# docs/security.md. To adapt: replace sei/ if the mount has another path.
path "sei/integrations/{{identity.entity.metadata.team}}.*" {
  capabilities = ["read"]
}

path "sei/reauth/{{identity.entity.metadata.team}}.*" {
  capabilities = ["read", "update"]
}

path "sei/validate/{{identity.entity.metadata.team}}.*" {
  capabilities = ["update"]
}

path "sei/oauth/authorize/{{identity.entity.metadata.team}}.*" {
  capabilities = ["update"]
}

path "sei/health/{{identity.entity.metadata.team}}.*" {
  capabilities = ["read", "update"]
}

path "sei/history/{{identity.entity.metadata.team}}.*" {
  capabilities = ["read"]
}
