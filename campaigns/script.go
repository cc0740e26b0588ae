package campaigns

import (
	"fmt"
	"regexp"
	"strings"
)

// Script is what an operator says, and what they say where somebody objects.
type Script struct {
	Stages     []ScriptPart
	Objections []ScriptPart
}

// ScriptPart is a stage of a script or an objection.
type ScriptPart struct {
	Name    string // empty: what stands before the first stage
	Line    int    // of its headline, from 1; 0 where it has none
	Text    string
	Answers []ScriptAnswer
}

// ScriptAnswer is what the customer may say, and the stage that it leads to.
type ScriptAnswer struct {
	Text  string
	Stage string
	Line  int
}

var (
	headline = regexp.MustCompile(`^([#!])\s+(.+)$`)
	branch   = regexp.MustCompile(`^-\s*(.*?)\s*(?:->|→)\s*(.*)$`)
)

// ParseScript reads a script. A line "# Name" begins a stage, a line "! Words" an
// objection, which ends where the next of either begins; "- answer -> Name" is an answer
// that leads to the stage of that name. Everything else is text.
func ParseScript(text string) Script {
	var s Script
	into := &s.Stages
	for i, line := range strings.Split(text, "\n") {
		trimmed := strings.TrimSpace(line)
		if m := headline.FindStringSubmatch(trimmed); m != nil {
			into = &s.Stages
			if m[1] == "!" {
				into = &s.Objections
			}
			*into = append(*into, ScriptPart{Name: m[2], Line: i + 1})
			continue
		}
		if len(*into) == 0 {
			if trimmed == "" {
				continue
			}
			*into = append(*into, ScriptPart{})
		}
		part := &(*into)[len(*into)-1]
		if m := branch.FindStringSubmatch(trimmed); m != nil {
			part.Answers = append(part.Answers, ScriptAnswer{m[1], m[2], i + 1})
			continue
		}
		part.Text += line + "\n"
	}
	for _, parts := range [][]ScriptPart{s.Stages, s.Objections} {
		for i := range parts {
			parts[i].Text = strings.TrimSpace(parts[i].Text)
		}
	}
	return s
}

// wrongBranches says which answers lead nowhere, line by line.
func (s Script) wrongBranches(stages []ScriptPart) (all []string) {
	there, names := map[string]int{}, []string{}
	for _, stage := range stages {
		if stage.Name != "" {
			there[stage.Name]++
			names = append(names, stage.Name)
		}
	}
	for _, parts := range [][]ScriptPart{s.Stages, s.Objections} {
		for _, part := range parts {
			for _, a := range part.Answers {
				switch {
				case a.Text == "":
					all = append(all, fmt.Sprintf("line %d: an answer has words before its arrow", a.Line))
				case there[a.Stage] == 0:
					all = append(all, fmt.Sprintf("line %d: there is no stage %q; there are %s", a.Line, a.Stage, strings.Join(names, ", ")))
				case there[a.Stage] > 1:
					all = append(all, fmt.Sprintf("line %d: there are %d stages %q", a.Line, there[a.Stage], a.Stage))
				}
			}
		}
	}
	return all
}

// ObjectionsOf are the objections of a segment's portrait: text as in a script, with
// nothing but objections in it.
func (c Campaign) ObjectionsOf(segment string) string {
	for _, s := range c.Segments {
		if s.Name == segment {
			return s.Objections
		}
	}
	return ""
}

func (c Campaign) validateScript(p *problems) {
	script := ParseScript(c.Script)
	for _, wrong := range script.wrongBranches(script.Stages) {
		p.add("script", "%s", wrong)
	}
	for i, s := range c.Segments {
		field := at("segments", i) + ".objections"
		objections := ParseScript(s.Objections)
		for _, stage := range objections.Stages {
			if stage.Line > 0 {
				p.add(field, "line %d: a stage belongs into the script", stage.Line)
			} else {
				p.add(field, `it begins with a line "! " and what the customer says`)
			}
		}
		for _, wrong := range objections.wrongBranches(script.Stages) {
			p.add(field, "%s", wrong)
		}
	}
}
