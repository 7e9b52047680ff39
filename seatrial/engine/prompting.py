"""The feature's prompt, placed before the caller's messages."""

from __future__ import annotations

from seatrial.engine.trail import Trail
from seatrial.improvement import prompts
from seatrial.values.attempts import ErrorBody
from seatrial.values.decisions import Refused
from seatrial.values.requests import CHAT


def put_prompt(trail: Trail) -> Refused | None:
    """Place the feature's prompt before the caller's messages; name what is missing."""
    request, plan = trail.request, trail.plan
    if not plan.prompt_version.startswith(request.prompt_version):
        return Refused(
            "prompt_not_live",
            f"The prompt of {request.feature!r} that is live has the version "
            f"{plan.prompt_version or 'of nothing: it has no prompt'}. The release decides it: "
            "leave the version out, or roll out the one you want.",
        )
    if plan.prompt is None or request.kind != CHAT:
        return None
    rendered = prompts.render(plan.prompt, request.variables)
    if isinstance(rendered, tuple):
        names = ", ".join(rendered)
        message = (
            f"The prompt of {request.feature!r} needs a value for: {names}. Give it in metadata."
        )
        error = ErrorBody(message, "invalid_request_error", "metadata", "missing_variable")
        return Refused("missing_variable", message, status=400, error=error)
    system = {"role": "system", "content": rendered}
    trail.body = {**request.body, "messages": [system, *request.messages]}
    return None
