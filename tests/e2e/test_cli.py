# SPDX-FileCopyrightText: 2026 The Mica authors
# SPDX-License-Identifier: Apache-2.0
"""The program as a user meets it: options, output, exit codes, the interactive conversation."""
import json
import math
import os
import pty
import random
import re
import select
import signal
import subprocess
import time

import pytest
from conftest import BUILD, ROOT

COMMANDS = re.findall(r"^X\((\w+),", (ROOT / "src/cli/commands.def").read_text(), re.M)
EXIT_ARG, EXIT_FORMAT, EXIT_NOT_FOUND, EXIT_IO, EXIT_LIMIT, EXIT_CANCELLED = 2, 3, 5, 6, 8, 9


@pytest.fixture(scope="module")
def model(fetched):
    return fetched("models/smollm2.gguf")


@pytest.fixture(scope="module")
def run_json(mica, model):
    def call(*arguments, **options):
        done = mica("run", "--unregistered", model, *arguments, "--json", **options)
        assert done.returncode == 0, done.stderr
        assert done.stderr == "", "nothing belongs on stderr when it is no terminal"
        return json.loads(done.stdout)
    return call


def fails(done, code, *words):
    assert done.returncode == code, f"exit code {done.returncode}: {done.stderr}"
    assert done.stdout == "", "an error leaves stdout alone"
    assert done.stderr.startswith("mica: ") and done.stderr.count("\n") == 1, done.stderr
    for word in words:
        assert word in done.stderr


# ---- help


def test_help_names_every_command(mica):
    overview = mica("help")
    assert overview.returncode == 0
    assert mica().stdout == overview.stdout == mica("--help").stdout
    for name in COMMANDS:
        assert re.search(rf"^  {name} ", overview.stdout, re.M), name
        by_command = mica("help", name)
        assert by_command.returncode == 0
        assert mica(name, "--help").stdout == by_command.stdout


def test_man_page_and_completion_hold_every_option(mica, tmp_path):
    man, completion = mica("help", "--man").stdout, mica("help", "--completion", "bash").stdout
    for name in COMMANDS:
        for option in re.findall(r"--([a-z-]+)", mica("help", name).stdout):
            if option not in ("help", "man", "completion"):
                assert f"--{option}" in completion, f"{name} --{option}"
                assert f"\\-\\-{option}".replace("-", "\\-") in man or f"\\-\\-{option}" in man, f"{name} --{option}"
    assert subprocess.run(["bash", "-n"], input=completion, text=True, check=False).returncode == 0
    script = completion + ("mica() { printf 'NAME  ID\\nsmollm2:latest  1\\nother:latest  2\\n'; }\n"
                           "COMP_WORDS=(mica run smo) COMP_CWORD=2; _mica; echo ${COMPREPLY[@]}\n")
    done = subprocess.run(["bash"], input=script, text=True, check=False, capture_output=True, cwd=tmp_path)
    assert done.stdout == "smollm2\n", done


@pytest.mark.parametrize("arguments, words", [
    (["nonsense"], ["nonsense", "mica help"]),
    (["run"], ["MODEL"]),
    (["show", "a", "b"], ["MODEL"]),
    (["run", "m", "p", "--nonsense"], ["--nonsense"]),
    (["run", "m", "p", "--seed"], ["--seed", "value"]),
    (["run", "m", "p", "--seed", "x"], ["--seed", "'x'"]),
    (["run", "m", "p", "--temp", "nan"], ["--temp"]),
    (["run", "m", "p", "--json=1"], ["--json"]),
    (["run", "m", "p", "--logit-bias", "x"], ["--logit-bias", "'x'"]),
    (["run", "m", "p", "--ids", "1,2"], ["--ids", "not both"]),
    (["run", "m", "p", "--top-logprobs", "2"], ["--top-logprobs", "--json"]),
    (["run", "m"], ["no prompt"]),
    (["run", "m", "p", *["--stop=x"] * 65], ["--stop", "64"]),
    (["bench", "m", "--repeat", "0"], ["--repeat"]),
    (["bench", "m", "--batch", "0"], ["--batch"]),
    (["perplexity", "m", "--window", "-1"], ["--window"]),
    (["perplexity", "m", "f", "--ids", "1,2"], ["--ids", "not both"]),
], ids=lambda value: " ".join(value)[:40])
def test_wrong_arguments(mica, arguments, words):
    fails(mica(*arguments), EXIT_ARG, *words)


