// Package bitbucket describes Bitbucket Cloud and Bitbucket Data Center, and checks the
// credentials for them. It imports packages providers, probe, oauthclient and upstream,
// and no other upstream. Begin with Spec and Validate in bitbucket.go.
package bitbucket
