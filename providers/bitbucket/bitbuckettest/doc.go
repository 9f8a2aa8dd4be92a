// Package bitbuckettest is the fake of Bitbucket Cloud, and the answers that it was
// recorded or documented to give. It is for tests, and imports packages providertest and
// authserver but nothing of what it tests. Begin with [NewBitbucket].
package bitbuckettest
