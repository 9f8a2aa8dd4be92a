// Package githubtest is the fake of GitHub, and the answers that it was recorded or
// documented to give. It is for tests, and imports package providertest but nothing of
// what it tests. Begin with [NewGitHub].
package githubtest
