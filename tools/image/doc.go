// Command image makes the plugin's multi-platform OCI image of a release, without a
// container runtime, and may push it to a registry:
//
//	image -release FOLDER -version v1.2.3 -out FOLDER [-push NAME[:TAG]]
//	      [-source URL] [-revision COMMIT] [-builder URI] OS/ARCH...
//
// The release is what scripts/release.sh wrote; a program whose sum is not the one in its
// SHA256SUMS is refused. The same programs, flags and Go, and the same version of this
// module, give the same digest. SBOMs and the statement of provenance refer to the image and
// are no part of it, so they do not change its digest. What was made is printed, a line
// each, the image first: a digest, a space, and what it is of.
//
// The registry's credentials are those of Docker's configuration file.
//
// It is a module of its own, so that the plugin's go.mod has none of its dependencies.
// Begin with assemble in made.go.
package main
