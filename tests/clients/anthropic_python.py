"""Anthropic's Python client."""

from typing import Any

import anthropic
from cases import PARAMETERS, QUESTION, ROOT, check_text, run
from pydantic import BaseModel

client = anthropic.Anthropic(base_url=ROOT, api_key="unused", max_retries=0)
ASK: Any = [{"role": "user", "content": QUESTION}]
TOOLS: Any = [{"name": "sound", "description": "Sounds.", "input_schema": PARAMETERS}]
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5E"
    "rkJggg=="
)


class Reply(BaseModel):
    answer: str


def said(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def messages(model: str) -> None:
    made = client.messages.create(
        model=model, max_tokens=400, system="Be brief.", messages=ASK, stop_sequences=["END"]
    )
    check_text(said(made))
    assert made.stop_reason == "end_turn"
    assert made.usage.output_tokens > 0


def messages_stream(model: str) -> None:
    with client.messages.stream(model=model, max_tokens=400, messages=ASK) as stream:
        text = "".join(stream.text_stream)
        made = stream.get_final_message()
    check_text(text)
    assert text == said(made)
    assert made.usage.input_tokens > 0


def messages_image(model: str) -> None:
    source = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    content: Any = [{"type": "image", "source": source}, {"type": "text", "text": QUESTION}]
    made = client.messages.create(
        model=model, max_tokens=400, messages=[{"role": "user", "content": content}]
    )
    check_text(said(made))


def messages_tools(model: str) -> None:
    made = client.messages.create(model=model, max_tokens=400, messages=ASK, tools=TOOLS)
    assert made.stop_reason == "tool_use"
    (call,) = made.content
    assert call.type == "tool_use"
    check_text(call.input["answer"])
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "4 m"}
    turns: Any = [
        *ASK,
        {"role": "assistant", "content": made.content},
        {"role": "user", "content": [result]},
    ]
    last = client.messages.create(model=model, max_tokens=400, messages=turns, tools=TOOLS)
    check_text(said(last))


def messages_tools_stream(model: str) -> None:
    with client.messages.stream(
        model=model, max_tokens=400, messages=ASK, tools=TOOLS, tool_choice={"type": "any"}
    ) as stream:
        made = stream.get_final_message()
    (call,) = made.content
    assert call.type == "tool_use"
    check_text(call.input["answer"])


def messages_structured(model: str) -> None:
    made = client.messages.parse(model=model, max_tokens=400, messages=ASK, output_format=Reply)
    assert made.parsed_output
    check_text(made.parsed_output.answer)


def cut_stream(model: str) -> None:
    """What breaks off after its first words is never taken for a whole answer."""
    if model != "openai":
        return
    try:
        with client.messages.stream(model="broken", max_tokens=400, messages=ASK) as stream:
            stream.get_final_message()
    except anthropic.APIError:
        pass
    else:
        raise AssertionError("nothing was said of the cut")


def errors(model: str) -> None:
    try:
        client.messages.create(model="nobody", max_tokens=4, messages=ASK)
    except anthropic.NotFoundError as error:
        assert error.body["error"]["type"] == "not_found_error"  # type: ignore[index]
    else:
        raise AssertionError("nobody answered")


run(
    messages,
    messages_stream,
    messages_image,
    messages_tools,
    messages_tools_stream,
    messages_structured,
    cut_stream,
    errors,
)
