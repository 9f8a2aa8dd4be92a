package input

import (
	"fmt"
	"slices"
	"strings"
)

// UnknownQuery is the warning of the names of a query that are not among the known ones,
// or "" if all are. A name that is only nearly right would else be answered as if nothing
// had been asked for.
func UnknownQuery(query map[string]any, known []string) string {
	var unknown []string
	for name := range query {
		if !slices.Contains(known, name) {
			unknown = append(unknown, printable(name))
		}
	}
	if len(unknown) == 0 {
		return ""
	}
	return queryWarning(unknown, known)
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
