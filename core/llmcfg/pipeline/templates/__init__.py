"""Rendering Jinja2 templates of the configuration repository in a worker process with limits (docs/spec/templates.md).

`render` is the door; it alone is imported from outside. Everything that imports jinja2 is imported when there is something to render.
"""
