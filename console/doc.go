// Package console is a program that shows the integrations of a Vault to one person, on pages
// of their own machine and with their own token: it listens on loopback, opens the browser, and
// ends with the program. Its rooms are below it; it shares nothing with the plugin but the look
// of its pages. Begin with [Run].
package console
