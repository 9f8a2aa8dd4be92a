package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"runtime/debug"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// What the statement is: https://in-toto.io/Statement/v1 with https://slsa.dev/spec/v1.0/provenance.
// buildType says that an image was put together of programs that were there; how those were built
// is not its matter. A builder that was not named is called so: SLSA demands a name.
const (
	statementType = "https://in-toto.io/Statement/v1"
	provenanceOf  = "https://slsa.dev/provenance/v1"
	buildType     = "urn:" + plugin + ":make-image:v1"
	nobody        = "urn:" + plugin + ":builder-not-named"
	rootsModule   = "golang.org/x/crypto/x509roots/fallback"
)

type statement struct {
	Type          string     `json:"_type"`
	Subject       []resource `json:"subject"`
	PredicateType string     `json:"predicateType"`
	Predicate     provenance `json:"predicate"`
}

// resource is a file, module or repository that went in or came out.
type resource struct {
	Name   string            `json:"name,omitempty"`
	URI    string            `json:"uri,omitempty"`
	Digest map[string]string `json:"digest,omitempty"`
}

type provenance struct {
	BuildDefinition struct {
		BuildType            string     `json:"buildType"`
		ExternalParameters   parameters `json:"externalParameters"`
		ResolvedDependencies []resource `json:"resolvedDependencies"`
	} `json:"buildDefinition"`
	RunDetails struct {
		Builder struct {
			ID string `json:"id"`
		} `json:"builder"`
	} `json:"runDetails"`
}

type parameters struct {
	Version   string   `json:"version"`
	Platforms []string `json:"platforms"`
}

// provenanceStatement says what the image was made of, and by whom if that is known. It
// has no time and no number of a run, so that the same inputs give the same bytes.
func provenanceStatement(image v1.Hash, f facts, parts []part, authorities []byte) ([]byte, error) {
	said := statement{
		Type: statementType, PredicateType: provenanceOf,
		Subject: []resource{{Name: plugin, Digest: map[string]string{image.Algorithm: image.Hex}}},
	}
	definition := &said.Predicate.BuildDefinition
	definition.BuildType = buildType
	definition.ExternalParameters.Version = f.version
	for _, p := range parts {
		definition.ExternalParameters.Platforms = append(definition.ExternalParameters.Platforms, p.platform.String())
		definition.ResolvedDependencies = append(definition.ResolvedDependencies, resource{Name: p.name, Digest: map[string]string{"sha256": p.sum}})
	}
	sum := sha256.Sum256(authorities)
	definition.ResolvedDependencies = append(definition.ResolvedDependencies,
		resource{Name: rootsFile, URI: rootsURI(), Digest: map[string]string{"sha256": hex.EncodeToString(sum[:])}})
	if f.source != "" && f.revision != "" {
		definition.ResolvedDependencies = append(definition.ResolvedDependencies,
			resource{URI: "git+" + f.source, Digest: map[string]string{"gitCommit": f.revision}})
	}
	said.Predicate.RunDetails.Builder.ID = nobody
	if f.builder != "" {
		said.Predicate.RunDetails.Builder.ID = f.builder
	}
	return json.MarshalIndent(said, "", "  ")
}

// rootsURI names the module that the certificate authorities are from, as a package URL.
func rootsURI() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, module := range info.Deps {
		if module.Path == rootsModule {
			return "pkg:golang/" + module.Path + "@" + module.Version
		}
	}
	return ""
}
