"""Prompt files: their variables, their versions, and what a caller's value can do: nothing."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial.improvement.prompts import Flaw, Prompt, parse, render, version_of

# What opens doors in other template languages, formats and shells.
PAYLOADS = [
    "{{name}}",
    "{{ name }}",
    "{{{{name}}}}",
    "{{other}}",
    "}}{{other}}{{",
    "{{7*7}}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "{% for x in ().__class__.__base__.__subclasses__() %}{{x}}{% endfor %}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self.__init__.__globals__['os'].popen('id').read() }}",
    "{{config.items()}}",
    "{{request|attr('application')}}",
    "{0.__class__}",
    "{name.__init__.__globals__}",
    "%(name)s",
    "%s%n",
    "$name",
    "${name}",
    "`id`",
    "$(id)",
    "\\1\\g<0>\\g<name>",
    "\\n\\x00\\u0000",
    "{{#each this}}{{constructor}}{{/each}}",
    "{{{raw}}}",
    "{{> partial}}",
    "[[${T(java.lang.Runtime).getRuntime().exec('id')}]]",
    "#set($x='')$x.class",
    "<#assign x='freemarker.template.utility.Execute'?new()>",
    "*{T(java.lang.System)}",
    "@(1+1)",
    "---\nname: other\n---\n",
    "<script>alert(1)</script>",
    "'; DROP TABLE records; --",
    "\x00\ud7ff\u202e",
    "<|im_start|>system",
    "{{",
    "}}",
    "",
]


def prompt_of(text: str) -> Prompt:
    """Parse what must be good."""
    parsed = parse(text)
    assert isinstance(parsed, Prompt), parsed
    return parsed


def flaws_of(text: str) -> list[str]:
    """Parse what must be bad, and return the lines and sentences."""
    parsed = parse(text)
    assert isinstance(parsed, tuple), parsed
    return [f"{flaw.line}: {flaw.message}" for flaw in parsed]


def test_text_alone_is_a_prompt() -> None:
    """A file needs no head and no variables."""
    assert Prompt("Be brief.", version_of("Be brief.\n")) == prompt_of("Be brief.\n")


def test_variables_are_found_in_order_once() -> None:
    """Spaces inside the braces are allowed; a name counts once."""
    assert ("b", "a_1") == prompt_of("{{b}} {{ a_1 }} {{\tb\t}}").variables


def test_head_describes() -> None:
    """The head is no part of the template, and its values may be quoted."""
    head = '---\nname: support\n\n# a note\ndescription: "Billing: help"\nvariables: [a, b]\n---\n'
    text = f"{head}\n{{{{a}}}}{{{{b}}}}"

    prompt = prompt_of(text)

    assert "{{a}}{{b}}" == prompt.template
    assert ("support", "Billing: help") == (prompt.name, prompt.description)
    assert version_of(text) == prompt.version


def test_line_ends_do_not_change_the_version() -> None:
    """A checkout on Windows has the same versions."""
    assert prompt_of("a\nb").version == prompt_of("a\r\nb").version == prompt_of("a\rb").version
    assert prompt_of("a\nb").version != prompt_of("a\nc").version
    assert version_of("a\nb") == version_of("a\r\nb")
    assert 16 == len(version_of(""))


@pytest.mark.parametrize(
    "text",
    ['{"a": {"b": 1}}', "{{}}", "{ {a} }", "{{1}}", "}}{", "{{ }}", 'Say {{"json": true}}', "{a}"],
)
def test_stray_braces_are_text(text: str) -> None:
    """What is not meant as a variable stays as it is."""
    assert () == prompt_of(text).variables
    assert text == render(text, {})


def test_braces_around_a_variable_stay() -> None:
    """Three braces are a brace and a variable."""
    assert "{x}" == render("{{{a}}}", {"a": "x"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{name", "1: '{{name' is never closed."),
        ("a\n\n{{name\n}}", "3: '{{name' is never closed."),
        ("{{name} }", "1: '{{name} }' is never closed."),
        ("{{order.total}}", "1: '{{order.total}}' is no variable."),
        ("{{name | upper}}", "1: '{{name | upper}}' is no variable."),
        ("{{größe}}", "1: '{{größe}}' is no variable."),
        ("{{été", "1: '{{été' is never closed."),
        ("{{über", "1: '{{über' is never closed."),
        ("{{two words}}", "1: '{{two words}}' is no variable."),
        ("{{#if a}}", "1: '{{#' would be a command, and prompts have none."),
        ("{{> other}}", "1: '{{>' would be a command, and prompts have none."),
        ("", "1: There is no text in it."),
        ("\n \n", "3: There is no text in it."),
        ("---\nname: a\n", "1: The head that starts with --- never ends."),
        ("---\nnam: a\n---\nx", "2: A head has no key 'nam'."),
        ("---\nmodel: a\n---\nx", "2: A head has no key 'model'."),
        ("---\nname: a\nname: b\n---\nx", "3: name stands twice in the head."),
        ("---\nnonsense\n---\nx", "2: This line of the head is not understood."),
        ("---\nname: a\n  deeper: b\n---\nx", "3: This line of the head is not understood."),
        ("---\nvariables: a\n---\nx", "2: The head lists 'a', and the text never uses it."),
        ("---\nvariables: \n---\n{{a}}", "2: The text uses 'a', which the head leaves out."),
        ("---\nname: x\n---\n\n\nDear\n{{a", "7: '{{a' is never closed."),
    ],
)
def test_mistake_is_named_with_its_line(text: str, said: str) -> None:
    """Each mistake is found when the file is loaded."""
    assert [said] == flaws_of(text)


def test_all_mistakes_come_at_once_in_order() -> None:
    """Head and text are looked at in one go."""
    text = "---\nvariabels: a\nvariables: customer\n---\n{{custmer}} {{x.y}}\n{{/if}}"

    assert [2, 3, 3, 5, 6] == [int(flaw.partition(":")[0]) for flaw in flaws_of(text)]


def test_a_file_wrong_all_over_is_not_told_in_full() -> None:
    """After twenty flaws the rest is only mentioned."""
    said = flaws_of("{{a\n" * 1_000)

    assert 21 == len(said)
    assert "21: There are more flaws from here on." == said[-1]


def test_nearest_names_are_offered() -> None:
    """A misspelt name in head or text is met with the one that was meant."""
    text = "---\nnam: a\nvariables: customer\n---\n{{custmer}}"
    parsed = parse(text)

    assert isinstance(parsed, tuple)
    assert ["Did you mean name?", "Take it out.", "Did you mean 'customer'?"] == [
        flaw.hint for flaw in parsed
    ]
    assert Flaw(1, "a").hint == ""


def test_missing_variables_are_named_once() -> None:
    """Every name without a value is returned, in order."""
    assert ("b", "c") == render("{{a}}{{b}}{{c}}{{b}}", {"a": "x"})


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payload_stays_text(payload: str) -> None:
    """A hostile value comes out as it went in, and is never looked at again."""
    values = {"name": payload, "other": "LEAKED"}

    assert f"<{payload}|{payload}>" == render("<{{name}}|{{ name }}>", values)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_payload_as_a_name_is_no_variable(payload: str) -> None:
    """A hostile name finds nothing, and values that are not asked for are not used."""
    assert "Hello x" == render("Hello {{name}}", {"name": "x", payload: "LEAKED"} | {"name": "x"})


@given(st.lists(st.tuples(st.text(), st.sampled_from("abc"))), st.text(), st.data())
def test_rendering_is_literal_substitution(
    parts: list[tuple[str, str]], end: str, data: st.DataObject
) -> None:
    """What comes out is the text and the values, joined, whatever they hold."""
    texts = [text.replace("{", "(") for text, _ in parts]
    hostile = st.one_of(st.text(), st.sampled_from(PAYLOADS))
    values = {name: data.draw(hostile) for name in "abc"}
    template = "".join(f"{t}{{{{{n}}}}}" for t, (_, n) in zip(texts, parts, strict=True))
    tail = end.replace("{", "(")

    expected = "".join(t + values[n] for t, (_, n) in zip(texts, parts, strict=True)) + tail

    assert expected == render(template + tail, values)


@given(st.text(alphabet="{}ab \n-:#."))
def test_any_text_is_a_prompt_or_explained(text: str) -> None:
    """No file makes parsing fail in another way, and a good prompt renders."""
    parsed = parse(text)
    if isinstance(parsed, Prompt):
        assert isinstance(render(parsed.template, dict.fromkeys(parsed.variables, "x")), str)
    else:
        assert all(1 <= flaw.line <= text.count("\n") + 1 for flaw in parsed)


@pytest.mark.parametrize("unit", ["{", "{{", "{{ ", "{{a", "}}", "{{a}}", " " * 9, "{{" + " " * 9])
def test_reading_takes_linear_time(unit: str) -> None:
    """Ten times the text takes about ten times as long, whatever it holds."""

    def seconds(times: int) -> float:
        text = unit * times
        started = time.process_time()
        parse(text)
        render(text, {"a": "x"})
        return time.process_time() - started

    assert seconds(40_000) < 40 * max(seconds(4_000), 0.005)
