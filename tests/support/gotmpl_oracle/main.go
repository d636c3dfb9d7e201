// SPDX-FileCopyrightText: 2026 The Mica authors
// SPDX-License-Identifier: Apache-2.0

// Renders Go templates with Go itself, for the tests of Mica's own interpreter: reads JSON lines
// {"template": …, "vars": {…}} and writes for each {"text": …} or {"error": …}. The data and the way of
// rendering are those that Ollama documents: messages of one role in a row are joined, templates that name
// .Messages run once, others once for each turn, the last time only up to .Response.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"text/template"
	"text/template/parse"
)

type arguments map[string]any

func asJSON(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}

func (a arguments) String() string {
	if a == nil {
		return "{}"
	}
	return asJSON(a)
}

type callFunction struct {
	Index     int
	Name      string
	Arguments arguments
}

type toolCall struct {
	ID       string
	Function callFunction
}

type message struct {
	Role       string
	Content    string
	Thinking   string
	Images     []string
	ToolCalls  []toolCall
	ToolName   string
	ToolCallID string
}

type propertyType []string

func (p *propertyType) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*p = propertyType{one}
		return nil
	}
	var several []string
	err := json.Unmarshal(data, &several)
	*p = several
	return err
}

func (p propertyType) MarshalJSON() ([]byte, error) {
	if len(p) == 1 {
		return json.Marshal(p[0])
	}
	return json.Marshal([]string(p))
}

func (p propertyType) String() string {
	switch len(p) {
	case 0:
		return ""
	case 1:
		return p[0]
	}
	return fmt.Sprint([]string(p))
}

type property struct {
	AnyOf       []property          `json:"anyOf,omitempty"`
	Type        propertyType        `json:"type,omitempty"`
	Items       any                 `json:"items,omitempty"`
	Description string              `json:"description,omitempty"`
	Enum        []any               `json:"enum,omitempty"`
	Properties  map[string]property `json:"properties,omitempty"`
	Required    []string            `json:"required,omitempty"`
}

type properties map[string]property

func (p properties) String() string {
	if p == nil {
		return "{}"
	}
	return asJSON(p)
}

type tool struct {
	Type     string `json:"type"`
	Items    any    `json:"items,omitempty"`
	Function struct {
		Name        string `json:"name"`
		Description string `json:"description"`
		Parameters  struct {
			Type       string     `json:"type"`
			Defs       any        `json:"$defs,omitempty"`
			Items      any        `json:"items,omitempty"`
			Required   []string   `json:"required,omitempty"`
			Properties properties `json:"properties"`
		} `json:"parameters"`
	} `json:"function"`
}

type tools []tool

func (t tools) String() string { return asJSON(t) }

var typeNames = map[string]string{"string": "string", "number": "number", "integer": "number", "boolean": "boolean",
	"array": "any[]", "object": "Record<string, any>", "null": "null"}

func typeScript(v any) string {
	p, ok := v.(property)
	if !ok {
		return "any"
	}
	var names []string
	for _, one := range p.AnyOf {
		names = append(names, typeScript(one))
	}
	for _, name := range p.Type {
		if len(p.AnyOf) == 0 && typeNames[name] != "" {
			names = append(names, typeNames[name])
		} else if len(p.AnyOf) == 0 {
			names = append(names, "any")
		}
	}
	if len(names) == 0 {
		return "any"
	}
	return strings.Join(names, " | ")
}

var functions = template.FuncMap{"json": asJSON, "toTypeScriptType": typeScript}

// ---- what is given ----

type given struct {
	Messages []struct {
		Role       string
		Content    any
		Thinking   string
		Images     []string
		ToolCalls  []toolCall `json:"tool_calls"`
		ToolName   string     `json:"tool_name"`
		ToolCallID string     `json:"tool_call_id"`
	}
	Tools          tools
	Prompt, Suffix string
	Think          any
}

func (g *given) collate() (string, []*message) {
	var system []string
	var list []*message
	for _, m := range g.Messages {
		content, _ := m.Content.(string)
		if m.Role == "system" {
			system = append(system, content)
		}
		if n := len(list); n > 0 && m.Role != "tool" && list[n-1].Role == m.Role {
			list[n-1].Content += "\n\n" + content
			continue
		}
		list = append(list, &message{m.Role, content, m.Thinking, m.Images, m.ToolCalls, m.ToolName, m.ToolCallID})
	}
	return strings.Join(system, "\n\n"), list
}

