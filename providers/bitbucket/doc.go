// Package bitbucket describes Bitbucket Cloud, and checks the credentials for it. It
// imports packages providers, probe, oauthclient and upstream, and no other upstream.
// Begin with Spec and Validate in bitbucket.go.
package bitbucket
