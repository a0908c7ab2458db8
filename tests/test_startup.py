import subprocess
import sys


def test_modules_are_loaded_in_the_background_and_missing_ones_passed_over() -> None:
    code = """
import sys
from socal_core.startup import load_in_background
assert "colorsys" not in sys.modules
load_in_background(["no_such_module", "colorsys"]).join()
assert "colorsys" in sys.modules
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert "no_such_module" in ended.stderr