// ---- what the tree says ----

func names(node parse.Node, seen map[string]bool) {
	add := func(list []string) {
		for _, name := range list {
			seen[strings.ToLower(name)] = true
		}
	}
	branch := func(b *parse.BranchNode) {
		names(b.Pipe, seen)
		names(b.List, seen)
		if b.ElseList != nil {
			names(b.ElseList, seen)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, one := range n.Nodes {
			names(one, seen)
		}
	case *parse.ActionNode:
		names(n.Pipe, seen)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			names(n.Pipe, seen)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			for _, arg := range command.Args {
				names(arg, seen)
			}
		}
	case *parse.FieldNode:
		add(n.Ident)
	case *parse.VariableNode:
		add(n.Ident)
	}
}

// Takes away what stands behind .Response; *done says that it was met. False: nothing is left of the node.
func cut(node parse.Node, done *bool) bool {
	if *done {
		return false
	}
	branch := func(b *parse.BranchNode) {
		cut(b.List, done)
		if b.ElseList != nil && !cut(b.ElseList, done) {
			b.ElseList = nil
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		var kept []parse.Node
		for _, one := range n.Nodes {
			if cut(one, done) {
				kept = append(kept, one)
			}
		}
		n.Nodes = kept
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.ActionNode:
		return cut(n.Pipe, done)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			var kept []parse.Node
			for _, arg := range command.Args {
				if cut(arg, done) {
					kept = append(kept, arg)
				}
			}
			if len(kept) == 0 {
				return false
			}
			command.Args = kept
		}
	case *parse.FieldNode:
		for _, name := range n.Ident {
			*done = *done || name == "Response"
		}
	}
	return true
}

func parseTemplate(text string) (*template.Template, bool, error) {
	t, err := template.New("").Option("missingkey=zero").Funcs(functions).Parse(text)
	if err != nil {
		return nil, false, err
	}
	seen := map[string]bool{}
	for _, one := range t.Templates() {
		names(one.Root, seen)
	}
	if !seen["messages"] && !seen["response"] {
		t, err = template.Must(t.Clone()).Parse(text + "{{ .Response }}")
	}
	return t, seen["messages"], err
}

func render(text string, g *given, w io.Writer) error {
	t, takesMessages, err := parseTemplate(text)
	if err != nil {
		return err
	}
	level, _ := g.Think.(string)
	think, _ := g.Think.(bool)
	data := func(members map[string]any) map[string]any {
		members["Think"] = think || level != ""
		members["ThinkLevel"] = level
		members["IsThinkSet"] = g.Think != nil
		return members
	}
	system, messages := g.collate()
	if g.Prompt != "" && g.Suffix != "" {
		return t.Execute(w, data(map[string]any{"Prompt": g.Prompt, "Suffix": g.Suffix, "Response": ""}))
	}
	if takesMessages {
		return t.Execute(w, data(map[string]any{"System": system, "Messages": messages, "Tools": g.Tools,
			"Response": ""}))
	}
	turn := map[string]any{"System": "", "Prompt": "", "Response": ""}
	reset := func() { turn["System"], turn["Prompt"], turn["Response"] = "", "", "" }
	for _, m := range messages {
		begun := turn["Response"] != "" && m.Role == "user"
		if m.Role == "system" && (turn["Prompt"] != "" || turn["Response"] != "") {
			begun = true
		}
		if begun {
			if err := t.Execute(w, data(turn)); err != nil {
				return err
			}
			reset()
		}
		switch m.Role {
		case "system":
			turn["System"] = m.Content
		case "user":
			turn["Prompt"] = m.Content
		case "assistant":
			turn["Response"] = m.Content
		}
	}
	last := template.Must(t.Clone())
	done := false
	cut(last.Root, &done)
	return last.Execute(w, data(turn))
}

func main() {
	in := bufio.NewReader(os.Stdin)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) == 0 && err != nil {
			return
		}
		var query struct {
			Template string
			Vars     given
		}
		answer := map[string]string{}
		var out strings.Builder
		err = json.Unmarshal(line, &query)
		if err == nil {
			err = render(query.Template, &query.Vars, &out)
		}
		if err != nil {
			answer["error"] = err.Error()
		} else {
			answer["text"] = out.String()
		}
		fmt.Println(asJSON(answer))
	}
}
