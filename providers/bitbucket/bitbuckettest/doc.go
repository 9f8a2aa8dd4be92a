// Package bitbuckettest has the fakes of Bitbucket Cloud and Bitbucket Data Center, and the
// answers that these were recorded or documented to give. It is for tests, and imports
// packages providertest and authserver but nothing of what it tests. Begin with
// [NewBitbucket] and [NewServer].
package bitbuckettest
