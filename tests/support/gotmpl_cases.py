# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""What tests/parity/test_gotmpl.py renders: Go templates and conversations.

python tests/support/gotmpl_cases.py tests/golden/gotmpl.json   writes what Go makes of them (needs Go 1.24 or later)."""
import json
import pathlib
import subprocess
import sys

WEATHER = {"type": "function", "function": {
    "name": "weather", "description": "Says <the> weather & more", "parameters": {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "a city"},
            "unit": {"type": ["string", "null"], "enum": ["C", "F"]},
            "when": {"anyOf": [{"type": "integer"}, {"type": "array"}]},
            "deep": {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"]}}}}}
TIME = {"type": "function", "function": {"name": "time", "description": "", "parameters": {
    "type": "object", "properties": {}}}}


def said(role, content, **more):
    return {"role": role, "content": content, **more}


CALL = [{"id": "c1", "function": {"name": "weather", "arguments": {
    "city": "Bonn <3 & \"more\"", "days": 3, "big": 1e21, "small": 0.0000012, "half": 2.5, "none": None,
    "list": [1, "a", True, [], {}], "map": {"z": 1, "a": {"b": -7}}}}}]
CONVERSATIONS = {
    "empty": {"messages": []},
    "user": {"messages": [said("user", "Hi there")]},
    "system": {"messages": [said("system", "Be brief."), said("user", "Why?\nReally.")]},
    "turns": {"messages": [said("system", "S"), said("user", "one"), said("assistant", "two"), said("user", "three")]},
    "collated": {"messages": [said("system", "A"), said("system", "B"), said("user", "x"), said("user", "y é"),
                              said("assistant", "p"), said("assistant", "q"), said("system", "late"),
                              said("user", "z")]},
    "prefill": {"messages": [said("user", "Say yes"), said("assistant", "Y")]},
    "tools": {"messages": [said("system", "Use tools."), said("user", "Weather?"), said("assistant", "", tool_calls=CALL),
                           said("tool", "{\"t\": 21}", tool_name="weather", tool_call_id="c1"),
                           said("tool", "sun", tool_name="weather"), said("assistant", "21 degrees."),
                           said("user", "Thanks & <bye>")], "tools": [WEATHER, TIME]},
    "think": {"messages": [said("user", "Think."), said("assistant", "Done.", thinking="Hmm."), said("user", "More.")],
              "think": True},
    "level": {"messages": [said("user", "Think.")], "think": "high"},
    "unthinking": {"messages": [said("user", "Quick."), said("assistant", "", thinking="so")], "think": False},
    "infill": {"messages": [], "prompt": "def f(", "suffix": "return x"},
}

# Written out from the forms that the models' makers document.
MODELS = {
    "chatml": "{{ if .System }}<|im_start|>system\n{{ .System }}<|im_end|>\n{{ end }}{{ if .Prompt }}<|im_start|>user\n"
              "{{ .Prompt }}<|im_end|>\n{{ end }}<|im_start|>assistant\n{{ .Response }}<|im_end|>\n",
    "chatml-messages": "{{- range $i, $_ := .Messages }}\n{{- $last := eq (len (slice $.Messages $i)) 1 -}}\n"
                       "<|im_start|>{{ .Role }}\n{{ .Content }}{{ if not (and $last (eq .Role \"assistant\")) }}<|im_end|>\n"
                       "{{ end }}\n{{- if and (ne .Role \"assistant\") $last }}<|im_start|>assistant\n{{ end }}\n{{- end }}",
    "llama2": "[INST] {{ if .System }}<<SYS>>\n{{ .System }}\n<</SYS>>\n\n{{ end }}{{ .Prompt }} [/INST] {{ .Response }}</s>",
    "llama3": "{{ if .System }}<|start_header_id|>system<|end_header_id|>\n\n{{ .System }}<|eot_id|>{{ end }}"
              "{{ if .Prompt }}<|start_header_id|>user<|end_header_id|>\n\n{{ .Prompt }}<|eot_id|>{{ end }}"
              "<|start_header_id|>assistant<|end_header_id|>\n\n{{ .Response }}<|eot_id|>",
    "llama3-tools": """{{- if or .System .Tools }}<|start_header_id|>system<|end_header_id|>
{{- if .System }}

{{ .System }}
{{- end }}
{{- if .Tools }}

Answer with a call when one helps.
{{- end }}<|eot_id|>
{{- end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if eq .Role "user" }}<|start_header_id|>user<|end_header_id|>
{{- if and $.Tools $last }}

