// Package serve answers the browser: it reads what a page needs from the engine, as far as the
// token may, sends what a form says to the engine, and has package page make the page. It
// keeps nothing but notes for the next page, and offers nothing that the token may not do.
// Begin with [New].
package serve
