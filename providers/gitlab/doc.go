// Package gitlab describes GitLab, and checks the credentials for it. It imports
// packages providers, probe and upstream, and no other upstream. Begin with Spec and
// Validate in gitlab.go.
package gitlab
