// Package gitlabtest is the fake of GitLab, and the answers that it was recorded or
// documented to give. It is for tests, and imports package providertest but nothing of
// what it tests. Begin with [NewGitLab].
package gitlabtest
