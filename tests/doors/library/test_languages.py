"""Behaviour of the language identifier, which needs the extra `lang`."""

import pytest

from seatrial.app.languages import Languages

pytest.importorskip("py3langid", reason="the extra lang is not installed")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Beth yw'r tywydd yng Nghaerdydd heddiw?", "cy"),
        ("Where does my card stay for so long?", "en"),
        ("Wo bleibt denn meine Karte so lange?", "de"),
    ],
)
def test_language_is_named_with_its_certainty(text: str, code: str) -> None:
    """Welsh, English and others."""
    found, sure = Languages()(text)

    assert found == code
    assert 0.5 < sure <= 1.0


def test_model_is_loaded_once_and_only_when_needed() -> None:
    """Making one costs nothing; a second question uses the same model."""
    identify = Languages()
    assert identify._model is None

    identify.load()
    model = identify._model
    identify("Bore da")

    assert identify._model is model is not None
