package input

import (
	"fmt"
	"slices"
	"strings"
)

// UnknownQuery warns of the names in a query that the path does not know, or is "" if it
// knows all. Without the warning, a misspelt name would be answered as if it had not been
// sent.
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
