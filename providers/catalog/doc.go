// Package catalog lists the providers of this build. It is the only package that imports
// those of the upstreams, and it holds nothing else. Begin with [All].
package catalog
