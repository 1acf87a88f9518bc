"""JSON Schemas: compile, check, merge rules, export for editors (docs/spec/schemas.md).

`compiled` is the door. jsonschema_rs and jsonschema are imported only where one is used, because start-up is measured.
"""
