// Package invite keeps invitations: links by which somebody without an account at Vault
// re-authenticates one integration, once. They are invites/<hash> in storage.
//
// An invitation is used up by the Put of the credential that it let in: the record names
// it, so that no crash leaves a link that works twice. Its own entry is removed by the sweep.
// An invitation that ends, by somebody or by its time, ends also for a check that is under
// way: it is looked at again right before the Put, and nobody can end it during that.
//
// It touches what is stored below invites/ alone; records it changes through the door, in
// package credential.
//
// Begin with [Invitations.Open], [Invitations.Find] and [Visit.Edit].
package invite
