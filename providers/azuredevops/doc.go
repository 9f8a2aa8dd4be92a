// Package azuredevops describes Azure DevOps Services, Azure DevOps Server and Microsoft
// Entra, and checks the credentials for it. It imports packages providers, probe,
// oauthclient and upstream, and no other upstream. Begin with Spec and Validate in
// azuredevops.go. entra.go has what is Entra's.
package azuredevops
