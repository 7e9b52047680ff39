"""pydantic-ai, by each of the three doors."""

from typing import Any

from cases import QUESTION, ROOT, URL, check_text, run
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.openai import OpenAIProvider


class Reply(BaseModel):
    answer: str


def doors(model: str) -> list[Any]:
    """Return the model by each door."""
    openai = OpenAIProvider(base_url=URL, api_key="unused")
    return [
        OpenAIChatModel(model, provider=openai),
        OpenAIResponsesModel(model, provider=openai),
        AnthropicModel(model, provider=AnthropicProvider(base_url=ROOT, api_key="unused")),
    ]


def whole(model: str) -> None:
    for door in doors(model):
        check_text(Agent(door, instructions="Be brief.").run_sync(QUESTION).output)


def stream(model: str) -> None:
    for door in doors(model):
        made = Agent(door).run_stream_sync(QUESTION)
        check_text("".join(made.stream_text(delta=True)))


class Plumb:
    """A tool that remembers how it was called."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def sound(self, answer: str) -> str:
        """Sound the harbour."""
        self.heard.append(answer)
        return "4 m"


def tools(model: str) -> None:
    for door in doors(model):
        plumb = Plumb()
        check_text(Agent(door, tools=[plumb.sound]).run_sync(QUESTION).output)
        check_text(plumb.heard[0])


def structured(model: str) -> None:
    for door in doors(model):
        made = Agent(door, output_type=Reply).run_sync(QUESTION).output
        check_text(made.answer)


run(whole, stream, tools, structured)
