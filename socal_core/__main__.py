"""Run the command line: `python -m socal_core` is the same as `socal`."""

import sys

from socal_core.cli import main

sys.exit(main())