These can be called:
{{ range $.Tools }}
{{- . }}
{{ end }}
Question: {{ .Content }}<|eot_id|>
{{- else }}

{{ .Content }}<|eot_id|>
{{- end }}{{ if $last }}<|start_header_id|>assistant<|end_header_id|>

{{ end }}
{{- else if eq .Role "assistant" }}<|start_header_id|>assistant<|end_header_id|>
{{- if .ToolCalls }}
{{ range .ToolCalls }}
{"name": "{{ .Function.Name }}", "parameters": {{ .Function.Arguments }}}{{ end }}
{{- else }}

{{ .Content }}
{{- end }}{{ if not $last }}<|eot_id|>{{ end }}
{{- else if eq .Role "tool" }}<|start_header_id|>ipython<|end_header_id|>

{{ .Content }}<|eot_id|>{{ if $last }}<|start_header_id|>assistant<|end_header_id|>

{{ end }}
{{- end }}
{{- end }}""",
    "mistral": "[INST] {{ if .System }}{{ .System }} {{ end }}{{ .Prompt }} [/INST]{{ .Response }}</s>",
    "mistral-tools": """{{- range $index, $_ := .Messages }}
{{- if eq .Role "user" }}
{{- if and (eq (len (slice $.Messages $index)) 1) $.Tools }}[AVAILABLE_TOOLS] {{ json $.Tools }}[/AVAILABLE_TOOLS]
{{- end }}[INST] {{ if and $.System (eq (len (slice $.Messages $index)) 1) }}{{ $.System }}

{{ end }}{{ .Content }}[/INST]
{{- else if eq .Role "assistant" }}
{{- if .Content }} {{ .Content }}</s>
{{- else if .ToolCalls }}[TOOL_CALLS] [
{{- range .ToolCalls }}{"name": "{{ .Function.Name }}", "arguments": {{ json .Function.Arguments }}}
{{- end }}]</s>
{{- end }}
{{- else if eq .Role "tool" }}[TOOL_RESULTS] {"content": {{ .Content }}}[/TOOL_RESULTS]
{{- end }}
{{- end }}""",
    "gemma": "<start_of_turn>user\n{{ if .System }}{{ .System }} {{ end }}{{ .Prompt }}<end_of_turn>\n"
             "<start_of_turn>model\n{{ .Response }}<end_of_turn>\n",
    "gemma3": """{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 }}
{{- if or (eq .Role "user") (eq .Role "system") }}<start_of_turn>user
{{ .Content }}<end_of_turn>
{{ if $last }}<start_of_turn>model
{{ end }}
{{- else if eq .Role "assistant" }}<start_of_turn>model
{{ .Content }}{{ if not $last }}<end_of_turn>
{{ end }}
{{- end }}
{{- end }}""",
    "phi3": "{{ if .System }}<|system|>\n{{ .System }}<|end|>\n{{ end }}{{ if .Prompt }}<|user|>\n{{ .Prompt }}<|end|>\n"
            "{{ end }}<|assistant|>\n{{ .Response }}<|end|>\n",
    "phi4": "{{- range $i, $_ := .Messages }}{{- $last := eq (len (slice $.Messages $i)) 1 -}}"
            "<|im_start|>{{ .Role }}<|im_sep|>\n{{ .Content }}{{ if not $last }}<|im_end|>\n{{ end }}"
            "{{- if and (ne .Role \"assistant\") $last }}<|im_end|>\n<|im_start|>assistant<|im_sep|>\n{{ end }}{{- end }}",
    "alpaca": "{{ if .System }}{{ .System }}\n\n{{ end }}{{ if .Prompt }}### Instruction:\n{{ .Prompt }}\n\n{{ end }}"
              "### Response:\n{{ .Response }}\n\n",
    "vicuna": "{{ if .System }}{{ .System }}\n\n{{ end }}{{ if .Prompt }}USER: {{ .Prompt }}\n{{ end }}"
              "ASSISTANT: {{ .Response }}</s>\n",
    "zephyr": "{{ if .System }}<|system|>\n{{ .System }}</s>\n{{ end }}{{ if .Prompt }}<|user|>\n{{ .Prompt }}</s>\n"
              "{{ end }}<|assistant|>\n{{ .Response }}</s>\n",
    "command-r": "{{ if .System }}<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>{{ .System }}<|END_OF_TURN_TOKEN|>{{ end }}"
                 "{{ if .Prompt }}<|START_OF_TURN_TOKEN|><|USER_TOKEN|>{{ .Prompt }}<|END_OF_TURN_TOKEN|>{{ end }}"
                 "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>{{ .Response }}<|END_OF_TURN_TOKEN|>",
    "qwen-tools": """{{- if .Messages }}
{{- if or .System .Tools }}<|im_start|>system
{{- if .System }}
{{ .System }}
{{- end }}
{{- if .Tools }}

