"""OpenAI's Python client: chat, Responses, embeddings."""

from typing import Any

import openai
from cases import PARAMETERS, QUESTION, URL, check_text, run
from pydantic import BaseModel

client = openai.OpenAI(base_url=URL, api_key="unused", max_retries=0)
ASK: Any = [{"role": "user", "content": QUESTION}]
FUNCTION = {"name": "sound", "description": "Sounds.", "parameters": PARAMETERS, "strict": True}
TOOLS: Any = [{"type": "function", "function": FUNCTION}]
FLAT: Any = [{"type": "function", **FUNCTION}]


class Reply(BaseModel):
    answer: str


def chat(model: str) -> None:
    made = client.chat.completions.create(model=model, messages=ASK)
    check_text(made.choices[0].message.content)
    assert made.usage
    assert made.usage.total_tokens > 0


def chat_stream(model: str) -> None:
    with client.chat.completions.stream(
        model=model, messages=ASK, stream_options={"include_usage": True}
    ) as stream:
        made = stream.get_final_completion()
    check_text(made.choices[0].message.content)
    assert made.usage


def chat_tools(model: str) -> None:
    made = client.chat.completions.create(model=model, messages=ASK, tools=TOOLS)
    (call,) = made.choices[0].message.tool_calls or ()
    said: Any = made.choices[0].message.model_dump(exclude_none=True)
    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "4 m"}
    last = client.chat.completions.create(model=model, messages=[*ASK, said, result], tools=TOOLS)
    check_text(last.choices[0].message.content)


def chat_structured(model: str) -> None:
    made = client.chat.completions.parse(model=model, messages=ASK, response_format=Reply)
    assert made.choices[0].message.parsed
    check_text(made.choices[0].message.parsed.answer)


def responses(model: str) -> None:
    made = client.responses.create(model=model, input=QUESTION, instructions="Be brief.")
    check_text(made.output_text)
    assert made.status == "completed"
    assert made.usage
    assert made.usage.output_tokens > 0


def responses_stream(model: str) -> None:
    with client.responses.stream(model=model, input=QUESTION) as stream:
        kinds = [event.type for event in stream]
        made = stream.get_final_response()
    check_text(made.output_text)
    assert kinds[0] == "response.created"
    assert kinds[-1] == "response.completed"


def responses_tools(model: str) -> None:
    made = client.responses.create(model=model, input=QUESTION, tools=FLAT)
    (call,) = made.output
    assert call.type == "function_call"
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "4 m"}
    said: Any = [{"role": "user", "content": QUESTION}, call.model_dump(), result]
    check_text(client.responses.create(model=model, input=said, tools=FLAT).output_text)


def responses_tools_stream(model: str) -> None:
    with client.responses.stream(model=model, input=QUESTION, tools=FLAT) as stream:
        made = stream.get_final_response()
    (call,) = made.output
    assert call.type == "function_call"
    assert call.arguments.startswith('{"answer"')


def responses_structured(model: str) -> None:
    made = client.responses.parse(model=model, input=QUESTION, text_format=Reply)
    assert made.output_parsed
    check_text(made.output_parsed.answer)


def embeddings(model: str) -> None:
    if model != "openai":
        return
    made = client.embeddings.create(model="vectors", input=["a", "b"])
    plain = client.embeddings.create(model="vectors", input="a", encoding_format="float")
    assert len(made.data) == 2
    assert made.data[0].embedding == plain.data[0].embedding


def cut_streams(model: str) -> None:
    """What breaks off after its first words is never taken for a whole answer."""
    if model != "openai":
        return
    try:
        list(client.chat.completions.create(model="broken", messages=ASK, stream=True))
    except openai.APIError as error:
        assert error.code == "stream_cut", error
    else:
        raise AssertionError("nothing was said of the cut")
    events = list(client.responses.create(model="broken", input=QUESTION, stream=True))
    assert [event.type for event in events[-2:]] == ["error", "response.failed"]


def errors(model: str) -> None:
    for ask in (
        lambda: client.chat.completions.create(model="nobody", messages=ASK),
        lambda: client.responses.create(model="nobody", input=QUESTION),
        lambda: client.embeddings.create(model="nobody", input="a"),
    ):
        try:
            ask()
        except openai.NotFoundError as error:
            assert error.code == "model_not_found"
            assert error.request_id
        else:
            raise AssertionError("nobody answered")


run(
    chat,
    chat_stream,
    chat_tools,
    chat_structured,
    responses,
    responses_stream,
    responses_tools,
    responses_tools_stream,
    responses_structured,
    embeddings,
    cut_streams,
    errors,
)
