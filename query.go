package sei

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/vault/sdk/logical"
)

// warnOfQuery adds to the answer of a read what of its query was not read. A name that is
// only nearly right would else be answered as if nothing had been asked for. What an
// authorization server adds to the callback's query is its own affair.
func (e *engine) warnOfQuery(req *logical.Request, query map[string]any, resp *logical.Response) {
	reads := req.Operation == logical.ReadOperation || req.Operation == logical.ListOperation
	if !reads || len(query) == 0 || resp == nil || resp.IsError() || req.Path == callbackPath {
		return
	}
	known := e.queryNames(req)
	var unknown []string
	for name := range query {
		if !slices.Contains(known, name) {
			unknown = append(unknown, printable(name))
		}
	}
	if len(unknown) > 0 {
		resp.AddWarning(queryWarning(unknown, known))
	}
}

// queryNames are the names that a read's query may have. Vault itself reads list, and
// leaves it where it is false.
func (e *engine) queryNames(req *logical.Request) []string {
	names := []string{"list"}
	path := e.Route(req.Path)
	if path == nil || req.Operation != logical.ReadOperation {
		return names
	}
	for name, field := range path.Fields {
		if field.Query {
			names = append(names, name)
		}
	}
	return names
}

func queryWarning(unknown, known []string) string {
	const most = 10
	slices.Sort(unknown)
	unknown = slices.Compact(unknown)
	if len(unknown) > most {
		unknown = append(unknown[:most], "others")
	}
	takes := "this path takes none"
	if names := slices.DeleteFunc(slices.Clone(known), func(name string) bool { return name == "list" }); len(names) > 0 {
		slices.Sort(names)
		takes = "this path takes " + strings.Join(names, ", ")
	}
	return fmt.Sprintf("of the query, %s is not known here and was not read; %s", strings.Join(unknown, ", "), takes)
}
