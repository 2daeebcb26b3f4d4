# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""The alerts that are shipped: right, with a case of each, and about metrics that there are."""
import re
import subprocess

import pytest

import debian
import fleet_parts
import harness

RULES = harness.ROOT / "packaging" / "prometheus" / "fdtrace.rules.yml"
CASES = RULES.with_suffix(".test.yml")
EXPORTED = harness.ROOT / "user" / "agent" / "metrics.c"


@pytest.fixture(scope="module")
def promtool():
    try:
        return fleet_parts.promtool()
    except debian.Unavailable as why:
        pytest.skip(f"promtool: {why}")


def test_rules(promtool):
    for command in (["check", "rules", RULES], ["test", "rules", CASES.name]):
        result = subprocess.run([promtool, *command], cwd=RULES.parent, text=True,
                                capture_output=True, timeout=harness.TIMEOUT)
        assert result.returncode == 0, result.stdout + result.stderr


def test_each_alert_has_a_case():
    alerts = re.findall(r"alert: (\w+)", RULES.read_text())
    cases = CASES.read_text()
    assert alerts
    for alert in alerts:
        assert len(re.findall(rf"alertname: {alert}\n", cases)) >= 1, alert
        assert re.search(rf"alertname: {alert}\n +exp_alerts:\n", cases), f"{alert} never fires"


def test_metrics_are_exported():
    used = set(re.findall(r"\bfdtrace_\w+", " ".join(re.findall(r"expr: (.*)", RULES.read_text()))))
    exported = set(re.findall(r'"(fdtrace_\w+)"', EXPORTED.read_text()))
    assert used
    assert {name.removesuffix("_total") for name in used} <= exported