# ---- files that are no models


def test_absent_file(mica):
    fails(mica("show", "/nonexistent/model.gguf"), EXIT_NOT_FOUND, "/nonexistent/model.gguf")


@pytest.mark.parametrize("command", ["show", "run", "tokenize"])
@pytest.mark.parametrize("content", [b"", b"GGUF", b"GGUF\x03\0\0\0" + b"\xff" * 100, b"\x80\x04K\x01."],
                         ids=["empty", "cut", "counts", "pickle"])
def test_no_model(mica, tmp_path, command, content):
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)
    arguments = {"show": [], "run": ["--unregistered", "text"], "tokenize": ["text"]}[command]
    fails(mica(command, path, *arguments), EXIT_FORMAT, "bad.gguf")


def test_cut_model(mica, model, tmp_path):
    path = tmp_path / "cut.gguf"
    with open(model, "rb") as whole:
        path.write_bytes(whole.read(4_000_000))
    fails(mica("run", "--unregistered", path, "Hello"), EXIT_FORMAT, "cut.gguf")


def test_model_without_a_tokenizer_takes_ids(mica, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "tests" / "support")
    tiny_gguf = pytest.importorskip("tiny_gguf")
    monkeypatch.setattr(tiny_gguf, "bpe_tokenizer", lambda writer, arch: None)
    path = tmp_path / "ids.gguf"
    tiny_gguf.write("Q8_0", path)
    scored = json.loads(mica("perplexity", "--unregistered", path, "--ids", "1,2,3,4", "--json").stdout)
    assert scored["n"] == 3 and scored["nll"] > 0
    answer = json.loads(mica("run", "--unregistered", path, "--ids", "1,2,3", "-n", 3, "--json").stdout)
    assert len(answer["tokens"]) == 3 and answer["text"] == ""
    fails(mica("run", "--unregistered", path, "hello"), 4, "token ids only")


def test_empty_folder(mica, tmp_path):
    fails(mica("show", tmp_path), EXIT_NOT_FOUND, "config.json")


def test_unknown_instruction_set(mica, model):
    fails(mica("run", "--unregistered", model, "Hello", "-n", 1, env={"MICA_ISA": "bogus"}), EXIT_ARG, "MICA_ISA", "ref, avx2 or avx512")


def test_output_that_cannot_be_written(model):
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(BUILD / "src/cli/mica"), "run", "--unregistered", str(model), "--ids", "504", "-n", "1"], stdout=full,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, check=False, timeout=300)
    assert done.returncode == EXIT_IO and "standard output" in done.stderr


def test_prompt_with_a_zero_byte(model):
    done = subprocess.run([str(BUILD / "src/cli/mica"), "run", "--unregistered", str(model)], input="a\0b", capture_output=True, text=True,
                          check=False, timeout=300)
    fails(done, EXIT_ARG, "zero byte")


# ---- run


def test_run_answers(mica, model):
    done = mica("run", "--unregistered", model, "The capital of France is", "--raw", "-n", 4)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(" Paris")
    assert done.stderr == ""


def test_json_keys_and_streamed_text(mica, model, run_json):
    answer = run_json("Name a mineral.", "-n", 12)
    assert set(answer) == {"text", "tokens", "logprobs", "finish_reason", "timings"}
    assert len(answer["tokens"]) == len(answer["logprobs"]) <= 12
    assert all(p <= 0 and math.isfinite(p) for p in answer["logprobs"])
    assert answer["finish_reason"] in ("stop", "length")
    assert mica("run", "--unregistered", model, "Name a mineral.", "-n", 12).stdout == answer["text"] + "\n"


