// Package webhook posts messages to webhooks: to a chat, or to a program that listens. It
// implements [providers.Poster] with the engine's only HTTP client. It touches nothing else, and stores
// nothing. Begin with [New].
package webhook
