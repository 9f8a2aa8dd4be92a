// Package swap has every way in which a person or the sweep replaces a credential or
// forgets it, and sends the event of it. It changes records through packages credential,
// rotation and oauth, and has package health judge the new credential. Begin with
// [Swaps.Reauth].
package swap