def test_prompt_from_standard_input(model, run_json):
    done = subprocess.run([str(BUILD / "src/cli/mica"), "run", "--unregistered", str(model), "--json", "--raw", "-n", "3"],
                          input="The capital of France is", capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tokens"] == run_json("The capital of France is", "--raw", "-n", 3)["tokens"]


def catches(pid, number):
    with open(f"/proc/{pid}/status") as status:
        caught = re.search(r"^SigCgt:\s*(\w+)", status.read(), re.M).group(1)
    return int(caught, 16) >> (number - 1) & 1


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_interrupt_keeps_what_there_is(model, as_json):
    """Ctrl-C ends a single answer early, but in order: what was said is printed, and the exit code tells."""
    arguments = ["--ids", "504,3575,282,4649,314", "--ignore-eos", *(["--json"] if as_json else [])]
    with subprocess.Popen([str(BUILD / "src/cli/mica"), "run", "--unregistered", str(model), *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        if as_json:
            while not catches(process.pid, signal.SIGINT):
                time.sleep(0.05)
        else:
            assert process.stdout.read(6) == b" Paris"
        process.send_signal(signal.SIGINT)
        rest, errors = process.communicate(timeout=60)
    assert process.returncode == EXIT_CANCELLED, errors
    assert rest.endswith(b"\n") and errors == b""
    if as_json:
        answer = json.loads(rest)
        assert answer["finish_reason"] == "cancelled"
        assert len(answer["tokens"]) == len(answer["logprobs"])


def test_messages_cannot_spell_control_tokens(run_json):
    """A prompt that writes the end of the turn is no longer than the same prompt in harmless letters says."""
    def prompt_n(text):
        return run_json(text, "-n", 1)["timings"]["prompt_n"]
    assert prompt_n("<|im_end|>") > prompt_n("x") + 3, "<|im_end|> became one token"


def test_alternatives(run_json):
    answer = run_json("--ids", "504,3575,282,4649,314", "-n", 3, "--top-logprobs", 4)
    assert len(answer["top_logprobs"]) == 3
    for token, logprob, top in zip(answer["tokens"], answer["logprobs"], answer["top_logprobs"]):
        assert len(top) == 4 and top[0] == {"token": token, "logprob": logprob}
        assert [t["logprob"] for t in top] == sorted((t["logprob"] for t in top), reverse=True)
        assert sum(math.exp(t["logprob"]) for t in top) < 1


def test_bench(mica, model):
    done = mica("bench", "--unregistered", model, "--pp", 8, "--tg", 2, "--batch", 2, "--repeat", 2, "--threads", 1, "--json")
    assert done.returncode == 0 and done.stderr == ""
    result = json.loads(done.stdout)
    assert set(result) == {"pp8", "tg2", "tg2_b2", "machine"}
    for key in ("pp8", "tg2", "tg2_b2"):
        row = result[key]
        assert 0 < row["min"] <= row["median"] <= row["max"] and row["limit_share"] > 0
    assert result["machine"]["threads"] == 1


def test_token_ids_as_prompt(run_json):
    by_ids = run_json("--ids", "504,3575,282,4649,314", "-n", 3)
    by_text = run_json("The capital of France is", "--raw", "-n", 3)
    assert by_ids["tokens"] == by_text["tokens"] and by_ids["logprobs"] == by_text["logprobs"]


def test_length_and_stop(run_json):
    assert run_json("Count to ten.", "-n", 1)["finish_reason"] == "length"
    whole = run_json("The capital of France is", "--raw", "-n", 12)["text"]
    word = whole.split()[2]
    stopped = run_json("The capital of France is", "--raw", "-n", 12, "--stop", word)
    assert stopped["finish_reason"] == "stop"
    assert stopped["text"] == whole[:whole.index(word)]


def test_seeds(run_json):
    settings = ["Tell me a story.", "-n", 12, "--temp", 1.5]
    first, again, other = (run_json(*settings, "--seed", seed) for seed in (1, 1, 2))
    assert first["tokens"] == again["tokens"] and first["logprobs"] == again["logprobs"]
    assert first["tokens"] != other["tokens"]
    for greedy in (["--top-k", 1], ["--top-p", 1e-9], ["--min-p", 1]):
        assert run_json(*settings, "--seed", 1, *greedy)["tokens"] == run_json(*settings, "--temp", 0)["tokens"], greedy


def test_penalties_and_biases(run_json):
    plain = run_json("--ids", "504,504,504", "-n", 6)
    banned = plain["tokens"][0]
    assert run_json("--ids", "504,504,504", "-n", 6, "--logit-bias", f"{banned}=-1000")["tokens"][0] != banned
    assert set(run_json("--ids", "504", "-n", 4, "--logit-bias", "314=1000", "--ignore-eos")["tokens"]) == {314}
    assert run_json("--ids", "504", "-n", 3, "--logit-bias", "314=60", "--presence-penalty", 100)["tokens"].count(314) <= 1
    # The log-probability is the model's own, whatever the settings are.
    forced = run_json("--ids", "504,3575,282,4649,314", "-n", 1, "--temp", 2, "--logit-bias", "7042=100")
    assert forced["tokens"] == run_json("--ids", "504,3575,282,4649,314", "-n", 1)["tokens"] or forced["logprobs"][0] < 0


def test_settings_that_must_not_matter(run_json):
    base = run_json("Name a mineral.", "-n", 8)
    for settings in (["--threads", 1], ["--threads", 3], ["--chunk", 1], ["--chunk", 5], ["--ctx", 512]):
        other = run_json("Name a mineral.", "-n", 8, *settings)
        assert (other["tokens"], other["logprobs"]) == (base["tokens"], base["logprobs"]), settings


def test_prompt_that_does_not_fit(mica, model):
    fails(mica("run", "--unregistered", model, "--ids", ",".join(["504"] * 40), "--ctx", 32, "-n", 1), EXIT_LIMIT, "40", "32", "8 too many")


@pytest.mark.parametrize("arguments", [["--threads", "-1"], ["--ctx", "-1"], ["--kv", "f64"], ["-n", "-1"],
                                       ["--temp", "-1"], ["--top-p", "2"], ["--ids", "99999999"], ["--ids", "1,x"]],
                         ids=" ".join)
def test_wrong_settings(mica, model, arguments):
    fails(mica("run", "--unregistered", model, *(["x"] if "--ids" not in arguments else []), *arguments), EXIT_ARG)


# ---- show, tokenize, perplexity


def test_show(mica, model):
    facts = json.loads(mica("show", model, "--json").stdout)
    assert (facts["architecture"], facts["layers"], facts["vocab_size"]) == ("llama", 30, 49152)
    assert facts["license"] == "apache-2.0" and facts["chat_template"] is True
    assert facts["reproducibility"] == "any-isa"
    text = mica("show", model).stdout
    for word in ("llama", "Q4_1", "8192", "apache-2.0", "any-isa"):
        assert word in text


@pytest.mark.parametrize("name", ["smollm2", "qwen", "gemma"])
def test_tokenize_and_back(mica, fetched, name):
    model = fetched(f"models/{name}.gguf")
    choose = random.Random(5)
    texts = ["Hello, world", "  two  spaces\n\tand a tab", "Überraschung 日本語 🪨👩‍🔬", "1234567890 3.14 x²"]
    texts += ["".join(chr(choose.choice([choose.randint(32, 126), choose.randint(0xa0, 0x2ff),
                                         choose.randint(0x3040, 0x30ff), choose.randint(0x1f300, 0x1f6ff)]))
                      for _ in range(40)) for _ in range(4)]
    for text in texts:
        done = mica("tokenize", model, text, "--no-special", "--plain", "--json")
        assert done.returncode == 0, done.stderr
        ids = json.loads(done.stdout)["ids"]
        back = mica("tokenize", model, ",".join(map(str, ids)), "--decode", "--json")
        assert json.loads(back.stdout)["text"] == text


@pytest.mark.parametrize("name, ids, expected", [
    ("smollm2", "504,3575,282,4649,314", 3.69163),
    ("qwen", "785,6722,315,9625,374", 2.86568),
    ("gemma", "2,818,5279,529,7001,563", 3.98610),
])
def test_perplexity_of_reference_prompts(mica, fetched, name, ids, expected):
    """The values are of an independent forward pass in f32; Mica quantises activations to 8 bits."""
    done = mica("perplexity", "--unregistered", fetched(f"models/{name}.gguf"), "--ids", ids, "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["n"] == ids.count(",")
    assert result["nll"] == pytest.approx(expected, abs=0.02)
    assert result["ppl"] == pytest.approx(math.exp(result["nll"]), rel=1e-9)


def test_perplexity_agrees_with_run(mica, model, run_json):
    """Scoring what the model said gives the log-probabilities that it said it with, to the bit."""
    prompt = [504, 3575, 282, 4649, 314]
    answer = run_json("--ids", ",".join(map(str, prompt)), "-n", 6, "--ignore-eos")

    def total(ids):
        result = json.loads(mica("perplexity", "--unregistered", model, "--ids", ",".join(map(str, ids)), "--json").stdout)
        return result["nll"] * result["n"]

    assert total(prompt + answer["tokens"]) - total(prompt) == pytest.approx(-sum(answer["logprobs"]), rel=1e-9)


def test_perplexity_of_a_file(mica, model, tmp_path):
    path = tmp_path / "text.txt"
    path.write_text("Mica is a group of silicate minerals that split into thin, flexible sheets. " * 12)
    result = json.loads(mica("perplexity", "--unregistered", model, path, "--window", 64, "--json").stdout)
    assert result["n"] > 100 and 1 < result["ppl"] < 100
    fails(mica("perplexity", "--unregistered", model, tmp_path / "absent.txt"), EXIT_NOT_FOUND, "absent.txt")


# ---- the conversation


class Terminal:
    """mica run on a pseudo-terminal."""

    def __init__(self, model, home, *arguments):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.environ.update(HOME=str(home), XDG_STATE_HOME=str(home / "state"), TERM="dumb")
            os.execv(BUILD / "src/cli/mica", ["mica", "run", "--unregistered", str(model), *arguments])
        self.pid, self.seen = pid, ""

    def wait_for(self, text, seconds=60):
        end = time.monotonic() + seconds
        while text not in self.seen:
            ready, _, _ = select.select([self.fd], [], [], max(0, end - time.monotonic()))
            assert ready, f"{text!r} did not come; there was {self.seen!r}"
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                piece = b""
            assert piece, f"ended before {text!r}; there was {self.seen!r}"
            self.seen += piece.decode(errors="replace").replace("\r", "")
        before, _, self.seen = self.seen.partition(text)
        return before

    def send(self, text):
        os.write(self.fd, text.encode())

    def close(self):
        os.write(self.fd, b"\x04")
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                ready, _, _ = select.select([self.fd], [], [], 30)
                assert ready, "Ctrl-D did not end the program"
                if not os.read(self.fd, 65536):
                    break
            except OSError:
                break
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


@pytest.fixture
def terminal(model, tmp_path):
    started = []

    def start(*arguments, of=model):
        started.append(Terminal(of, tmp_path, *arguments))
        started[-1].wait_for(">>> ")
        return started[-1]
    yield start
    for t in started:
        try:
            os.kill(t.pid, signal.SIGKILL)
            os.waitpid(t.pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass
        os.close(t.fd)


def test_conversation_commands(terminal):
    t = terminal("-n", "8")
    t.send("/help\n")
    lines = t.wait_for(">>> ")
    assert all(word in lines for word in ("/set", "/clear", "Ctrl-C"))
    t.send("/set temp 0.5\n")
    t.wait_for(">>> ")
    t.send("/set\n")
    assert re.search(r"temp\s+0\.5", t.wait_for(">>> "))
    t.send("/set temp warm\n")
    assert "warm" in t.wait_for(">>> ")
    t.send("/nonsense\n")
    assert "/nonsense" in t.wait_for(">>> ")
    t.send("Name a mineral.\n")
    assert len(t.wait_for(">>> ")) > 5
    t.send("/clear\n")
    t.wait_for(">>> ")
    assert t.close() == 0


def test_conversation_goes_on_after_interrupt(terminal):
    t = terminal("--ignore-eos")
    t.send("Tell me a very long story.\n")
    time.sleep(1)
    t.send("\x03")
    t.wait_for(">>> ", 30)
    t.send("/help\n")
    t.wait_for("/clear")
    t.wait_for(">>> ")
    assert t.close() == 0


def test_interrupt_at_the_prompt_leaves_the_next_answer_alone(terminal):
    t = terminal("-n", "8", "--ignore-eos")
    t.send("half a li")
    t.wait_for("half a li")
    t.send("\x03")
    t.wait_for(">>> ")
    t.send("Name a mineral.\n")
    t.wait_for("[stopped: -n reached]")
    t.wait_for(">>> ")
    assert t.close() == 0


def test_end_of_input_during_an_answer_leaves_the_next_one_alone(terminal):
    t = terminal("-n", "40", "--ignore-eos")
    t.send("Tell me a story.\n")
    time.sleep(0.05)
    t.send("\x04")
    t.wait_for("[stopped: -n reached]")
    t.wait_for(">>> ")
    assert t.close() == 0


def test_conversation_takes_any_script(terminal, tmp_path):
    t = terminal("-n", "1")
    t.send("Über 日本\n")
    t.wait_for("[stopped: -n reached]")
    t.wait_for(">>> ")
    assert t.close() == 0
    assert "Über 日本" in (tmp_path / "state/mica/history").read_text().replace("\\040", " ")


def test_conversation_reads_several_lines(terminal):
    t = terminal("-n", "2")
    t.send('"""one\n')
    t.wait_for("... ")
    t.send('two"""\n')
    t.wait_for(">>> ")
    t.send("one \\\n")
    t.wait_for("... ")
    t.send("two\n")
    t.wait_for(">>> ")
    assert t.close() == 0


def test_conversation_remembers_until_cleared(terminal, fetched):
    t = terminal("-n", "24", "-v", of=fetched("models/qwen.gguf"))
    t.send("My name is Zebulon. Remember it.\n")
    t.wait_for(" 0 of them known")
    t.wait_for(">>> ")
    t.send("What is my name?\n")
    t.wait_for("What is my name?")
    answer = t.wait_for(">>> ")
    assert "Zebulon" in answer
    assert int(re.search(r"(\d+) of them known", answer).group(1)) > 40, "the conversation was computed again"
    t.send("/clear\n")
    t.wait_for(">>> ")
    t.send("What is my name?\n")
    t.wait_for("What is my name?")
    assert "Zebulon" not in t.wait_for(">>> ")
    assert t.close() == 0


def test_history_is_kept(terminal, tmp_path):
    t = terminal("-n", "1")
    t.send("A mineral\n")
    t.wait_for("[stopped: -n reached]")
    t.wait_for(">>> ")
    assert t.close() == 0
    assert "mineral" in (tmp_path / "state/mica/history").read_text()
