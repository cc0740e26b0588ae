package arch

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Check lists every way in which the packages break the table, sorted.
func Check(g Graph, table []Row) []string {
	rows := map[string]Row{}
	for _, row := range table {
		rows[row.Package] = row
	}
	var found []string
	for name, p := range g {
		row, known := rows[name]
		if !known {
			found = append(found, fmt.Sprintf("%s: not in the import table", name))
			continue
		}
		for _, imported := range p.Imports {
			if g.has(imported, rows) && !covers(row.May, imported) {
				found = append(found, fmt.Sprintf("%s: may not import %s", name, imported))
			}
		}
		for _, imported := range p.TestImports {
			if g.has(imported, rows) && !covers(row.May, imported) && !covers(row.Tests, imported) {
				found = append(found, fmt.Sprintf("%s: its tests may not import %s", name, imported))
			}
		}
	}
	if circle := Circle(g.imports()); circle != nil {
		found = append(found, "circle: "+strings.Join(circle, " → "))
	}
	slices.Sort(found)
	return found
}

// has says whether an import is one of ours.
func (g Graph) has(imported string, rows map[string]Row) bool {
	_, read := g[imported]
	_, listed := rows[imported]
	return read || listed
}

// covers says whether a list of names, some ending in "/*", has a package.
func covers(names []string, pkg string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		if name == "*" {
			return !strings.HasPrefix(pkg, "cmd/")
		}
		room, all := strings.CutSuffix(name, "/*")
		return pkg == room || all && strings.HasPrefix(pkg, room+"/")
	})
}

func (g Graph) imports() map[string][]string {
	edges := map[string][]string{}
	for name, p := range g {
		edges[name] = p.Imports
	}
	return edges
}

// Circle returns one circle of a directed graph, its first name again at the
// end, or nil.
func Circle(edges map[string][]string) []string {
	const onWay, done = 1, 2
	mark := map[string]int{}
	var way []string
	var visit func(name string) []string
	visit = func(name string) []string {
		switch mark[name] {
		case onWay:
			return append(slices.Clone(way[slices.Index(way, name):]), name)
		case done:
			return nil
		}
		mark[name] = onWay
		way = append(way, name)
		for _, next := range edges[name] {
			if circle := visit(next); circle != nil {
				return circle
			}
		}
		mark[name] = done
		way = way[:len(way)-1]
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(edges)) {
		if circle := visit(name); circle != nil {
			return circle
		}
	}
	return nil
}

// Allowed is the table as a graph: every import that it would let pass.
func Allowed(table []Row) map[string][]string {
	edges := map[string][]string{}
	for _, row := range table {
		edges[row.Package] = nil
		for _, other := range table {
			if other.Package != row.Package && covers(row.May, other.Package) {
				edges[row.Package] = append(edges[row.Package], other.Package)
			}
		}
	}
	return edges
}

// CheckPure lists what pure packages must not do: read a clock, open a file or
// socket, log.
func CheckPure(g Graph, pure []string) []string {
	var found []string
	for _, name := range pure {
		for _, use := range g[name].Clock {
			found = append(found, fmt.Sprintf("%s is pure: %s", name, use))
		}
		for _, imported := range g[name].Imports {
			if covers(impure, imported) && !covers(reckons, imported) {
				found = append(found, fmt.Sprintf("%s is pure: imports %s", name, imported))
			}
		}
	}
	slices.Sort(found)
	return found
}

// CheckOwn lists libraries that are used outside their room.
func CheckOwn(g Graph) []string {
	var found []string
	for name, p := range g {
		for _, own := range Own {
			for _, imported := range p.Imports {
				if covers([]string{own.Library}, imported) && !covers(own.By, name) {
					found = append(found, fmt.Sprintf("%s: may not import %s: %s", name, imported, own.Why))
				}
			}
		}
	}
	slices.Sort(found)
	return found
}
