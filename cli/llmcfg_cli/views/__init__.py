"""Views: pure functions from values to text. Data from the outside is shown through `text.visible`."""
