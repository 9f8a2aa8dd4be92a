// Package jira describes Jira Cloud and Jira Data Center, and checks the credentials for
// it. It imports packages providers, probe and upstream, and no other upstream. Begin
// with Spec and Validate in jira.go.
package jira
