"""Tells languages apart with py3langid (extra `lang`); nobody else knows that library."""

from __future__ import annotations

import threading
from typing import Any

# Measured at the first use: numpy and the model together, on top of the process.
MEMORY_MIB = 100


class Languages:
    """Names the language of a text.  The model is loaded at the first question.

    Welsh is one of the languages that it knows.  Loading takes about a second and
    `MEMORY_MIB`; `load` does it ahead of the first request.
    """

    def __init__(self) -> None:
        self._model: Any = None
        self._lock = threading.Lock()

    def load(self) -> None:
        """Load the model, once.

        Raises:
            ImportError: the extra `lang` is not installed.
        """
        with self._lock:
            if self._model is None:
                from py3langid.langid import MODEL_FILE, LanguageIdentifier

                self._model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def __call__(self, text: str) -> tuple[str, float]:
        """Return the ISO 639-1 code of the likeliest language, and its share of belief.

        Args:
            text: without code, addresses and numbers; some words at least.
        """
        if self._model is None:
            self.load()
        code, sure = self._model.classify(text)
        return str(code), float(sure)
