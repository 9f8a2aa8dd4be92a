// Package webhook posts messages to webhooks: to a chat, or to a program that listens. It
// implements [providers.Poster] with the engine's only HTTP client. Begin with [New].
package webhook
