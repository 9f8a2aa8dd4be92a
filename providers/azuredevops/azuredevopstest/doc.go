// Package azuredevopstest holds the fakes of Azure DevOps and of Microsoft Entra, and
// the answers that they were recorded or documented to give. It is for tests, and
// imports packages providertest and authserver but nothing of what it tests. Begin with
// [NewAzureDevOps] and [NewEntra].
package azuredevopstest
