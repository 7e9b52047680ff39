"""LangChain, by its OpenAI and its Anthropic package."""

from typing import Any

from cases import QUESTION, ROOT, URL, check_text, run
from langchain_anthropic import ChatAnthropic
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel


class Reply(BaseModel):
    """A reply."""

    answer: str


@tool
def sound(answer: str) -> str:
    """Sound the harbour."""
    return answer


def doors(model: str) -> list[Any]:
    """Return the model by each door."""
    shared: dict[str, Any] = {"model": model, "max_retries": 0}
    return [
        ChatOpenAI(base_url=URL, api_key="unused", **shared),
        ChatOpenAI(base_url=URL, api_key="unused", use_responses_api=True, **shared),
        ChatAnthropic(base_url=ROOT, api_key="unused", max_tokens=400, **shared),
    ]


def invoke(model: str) -> None:
    for door in doors(model):
        check_text(door.invoke(QUESTION).text)


def stream(model: str) -> None:
    for door in doors(model):
        check_text("".join(chunk.text for chunk in door.stream(QUESTION)))


def tools(model: str) -> None:
    for door in doors(model):
        armed = door.bind_tools([sound])
        made = armed.invoke(QUESTION)
        (call,) = made.tool_calls
        check_text(call["args"]["answer"])
        result = ToolMessage("4 m", tool_call_id=call["id"])
        check_text(armed.invoke([HumanMessage(QUESTION), made, result]).text)


def structured(model: str) -> None:
    for door in doors(model):
        made = door.with_structured_output(Reply).invoke(QUESTION)
        assert isinstance(made, Reply)
        check_text(made.answer)


def embeddings(model: str) -> None:
    embedder = OpenAIEmbeddings(
        model="vectors", base_url=URL, api_key="unused", check_embedding_ctx_length=False
    )
    first, second = embedder.embed_documents(["a", "b"])
    assert first != second
    assert first == embedder.embed_query("a")


run(invoke, stream, tools, structured, embeddings)
