package look

import _ "embed"

//go:embed look.css
var css string

// CSS is the style sheet. It loads nothing.
func CSS() string { return css }
