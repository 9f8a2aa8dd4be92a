// Package swap is every way in which a person or the sweep replaces a credential or forgets
// it, and tells of it. It changes records through the door, rotation and oauth, and has
// health judged afterwards. Begin with [Swaps.Reauth].
package swap
