"""The `llm` tool, by its library, with the gateway as one of its own models."""

import os
import tempfile
from pathlib import Path

from cases import MODELS, PARAMETERS, QUESTION, URL, check_text, run

FOLDER = Path(tempfile.mkdtemp(prefix="seatrial-llm-"))
os.environ["LLM_USER_PATH"] = str(FOLDER)
(FOLDER / "extra-openai-models.yaml").write_text(
    "".join(
        f"- model_id: {model}\n  model_name: {model}\n  api_base: {URL}\n"
        "  supports_tools: true\n  supports_schema: true\n"
        for model in MODELS
    )
)

import llm  # noqa: E402 - it reads its folder when it is imported


def sound(answer: str) -> str:
    """Sound the harbour."""
    return f"4 m: {answer}"


def whole(model: str) -> None:
    check_text(llm.get_model(model).prompt(QUESTION, key="unused", stream=False).text())


def stream(model: str) -> None:
    check_text("".join(llm.get_model(model).prompt(QUESTION, key="unused")))


def tools(model: str) -> None:
    chain = llm.get_model(model).chain(QUESTION, tools=[sound], key="unused")
    check_text(chain.text().strip())


def structured(model: str) -> None:
    made = llm.get_model(model).prompt(QUESTION, schema=PARAMETERS, key="unused", stream=False)
    assert '"answer"' in made.text()


run(whole, stream, tools, structured)
