from __future__ import annotations

import pytest

from llmcfg.pipeline.templates.render import Budget, RenderRequest, render_batch

from .target import CONTEXT

SMALL = Budget(cpu_seconds=0.3, memory=128 << 20)


@pytest.fixture
def render():
    """Render one template text in a small budget; further templates by path."""

    def render(text: str | bytes, format: str = "text", *, others=None, context=CONTEXT, budget=SMALL):
        data = text if isinstance(text, bytes) else text.encode()
        templates = {"templates/main.j2": data, **{name: other.encode() for name, other in (others or {}).items()}}
        (answer,) = render_batch([RenderRequest("templates/main.j2", format, context)], templates, budget=budget)
        return answer

    return render


@pytest.fixture
def problem(render):
    """The one problem of a rendering that must be refused."""

    def problem(*arguments, **named):
        answer = render(*arguments, **named)
        assert answer.text is None
        (only,) = answer.problems
        return only

    return problem