# Tools

Signatures stand in <tools></tools>:
<tools>
{{- range .Tools }}
{"type": "function", "function": {{ .Function }}}
{{- end }}
</tools>
{{- end }}<|im_end|>
{{ end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 -}}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if .Content }}{{ .Content }}
{{- else if .ToolCalls }}<tool_call>
{{ range .ToolCalls }}{"name": "{{ .Function.Name }}", "arguments": {{ .Function.Arguments }}}
{{ end }}</tool_call>
{{- end }}{{ if not $last }}<|im_end|>
{{ end }}
{{- else if eq .Role "tool" }}<|im_start|>user
<tool_response>
{{ .Content }}
</tool_response><|im_end|>
{{ end }}
{{- if and (ne .Role "assistant") $last }}<|im_start|>assistant
{{ end }}
{{- end }}
{{- else }}
{{- if .System }}<|im_start|>system
{{ .System }}<|im_end|>
{{ end }}{{ if .Prompt }}<|im_start|>user
{{ .Prompt }}<|im_end|>
{{ end }}<|im_start|>assistant
{{ end }}{{ .Response }}{{ if .Response }}<|im_end|>{{ end }}""",
    "qwen3": """{{- $lastUserIdx := -1 -}}
{{- range $idx, $msg := .Messages -}}
{{- if eq $msg.Role "user" }}{{ $lastUserIdx = $idx }}{{ end -}}
{{- end }}
{{- range $i, $_ := .Messages }}
{{- $last := eq (len (slice $.Messages $i)) 1 -}}
{{- if eq .Role "user" }}<|im_start|>user
{{ .Content }}
{{- if and $.IsThinkSet (eq $i $lastUserIdx) }}
   {{- if $.Think -}}
      {{- " "}}/think
   {{- else -}}
      {{- " "}}/no_think
   {{- end -}}
{{- end }}<|im_end|>
{{ else if eq .Role "assistant" }}<|im_start|>assistant
{{ if (and $.IsThinkSet (and .Thinking (or $last (gt $i $lastUserIdx)))) -}}
<think>{{ .Thinking }}</think>
{{ end -}}
{{ .Content }}{{ if not $last }}<|im_end|>
{{ end }}
{{- end }}
{{- if and (ne .Role "assistant") $last }}<|im_start|>assistant
{{ if and $.IsThinkSet (not $.Think) -}}
<think>

</think>

