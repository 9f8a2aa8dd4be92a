// Package page is what a person sees in the browser at the end of an authorization. It
// touches the values of backend only, repeats nothing of a request, and loads nothing from
// elsewhere; the status and the answer around a page are the callback's, in
// path_oauth.go. Begin with [Done] and [Refused].
package page
