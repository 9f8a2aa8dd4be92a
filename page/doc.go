// Package page makes the pages that a person sees in the browser at the end of an
// authorization. It knows values of backend only, and the look of pages, repeats nothing of a request, and loads
// nothing from elsewhere; the callback in path_oauth.go chooses the page and its status.
// Begin with [Done] and [Refused].
package page
