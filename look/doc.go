// Package look is the style sheet that all pages of this project begin with, so that they look
// alike: those that the plugin answers with, and those of the console. It imports nothing.
// Begin with [CSS].
package look