{{ end -}}
{{ end }}
{{- end }}""",
    "gpt-oss-like": """{{- define "type" }}{{ toTypeScriptType . }}{{ end -}}
{{- range $tool := .Tools }}
type {{ .Function.Name }} = (_: {
{{- range $name, $prop := .Function.Parameters.Properties }}
  {{- if .Description }}
  // {{ .Description }}
  {{- end }}
  {{ $name }}{{ $required := false }}{{ range $tool.Function.Parameters.Required }}{{ if eq . $name }}{{ $required = true }}{{ break }}{{ end }}{{ end }}{{ if not $required }}?{{ end }}: {{ template "type" $prop }}{{ if .Enum }} /* {{ range $i, $e := .Enum }}{{ if $i }}, {{ end }}{{ json . }}{{ end }} */{{ end }},
{{- end }}
}) => any;
{{ end }}
{{- if .ThinkLevel }}Reasoning: {{ .ThinkLevel }}
{{ end }}
{{- range .Messages }}{{ if eq .Role "system" }}{{ continue }}{{ end }}<|start|>{{ .Role }}{{ with .ToolName }} to={{ . }}{{ else }}{{ end }}<|message|>{{ .Content }}<|end|>{{ end }}<|start|>assistant""",
    "deepseek": "{{- if .System }}{{ .System }}{{ end }}\n{{- range $i, $_ := .Messages }}\n"
                "{{- $last := eq (len (slice $.Messages $i)) 1}}\n{{- if eq .Role \"user\" }}<｜User｜>{{ .Content }}\n"
                "{{- else if eq .Role \"assistant\" }}<｜Assistant｜>{{ .Content }}{{- if not $last }}<｜end▁of▁sentence｜>"
                "{{- end }}\n{{- end }}\n{{- if and $last (ne .Role \"assistant\") }}<｜Assistant｜>{{- end }}\n{{- end }}",
    "codellama": "{{- if .Suffix }}<PRE> {{ .Prompt }} <SUF>{{ .Suffix }} <MID>\n{{- else }}[INST] {{ if .System }}"
                 "<<SYS>>{{ .System }}<</SYS>>\n\n{{ end }}{{ .Prompt }} [/INST] {{ .Response }}{{ end }}",
    "solar": "{{ .System }}\n\n### User:\n{{ .Prompt }}\n\n### Assistant:\n",
    "first": "{{- if .First }}first {{ end }}{{ .System }}:{{ .Prompt }}:{{ .Response }}.",
}

# (template, conversation): one thing each.
CONSTRUCTS = [(t, "turns") for t in [
    # trimming and comments
    " a {{- .System -}} b ", "a\n\n{{- /* c */ -}}\n b{{.System}}", "{{/* c\n\n */}}x{{ .System }}", "{{.System}}{{- /* a */}} b",
    "{{.System}}{{ - 3 }}", "{{-3}}{{.System}}", "{{- -3 -}} {{.System}}", "{{ .System -}}", "{{/* a", "{{/* a */ }}", "{{ .System",
    "\n\n{{ .System }\n}", "{{ .System }}}}", "{{{.System}}", "{{\n.System\n}}", "{{.System |}}", "{{ }}{{.System}}", "{{| .System}}",
    # fields, variables, chains
    "{{ .Missing }}{{.Response}}", "{{ .Missing.More }}", "{{ (.Missing).More }}{{.System}}", "{{ $.System }}{{ .Prompt }}", "{{ $x }}",
    "{{ $x := .System }}{{ $x }}{{ $x = \"y\" }}{{ $x }}", "{{ $x = 1 }}{{.System}}", "{{ $x := 1 }}{{ $x.Y }}{{.System}}",
    "{{ if true }}{{ $x := 1 }}{{ end }}{{ $x }}", "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $y := 3 }}{{ $y }}{{ end }}{{ $x }}{{.Prompt}}",
    "{{ $x := 1 }}{{ $x := 2 }}{{ $x }}{{ if $x := 0 }}{{ else }}{{ $x }}{{ end }}{{ $x }}{{.System}}", "{{ .System.Foo }}",
    "{{ range .Messages }}{{ .Foo }}{{ end }}", "x\n{{ range .Messages }}\n{{ .Role.X }}{{ end }}", "{{ .Messages.Role }}",
    "{{ (index .Messages 1).Role }} {{ (index $.Messages 1).Content }}", "{{ range .Messages }}{{ .Role }}{{ end }} {{ (index .Messages 0).Foo }}",
    "{{ 3.X }}{{.System}}", "{{ \"a\".X }}{{.System}}", "{{ .System.}}", "{{ .System .Prompt }}", "{{ . | json }}{{len .Messages}}",
    "{{ $ | json }}{{ range .Messages }}{{ . }};{{ end }}", "{{ range .Messages }}{{ json . }}{{ end }}", "{{.system}}{{.System}}",
    "{{ .Tools }}{{ .Messages | len }}", "{{ .Think }}{{ .IsThinkSet }}{{ printf \"%q\" .ThinkLevel }}{{.Messages|len}}",
    # literals
    r'{{ "a\tb\"\\\x41\u00e9\U0001F600\101\n" }}{{.System}}', "{{ `a\\n\"b\nc` }}{{.System}}", r'{{ "a\q" }}{{.System}}', "{{ \"a\nb\" }}{{.System}}",
    "{{ 'a' }}{{ '\\n' }}{{ 'é' }}{{ '\\u00e9' }}{{.System}}", "{{ 'ab' }}{{.System}}", "{{ 1_000 }} {{ 0x1F }} {{ 0o17 }} {{ 017 }} {{ 0b11 }} {{.System}}",
    "{{ 08 }}{{.System}}", "{{ 1.5 }} {{ 1e3 }} {{ .5 }} {{ 1e21 }} {{ 1e-7 }} {{ 0x1p4 }} {{ 100000.0 }} {{.System}}", "{{ 1__0 }}{{.System}}",
    "{{ 9223372036854775807 }} {{ -9223372036854775808 }}{{.System}}", "{{ 9223372036854775808 }}{{.System}}", "{{ 1a }}{{.System}}", "{{ +5 }}{{.System}}",
    "{{ true }} {{ false }} {{.System}}", "{{ nil }}{{.System}}", "{{ print nil }}{{.System}}", "{{ $x := nil }}{{.System}}", "{{ 0.1 }} {{ 3.0 }} {{ 1e100 }} {{.System}}",
    # if, with
    "{{ if .System }}a{{ else }}b{{ end }}{{.Prompt}}", "{{ if .Foo }}a{{ else if .System }}b{{ else }}c{{ end }}{{.Prompt}}",
    "{{ if .Foo }}a{{ else if .Bar }}b{{ else if .Baz }}c{{ else }}d{{ end }}{{.Prompt}}", "{{ if }}{{ end }}", "{{ if .System }}", "{{ end }}", "a\nb{{ else }}",
    "{{ if .System }}a{{ else }}b{{ else }}c{{ end }}", "{{ if 0 }}a{{ end }}{{ if 0.0 }}b{{ end }}{{ if \"\" }}c{{ end }}{{ if \"x\" }}d{{ end }}{{ if -1 }}e{{ end }}{{.System}}",
    "{{ with .System }}[{{ . }}|{{ $.Prompt }}]{{ end }}{{.Prompt}}", "{{ with .Foo }}a{{ else }}{{ .Prompt }}{{ end }}", "{{ with $x := .System }}{{ $x }}{{ . }}{{ end }}{{.Prompt}}",
    "{{ with .Foo }}a{{ else with .Prompt }}<{{ . }}>{{ else }}c{{ end }}", "{{ with .Foo }}a{{ else if .Prompt }}b{{ end }}", "{{ if .Foo }}a{{ else with .Prompt }}b{{ end }}",
    # range
    "{{ range .Messages }}{{ .Role }},{{ end }}", "{{ range $m := .Messages }}{{ $m.Role }},{{ end }}", "{{ range $i, $m := .Messages }}{{ $i }}{{ $m.Role }},{{ end }}",
    "{{ range $i, $m := .Messages }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 3 }}{{ break }}{{ end }}{{ $i }}{{ end }}", "{{ range 3 }}{{ . }}{{ end }}{{.System}}",
    "{{ range $i := 3 }}{{ $i }}{{ end }}{{.System}}", "{{ range $i, $j := 3 }}{{ $i }}{{ end }}{{.System}}", "{{ range 0 }}a{{ else }}b{{ end }}{{.System}}", "{{ range .Foo }}a{{ else }}b{{ end }}{{.System}}",
    "{{ range .System }}a{{ end }}", "{{ range true }}a{{ end }}{{.System}}", "{{ range -1 }}a{{ else }}b{{ end }}{{.System}}", "{{ break }}", "{{ if true }}{{ continue }}{{ end }}",
    "{{ $n := 0 }}{{ range $n = .Messages }}{{ end }}{{ $n.Role }}", "{{ $i := 0 }}{{ $m := 0 }}{{ range $i, $m = .Messages }}{{ end }}{{ $i }}{{ $m.Role }}",
    "{{ range $a, $b, $c := .Messages }}{{ end }}", "{{ range $a, 3 := .Messages }}{{ end }}", "{{ $a, $b := .Messages }}", "{{ range .Messages }}{{ range $i, $_ := $.Messages }}{{ if $i }}{{ break }}{{ end }}{{ .Role }}{{ end }}!{{ end }}",
    "{{ range $i, $e := slice .Messages 1 3 }}{{ $i }}{{ $e.Role }}{{ end }}", "{{ range .Messages }}{{ with .Content }}{{ if eq . \"two\" }}{{ break }}{{ end }}{{ . }}{{ end }}{{ end }}",
    # define, template, block
    "{{ define \"x\" }}<{{ . }}{{ $ }}>{{ end }}{{ template \"x\" .System }}{{ template \"x\" }}{{.Prompt}}", "{{ block \"b\" .System }}[{{ . }}]{{ end }}{{ template \"b\" 3 }}{{.Prompt}}",
    "{{ template \"no\" . }}{{.Prompt}}", "{{ define \"x\" }}a{{ end }}{{ define \"x\" }}b{{ end }}{{.Prompt}}", "{{ define \"x\" }} {{ end }}{{ define \"x\" }}b{{ end }}{{ template \"x\" . }}{{.Prompt}}",
    "{{ define `x` }}{{ .Role }}{{ end }}{{ range .Messages }}{{ template \"x\" . }}{{ end }}", "{{ if true }}{{ define \"x\" }}{{ end }}{{ end }}", "{{ define \"x\" }}", "{{ define x }}{{ end }}", "{{ $v := 1 }}{{ define \"x\" }}{{ $v }}{{ end }}",
    "{{ define \"r\" }}{{ if . }}{{ len . }}{{ template \"r\" (slice . 1) }}{{ end }}{{ end }}{{ template \"r\" .System }}{{.Prompt}}", "{{ range .Messages }}{{ block \"q\" . }}{{ break }}{{ end }}{{ end }}", "{{ template }}", "{{ template 3 }}",
    # pipelines and parentheses
    "{{ .System | printf \"%s-%s\" \"a\" }}{{.Prompt}}", "{{ .System | len | printf \"%d\" }}{{.Prompt}}", "{{ .System | 3 }}", "{{ .System | .Prompt }}", "{{ (.System) }}{{ ((.Prompt)) }}", "{{ (.System }}", "{{ .System) }}",
    "{{.System}}{{ () }}", "{{ printf (print \"%\" \"s\") .System }}{{.Prompt}}", "{{ eq (len .System) 1 | not }}{{.Prompt}}", "{{ .System|len }}{{.Prompt}}", "{{ ($x := .System) }}{{ $x }}{{.Prompt}}", "{{ (len .System).X }}{{.Prompt}}", "{{ print(1)(2) }}{{.Prompt}}",
    "{{ (print 1) 2 }}{{.Prompt}}", "{{ .System\t|\tlen }}{{.Prompt}}", "{{.System}}{{ nope }}", "{{ nope .System }}", "{{ len }}{{.System}}", "{{ len 1 2 }}{{.System}}", "{{ 3 4 }}{{.System}}", "{{ \"a\" | print }}{{.System}}", "{{ . | . }}",
    # and, or, not
    "{{ and 1 2 }}{{ and 0 2 }}{{ or 0 3 }}{{ or 4 5 }}{{ or 0 \"\" }}|{{ and \"\" 0 }}|{{ not 0 }}{{ not .System }}{{.Prompt}}", "{{ and .Foo .Foo.Bar }}{{.Prompt}}", "{{ or .System .Foo.Bar }}{{.Prompt}}", "{{ or .Foo .Foo.Bar }}", "{{ and }}{{.System}}",
    "{{ and 1 | or 0 }}{{.System}}", "{{ or .Foo .Bar }}{{.System}}", "{{ not }}{{.System}}", "{{ and true false true }}{{ or false nil }}{{.System}}",
    # comparing
    "{{ eq 1 1 }}{{ eq 1 2 1 }}{{ eq \"a\" \"a\" }}{{ eq true true }}{{ eq 1.5 1.5 }}{{ ne 1 2 }}{{.System}}", "{{ eq 1 \"a\" }}{{.System}}", "{{ eq 1 1.0 }}{{.System}}", "{{ eq .Foo nil }}{{ eq .System nil }}{{ eq nil nil }}{{.Prompt}}", "{{ eq 1 }}{{.System}}",
    "{{ lt 1 2 }}{{ le 2 2 }}{{ gt 3 2 }}{{ ge 1 2 }}{{ lt \"a\" \"b\" }}{{ lt \"a\" \"ab\" }}{{ gt 1.5 1.0 }}{{ le \"b\" \"a\" }}{{.System}}", "{{ lt true false }}{{.System}}", "{{ lt 1 \"a\" }}{{.System}}", "{{ lt .Foo 1 }}{{.System}}", "{{ ne 1 2 3 }}{{.System}}",
    "{{ eq .Messages .Messages }}", "{{ eq .Foo \"\" }}{{.System}}", "{{ ne .Foo \"x\" }}{{.System}}", "{{ range .Messages }}{{ eq .Role \"user\" \"system\" }}{{ end }}", "{{ eq .Tools nil }}{{ len .Messages }}", "{{ eq 'a' 97 }}{{.System}}",
    # len, index, slice
    "{{ len \"é\" }}{{ len .Messages }}{{ len .Tools }}", "{{ len 3 }}{{.System}}", "{{ len .Foo }}{{.System}}", "{{ len nil }}{{.System}}", "{{ index \"abc\" 1 }}{{.System}}", "{{ index \"abc\" 3 }}{{.System}}", "{{ index \"abc\" -1 }}{{.System}}", "{{ index \"abc\" \"a\" }}{{.System}}",
    "{{ index . \"System\" }}{{ index . \"Foo\" }}{{.Prompt}}", "{{ index . 3 }}{{.Prompt}}", "{{ index .Foo 1 }}{{.Prompt}}", "{{ index 3 1 }}{{.Prompt}}", "{{ index \"abc\" }}{{.System}}", "{{ slice \"abcdef\" 2 4 }}{{ slice \"abc\" }}{{ slice \"abc\" 3 }}|{{ slice \"abc\" 0 0 }}{{.System}}",
    "{{ slice \"abc\" 2 1 }}{{.System}}", "{{ slice \"abc\" 4 }}{{.System}}", "{{ slice 3 1 }}{{.System}}", "{{ slice .Foo 1 }}{{.System}}", "{{ len (slice .Messages 2) }}{{ (index (slice .Messages 2) 0).Role }}", "{{ (index .Messages 9).Role }}{{.Messages|len}}", "{{ slice \"abc\" 0 1 2 }}{{.System}}",
    # printing
    "{{ print 1 2 \"a\" 3 4 }}{{ print \"a\" \"b\" }}{{ print }}{{ print true nil 1.5 }}{{.System}}", "{{ println 1 \"a\" nil }}{{ println }}{{.System}}",
    "{{ printf \"%s|%d|%v|%q|%t|%%|%x|%X|%c\" \"a\" 5 2.5 \"q\\\"\\n\" true 255 255 65 }}{{.System}}", "{{ printf \"%5d|%-5d|%05d|%+d|%5s|%-5s|%.2s|%6.2f|%e|%g\" 42 42 42 42 \"ab\" \"ab\" \"abc\" 3.14159 1234.5 0.00001 }}{{.System}}",
    "{{ printf \"%d\" \"a\" }}{{ printf \"%s\" 5 }}{{ printf \"%s\" nil }}{{ printf \"%d\" }}{{ printf \"a\" 1 \"b\" }}{{ printf \"%\" }}{{ printf \"%z\" 1 }}{{.System}}", "{{ printf 3 }}{{.System}}", "{{ printf \"%v %v %v\" nil true \"x\" }}{{.System}}", "{{ printf }}{{.System}}",
    "{{ printf \"%q\" \"é\\x00\\u2028\\xff\" }}{{.System}}", "{{ printf \"%x\" \"hi\" }}{{ printf \"%#x\" 255 }}{{ printf \"% d\" 5 }}{{ printf \"%#v\" \"s\" }}{{ printf \"%T\" 1 }}{{ printf \"%T\" \"a\" }}{{.System}}", "{{ printf \"%s\" (print 1) }}{{.System}}",
    "{{ json \"<a>&\\u2028\\n\\t\\\"\\\\\\x01\\x7f\" }}{{ json 1 }}{{ json 1.5 }}{{ json nil }}{{ json true }}{{ json .Foo }}{{ json .Tools }}{{ json .Messages }}", "{{ json 1e21 }} {{ json 1e-7 }} {{ json 100000000.0 }} {{ json 0.1 }}{{.System}}",
    # Ollama: where the response begins
    "{{ .Prompt }}", "no fields{{ \"\" }}{{/* a */}}", "{{ .Prompt }}{{ .Response }}end{{ if true }}x{{ end }}", "{{ .Prompt }}{{ if .Response }}r{{ .Response }}z{{ else }}e{{ end }}after", "{{ .Prompt }}{{ if true }}{{ .Response }}z{{ end }}after",
    "{{ .Prompt }}{{ printf \"%s!\" .Response }}z", "{{ .Prompt }}{{ .Response | printf \"%s!\" }}z", "{{ .Prompt }}{{ print .Response \"x\" }}z", "{{ .Prompt }}{{ $r := .Response }}{{ $r }}z", "{{ .Prompt }}{{ $.Response }}z", "{{ .Prompt }}{{ (print .Response 1) }}z",
    "{{ .Prompt }}{{ range 2 }}a{{ $.Response }}b{{ end }}c", "{{ define \"x\" }}{{ .Response }}{{ end }}{{ .Prompt }}{{ template \"x\" . }}z", "{{ .Prompt }}{{ with .Response }}{{ . }}{{ end }}z", "{{ .Prompt }}{{ .response }}", "{{ $.Messages | len }}", "{{ .PROMPT }}{{ .MESSAGES }}{{.System}}",
    "{{ len .Messages }}{{ .Prompt }}", "{{ range (slice .Messages 1) }}{{ .Role }}{{ end }}", "{{ index .Messages 0 | json }}",
    # the line of an error
    "a\n{{ if .System }}\n{{ .System.X }}\n{{ end }}", "a\n\n{{ \"x\" | len 3 }}{{.System}}", "{{/* \n\n */}}\n{{ nope }}", "a\n{{.System}}{{- \n\n nope }}", "{{.System}}{{ `a\n\nb` }}{{ nope }}", "{{ .System -}}\n\n\n{{ nope }}", "\n{{ range .Messages }}\n\n{{ index .Role 99 }}{{ end }}",
]] + [(t, "collated") for t in ["{{ .System }}|{{ .Prompt }}|{{ .Response }};", "{{ range .Messages }}{{ .Role }}={{ .Content }};{{ end }}{{ .System }}"]] + [(t, "tools") for t in [
    "{{ .Tools }}{{ len .Messages }}", "{{ json .Tools }}{{ len .Messages }}", "{{ range .Tools }}{{ . }}\n{{ end }}{{ len .Messages }}", "{{ range .Tools }}{{ json .Function.Parameters }}{{ .Function.Parameters }}{{ end }}{{ len .Messages }}",
    "{{ range .Tools }}{{ range $k, $v := .Function.Parameters.Properties }}{{ $k }}={{ $v.Type }}/{{ json $v.Type }}/{{ $v.Enum }}/{{ toTypeScriptType $v }};{{ end }}{{ end }}{{ len .Messages }}", "{{ range .Messages }}{{ range .ToolCalls }}{{ . }}{{ json . }}{{ .ID }}{{ end }}{{ end }}",
    "{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Arguments }}{{ .Function.Arguments.city }}{{ .Function.Arguments.nope }}{{ range $k, $v := .Function.Arguments }}{{ $k }}={{ $v }},{{ json $v }};{{ end }}{{ end }}{{ end }}", "{{ .Tools.String }}{{ len .Messages }}",
    "{{ range .Messages }}{{ .ToolName }}{{ .ToolCallID }}{{ .Thinking }}{{ .Images }}{{ len .ToolCalls }};{{ end }}", "{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Arguments.map.a.b }}{{ index .Function.Arguments.list 1 }}{{ .Function.Arguments.list.x }}{{ end }}{{ end }}",
    "{{ (index .Tools 0).Function.Parameters.Required }}{{ (index .Tools 0).Function.Parameters.Properties.city.Description }}{{ len .Messages }}", "{{ (index .Tools 0).Function.Parameters.Properties.nope.Description }}|{{ len .Messages }}", "{{ toTypeScriptType 3 }}{{ len .Messages }}", "{{ range .Messages }}{{ .ToolCalls }}{{ end }}",
    "{{ range .Tools }}{{ eq .Function.Parameters.Required nil }}{{ end }}{{ len .Messages }}", "{{ range .Messages }}{{ range .ToolCalls }}{{ eq .Function.Arguments.days 3 }}{{ end }}{{ end }}", "{{ range .Messages }}{{ range .ToolCalls }}{{ .Function.Arguments.days | printf \"%.1f\" }}{{ end }}{{ end }}",
]]


def cases():
    """(name, template, vars) of all."""
    for name, template in MODELS.items():
        for title, conversation in CONVERSATIONS.items():
            yield f"{name}/{title}", template, conversation
    for i, (template, title) in enumerate(CONSTRUCTS):
        yield f"{i}: {template}", template, CONVERSATIONS[title]


def go_renders(source, given):
    """What Go makes of them; source: the oracle's folder."""
    lines = "".join(json.dumps({"template": t, "vars": v}) + "\n" for _, t, v in given)
    done = subprocess.run(["go", "run", "main.go"], cwd=source, input=lines, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    oracle = pathlib.Path(__file__).resolve().parent / "gotmpl_oracle"
    made = go_renders(oracle, list(cases()))
    pathlib.Path(sys.argv[1]).write_text("[\n" + ",\n".join(json.dumps(m, ensure_ascii=False) for m in made) + "\n]\n")
