"""Settings that a command is given say how it records, as they do for the daemon."""

from __future__ import annotations

from .test_kills import Clone


def test_a_command_that_is_given_settings_with_a_record_begins_it(tmp_path):
    clone = Clone(tmp_path)
    settings = tmp_path / "settings.yaml"
    settings.write_text("apiVersion: llmcfg.dev/v1\nkind: Sync\naudit: {keep_days: 30}\n")
    applied = clone.run("apply", "-e", "dev", "-y", "--settings", str(settings))
    assert applied.returncode == 0, applied.stderr
    assert clone.acts()[-2:] == [("apply", "begun"), ("apply", "done")]
    assert "keep=30 days" in clone.run("audit", "show", "--act", "audit.init").stdout
