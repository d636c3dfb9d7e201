# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""Chat templates render as jinja2 renders them, set up as transformers does it: the same text, or an error where
jinja2 has one (with the author's words where the template itself refuses)."""
import datetime
import functools
import json
import os
import subprocess
from pathlib import Path

import pytest

jinja2 = pytest.importorskip("jinja2")
from jinja2.ext import Extension, loopcontrols  # noqa: E402
from jinja2.sandbox import ImmutableSandboxedEnvironment  # noqa: E402

BUILD = Path(os.environ.get("MICA_BUILD") or Path(__file__).resolve().parents[2] / "build")
CACHE = Path(os.environ.get("MICA_TEST_CACHE") or Path.home() / ".cache" / "mica-test")
NOW = 1732442400


class Refused(jinja2.exceptions.TemplateError):
    """The template called raise_exception."""


class Generation(Extension):
    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("_pass"), [], [], body).set_lineno(line)

    def _pass(self, caller):
        return caller()


def environment():
    env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True,
                                        extensions=[Generation, loopcontrols, "jinja2.ext.do"])

    def raise_exception(message):
        raise Refused(message)

    def tojson(value, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    env.filters["tojson"] = tojson
    env.globals["raise_exception"] = raise_exception
    env.globals["strftime_now"] = lambda text: datetime.datetime.fromtimestamp(NOW).strftime(text)
    return env


ENV = environment()


compiled = functools.lru_cache(maxsize=4)(ENV.from_string)


def theirs(template, variables):
    try:
        return {"text": compiled(template).render(**variables)}
    except Refused as e:
        return {"error": str(e.message), "refused": True}
    except Exception as e:  # noqa: BLE001: anything a template can provoke
        return {"error": f"{type(e).__name__}: {e}", "refused": False}


def ours(queries):
    """Renders [(template, variables)] in one run of the tool."""
    lines = "".join(json.dumps({"template": t, "vars": v, "now": NOW}) + "\n" for t, v in queries)
    run = subprocess.run([BUILD / "tests" / "chat_tool"], input=lines.encode(), capture_output=True, check=True,
                         env={**os.environ, "ASAN_OPTIONS": "detect_leaks=1"})
    answers = [json.loads(line) for line in run.stdout.decode().split("\n")[:-1]]
    assert len(answers) == len(queries)
    return answers


def difference(want, got):
    """A sentence on how the two answers differ, or None."""
    if "text" in want:
        if got.get("text") == want["text"]:
            return None
        if "text" not in got:
            return f"failed with {got['error']!r}"
        at = len(os.path.commonprefix([want["text"], got["text"]]))
        return f"at {at}: {got['text'][max(0, at - 30):at + 60]!r} and not {want['text'][max(0, at - 30):at + 60]!r}"
    if "text" in got:
        return f"rendered {got['text'][:100]!r} and did not fail with {want['error']!r}"
    if want["refused"] and got["error"] != want["error"][:447]:
        return f"said {got['error']!r} and not {want['error']!r}"
    return None


TOOLS = [
    {"type": "function", "function": {
        "name": "get_weather", "description": "The weather <now> & \"later\" in a city",
        "parameters": {"type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "Which city"},
            "unit": {"type": "string", "enum": ["celsius", "fahrenheit"], "default": "celsius"},
            "days": {"type": "array", "items": {"type": "integer"}, "description": "Days é ☂"},
            "where": {"type": "object", "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}}},
            "any": {"type": ["string", "null"], "nullable": True},
            "deep": {"anyOf": [{"type": "string"}, {"type": "number"}]}}},
        "return": {"type": "string"}}},
    {"type": "function", "function": {"name": "noop", "description": "Does nothing",
                                      "parameters": {"type": "object", "properties": {}}}},
]


SIMPLE_TOOLS = [{"type": "function", "function": {
    "name": "get_weather", "description": "The weather.\n", "parameters": {
        "type": "object", "required": ["city"], "properties": {
            "city": {"type": "string", "description": "Which city"},
            "days": {"type": "array", "items": {"type": "integer"}, "description": "Days"},
            "where": {"type": "object", "additionalProperties": {"type": "string"}, "description": "Where"}}}}}]


def call(arguments, i=0, name="get_weather"):
    return {"id": f"call{i:05d}", "type": "function", "function": {"name": name, "arguments": arguments}}


USER = {"role": "user", "content": "Hi there, it's <b>raining</b> & cold: {\"a\": 1}\n"}
ANSWER = {"role": "assistant", "content": "  Hello!  "}
SYSTEM = {"role": "system", "content": "You are helpful.\nBe brief. "}
ASK = {"role": "user", "content": "Weather in Paris?"}
ARGS = {"city": "Paris", "days": [1, 2], "where": {"lat": 1.5, "lon": None}, "any": True}
CALLING = {"role": "assistant", "content": "", "tool_calls": [call(ARGS)]}
CALLING2 = {"role": "assistant", "content": "Let me look.", "tool_calls": [call(ARGS), call({}, 1, "noop")]}
CALLING_TEXT = {"role": "assistant", "content": None, "tool_calls": [call(json.dumps(ARGS))]}
RESULT = {"role": "tool", "name": "get_weather", "tool_call_id": "call00000", "content": "12 degrees"}
RESULT_JSON = {"role": "tool", "name": "noop", "tool_call_id": "call00001", "content": "{\"temp\": 12}"}
THINKING = {"role": "assistant", "content": "It is 4.", "reasoning_content": "2+2\nis 4", "thinking": "2+2\nis 4"}
INLINE = {"role": "assistant", "content": "<think>\nhmm\n</think>\n\nIt is 5."}
PARTS = {"role": "user", "content": [{"type": "text", "text": "What is this?"}, {"type": "image"},
                                     {"type": "image_url", "image_url": {"url": "http://x/y.png"}},
                                     {"type": "text", "text": "And this?"}]}
VIDEO = {"role": "user", "content": [{"type": "video", "video": "a.mp4"}, {"type": "audio", "audio": "a.wav"},
                                     {"type": "text", "text": "Describe."}]}
TEXT_PARTS = {"role": "assistant", "content": [{"type": "text", "text": "A cat."}]}

CONVERSATIONS = {
    "user": [USER],
    "system": [SYSTEM, USER],
    "turns": [USER, ANSWER, ASK],
    "system turns": [SYSTEM, USER, ANSWER, ASK, ANSWER],
    "developer": [{"role": "developer", "content": "Dev."}, USER],
    "call": [USER, ANSWER, ASK, CALLING],
    "calls": [SYSTEM, ASK, CALLING2],
    "call as text": [SYSTEM, ASK, CALLING_TEXT, RESULT],
    "result": [SYSTEM, ASK, CALLING, RESULT],
    "results": [ASK, CALLING2, RESULT, RESULT_JSON],
    "result then turns": [ASK, CALLING, RESULT, ANSWER, USER],
    "thinking": [USER, THINKING],
    "thinking turns": [SYSTEM, USER, THINKING, ASK, INLINE, USER],
    "thinking call": [ASK, {**CALLING, "reasoning_content": "let me see", "thinking": "let me see"}, RESULT],
    "parts": [PARTS],
    "parts turns": [SYSTEM, PARTS, TEXT_PARTS, VIDEO],
    "system parts": [{"role": "system", "content": [{"type": "text", "text": "Sys."}]}, PARTS],
    "two users": [USER, ASK],
    "two answers": [USER, ANSWER, ANSWER],
    "answer first": [ANSWER, USER],
    "system last": [USER, SYSTEM],
    "strange role": [USER, {"role": "critic", "content": "Bad."}],
    "no content": [USER, {"role": "assistant"}],
    "empty": [],
    "unicode": [{"role": "user", "content": "Grüße, 你好 🙂\u2028\u00a0"}, {"role": "assistant", "content": "ÉCOLE"}],
    "lines": [{"role": "user", "content": "\n\n a\r\nb\n\n"}, {"role": "assistant", "content": "\n x \n"}, ASK],
}


SETTINGS = [
    {"add_generation_prompt": False},
    {"add_generation_prompt": True},
    {"add_generation_prompt": True, "enable_thinking": False, "datetime": "now", "functions": "[]"},
    {"add_generation_prompt": True, "enable_thinking": True, "reasoning_effort": "high", "date_string": "1 Jan 2025",
     "documents": [{"title": "A", "text": "doc a"}], "tools_in_user_message": False, "builtin_tools": ["search"],
     "thinking": True},
]


def queries():
    for name, messages in CONVERSATIONS.items():
        for kind, tools in (("no", None), ("simple", SIMPLE_TOOLS), ("odd", TOOLS)):
            for i, settings in enumerate(SETTINGS):
                variables = {"messages": messages, "bos_token": "<s>", "eos_token": "</s>", **settings}
                if tools is not None or i > 1:
                    variables["tools"] = tools
                yield f"{name}, {kind} tools, settings {i}", variables


def templates():
    folder = CACHE / "llama-models" / "templates"
    found = [pytest.param(p, id=p.stem) for p in sorted(folder.glob("*.jinja"))]
    found += [pytest.param(CACHE / "models" / f"{n}.gguf", id=n) for n in ("smollm2", "qwen", "gemma")]
    found += [pytest.param(CACHE / "tokenizers" / n / "tokenizer_config.json", id=f"{n}-config")
              for n in ("qwen3", "gemma3", "llama3_1")]
    return found


def read_template(path):
    if not path.exists():
        pytest.skip(f"{path} is absent: run tools/fetch.py")
    if path.suffix == ".jinja":
        return path.read_text()
    if path.suffix == ".json":
        return json.loads(path.read_text()).get("chat_template") or pytest.skip("no template in it")
    gguf = pytest.importorskip("gguf")
    field = gguf.GGUFReader(path).fields.get("tokenizer.chat_template")
    return bytes(field.parts[field.data[0]]).decode() if field else pytest.skip("no template in it")


@pytest.mark.parametrize("path", templates())
def test_same_as_jinja2(path):
    template = read_template(path)
    cases = list(queries())
    wrong, rendered = [], 0
    for (name, variables), got in zip(cases, ours([(template, v) for _, v in cases])):
        want = theirs(template, variables)
        rendered += "text" in want
        told = difference(want, got)
        if told:
            wrong.append(f"{name}: {told}")
    assert not wrong, f"{len(wrong)} of {len(cases)}: " + "\n".join(wrong[:5])
    print(f"{rendered} of {len(cases)} rendered")
